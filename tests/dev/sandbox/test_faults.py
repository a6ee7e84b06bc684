import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.dev.sandbox.calls import add, bulk, credit, credit_body, event, mint, post, task
from tests.helpers.sandbox import SandboxProcess


def booked(sandbox: SandboxProcess) -> int:
    return len(sandbox.ledger("reward-1")["transactions"])


def seconds_since(start: float) -> float:
    return time.monotonic() - start


def test_latency_delays_and_then_answers_truly(sandbox: SandboxProcess) -> None:
    sandbox.fault(peer="points", mode="latency", seconds=0.2, times=1)

    start = time.monotonic()
    answer = credit(sandbox)

    assert answer.status_code == 200
    assert 0.2 <= seconds_since(start) < 1
    assert booked(sandbox) == 1


def test_latency_goes_together_with_another_fault(sandbox: SandboxProcess) -> None:
    sandbox.fault(peer="points", mode="status", status=503)
    sandbox.fault(peer="points", mode="latency", seconds=0.2)

    start = time.monotonic()
    answer = credit(sandbox)

    assert answer.status_code == 503
    assert seconds_since(start) >= 0.2


def test_status_answers_as_ordered_and_books_nothing(sandbox: SandboxProcess) -> None:
    sandbox.fault(
        peer="points",
        mode="status",
        status=429,
        body={"error": "SLOW"},
        headers={"Retry-After": "3"},
        times=1,
    )

    answer = credit(sandbox)

    assert (answer.status_code, answer.json()) == (429, {"error": "SLOW"})
    assert answer.headers["Retry-After"] == "3"
    assert booked(sandbox) == 0
    assert credit(sandbox).status_code == 200


def test_status_may_carry_plain_text(sandbox: SandboxProcess) -> None:
    sandbox.fault(peer="points", mode="status", status=502, body="Bad gateway")

    assert credit(sandbox).text == "Bad gateway"


@pytest.mark.parametrize(
    ("order", "status", "booked_rows"),
    [
        ({"mode": "status_after_commit", "status": 500}, 500, 1),
        ({"mode": "garbage"}, 200, 0),
        ({"mode": "commit_then_garbage"}, 200, 1),
        ({"mode": "wrong_json"}, 200, 1),
        ({"mode": "redirect", "location": "http://127.0.0.1:9/elsewhere"}, 302, 0),
    ],
)
def test_wrong_answers(sandbox: SandboxProcess, order: dict[str, Any], status: int, booked_rows: int) -> None:
    sandbox.fault(peer="points", times=1, **order)

    answer = credit(sandbox)

    assert answer.status_code == status
    assert booked(sandbox) == booked_rows
    assert answer.headers.get("Location") == order.get("location")
    if order["mode"] == "wrong_json":
        assert answer.json() == {}
    if "garbage" in order["mode"]:
        with pytest.raises(requests.JSONDecodeError):
            answer.json()


@pytest.mark.parametrize(("mode", "booked_rows"), [("reset", 0), ("commit_then_reset", 1)])
def test_a_reset_breaks_the_connection(sandbox: SandboxProcess, mode: str, booked_rows: int) -> None:
    sandbox.fault(peer="points", mode=mode, times=1)

    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        credit(sandbox)

    assert booked(sandbox) == booked_rows
    assert credit(sandbox).status_code == 200
    assert booked(sandbox) == 1


@pytest.mark.parametrize(("mode", "booked_rows"), [("hang", 0), ("commit_then_hang", 1)])
def test_a_hang_outlasts_the_callers_patience(sandbox: SandboxProcess, mode: str, booked_rows: int) -> None:
    sandbox.fault(peer="points", mode=mode, seconds=30, times=1)

    with pytest.raises(requests.ReadTimeout):
        post(f"{sandbox.points_url}/api/points/v1/internal/credit", credit_body(), timeout=0.2)

    assert booked(sandbox) == booked_rows
    assert credit(sandbox).status_code == 200


def test_a_hang_ends_with_a_closed_connection(sandbox: SandboxProcess) -> None:
    sandbox.fault(peer="points", mode="hang", seconds=0.2)

    start = time.monotonic()
    with pytest.raises(requests.ConnectionError):
        credit(sandbox)

    assert seconds_since(start) >= 0.2


def test_removing_a_used_up_hang_releases_whom_it_holds(sandbox: SandboxProcess) -> None:
    sandbox.fault(peer="points", mode="hang", seconds=30, times=1)
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(credit, sandbox)
        while not sandbox.faults()[0]["hits"]:
            time.sleep(0.01)

        sandbox.clear_faults()

        assert isinstance(held.exception(timeout=2), requests.ConnectionError)


def test_slow_body_drips_the_true_answer(sandbox: SandboxProcess) -> None:
    sandbox.fault(peer="points", mode="slow_body", seconds=0.3, times=1)

    start = time.monotonic()
    with requests.post(
        f"{sandbox.points_url}/api/points/v1/internal/credit", json=credit_body(), stream=True, timeout=5
    ) as answer:
        headers_after = seconds_since(start)
        body = answer.json()

    assert headers_after < 0.2
    assert seconds_since(start) >= 0.3
    assert body["new_balance"] == 150


def test_refuse_closes_the_port_and_opens_it_again(sandbox: SandboxProcess) -> None:
    pooled = requests.Session()
    url = f"{sandbox.points_url}/api/points/v1/internal/transactions"
    pooled.get(url, timeout=5)

    sandbox.fault(peer="points", mode="refuse", seconds=0.5)
    start = time.monotonic()

    with pytest.raises(requests.ConnectionError, match="refused"):
        pooled.get(url, timeout=5)
    assert mint(sandbox).status_code == 200
    while not _answers(url):
        time.sleep(0.02)
    assert 0.3 < seconds_since(start) < 2
    assert sandbox.faults() == []


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False


def test_removing_a_refusal_opens_the_port_at_once(sandbox: SandboxProcess) -> None:
    first = sandbox.fault(peer="points", mode="refuse", seconds=60)
    second = sandbox.fault(peer="points", mode="refuse", seconds=60)

    sandbox.clear_fault(first)
    with pytest.raises(requests.ConnectionError):
        credit(sandbox)
    sandbox.clear_fault(second)

    assert credit(sandbox).status_code == 200


def test_refuse_breaks_a_request_that_is_under_way(sandbox: SandboxProcess) -> None:
    sandbox.fault(peer="points", mode="latency", seconds=0.3)
    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(credit, sandbox)
        while not sandbox.faults()[0]["hits"]:
            time.sleep(0.01)
        sandbox.fault(peer="points", mode="refuse", seconds=60)

        assert isinstance(under_way.exception(timeout=2), requests.ConnectionError)
    assert booked(sandbox) == 0


def test_times_counts_down_and_stays_visible(sandbox: SandboxProcess) -> None:
    fault = sandbox.fault(peer="points", mode="status", status=503, times=2)

    statuses = [credit(sandbox).status_code for _ in range(3)]

    assert statuses == [503, 503, 200]
    (shown,) = sandbox.faults()
    assert (shown["id"], shown["mode"], shown["remaining"], shown["hits"]) == (fault, "status", 0, 2)


def test_without_times_a_fault_stays_until_removed(sandbox: SandboxProcess) -> None:
    first = sandbox.fault(peer="points", mode="status", status=503)
    sandbox.fault(peer="points", mode="status", status=500)

    assert [credit(sandbox).status_code for _ in range(3)] == [503, 503, 503]
    sandbox.clear_fault(first)
    assert credit(sandbox).status_code == 500
    sandbox.clear_faults()
    assert credit(sandbox).status_code == 200


def test_probability_strikes_some_calls(sandbox: SandboxProcess) -> None:
    sandbox.fault(peer="points", mode="status", status=503, probability=0.5)
    sandbox.fault(peer="tokens", mode="status", status=503, probability=0)

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(lambda _: credit(sandbox).status_code, range(60)))

    assert set(statuses) == {200, 503}
    assert mint(sandbox).status_code == 200


def test_a_fault_may_concern_one_user(sandbox: SandboxProcess) -> None:
    sandbox.fault(peer="points", mode="status", status=503, user_id="boris")
    sandbox.fault(peer="tokens", mode="status", status=503, user_id="boris", path="/task/")
    sandbox.fault(peer="analytics", mode="status", status=503, user_id="b0b0")

    assert credit(sandbox).status_code == 200
    assert credit(sandbox, external_id="r2", user_id="boris").status_code == 503
    assert add(sandbox, externalId="r3", userId="boris").status_code == 503
    minted = mint(sandbox, user_id="boris")
    assert minted.status_code == 200
    assert task(sandbox, minted.json()["task_id"]).status_code == 503
    assert task(sandbox, mint(sandbox, external_id="r2").json()["task_id"]).status_code == 200
    assert bulk(sandbox, event()).status_code == 200
    assert bulk(sandbox, event(), event(anonymous_user_id="b0b0")).status_code == 503


def test_a_fault_may_concern_one_path(sandbox: SandboxProcess) -> None:
    sandbox.fault(peer="points", mode="status", status=503, path="/internal/points/add")

    assert credit(sandbox).status_code == 200
    assert add(sandbox, externalId="r2").status_code == 503


def test_a_request_that_began_before_a_reset_books_nothing_after_it(sandbox: SandboxProcess) -> None:
    sandbox.fault(peer="points", mode="latency", seconds=30, times=1)
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(credit, sandbox)
        while not sandbox.faults()[0]["hits"]:
            time.sleep(0.01)

        sandbox.reset()

        assert isinstance(late.exception(timeout=2), requests.ConnectionError)
    assert booked(sandbox) == 0


@pytest.mark.parametrize(
    ("order", "field"),
    [
        ({"mode": "reset"}, "peer"),
        ({"peer": "bank", "mode": "reset"}, "peer"),
        ({"peer": "points", "mode": "explode"}, "mode"),
        ({"peer": "points", "mode": ["reset"]}, "mode"),
        ({"peer": "points", "mode": "latency"}, "seconds"),
        ({"peer": "points", "mode": "hang", "seconds": -1}, "seconds"),
        ({"peer": "points", "mode": "hang", "seconds": True}, "seconds"),
        ({"peer": "points", "mode": "status", "status": 99}, "status"),
        ({"peer": "points", "mode": "status", "status": 503, "headers": {"A": "b\r\nc"}}, "headers"),
        ({"peer": "points", "mode": "redirect"}, "location"),
        ({"peer": "points", "mode": "reset", "times": 0}, "times"),
        ({"peer": "points", "mode": "reset", "probability": 1.5}, "probability"),
        ({"peer": "points", "mode": "reset", "user_id": 5}, "user_id"),
        ({"peer": "points", "mode": "reset", "path": ""}, "path"),
        ({"peer": "points", "mode": "reset", "sekonds": 1}, "sekonds"),
        ({"peer": "points", "mode": "task_fails"}, "peer"),
        ({"peer": "points", "mode": "refuse", "seconds": 1, "user_id": "anna"}, "user_id"),
    ],
)
def test_a_bad_fault_is_refused_by_field(sandbox: SandboxProcess, order: dict[str, Any], field: str) -> None:
    answer = requests.post(f"{sandbox.control_url}/faults", json=order, timeout=5)

    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert sandbox.faults() == []


def test_removing_an_unknown_fault_is_not_found(sandbox: SandboxProcess) -> None:
    assert requests.delete(f"{sandbox.control_url}/faults/f0", timeout=5).status_code == 404
