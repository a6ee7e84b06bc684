"""What a search has found, in words: in the list of several hits, and above the page of a user."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.kit.base import text_link
from backoffice.people.labels import user_page
from backoffice.rewards.labels import reward_text
from referral.models import PartnerReferralRelation, ReferralEvent, ReferralLink, ReferralRelation
from rewards.models import ReferralReward
from rewards.support.user.search import Hit

KINDS = {
    "user": gettext_lazy("User"),
    "link": gettext_lazy("Link"),
    "event": gettext_lazy("Event"),
    "reward": gettext_lazy("Reward"),
    "relation": gettext_lazy("Referral"),
    "partner": gettext_lazy("Partner"),
}
# The pages of single rows.
PAGES = {
    "link": "admin:referral_referrallink_change",
    "event": "admin:referral_referralevent_change",
    "reward": "admin:rewards_referralreward_change",
    "relation": "admin:referral_referralrelation_change",
    "partner": "admin:referral_partnerreferralrelation_change",
}


@dataclass(frozen=True, slots=True)
class HitLine:
    """A hit in words; `user_page` tells about it and about its user, `own_page` about it alone."""

    kind: str
    text: str
    user_id: str
    user_page: str
    own_page: str

    @property
    def link(self) -> SafeString:
        """The hit, leading to its own page."""
        if not self.own_page:
            return format_html("{}", self.text)
        return text_link(self.own_page, self.text)


def hit_line(hit: Hit) -> HitLine:
    """What was found, and where it leads."""
    own_page = reverse(PAGES[hit.kind], args=[hit.row.pk]) if hit.kind in PAGES else ""
    return HitLine(
        kind=str(KINDS[hit.kind]),
        text=WORDS[hit.kind](hit.row),
        user_id=hit.user_id,
        user_page=user_page_with(hit) if hit.user_id else own_page,
        own_page=own_page,
    )


def user_page_with(hit: Hit) -> str:
    """The page of the hit's user, with the hit above it."""
    page = user_page(hit.user_id)
    return page if hit.kind == "user" else f"{page}&{urlencode({'found': hit.key})}"


def _user(user: Any) -> str:
    return str(user.pk)


def _link(link: ReferralLink) -> str:
    values = {"code": link.code, "campaign": link.campaign.name}
    if link.is_active:
        return _("%(code)s, campaign %(campaign)s") % values
    return _("%(code)s, campaign %(campaign)s, inactive") % values


def _event(event: ReferralEvent) -> str:
    return _("%(type)s on %(moment)s, campaign %(campaign)s") % {
        "type": event.event_type,
        "moment": date_format(localtime(event.occurred_at), "SHORT_DATETIME_FORMAT"),
        "campaign": event.campaign.name,
    }


def _reward(reward: ReferralReward) -> str:
    return f"{reward_text(reward)}, {reward.get_status_display()}"


def _relation(relation: ReferralRelation) -> str:
    return f"{relation}, {relation.campaign.name}"


def _partner(relation: PartnerReferralRelation) -> str:
    return _("%(partner)s, referred by %(user)s") % {
        "partner": relation.business_partner_id,
        "user": relation.referrer_user_id,
    }


WORDS: dict[str, Callable[[Any], str]] = {
    "user": _user,
    "link": _link,
    "event": _event,
    "reward": _reward,
    "relation": _relation,
    "partner": _partner,
}
