from typing import Any

import pytest

from tests.dev.sandbox.calls import bulk, event
from tests.helpers.sandbox import SandboxProcess


def test_events_are_kept_in_order_of_arrival(sandbox: SandboxProcess) -> None:
    answer = bulk(sandbox, event(payload={"n": 1}), event(payload={"n": 2}))
    bulk(sandbox, event(payload={"n": 3}))

    assert (answer.status_code, answer.json()) == (200, {"accepted": 2})
    assert sandbox.state()["analytics"] == {"events": 3, "requests": 2}
    assert [kept["payload"]["n"] for kept in sandbox.events()] == [1, 2, 3]


def test_a_payload_may_have_8_kilobytes_and_not_a_byte_more(sandbox: SandboxProcess) -> None:
    frame = len('{"text":""}')

    fits = bulk(sandbox, event(payload={"text": "x" * (8 * 1024 - frame)}))
    too_large = bulk(sandbox, event(payload={"text": "x" * (8 * 1024 - frame + 1)}))

    assert fits.status_code == 200
    assert (too_large.status_code, too_large.json()["error"]) == (413, "PAYLOAD_TOO_LARGE")


def test_a_body_may_have_32_kilobytes(sandbox: SandboxProcess) -> None:
    answer = bulk(sandbox, *[event(payload={"text": "x" * 8000})] * 5)

    assert (answer.status_code, answer.json()["error"]) == (413, "BODY_TOO_LARGE")
    assert sandbox.state()["analytics"]["events"] == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("event_name", ""),
        ("anonymous_user_id", None),
        ("occurred_at", "2026-03-01T10:00:00"),
        ("occurred_at", "yesterday"),
        ("payload", "text"),
    ],
)
def test_one_wrong_event_refuses_the_whole_batch(sandbox: SandboxProcess, field: str, value: Any) -> None:
    answer = bulk(sandbox, event(), event(**{field: value}))

    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert sandbox.events() == []


def test_an_empty_batch_is_refused(sandbox: SandboxProcess) -> None:
    assert bulk(sandbox).status_code == 422
