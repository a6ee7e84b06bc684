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
    IN_DOUBT: gettext_lazy("In doubt"),
    STUCK: gettext_lazy("Stuck"),
}
KIND_COLORS = {FAILED: "danger", IN_DOUBT: "warning", STUCK: "info"}
KIND_MEANINGS: Mapping[str, Any] = {
    FAILED: gettext_lazy(
        "The service that pays has refused the reward for good, its token task has failed, or it was given "
        "up after long failures. Nothing happens before a person retries or cancels it."
    ),
    IN_DOUBT: gettext_lazy(
        "The reward was sent over an hour ago and nobody knows yet whether it was paid. It is asked about "
        "again and again under the same number, so it cannot be paid twice; a person has to find out why no "
        "answer comes."
    ),
    STUCK: gettext_lazy(
        "The service that pays is well, and yet the reward does not get on: no worker takes it up, all tries "
        "of over an hour have failed, or its token task does not end."
    ),
}
# Why each row is there, and what its time means; to what has failed, its kind and error say enough.
REASON_NAMES: Mapping[str, Any] = {
    "failed": "",
    "in_doubt": gettext_lazy("in doubt since then"),
    "failing": gettext_lazy("every try since then has failed, though the service pays others"),
    "task_silent": gettext_lazy(
        "earned then; the gateway has been asked for about an hour, and its task does not end"
    ),
}
AGES: Mapping[str, tuple[Any, timedelta]] = {
    "hour": (gettext_lazy("for over an hour"), timedelta(hours=1)),
    "day": (gettext_lazy("for over a day"), timedelta(days=1)),
    "week": (gettext_lazy("for over a week"), timedelta(weeks=1)),
    "month": (gettext_lazy("for over 30 days"), timedelta(days=30)),
}


# What nobody has taken for over an hour: by whether somebody had taken it before.
NOT_TAKEN = gettext_lazy("payable since then, and for over an hour no worker has taken it")
LEASE_OVER = gettext_lazy("a worker had time for it until then, and no other has taken it up")


def why_text(entry: Entry) -> str:
    """Why a reward is on the list, and what its time means."""
    if entry.reason in REASON_NAMES:
        return str(REASON_NAMES[entry.reason])
    return str(NOT_TAKEN if entry.reward.status == RewardStatus.PENDING else LEASE_OVER)


def count_text(number: int) -> str:
    """A number that was counted up to a limit: "999+" beyond it."""
    return f"{amount_text(MOST_COUNTED)}+" if number > MOST_COUNTED else amount_text(number)
