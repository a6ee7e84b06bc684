"""Unlock, retry and cancel in the back-office."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.kit.confirmed_action import ConfirmedAction
from backoffice.rewards.labels import reward_link, reward_named, reward_page
from rewards.ledger.services import reward_cancel, reward_retry, reward_unlock
from rewards.ledger.transitions import CANCELLABLE, RETRYABLE, UNLOCKABLE
from rewards.models import ReferralReward

CHANGE = "rewards.change_referralreward"


class RewardAction(ConfirmedAction[ReferralReward]):
    """What staff do to rewards: each asks for a reason, which goes into the status history."""

    permission = CHANGE
    parameter = "reward"
    headings = (gettext_lazy("Reward"), gettext_lazy("Status"))
    nothing_chosen = gettext_lazy("No rewards selected.")
    service: Callable[..., ReferralReward]
    allowed: frozenset[str]
    # Why it is impossible for a reward of any other status.
    only: Any

    def chosen(self, request: HttpRequest, ids: Sequence[str]) -> list[ReferralReward]:
        """The rewards, newest first."""
        rewards = ReferralReward.objects.select_related("campaign", "referral_event")
        return list(rewards.filter(pk__in=ids).order_by("-id"))

    def obstacle(self, row: ReferralReward) -> str | None:
        """By the reward's status."""
        return None if row.status in self.allowed else str(self.only)

    def named(self, row: ReferralReward) -> str:
        """The amount and whose it is."""
        return reward_named(row)

    def carry_out(self, row: ReferralReward, *, by: str, given: Mapping[str, Any]) -> None:
        """By the ledger's service."""
        type(self).service(reward_id=row.pk, by=by, reason=given["reason"])

    def cells(self, row: ReferralReward) -> Sequence[Any]:
        """The reward, leading to its page, and its status."""
        return reward_link(row), row.get_status_display()

    def way_back(self, request: HttpRequest, rows: Sequence[ReferralReward]) -> str:
        """To the review list for those who come from it; else to the reward, or to the list of several."""
        if request.GET.get("from") == "review":
            return reverse("admin:support_review")
        if len(rows) == 1:
            return reward_page(rows[0].pk)
        return reverse("admin:rewards_referralreward_changelist")


class Unlock(RewardAction):
    """As if the role was reached."""

    service, allowed = reward_unlock, UNLOCKABLE
    title = gettext_lazy("Unlock")
    only = gettext_lazy("Only locked rewards can be unlocked")
    effect = gettext_lazy(
        "The reward is unlocked as if the user had the required role. It is paid after its hold period."
    )
    done = gettext_lazy("Unlocked:")


class Retry(RewardAction):
    """Pay once more what has failed."""

    service, allowed = reward_retry, RETRYABLE
    title = gettext_lazy("Retry")
    only = gettext_lazy("Only failed rewards can be retried")
    effect = gettext_lazy(
        "The reward is sent again under the same ID, so it cannot be paid twice. (Only a token task that "
        "the gateway itself reports as failed gets a new ID.)"
    )
    done = gettext_lazy("Sent again:")


class Cancel(RewardAction):
    """Never pay it."""

    service, allowed, is_final = reward_cancel, CANCELLABLE, True
    title = gettext_lazy("Cancel the reward")
    only = gettext_lazy("Only locked, pending, on hold and failed rewards can be cancelled")
    effect = gettext_lazy(
        "The reward is cancelled for good and will not be paid. Its amount returns to the campaign’s budget."
    )
    done = gettext_lazy("Cancelled:")

    def obstacle(self, row: ReferralReward) -> str | None:
        """By its status, and never while it may have been paid."""
        if row.status in self.allowed and row.in_doubt:
            return _("Unconfirmed rewards cannot be cancelled: this one may have been paid")
        return super().obstacle(row)


ACTIONS: Mapping[str, RewardAction] = {"unlock": Unlock(), "retry": Retry(), "cancel": Cancel()}


def obstacles(reward: ReferralReward) -> dict[str, str]:
    """Which of the actions cannot be taken on the reward, and why not."""
    found = {name: action.obstacle(reward) for name, action in ACTIONS.items()}
    return {name: why for name, why in found.items() if why}
