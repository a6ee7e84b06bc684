"""The review list in words: what each kind means, exactly as `rewards.support.review.rewards` reads it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy

from kernel.humanize.amounts import amount_text
from rewards.models import RewardStatus
from rewards.support.review.rewards import FAILED, IN_DOUBT, MOST_COUNTED, STUCK, Entry

KIND_NAMES: Mapping[str, Any] = {
    FAILED: gettext_lazy("Failed"),
    IN_DOUBT: gettext_lazy("Unconfirmed"),
    STUCK: gettext_lazy("Stuck"),
}
KIND_COLORS = {FAILED: "danger", IN_DOUBT: "warning", STUCK: "info"}
KIND_MEANINGS: Mapping[str, Any] = {
    FAILED: gettext_lazy(
        "The provider rejected the reward, its token task failed, or we stopped trying after long failures. "
        "It stays here until it is retried or cancelled."
    ),
    IN_DOUBT: gettext_lazy(
        "Sent more than an hour ago and still not confirmed. We keep asking under the same ID, so it cannot "
        "be paid twice; find out why the provider does not respond."
    ),
    STUCK: gettext_lazy(
        "The provider is operational, but the reward does not move: no worker picks it up, every attempt for "
        "over an hour has failed, or its token task does not finish."
    ),
}
# Why each row is there, and what its time means; to what has failed, its kind and error say enough.
REASON_NAMES: Mapping[str, Any] = {
    "failed": "",
    "in_doubt": gettext_lazy("unconfirmed since then"),
    "failing": gettext_lazy("every attempt since then has failed, although others get paid"),
    "task_silent": gettext_lazy(
        "earned then; its task has not finished although we have asked for about an hour"
    ),
}
AGES: Mapping[str, tuple[Any, timedelta]] = {
    "hour": (gettext_lazy("for over an hour"), timedelta(hours=1)),
    "day": (gettext_lazy("for over a day"), timedelta(days=1)),
    "week": (gettext_lazy("for over a week"), timedelta(weeks=1)),
    "month": (gettext_lazy("for over 30 days"), timedelta(days=30)),
}


# What nobody has taken for over an hour: by whether somebody had taken it before.
NOT_TAKEN = gettext_lazy("payable since then; no worker has picked it up for over an hour")
LEASE_OVER = gettext_lazy("the worker's time ran out then, and no other has picked it up")


def why_text(entry: Entry) -> str:
    """Why a reward is on the list, and what its time means."""
    if entry.reason in REASON_NAMES:
        return str(REASON_NAMES[entry.reason])
    return str(NOT_TAKEN if entry.reward.status == RewardStatus.PENDING else LEASE_OVER)


def count_text(number: int) -> str:
    """A number that was counted up to a limit: "999+" beyond it."""
    return f"{amount_text(MOST_COUNTED)}+" if number > MOST_COUNTED else amount_text(number)
