"""Rows that a release without codes has left, and those that it still writes while this one is brought in."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.helpers.old_release import NOW, OldRelease

# One process makes the database of the release before, and copies it for each test.
pytestmark = pytest.mark.xdist_group("codes_migration")

BEFORE, EXPANDED, CONVERTED, DONE = "0014", "0015", "0016", "0017"

# What was kept of an error, and what it is by code.
ERRORS: dict[str, dict[str, Any]] = {
    "HTTP 503 unavailable try again": {
        "code": "http_status",
        "http_status": 503,
        "message": "unavailable try again",
    },
    "HTTP 422 ACCOUNT_CLOSED the account is closed": {
        "code": "http_status",
        "http_status": 422,
        "peer_code": "ACCOUNT_CLOSED",
        "message": "the account is closed",
    },
    "HTTP 429 RateLimited": {"code": "http_status", "http_status": 429, "message": "RateLimited"},
    "HTTP 401": {"code": "http_status", "http_status": 401},
    "HTTP 200 the answer is not the promised JSON": {"code": "unpromised_answer", "http_status": 200},
    "HTTP 404 NOT_FOUND the gateway does not know the task": {
        "code": "task_unknown",
        "http_status": 404,
        "peer_code": "NOT_FOUND",
    },
    "HTTP 404 the gateway does not know the task": {"code": "task_unknown", "http_status": 404},
    "HTTP 200 reverted": {"code": "task_failed", "message": "reverted"},
    "HTTP 200 the task failed": {"code": "task_failed"},
    "the task failed": {"code": "task_failed"},
    "ConnectionRefusedError: [Errno 111] Connection refused": {
        "code": "connection_refused",
        "message": "[Errno 111] Connection refused",
    },
    "gaierror: [Errno -2] Name or service not known": {
        "code": "dns",
        "message": "[Errno -2] Name or service not known",
    },
    "SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED]": {
        "code": "tls",
        "message": "[SSL: CERTIFICATE_VERIFY_FAILED]",
    },
    "TimeoutError: timed out": {"code": "timeout", "message": "timed out"},
    "ConnectionResetError: [Errno 104] Connection reset by peer": {
        "code": "connection_reset",
        "message": "[Errno 104] Connection reset by peer",
    },
    "the answer ended early": {"code": "connection_reset"},
    "OSError: [Errno 101] Network is unreachable": {
        "code": "network",
        "message": "[Errno 101] Network is unreachable",
    },
    "ValueError: Port out of range 0-65535": {"code": "unsendable", "message": "Port out of range 0-65535"},
    "the answer is too large": {"code": "answer_too_large"},
    "the head of the answer is too large": {"code": "answer_too_large"},
    "the answer is not HTTP: Expected HTTP/": {"code": "unreadable_answer", "message": "Expected HTTP/"},
    "the answer is not usable: HTTP 101": {"code": "unreadable_answer", "message": "HTTP 101"},
    "internal: 'NoneType' object": {"code": "internal", "message": "'NoneType' object"},
    "the answer (booked) cannot be recorded: value too long": {
        "code": "not_recordable",
        "message": "booked: value too long",
    },
    "20 entries refused in one run": {"code": "many_refusals", "message": "20"},
    "timeout of the chain": {"code": "other", "message": "timeout of the chain"},
}
# From, to, who, what was kept of the reason; what it is by code.
REASONS: list[tuple[str, str, str, str, str, dict[str, Any]]] = [
    ("pending", "sent_to_points", "worker", "", "", {}),
    ("sent_to_points", "completed", "worker", "", "", {}),
    ("locked", "pending", "service:user_service", "became vip", "role_upgraded", {"role": "vip"}),
    ("locked", "pending", "staff:olga", "became vip", "unlocked_by_person", {}),
    ("locked", "pending", "admin:root", "ticket 1", "unlocked_by_person", {}),
    ("failed", "pending", "staff:olga", "the account is open again", "retried_by_person", {}),
    ("pending", "cancelled", "staff:olga", "given up: a double", "cancelled_by_person", {}),
    (
        "sent_to_points",
        "pending",
        "worker",
        "the worker gave it back before it asked",
        "returned_unasked",
        {},
    ),
    (
        "sent_to_points",
        "pending",
        "worker",
        "HTTP 429",
        "try_failed",
        {"error": {"code": "http_status", "http_status": 429}},
    ),
    (
        "sent_to_token",
        "failed",
        "worker",
        "HTTP 200 reverted",
        "payout_failed",
        {"error": {"code": "task_failed", "message": "reverted"}},
    ),
    (
        "sent_to_points",
        "failed",
        "worker",
        "given up: TimeoutError: timed out",
        "given_up",
        {"error": {"code": "timeout", "message": "timed out"}},
    ),
    (
        "sent_to_token",
        "completed",
        "service:token_gateway",
        "confirmed by callback",
        "callback_confirmed",
        {},
    ),
    ("failed", "pending", "service:token_gateway", "failed by callback", "callback_failed", {}),
    (
        "sent_to_points",
        "completed",
        "reconciliation",
        "the peer's record shows the booking",
        "ledger_shows_booking",
        {},
    ),
    (
        "sent_to_token",
        "completed",
        "reconciliation",
        "the gateway shows that the task has ended",
        "task_ended",
        {},
    ),
    ("pending", "sent_to_points", "somebody", "nobody knows this", "other", {}),
]
# Outcome, HTTP status, the peer's code, the message; the cause.
ATTEMPTS: list[tuple[str, int | None, str, str, str]] = [
    ("booked", 200, "", "", ""),
    ("accepted", 200, "", "", ""),
    ("booked", None, "", "the gateway called back", "called_back"),
    ("booked", None, "", "on the peer's record", "on_record"),
    ("task_failed", None, "", "the task failed", "task_failed"),
    ("task_failed", 200, "", "timeout: out of gas", "task_failed"),
    ("task_lost", 404, "", "the gateway does not know the task", "task_unknown"),
    ("unknown", 200, "", "the answer is not the promised JSON", "unpromised_answer"),
    ("unknown", 503, "unavailable", "ConnectionRefusedError: theirs", "http_status"),
    ("refused", 422, "", "", "http_status"),
    ("not_booked", None, "", "ConnectionRefusedError: [Errno 111] Connection refused", "connection_refused"),
    ("unknown", None, "", "internal: a fault", "internal"),
    ("unknown", None, "", "nobody knows this", "other"),
    ("unknown", None, "", "", "other"),
]
# What a comparison noted; what it is by code.
FACTS: dict[str, dict[str, Any] | None] = {
    "": None,
    "no such reward": {"code": "no_reward"},
    "no booking": {"code": "no_booking"},
    "50 points to bob, transaction tx-9": {
        "code": "booking",
        "points": 50,
        "user_id": "bob",
        "transaction": "tx-9",
    },
    "tx-1 and 50 points to bob, transaction tx-9": {
        "code": "two_bookings",
        "first": "tx-1",
        "points": 50,
        "user_id": "bob",
        "transaction": "tx-9",
    },
    "task task-1: booked, 0xabc": {
        "code": "task",
        "task": "task-1",
        "outcome": "booked",
        "reference": "0xabc",
    },
    "task task-1 confirmed, transaction 0xabc": {
        "code": "task",
        "task": "task-1",
        "outcome": "booked",
        "reference": "0xabc",
    },
    "failed, task task-4, transaction None": {"code": "reward", "status": "failed", "task": "task-4"},
    "completed, task task-4, transaction 0xabc": {
        "code": "reward",
        "status": "completed",
        "task": "task-4",
        "transaction": "0xabc",
    },
    "pending, 50 points to ann": {"code": "reward", "status": "pending", "points": 50, "user_id": "ann"},
    "sent_to_token, 1.500000000 G2A to ann, task t-1, in doubt, failing since 2026-11-24 10:45 UTC, "
    "HTTP 503 busy": {
        "code": "reward",
        "status": "sent_to_token",
        "g2a": "1.500000000",
        "user_id": "ann",
        "task": "t-1",
        "in_doubt": True,
        "failing_since": "2026-11-24T10:45:00+00:00",
        "error": {"code": "http_status", "http_status": 503, "message": "busy"},
    },
    "something else": {"code": "other", "text": "something else"},
}
PROBLEMS = (
    "The record of Points Service could not be read: the list of transactions begins again instead of "
    "going on.\n"
    "Token Gateway does not answer: HTTP 500.\n"
    "There are more than 1000 findings of missing.\n"
    "Something else."
)
PROBLEM_LIST = [
    {"code": "record_unreadable", "error": {"code": "list_begins_again"}},
    {"code": "gateway_silent", "error": {"code": "http_status", "http_status": 500}},
    {"code": "too_many_findings", "kind": "missing", "most": 1000},
    {"code": "other", "text": "Something else."},
]
BAD_ID = "must be 1 to 64 printable ASCII characters without spaces"
LINES: dict[str, list[dict[str, str]]] = {
    "": [],
    f"referrer_user_id: {BAD_ID}; referred_user_id: {BAD_ID}; registered_at: must be an ISO 8601 time "
    "such as 2025-01-02T09:00:00Z": [
        {"code": "bad_referrer"},
        {"code": "bad_referred"},
        {"code": "not_a_time"},
    ],
    "registered_at: must have an offset such as Z or +02:00": [{"code": "no_offset"}],
    "registered_at: должно иметь смещение, например Z или +02:00": [{"code": "no_offset"}],
    "registered_at: выходит за пределы календаря": [{"code": "outside_calendar"}],
    "registered_at: lies more than 5 minutes in the future": [{"code": "in_future"}],
    "registered_at: опережает текущее время больше чем на 5 минут": [{"code": "in_future"}],
    "referrer_user_id: от 1 до 64 печатных символов ASCII без пробелов": [{"code": "bad_referrer"}],
    "whatever": [{"code": "other", "text": "whatever"}],
}
GROUPS = {
    "HTTP 422 ACCOUNT_CLOSED": "HTTP 422 ACCOUNT_CLOSED",
    "ConnectionRefusedError: [Errno …] Connection refused": "connection_refused",
    "HTTP 200 reverted": "reverted",
    "nobody knows this": "nobody knows this",
}


@pytest.fixture(scope="module")
def blank(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """The name of a database as the release before sets it up."""
    with django_db_blocker.unblock():
        database = OldRelease("blank")
        ended = database.migrate(BEFORE)
        try:
            assert ended.returncode == 0, ended.stderr
            yield database.name
        finally:
            database.drop()


@pytest.fixture
def old(committed_db: None, blank: str) -> Iterator[OldRelease]:
    database = OldRelease("old", like=blank)
    try:
        database.open()
        yield database
        database.connection.close()
    finally:
        database.drop()


def written(old: OldRelease) -> dict[str, dict[Any, Any]]:
    """Write a row of every text; returns what is to be found in its place, by its key."""
    reward = old.reward()
    imported = old.import_of([*LINES])
    return {
        "errors": {old.reward(text): (text, error) for text, error in ERRORS.items()},
        "moves": {old.move(reward, *move[:4]): move[3:] for move in REASONS},
        "attempts": {old.attempt(reward, *call[:4]): call[3:] for call in ATTEMPTS},
        "findings": {
            old.finding(text[:50], text, text): (text, text, fact, fact) for text, fact in FACTS.items()
        },
        "runs": {old.run(PROBLEMS): (PROBLEMS, PROBLEM_LIST), old.run(""): ("", [])},
        "lines": {(imported, number): (text, codes) for number, (text, codes) in enumerate(LINES.items())},
    }


FOUND = {
    "errors": "id, last_error, jsonb_build_object('code', last_error_code) || last_error_params"
    " FROM rewards_referralreward WHERE last_error <> ''",
    "moves": "id, reason, reason_code, reason_params FROM rewards_rewardtransition",
    "attempts": "id, message, cause FROM rewards_payoutattempt",
    "findings": "id, ours, theirs, our_facts, their_facts FROM rewards_reconciliationfinding",
    "runs": "id, problems, problem_list FROM rewards_reconciliationrun",
}


def found(old: OldRelease) -> dict[str, dict[Any, Any]]:
    """The same as it stands in the database: texts with their codes."""
    tables = {
        name: {key: tuple(values) for key, *values in old.rows(f"SELECT {columns}")}
        for name, columns in FOUND.items()
    }
    lines = old.rows(
        "SELECT relation_import_id, number, problem, problem_list FROM rewards_relationimportline"
    )
    return tables | {"lines": {(key, number): tuple(values) for key, number, *values in lines}}


def test_a_row_of_every_old_text_gets_its_code_and_keeps_its_text(old: OldRelease) -> None:
    expected = written(old)
    old.insert("rewards_peercircuit", peer="points", state="closed", openings=0, last_error="HTTP 503 ")
    silent = {"outcome": "silent", "message": "TimeoutError: timed out"}
    old.insert("rewards_peerprobe", peer="points", asked_by="b", asked_at=NOW, **silent)
    for group in GROUPS:
        old.bulk_retry(group)

    assert old.migrate(DONE).stderr == ""

    assert found(old) == expected
    circuit = old.rows("SELECT last_error_code, last_error_params FROM rewards_peercircuit")
    assert circuit == [("http_status", {"http_status": 503})]
    assert old.rows("SELECT cause FROM rewards_peerprobe") == [("timeout",)]
    orders = old.rows("SELECT error FROM rewards_bulkretry ORDER BY id")
    assert [error for (error,) in orders] == [*GROUPS.values()]


def test_a_conversion_that_was_stopped_is_begun_again_and_ends_the_same(old: OldRelease) -> None:
    expected = written(old)
    assert old.migrate(EXPANDED).returncode == 0
    old.execute(f'ALTER DATABASE "{old.name}" SET lock_timeout = 300')
    with psycopg.connect(old.url) as other:
        other.execute("SELECT FROM rewards_referralreward FOR UPDATE")
        stopped = old.migrate(CONVERTED)

    assert "lock timeout" in stopped.stderr
    midway = found(old)
    assert midway["moves"] == expected["moves"]
    assert midway["errors"] != expected["errors"]
    assert old.migrate(DONE).stderr == ""
    assert found(old) == expected


def test_while_rows_are_converted_history_takes_a_code_and_nothing_else(old: OldRelease) -> None:
    move = old.move(old.reward(), "locked", "pending", "staff:olga", "ticket 1")
    old.migrate(EXPANDED)

    for change in (
        "reason = 'another', reason_code = 'other'",
        "actor = 'staff:eve', reason_code = 'other'",
        'reason_params = \'{"role": "pro"}\'',
        "actor = 'staff:eve'",
    ):
        assert is_refused(old, f"UPDATE rewards_rewardtransition SET {change}")  # noqa: S608 - our own texts
    assert is_refused(old, "DELETE FROM rewards_rewardtransition")
    old.execute("UPDATE rewards_rewardtransition SET reason_code = 'unlocked_by_person'")
    assert is_refused(old, "UPDATE rewards_rewardtransition SET reason_code = 'other'")
    assert old.rows("SELECT id, actor, reason, reason_code FROM rewards_rewardtransition") == [
        (move, "staff:olga", "ticket 1", "unlocked_by_person")
    ]


def is_refused(old: OldRelease, statement: str) -> bool:
    """Whether the append-only trigger refuses it."""
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="append-only"):
        old.execute(statement)
    return True


def test_when_all_is_converted_history_is_append_only_without_exception(old: OldRelease) -> None:
    old.migrate(DONE)
    reward = old.reward()
    old.move(reward, "pending", "sent_to_points", "worker", "")
    old.attempt(reward, "booked", 200, "", "")

    assert is_refused(old, "UPDATE rewards_rewardtransition SET reason_code = 'task_ended'")
    assert is_refused(old, "UPDATE rewards_payoutattempt SET cause = 'on_record'")


def test_what_the_release_before_still_writes_is_coded_as_it_comes_in(old: OldRelease) -> None:
    assert old.migrate(DONE).stderr == ""

    expected = written(old)

    assert found(old) == expected


def test_a_worker_of_the_release_before_records_beside_ours(old: OldRelease) -> None:
    old.migrate(DONE)
    claim = {"status": "sent_to_points", "next_attempt_at": NOW, "claim_token": old.campaign}
    refused, waiting = (old.reward("TimeoutError: timed out", **claim) for _ in range(2))
    answers = [
        answer_of_before(old, refused, status="failed", last_error="HTTP 422 ACCOUNT_CLOSED"),
        answer_of_before(
            old, waiting, status="sent_to_points", last_error="", next_attempt_at=NOW.isoformat()
        ),
    ]

    old.execute(OLD_RECORD, Jsonb(answers))

    refusal = {"http_status": 422, "peer_code": "ACCOUNT_CLOSED"}
    errors = old.rows("SELECT id, last_error_code, last_error_params FROM rewards_referralreward ORDER BY id")
    assert errors == [(refused, "http_status", refusal), (waiting, "", {})]
    trail = old.rows("SELECT reward_id, reason_code, reason_params FROM rewards_rewardtransition")
    assert trail == [(refused, "payout_failed", {"error": {"code": "http_status", **refusal}})]


OLD_RECORD = "SELECT referral_payouts_record(%s, 'worker', '')"


def answer_of_before(old: OldRelease, reward: Any, **answer: Any) -> dict[str, Any]:
    """What the release before hands over of an answer."""
    given = {
        "id": str(reward),
        "token": str(old.campaign),
        "in_doubt": False,
        "failures": 0,
        "mint_number": 1,
    }
    return given | answer | {"reason": answer["last_error"]}
