"""How the back-office pages speak of people and of what they did."""

from urllib.parse import urlencode

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from backoffice.kit.base import text_link
from referral.models import ReferralEvent

# Why an event earned nothing.
REASONS = {
    "no_referrer": gettext_lazy("no referrer"),
    "self_referral": gettext_lazy("self-referral"),
    "circular": gettext_lazy("circular referral"),
    "limit_reached": gettext_lazy("campaign limit reached"),
    "budget_exhausted": gettext_lazy("budget exhausted"),
    "role_too_low": gettext_lazy("role too low"),
    "below_min_amount": gettext_lazy("amount below the minimum"),
    "no_rule": gettext_lazy("no rule for this event"),
    "zero_amount": gettext_lazy("the reward comes to 0"),
}


# The colours of their labels; a role without one is grey.
ROLE_COLORS = {"vip": "info", "pro": "success"}


def user_page(user_id: str) -> str:
    """The address of the page about a user; an id may hold any sign, so it is a parameter."""
    return f"{reverse('admin:support_user')}?{urlencode({'id': user_id})}"


def user_link(user_id: str) -> SafeString:
    """The user's id, leading to the page about that user."""
    return text_link(user_page(user_id), user_id)


def why_nothing(event: ReferralEvent) -> str:
    """Why an event that earned nothing did so, with the limit or rule that its reason names."""
    words = str(REASONS.get(event.reason or "", event.reason))
    return f"{words} ({event.reason_detail})" if event.reason_detail else words
