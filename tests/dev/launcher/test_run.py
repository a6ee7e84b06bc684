"""The launcher as a whole, with real processes and a service made of stubs."""

import errno
import os
import signal
import socket
import stat
import time
import urllib.request
from collections.abc import Callable

import pytest

from dev.launcher.demo import environment
from dev.launcher.errors import explain
from dev.launcher.processes import is_alive, wait_until
from tests.dev.launcher.conftest import Clone, read_until, stop

READY = "Ctrl-C stops everything"
NAMES = {
    "granian": "web",
    "dramatiq": "worker",
    "postgres": "database",
    "scheduler": "scheduler",
    "sandbox": "sandbox",
}
"""The word in the command line, and what the launcher calls it."""


def answers(clone: Clone) -> bool:
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{clone.port}/healthz/ready", timeout=2).status == 200
    except OSError:
        return False


def became_true(condition: Callable[[], bool], seconds: float = 5) -> bool:
    return wait_until(condition, seconds=seconds)


def test_a_run_serves_and_leaves_nothing_behind(clone: Clone) -> None:
    launcher = clone.launch_until(READY)
    assert answers(clone)
    for name in NAMES:
        assert clone.processes(name), name
    # PostgreSQL's own children leave the session by themselves; they end with their parent.
    ours = [process for process in clone.processes("") if not process.cmdline()[0].startswith("postgres:")]
    assert {os.getsid(process.pid) for process in ours} == {os.getsid(launcher.pid)}

    stop(launcher)

    assert launcher.returncode == 0
    assert clone.processes("") == []


def test_whatever_is_killed_comes_back_within_two_seconds(clone: Clone) -> None:
    launcher = clone.launch_until(READY)
    for name, said in NAMES.items():
        killed = clone.processes(name)
        for process in killed:
            process.kill()
        read_until(launcher, f"{said} stopped (signal 9); starting again")
        assert became_true(lambda name=name: bool(clone.processes(name)), 2), name
    assert became_true(lambda: answers(clone))

    stop(launcher)

    assert clone.processes("") == []


def test_workers_of_a_killed_main_process_do_not_hold_its_port(clone: Clone) -> None:
    launcher = clone.launch_until(READY)
    main = min(clone.processes("granian"), key=lambda process: process.create_time())
    before = {process.pid for process in clone.processes("granian")}

    main.kill()

    read_until(launcher, "web stopped")
    assert became_true(lambda: len(clone.processes("granian")) == len(before) and answers(clone))
    assert before.isdisjoint(process.pid for process in clone.processes("granian"))
    stop(launcher)


def test_the_next_start_ends_what_a_killed_launcher_left_and_finds_its_addresses_again(clone: Clone) -> None:
    first = clone.launch_until(READY)
    recorded = environment.read(clone.run_folder / "demo.env")
    left = clone.processes("")
    first.kill()
    first.wait()
    assert all(map(is_alive, left))

    second = clone.launch_until(READY)

    assert not any(map(is_alive, left))
    assert environment.read(clone.run_folder / "demo.env") == recorded
    stop(second)


def test_a_second_run_in_the_same_clone_says_that_there_is_one(clone: Clone) -> None:
    launcher = clone.launch_until("Starting the database")

    assert "already runs in this folder" in clone.output_of_failed_launch()

    stop(launcher)


def test_a_stop_during_the_start_leaves_nothing_behind(clone: Clone) -> None:
    launcher = clone.launch_until("Preparing")

    stop(launcher)

    assert launcher.returncode == 0
    assert clone.processes("") == []


def test_a_failing_preparation_shows_its_last_words(clone: Clone) -> None:
    output = clone.output_of_failed_launch(STUB_FAILS="1")

    assert "the campaign of the demo is broken" in output
    assert "prepare_demo stopped (exit 1)" in output
    assert clone.processes("") == []


def test_a_taken_port_is_named_before_anything_starts(clone: Clone) -> None:
    with socket.create_server(("127.0.0.1", clone.port)):
        output = clone.output_of_failed_launch()

    assert f"Port {clone.port} is taken by another program" in output
    assert "Starting" not in output


def test_given_values_win_and_secrets_are_for_the_owner_only(clone: Clone) -> None:
    launcher = clone.launch_until("Preparing", SECRET_KEY="given", DEMO_ADMIN_PASSWORD="mine")
    stop(launcher)

    file = clone.run_folder / "demo.env"
    values = environment.read(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (values["SECRET_KEY"], values["DEMO_ADMIN_PASSWORD"]) == ("given", "mine")
    assert values["USER_JWT_KEY"].startswith("demo-")


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "The disk that holds /x/.run is full"),
        (errno.EACCES, "/x/.run cannot be written"),
        (errno.EROFS, "/x/.run cannot be written"),
    ],
)
def test_what_the_system_refuses_becomes_a_sentence(number: int, sentence: str) -> None:
    assert str(explain(OSError(number, os.strerror(number)), "/x/.run")).startswith(sentence)


def test_a_hang_up_and_a_second_request_end_it_at_once(clone: Clone) -> None:
    launcher = clone.launch_until(READY)
    began = time.monotonic()

    launcher.send_signal(signal.SIGHUP)
    launcher.send_signal(signal.SIGINT)
    launcher.communicate(timeout=15)

    assert time.monotonic() - began < 5
    assert launcher.returncode == 0
    assert clone.processes("") == []
