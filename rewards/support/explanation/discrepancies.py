"""What a comparison with the paying services has noted, in plain words, from its codes."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kernel.humanize.amounts import g2a_text, points_text
from kernel.humanize.moments import moment_text
from rewards.models import ReconciliationFinding, RewardStatus
from rewards.models.codes import Fact, Failure, RunProblem
from rewards.payouts.providers.base import Outcome
from rewards.support.explanation.error_classification import error_text

Values = Mapping[str, Any]
TASK_ENDS: Mapping[str, Promise] = {
    Outcome.BOOKED: gettext_lazy("paid"),
    Outcome.TASK_FAILED: gettext_lazy("the task has failed"),
}


def fact_text(fact: Values | None) -> str:
    """What one side has on record; empty where nothing was noted."""
    return FACTS[fact["code"]](fact) if fact else ""


def problem_text(problem: Values) -> str:
    """What could not be compared, in a sentence."""
    return PROBLEMS[problem["code"]](problem)


def problems_text(problems: Iterable[Values]) -> str:
    """All that could not be compared, a sentence a line."""
    return "\n".join(problem_text(problem) for problem in problems)


# --- facts --------------------------------------------------------------------------------------------------


def _reward(fact: Values) -> str:
    parts = [str(RewardStatus(fact["status"]).label), _whose(fact)]
    if transaction := fact.get("transaction"):
        parts.append(_("transaction %s") % transaction)
    if task := fact.get("task"):
        parts.append(_("task %s") % task)
    if fact.get("in_doubt"):
        parts.append(_("in doubt"))
    if since := fact.get("failing_since"):
        parts.append(_("failing since %s") % moment_text(datetime.fromisoformat(since)))
    if error := fact.get("error"):
        parts.append(error_text(Failure.of_json(error)))
    return ", ".join(filter(None, parts))


def _whose(fact: Values) -> str:
    """The amount and the user; empty for what a callback of old noted without them."""
    if not fact.get("user_id"):
        return ""
    points, g2a = fact.get("points"), fact.get("g2a")
    amount = points_text(points) if points is not None else g2a_text(g2a or "0")
    return _("%(amount)s to %(user)s") % {"amount": amount, "user": fact["user_id"]}


def _no_reward(fact: Values) -> str:
    return _("no such reward")


def _no_booking(fact: Values) -> str:
    return _("no booking")


def _booking(fact: Values) -> str:
    return ", ".join((_whose(fact), _("transaction %s") % fact["transaction"]))


def _two_bookings(fact: Values) -> str:
    return _("transaction %(first)s, and again: %(booking)s") % {
        "first": fact["first"],
        "booking": _booking(fact),
    }


def _task(fact: Values) -> str:
    return _("task %(task)s: %(outcome)s, %(reference)s") % {
        "task": fact["task"],
        "outcome": TASK_ENDS[fact["outcome"]],
        "reference": fact["reference"],
    }


def _as_written(kept: Values) -> str:
    """A text of a release that knew no codes, which nobody recognized."""
    return str(kept["text"])


FACTS: Mapping[str, Callable[[Values], str]] = {
    Fact.REWARD: _reward,
    Fact.NO_REWARD: _no_reward,
    Fact.NO_BOOKING: _no_booking,
    Fact.BOOKING: _booking,
    Fact.TWO_BOOKINGS: _two_bookings,
    Fact.TASK: _task,
    Fact.OTHER: _as_written,
}


# --- problems -----------------------------------------------------------------------------------------------


def _record_unreadable(problem: Values) -> str:
    return _("The record of Points Service could not be read: %s.") % _error(problem)


def _gateway_silent(problem: Values) -> str:
    return _("Token Gateway does not answer: %s.") % _error(problem)


def _too_many_findings(problem: Values) -> str:
    return _("There are more than %(most)s findings of the kind “%(kind)s”.") % {
        "most": problem["most"],
        "kind": ReconciliationFinding.Kind(problem["kind"]).label,
    }


def _error(problem: Values) -> str:
    return error_text(Failure.of_json(problem["error"]))


PROBLEMS: Mapping[str, Callable[[Values], str]] = {
    RunProblem.RECORD_UNREADABLE: _record_unreadable,
    RunProblem.GATEWAY_SILENT: _gateway_silent,
    RunProblem.TOO_MANY_FINDINGS: _too_many_findings,
    RunProblem.OTHER: _as_written,
}
