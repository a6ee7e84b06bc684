"""How the back-office pages speak of rewards: amounts, links, outcomes and their colours."""

from decimal import Decimal
from uuid import UUID

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy

from backoffice.kit.base import badge, text_link
from kernel.humanize.amounts import g2a_text, points_text
from rewards.models import ReferralReward, RewardStatus

STATUS_COLORS: dict[str, str] = {
    RewardStatus.LOCKED: "primary",
    RewardStatus.PENDING: "info",
    RewardStatus.SENT_TO_POINTS: "warning",
    RewardStatus.SENT_TO_TOKEN: "warning",
    RewardStatus.COMPLETED: "success",
    RewardStatus.FAILED: "danger",
}
OUTCOMES = {
    "booked": gettext_lazy("paid"),
    "accepted": gettext_lazy("accepted as a task"),
    "waiting": gettext_lazy("task in progress"),
    "not_booked": gettext_lazy("not paid, will retry"),
    "misconfigured": gettext_lazy("not paid: access denied"),
    "unknown": gettext_lazy("unconfirmed"),
    "refused": gettext_lazy("rejected"),
    "task_failed": gettext_lazy("task failed"),
    "task_lost": gettext_lazy("task not found"),
}
OUTCOME_COLORS = {
    "booked": "success",
    "accepted": "info",
    "waiting": "info",
    "unknown": "warning",
    "not_booked": "warning",
    "task_lost": "warning",
    "misconfigured": "danger",
    "refused": "danger",
    "task_failed": "danger",
}


def reward_text(reward: ReferralReward) -> str:
    """The amount with its currency."""
    if reward.currency == ReferralReward.Currency.POINTS:
        return points_text(reward.points_amount or 0)
    return g2a_text(reward.g2a_amount or Decimal(0))


def status_shown(reward: ReferralReward) -> SafeString:
    """The status in its colour, with a warning while nobody knows whether it was paid."""
    status = badge(reward.get_status_display(), STATUS_COLORS.get(reward.status))
    return (
        format_html("{} {}", status, badge(gettext("unconfirmed"), "warning")) if reward.in_doubt else status
    )


def reward_named(reward: ReferralReward) -> str:
    """The amount and whose it is."""
    return f"{reward_text(reward)} → {reward.beneficiary_user_id}"


def reward_page(reward_id: UUID) -> str:
    """The address of a reward's page."""
    return reverse("admin:rewards_referralreward_change", args=[reward_id])


def reward_link(reward: ReferralReward) -> SafeString:
    """The reward in words, leading to its page."""
    return text_link(reward_page(reward.pk), reward_named(reward))


def reward_amount_link(reward: ReferralReward) -> SafeString:
    """The amount, leading to the reward's page; whose it is the reader knows."""
    return text_link(reward_page(reward.pk), reward_text(reward))


def level_text(reward: ReferralReward) -> str:
    """Which level of the rules the reward comes from."""
    if reward.beneficiary_level is None:
        return gettext("welcome bonus")
    return gettext("level %d") % reward.beneficiary_level
