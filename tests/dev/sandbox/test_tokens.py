import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from typing import Any

import jwt
import pytest
import requests

from tests.dev.sandbox.calls import KEY, finished_task, mint, task
from tests.helpers.sandbox import SandboxProcess


def test_a_mint_is_pending_first_and_confirmed_later(sandbox: SandboxProcess) -> None:
    minted = mint(sandbox)
    done = finished_task(sandbox, minted.json()["task_id"])

    assert minted.json().keys() == {"task_id", "status"}
    assert minted.json()["status"] == "pending"
    assert done["status"] == "confirmed"
    assert done["tx_hash"].startswith("0x")
    assert done["last_error"] is None


def test_a_task_passes_through_sent(sandbox: SandboxProcess) -> None:
    task_id = mint(sandbox).json()["task_id"]

    seen = []
    while not seen or seen[-1] not in ("confirmed", "failed"):
        seen.append(task(sandbox, task_id).json()["status"])

    assert list(dict.fromkeys(seen)) == ["pending", "sent", "confirmed"]


def test_same_external_id_mints_once(sandbox: SandboxProcess) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = {answer.json()["task_id"] for answer in pool.map(lambda _: mint(sandbox), range(16))}
    finished_task(sandbox, ids.copy().pop())

    assert len(ids) == 1
    assert sandbox.state()["tokens"]["balances"] == {"anna": "1.500000000"}


def test_same_external_id_with_another_amount_conflicts(sandbox: SandboxProcess) -> None:
    mint(sandbox, amount="1.5")

    assert mint(sandbox, amount="1.50").status_code == 200
    assert mint(sandbox, amount="1.51").status_code == 409


def test_amounts_are_added_exactly(sandbox: SandboxProcess) -> None:
    amounts = ["0.1", "0.2", "999999999999.000000001"]
    for number, amount in enumerate(amounts):
        finished_task(sandbox, mint(sandbox, external_id=f"r{number}", amount=amount).json()["task_id"])

    assert sandbox.state()["tokens"]["balances"] == {"anna": "999999999999.300000001"}


@pytest.mark.parametrize(
    "amount", [1.5, 1, "0", "0.000000000", "-1", "1e3", "1.0000000001", "1234567890123", "", "NaN", " 1", "١"]
)
def test_an_amount_that_is_no_exact_positive_string_is_refused(sandbox: SandboxProcess, amount: Any) -> None:
    answer = mint(sandbox, amount=amount)

    assert (answer.status_code, answer.json()["field"]) == (422, "amount")


def test_an_unknown_task_is_not_found(sandbox: SandboxProcess) -> None:
    assert task(sandbox, "nothing").status_code == 404


def test_state_shows_tasks_and_counts_only_confirmed_ones(sandbox: SandboxProcess) -> None:
    stuck = sandbox.fault(peer="tokens", mode="task_stuck", user_id="boris")
    done = mint(sandbox, external_id="r1").json()["task_id"]
    mint(sandbox, external_id="r2", user_id="boris", amount="2")
    finished_task(sandbox, done)

    state = sandbox.state()["tokens"]
    sandbox.clear_fault(stuck)

    assert [(row["external_id"], row["amount"], row["status"]) for row in state["tasks"]] == [
        ("r1", "1.500000000", "confirmed"),
        ("r2", "2.000000000", "pending"),
    ]
    assert state["balances"] == {"anna": "1.500000000"}


def test_a_task_can_be_made_to_fail(sandbox: SandboxProcess) -> None:
    sandbox.fault(peer="tokens", mode="task_fails", times=1, error="out of gas")

    failed = finished_task(sandbox, mint(sandbox).json()["task_id"])
    again = mint(sandbox)
    retried = finished_task(sandbox, mint(sandbox, external_id="reward-1:2").json()["task_id"])

    assert (failed["status"], failed["tx_hash"], failed["last_error"]) == ("failed", None, "out of gas")
    assert again.json() == {"task_id": failed["task_id"], "status": "failed"}
    assert retried["status"] == "confirmed"
    assert sandbox.state()["tokens"]["balances"] == {"anna": "1.500000000"}


def test_a_stuck_task_goes_on_when_the_fault_is_removed(sandbox: SandboxProcess) -> None:
    stuck = sandbox.fault(peer="tokens", mode="task_stuck", times=1)
    task_id = mint(sandbox).json()["task_id"]
    free = mint(sandbox, external_id="r2").json()["task_id"]

    assert finished_task(sandbox, free)["status"] == "confirmed"
    assert task(sandbox, task_id).json()["status"] == "pending"
    sandbox.clear_fault(stuck)
    assert finished_task(sandbox, task_id)["status"] == "confirmed"


class Listening:
    """A server that answers 404 and remembers what it was told."""

    def __init__(self) -> None:
        told: Queue[tuple[str, dict[str, Any]]] = Queue()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                told.put((self.headers["Authorization"], json.loads(body)))
                self.send_error(404)

            def log_message(self, *arguments: Any) -> None:
                pass

        self.told = told
        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/internal/g2a-callback"


@pytest.fixture
def listening() -> Iterator[Listening]:
    listening = Listening()
    thread = threading.Thread(target=listening.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield listening
    listening.server.shutdown()
    thread.join()
    listening.server.server_close()


def test_the_end_of_a_task_is_called_back(listening: Listening) -> None:
    with SandboxProcess(callback_url=listening.url, callback_key=KEY) as sandbox:
        sandbox.fault(peer="tokens", mode="task_fails", user_id="boris", error="out of gas")
        confirmed = finished_task(sandbox, mint(sandbox).json()["task_id"])
        header, first = listening.told.get(timeout=5)
        failed = mint(sandbox, external_id="r2", user_id="boris").json()["task_id"]
        _, second = listening.told.get(timeout=5)

    assert first == {"task_id": confirmed["task_id"], "status": "confirmed", "tx_hash": confirmed["tx_hash"]}
    assert second == {"task_id": failed, "status": "failed", "error": "out of gas"}
    claims = jwt.decode(header.removeprefix("Bearer "), KEY, ["HS256"], audience="referral-service")
    assert claims["iss"] == "token_gateway"
    assert claims["exp"] - time.time() < 300


def test_nobody_listening_to_callbacks_does_no_harm(sandbox: SandboxProcess) -> None:
    first = finished_task(sandbox, mint(sandbox).json()["task_id"])
    second = finished_task(sandbox, mint(sandbox, external_id="r2").json()["task_id"])

    assert (first["status"], second["status"]) == ("confirmed", "confirmed")
    assert "callbacks not delivered" in requests.get(sandbox.control_url, timeout=5).text
