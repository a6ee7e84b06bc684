import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.dev.sandbox.calls import (
    KEY,
    bulk,
    credit,
    credit_body,
    event,
    finished_task,
    mint,
    post,
    service_token,
)
from tests.helpers.sandbox import ROOT, SandboxProcess

FREE = ["--points-port=0", "--tokens-port=0", "--analytics-port=0", "--control-port=0"]


def run(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sandbox", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_port_zero_takes_free_ports_and_one_line_tells_them() -> None:
    with run(*FREE, SERVICE_JWT_OUT_KEY="") as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        state = requests.get(f"{ready['control_url']}/state", timeout=5).json()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=5)

    assert ready.pop("ready") is True
    assert ready.keys() == {"points_url", "tokens_url", "analytics_url", "control_url"}
    assert state["points"]["balances"] == {}
    assert (process.returncode, out) == (0, "")
    assert err == "No key was given: the callers' tokens are not checked.\n"


def test_a_taken_port_ends_the_start_with_one_sentence(sandbox: SandboxProcess) -> None:
    taken = {
        peer: getattr(sandbox, f"{peer}_url").rpartition(":")[2] for peer in ("points", "tokens", "control")
    }

    starts = {peer: run(*FREE, f"--{peer}-port={port}", "--key", KEY) for peer, port in taken.items()}

    for peer, process in starts.items():
        out, err = process.communicate(timeout=10)
        assert (process.returncode, out) == (1, "")
        assert err == f"Cannot listen on 127.0.0.1 port {taken[peer]}: Address already in use.\n"


def test_a_state_folder_belongs_to_one_process(sandbox: SandboxProcess, state_folder: Path) -> None:
    with run(*FREE, "--state", str(state_folder), "--key", KEY) as second:
        _, err = second.communicate(timeout=10)

    assert second.returncode == 1
    assert err == f"Another sandbox is using {state_folder / 'points.jsonl'}.\n"


def test_sigterm_ends_it_quickly_while_requests_hang() -> None:
    with SandboxProcess() as sandbox, ThreadPoolExecutor(4) as pool:
        sandbox.fault(peer="points", mode="hang", seconds=60)
        held = [pool.submit(credit, sandbox) for _ in range(4)]
        while sandbox.faults()[0]["hits"] < 4:
            time.sleep(0.01)

        start = time.monotonic()
        sandbox.stop()

        assert time.monotonic() - start < 2
        assert all(isinstance(future.exception(), requests.ConnectionError) for future in held)


def test_the_ledger_survives_sigkill(tmp_path: Path) -> None:
    with SandboxProcess(state=tmp_path, token_delay=0.05) as sandbox:
        first = credit(sandbox).json()
        confirmed = finished_task(sandbox, mint(sandbox).json()["task_id"])
        bulk(sandbox, event())
        sandbox.fault(peer="tokens", mode="task_stuck")
        unfinished = mint(sandbox, external_id="r2", amount="0.000000001").json()["task_id"]
        points_url = sandbox.points_url

        sandbox.kill()
        sandbox.start()

        assert sandbox.points_url == points_url
        assert credit(sandbox).json() == first
        assert mint(sandbox).json() == {"task_id": confirmed["task_id"], "status": "confirmed"}
        assert finished_task(sandbox, unfinished)["status"] == "confirmed"
        state = sandbox.state()
        assert state["points"]["balances"] == {"anna": 150}
        assert state["tokens"]["balances"] == {"anna": "1.500000001"}
        assert state["analytics"]["events"] == 1
        assert sandbox.faults() == []


def test_what_was_answered_before_a_kill_is_booked_after_it_and_a_torn_line_is_cut_off(
    tmp_path: Path,
) -> None:
    journal = tmp_path / "points.jsonl"
    answered: list[str] = []

    def credit_until_killed(worker: int) -> None:
        for number in range(10_000):
            external_id = f"r{worker}-{number}"
            try:
                credit(sandbox, external_id=external_id).raise_for_status()
            except requests.ConnectionError:
                return
            answered.append(external_id)

    with SandboxProcess(state=tmp_path) as sandbox:
        with ThreadPoolExecutor(4) as pool:
            for worker in range(4):
                pool.submit(credit_until_killed, worker)
            time.sleep(0.3)
            sandbox.kill()
        whole_lines = journal.read_bytes().rpartition(b"\n")[0] + b"\n"
        journal.write_bytes(whole_lines + b'{"transaction_id":"tor')

        sandbox.start()

        assert journal.read_bytes() == whole_lines
        booked = {row["external_id"] for row in sandbox.state()["points"]["transactions"]}

    assert answered
    assert set(answered) <= booked


def test_a_damaged_journal_ends_the_start_with_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "tokens.jsonl").write_text("{}}\n{}\n")

    with run(*FREE, "--state", str(tmp_path), "--key", KEY) as process:
        _, err = process.communicate(timeout=10)

    assert process.returncode == 1
    path = tmp_path / "tokens.jsonl"
    assert err == f"Line 1 of {path} is damaged; remove the file to start afresh.\n"


def test_reset_forgets_ledger_counters_and_journal(sandbox: SandboxProcess, state_folder: Path) -> None:
    credit(sandbox)
    mint(sandbox)
    bulk(sandbox, event())
    sandbox.fault(peer="points", mode="status", status=503)

    sandbox.reset()

    assert sandbox.state() == {
        "points": {"balances": {}, "transactions": [], "requests": 0},
        "tokens": {"balances": {}, "tasks": [], "requests": 0},
        "analytics": {"events": 0, "requests": 0},
    }
    assert sandbox.faults() == []
    assert [journal.stat().st_size for journal in state_folder.iterdir()] == [0, 0, 0]


@pytest.fixture(scope="module")
def strict_urls() -> Iterator[dict[str, str]]:
    """A sandbox that got its key from the environment."""
    with run(*FREE, SERVICE_JWT_OUT_KEY=KEY) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.terminate()
        process.communicate(timeout=5)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 200),
        ({"aud": ["points_service", "analytics"]}, 200),
        ({"aud": "token_gateway"}, 401),
        ({"aud": None}, 401),
        ({"iss": "quest_service"}, 401),
        ({"iss": None}, 401),
        ({"exp": 1}, 401),
        ({"exp": None}, 401),
        ({"exp": 4_000_000_000}, 401),
        ({"key": "another-key-for-tests-that-is-long-enough"}, 401),
    ],
)
def test_tokens_are_checked(strict_urls: dict[str, str], changes: dict[str, Any], status: int) -> None:
    url = f"{strict_urls['points_url']}/api/points/v1/internal/credit"

    assert post(url, credit_body(), token=service_token(**changes)).status_code == status


def test_each_peer_has_its_audience(strict_urls: dict[str, str]) -> None:
    urls = {
        "points_service": f"{strict_urls['points_url']}/internal/points/add",
        "token_gateway": f"{strict_urls['tokens_url']}/internal/blockchain/v1/g2a/mint",
        "analytics": f"{strict_urls['analytics_url']}/internal/logging-analytics/v1/analytics/events/bulk",
    }

    for audience, url in urls.items():
        assert post(url, {}, token=service_token(aud=audience)).status_code == 422
        assert post(url, {}, token=service_token(aud="referral-service")).status_code == 401
        assert post(url, {}).status_code == 401
        assert post(url, {}, token="no.jwt.at-all").status_code == 401


def test_the_page_shows_balances_and_escapes_what_it_shows(sandbox: SandboxProcess) -> None:
    credit(sandbox, user_id="<b>anna</b>", amount=1234)
    finished_task(sandbox, mint(sandbox, user_id="boris").json()["task_id"])
    sandbox.fault(peer="points", mode="latency", seconds=1, user_id="boris")

    answer = requests.get(sandbox.control_url, timeout=5)

    assert answer.headers["Content-Type"].startswith("text/html")
    assert "&lt;b&gt;anna&lt;/b&gt;" in answer.text
    assert "<b>" not in answer.text
    assert ">1234<" in answer.text
    assert ">1.500000000<" in answer.text
    assert "user boris" in answer.text
    assert 'http-equiv="refresh"' in answer.text


def test_the_control_port_stays_on_loopback() -> None:
    with run(*FREE, "--host", "0.0.0.0") as process:  # noqa: S104 - what is tested is that not all of it opens
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        process.terminate()
        process.communicate(timeout=5)

    assert ready["control_url"].startswith("http://127.0.0.1:")
    assert ready["points_url"].startswith("http://0.0.0.0:")


def test_many_requests_at_once_are_served_fast(sandbox: SandboxProcess) -> None:
    sandbox.fault(peer="points", mode="latency", seconds=0.005)

    with ThreadPoolExecutor(32) as pool:
        start = time.monotonic()
        statuses = list(pool.map(lambda n: credit(sandbox, external_id=f"r{n}").status_code, range(320)))
        elapsed = time.monotonic() - start

    assert set(statuses) == {200}
    assert elapsed < 5, "far below what one caller after the other would need on a busy machine"
