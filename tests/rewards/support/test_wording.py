"""What is kept by code, in words that support can read, in both languages."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import translation

from kernel.humanize.moments import until_text
from rewards.imports.wording import line_problems_text
from rewards.models import RewardTransition
from rewards.models.codes import Cause, Fact, Failure, LineProblem, MoveReason, RunProblem
from rewards.support.explanation.discrepancies import fact_text, problem_text
from rewards.support.explanation.error_classification import error_group_text, error_text, trouble_text
from rewards.support.explanation.status_history import actor_text, reason_text
from tests.helpers.failures import http

NOW = datetime(2026, 11, 24, 10, 45, tzinfo=UTC)
TROUBLES = {
    http(302): "its address is wrong in our settings (HTTP 302)",
    http(401, "", "bad token"): "it denies us access (HTTP 401)",
    http(403): "it denies us access (HTTP 403)",
    http(404, "", "no such page"): "its address is wrong in our settings (HTTP 404)",
    http(405): "its address is wrong in our settings (HTTP 405)",
    http(408): "an error on its side (HTTP 408)",
    http(409, "conflict"): "it rejects the request (HTTP 409)",
    http(422, "account_closed"): "it rejects the request (HTTP 422)",
    http(425): "it asks us to retry later (HTTP 425)",
    http(429, "velocity_cap"): "it asks us to retry later (HTTP 429)",
    http(503, "unavailable"): "an error on its side (HTTP 503)",
    Failure(Cause.CONNECTION_REFUSED, message="[Errno 111]"): "it refuses the connection",
    Failure(Cause.DNS): "its address is not found (DNS)",
    Failure(Cause.TLS): "no secure connection",
    Failure(Cause.TIMEOUT): "it does not respond in time",
    Failure(Cause.CONNECTION_RESET): "it drops the connection",
    Failure(Cause.UNREADABLE_ANSWER): "its response is not as agreed",
    Failure(Cause.UNPROMISED_ANSWER, 200): "its response is not as agreed",
    Failure(Cause.TASK_UNKNOWN, 404): "it does not know the token task",
    Failure(Cause.INTERNAL): "an error in our worker",
    Failure(Cause.NOT_RECORDABLE): "its response could not be saved",
    Failure(Cause.OTHER, message="something else"): "the last request failed",
    None: "the last request failed",
}
# Whatever code there is, with the parameters that it comes with.
REWARD = {"status": "failed", "points": 50, "user_id": "u1", "failing_since": NOW.isoformat()}
ALSO = {"error": http(503).as_json(), "in_doubt": True, "transaction": "1", "task": "2"}
BOOKING = {"points": 50, "user_id": "u1", "transaction": "1"}
PARAMETERS: dict[str, dict[str, Any]] = {
    Fact.REWARD: REWARD | ALSO,
    Fact.BOOKING: BOOKING,
    Fact.TWO_BOOKINGS: BOOKING | {"first": "2"},
    Fact.TASK: {"task": "1", "outcome": "booked", "reference": "2"},
    RunProblem.RECORD_UNREADABLE: {"error": {"code": "timeout"}},
    RunProblem.GATEWAY_SILENT: {"error": {"code": "timeout"}},
    RunProblem.TOO_MANY_FINDINGS: {"most": 1000, "kind": "missing"},
}
# What stands in every language as it is.
NAMES = re.compile(
    r"HTTP|DNS|UTC|CSV|ISO|ASCII|VIP|Points Service|Token Gateway|[a-z]+_user_id|registered_at|u1"
)
BY_PERSON = (
    MoveReason.UNLOCKED_BY_PERSON,
    MoveReason.RETRIED_BY_PERSON,
    MoveReason.CANCELLED_BY_PERSON,
    MoveReason.OTHER,
)


def failure_of(code: str) -> Failure:
    return Failure(code, 503 if code == Cause.HTTP_STATUS else None)


def move_of(code: str) -> RewardTransition:
    params = {"role": "vip"} if code == MoveReason.ROLE_UPGRADED else {"error": {"code": "timeout"}}
    reason = "слова" if code in BY_PERSON else ""
    return RewardTransition(reason_code=code, reason_params=params, reason=reason)


def noted(code: str) -> dict[str, Any]:
    return {"code": code, **PARAMETERS.get(code, {"text": "слова"})}


SAID: list[tuple[str, Callable[[], str]]] = [
    *((f"cause {code}", lambda code=code: trouble_text(failure_of(code))) for code in Cause.values),
    *((f"move {code}", lambda code=code: reason_text(move_of(code))) for code in MoveReason.values),
    *((f"fact {code}", lambda code=code: fact_text(noted(code))) for code in Fact.values),
    *((f"problem {code}", lambda code=code: problem_text(noted(code))) for code in RunProblem.values),
    *((f"line {code}", lambda code=code: line_problems_text([noted(code)])) for code in LineProblem.values),
]


@pytest.mark.parametrize("say", [say for _, say in SAID], ids=[name for name, _ in SAID])
def test_every_code_has_words_in_both_languages(say: Callable[[], str]) -> None:
    assert say()
    with translation.override("ru"):
        russian = say()
    assert re.search("[а-яё]", russian)
    assert not re.search("[A-Za-z]{2}", NAMES.sub("", russian).replace("2025-01-02T09:00:00Z", "")), russian


@pytest.mark.parametrize("failure", TROUBLES, ids=str)
def test_a_kept_failure_is_told_in_words(failure: Failure | None) -> None:
    assert trouble_text(failure) == TROUBLES[failure]


@pytest.mark.parametrize(
    ("failure", "text"),
    [
        (None, ""),
        (http(503, "unavailable", "try again"), "HTTP 503 unavailable try again"),
        (http(503), "HTTP 503"),
        (Failure(Cause.TIMEOUT, message="timed out"), "it does not respond in time (timed out)"),
        (Failure(Cause.TIMEOUT), "it does not respond in time"),
        (Failure(Cause.TASK_FAILED, message="out of gas"), "out of gas"),
        (Failure(Cause.TASK_FAILED), "the token task finished without a transfer"),
        (Failure(Cause.TASK_UNKNOWN, 404, "NOT_FOUND"), "it does not know the token task (NOT_FOUND)"),
        (Failure(Cause.OTHER, message="what was said"), "what was said"),
    ],
)
def test_a_failure_in_one_line_has_the_words_of_who_said_it(failure: Failure | None, text: str) -> None:
    assert error_text(failure) == text


def test_what_failed_alike_is_called_by_our_words_or_those_of_the_service() -> None:
    assert error_group_text("timeout") == "it does not respond in time"
    assert error_group_text("HTTP 422 ACCOUNT_CLOSED") == "HTTP 422 ACCOUNT_CLOSED"


def test_whoever_did_it_is_called_as_people_call_them() -> None:
    assert actor_text("staff:olga") == "olga"
    assert actor_text("admin:root-1") == "root-1 (by token)"
    assert actor_text("worker") == "a worker"
    assert actor_text("user_service") == "user_service"


def test_a_persons_reason_stays_as_it_was_written() -> None:
    move = RewardTransition(reason_code=MoveReason.RETRIED_BY_PERSON, reason="confirmed by callback")

    assert reason_text(move) == "confirmed by callback"


def test_a_reason_of_a_worker_is_told_by_its_code() -> None:
    role = RewardTransition(reason_code=MoveReason.ROLE_UPGRADED, reason_params={"role": "vip"})
    given_up = RewardTransition(
        reason_code=MoveReason.GIVEN_UP, reason_params={"error": http(503, "", "busy").as_json()}
    )

    assert reason_text(role) == "the user's role became VIP"
    assert reason_text(given_up) == "attempts stopped: HTTP 503 busy"
    assert reason_text(RewardTransition()) == ""


@pytest.mark.parametrize(
    ("left", "english", "russian"),
    [
        (timedelta(seconds=-5), "now", "сейчас"),
        (timedelta(seconds=20), "in less than a minute", "меньше чем через минуту"),
        (timedelta(minutes=1), "in 1 minute", "через 1 минуту"),
        (timedelta(minutes=3), "in 3 minutes", "через 3 минуты"),
        (timedelta(minutes=21), "in 21 minutes", "через 21 минуту"),
        (timedelta(hours=5), "in 5 hours", "через 5 часов"),
        (timedelta(days=14), "in 14 days", "через 14 дней"),
    ],
)
def test_a_wait_is_told_in_round_numbers(left: timedelta, english: str, russian: str) -> None:
    assert until_text(NOW + left, NOW).partition(" (")[0] == english
    with translation.override("ru"):
        assert until_text(NOW + left, NOW).partition(" (")[0] == russian
