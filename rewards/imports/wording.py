"""Why a line of an imported file cannot be used, in plain words, from its codes."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from rewards.models.codes import LineProblem

BAD_ID = gettext_lazy("must be 1 to 64 printable ASCII characters without spaces")
# By code: the column, and what is wrong with it.
PROBLEMS: dict[str, tuple[str, Promise]] = {
    LineProblem.BAD_REFERRER: ("referrer_user_id", BAD_ID),
    LineProblem.BAD_REFERRED: ("referred_user_id", BAD_ID),
    LineProblem.NOT_A_TIME: (
        "registered_at",
        gettext_lazy("must be an ISO 8601 time such as 2025-01-02T09:00:00Z"),
    ),
    LineProblem.NO_OFFSET: ("registered_at", gettext_lazy("must have an offset such as Z or +02:00")),
    LineProblem.OUTSIDE_CALENDAR: ("registered_at", gettext_lazy("lies outside the calendar")),
    LineProblem.IN_FUTURE: ("registered_at", gettext_lazy("lies more than 5 minutes in the future")),
}


def line_problems_text(problems: Iterable[Mapping[str, Any]]) -> str:
    """All that is wrong with a line; empty when nothing is."""
    return "; ".join(_problem_text(problem) for problem in problems)


def _problem_text(problem: Mapping[str, Any]) -> str:
    if problem["code"] == LineProblem.OTHER:
        return str(problem["text"])
    column, words = PROBLEMS[problem["code"]]
    return f"{column}: {words}"
