from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.dev.sandbox.calls import add, credit, debit, transactions
from tests.helpers.sandbox import SandboxProcess


def test_credit_answers_as_promised_and_moves_the_balance(sandbox: SandboxProcess) -> None:
    first = credit(sandbox, external_id="r1", amount=150)
    second = credit(sandbox, external_id="r2", amount=50)

    assert first.status_code == 200
    assert first.json().keys() == {"transaction_id", "status", "new_balance"}
    assert (first.json()["status"], first.json()["new_balance"]) == ("completed", 150)
    assert second.json()["new_balance"] == 200
    assert sandbox.state()["points"]["balances"] == {"anna": 200}


def test_same_external_id_and_parameters_book_once(sandbox: SandboxProcess) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: credit(sandbox), range(24)))

    assert {answer.json()["transaction_id"] for answer in answers} == {answers[0].json()["transaction_id"]}
    assert sandbox.state()["points"]["balances"] == {"anna": 150}
    assert len(sandbox.ledger("reward-1")["transactions"]) == 1


def test_other_metadata_is_still_the_same_credit(sandbox: SandboxProcess) -> None:
    first = credit(sandbox)

    again = credit(sandbox, metadata={"campaign_code": "renamed"})

    assert again.json() == first.json()


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 151},
        {"user_id": "boris"},
        {"reason": "referral.reward_level2"},
        {"source_event_id": "event-2"},
    ],
)
def test_same_external_id_with_other_parameters_conflicts(
    sandbox: SandboxProcess, change: dict[str, Any]
) -> None:
    credit(sandbox)

    answer = credit(sandbox, **change)

    assert (answer.status_code, answer.json()["error"]) == (409, "IDEMPOTENCY_CONFLICT")
    assert sandbox.state()["points"]["balances"] == {"anna": 150}


def test_a_credits_external_id_cannot_debit(sandbox: SandboxProcess) -> None:
    credit(sandbox)

    answer = debit(sandbox, external_id="reward-1", reason="referral.reward_level1")

    assert answer.status_code == 409


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", 0),
        ("amount", -1),
        ("amount", 1.5),
        ("amount", "150"),
        ("amount", True),
        ("amount", None),
        ("user_id", "has space"),
        ("user_id", "x" * 65),
        ("user_id", 7),
        ("external_id", ""),
        ("currency", "g2a"),
        ("reason", "gift"),
        ("source_service", None),
        ("metadata", []),
    ],
)
def test_a_wrong_field_is_refused_by_name(sandbox: SandboxProcess, field: str, value: Any) -> None:
    answer = credit(sandbox, **{field: value})

    assert (answer.status_code, answer.json()["error"]) == (422, "VALIDATION_ERROR")
    assert answer.json()["field"] == field
    assert sandbox.state()["points"]["transactions"] == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"amount": NaN}', b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(sandbox: SandboxProcess, body: bytes) -> None:
    url = f"{sandbox.points_url}/api/points/v1/internal/credit"

    answer = requests.post(url, data=body, timeout=5)

    assert (answer.status_code, answer.json()["error"]) == (400, "INVALID_JSON")


def test_debit_takes_back_once(sandbox: SandboxProcess) -> None:
    credit(sandbox)

    answers = [debit(sandbox), debit(sandbox)]

    assert answers[0].json()["new_balance"] == 0
    assert answers[0].json() == answers[1].json()
    assert sandbox.state()["points"]["balances"] == {"anna": 0}
    assert [row["kind"] for row in sandbox.state()["points"]["transactions"]] == ["credit", "debit"]


def test_a_debit_without_funds_is_refused_and_may_succeed_later(sandbox: SandboxProcess) -> None:
    credit(sandbox, external_id="r1", amount=100)

    refused = debit(sandbox, amount=150)
    credit(sandbox, external_id="r2", amount=60)
    accepted = debit(sandbox, amount=150)

    assert refused.status_code == 409
    assert refused.json()["error"] == "INSUFFICIENT_FUNDS"
    assert refused.json()["current_balance"] == 100
    assert accepted.json()["new_balance"] == 10


def test_transactions_are_listed_in_pages(sandbox: SandboxProcess) -> None:
    ids = [credit(sandbox, external_id=f"r{number}").json()["transaction_id"] for number in range(5)]

    first = transactions(sandbox, limit=3).json()
    rest = transactions(sandbox, limit=3, after=first[-1]["transaction_id"]).json()

    assert [row["transaction_id"] for row in first + rest] == ids
    assert first[0].keys() == {
        "transaction_id",
        "external_id",
        "user_id",
        "amount",
        "kind",
        "reason",
        "created_at",
    }


def test_transactions_are_found_by_external_id(sandbox: SandboxProcess) -> None:
    credit(sandbox, external_id="r1")
    credit(sandbox, external_id="r2")

    assert [row["external_id"] for row in transactions(sandbox, external_id="r2").json()] == ["r2"]
    assert transactions(sandbox, external_id="r3").json() == []


@pytest.mark.parametrize("filters", [{"limit": "0"}, {"limit": "ten"}, {"limit": 1001}, {"after": "nobody"}])
def test_impossible_filters_are_refused(sandbox: SandboxProcess, filters: dict[str, str]) -> None:
    assert transactions(sandbox, **filters).status_code == 422


def test_the_older_dialect_books_once_and_says_whether_it_did(sandbox: SandboxProcess) -> None:
    first, again = add(sandbox), add(sandbox)

    assert first.json().keys() == {"transactionId", "applied", "balance"}
    assert (first.json()["applied"], first.json()["balance"]) == (True, 150)
    assert again.json() == {**first.json(), "applied": False}
    assert sandbox.state()["points"]["balances"] == {"anna": 150}


def test_the_older_dialect_refuses_in_its_own_words(sandbox: SandboxProcess) -> None:
    add(sandbox)

    conflict = add(sandbox, amount=151)
    invalid = add(sandbox, action="gift")

    assert conflict.status_code == 409
    assert {"error", "message", "requestId"} <= conflict.json().keys()
    assert (invalid.status_code, invalid.json()["field"]) == (422, "action")


def test_an_unknown_path_and_a_wrong_method_are_told_apart(sandbox: SandboxProcess) -> None:
    unknown = requests.post(f"{sandbox.points_url}/api/points/v2/credit", timeout=5)
    wrong = requests.get(f"{sandbox.points_url}/api/points/v1/internal/credit", timeout=5)

    assert (unknown.status_code, wrong.status_code) == (404, 405)
    assert unknown.json()["error"] == "NOT_FOUND"
