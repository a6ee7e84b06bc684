"""Counting in a sliding window: in one process, in several, and while Redis is away."""

import logging
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress

import pytest
import redis
from uuid_utils.compat import uuid7

from access.rate_limits import LocalWindows, Rate, SharedWindows
from tests.conftest import REDIS_URL
from tests.helpers.processes import ROOT, free_port


class Clock:
    """A clock that a test moves."""

    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now


def let_in(windows, tries, key="a"):
    return sum(windows.hit(key) == 0 for _ in range(tries))


# --- one process ------------------------------------------------------------------------------------------


def test_as_many_as_the_limit_are_let_in():
    windows = LocalWindows(Rate(5, 60), Clock(600.0))

    assert let_in(windows, 8) == 5


def test_each_caller_has_a_count_of_its_own():
    windows = LocalWindows(Rate(2, 60), Clock(600.0))

    assert [let_in(windows, 3, key) for key in "abc"] == [2, 2, 2]


@pytest.mark.parametrize("start", [600.0, 601.0, 630.0, 659.9])
@pytest.mark.parametrize("limit", [1, 2, 5, 120])
def test_whoever_waits_as_long_as_told_is_let_in_and_not_much_earlier(start, limit):
    # given a caller who has used everything, at any place of the window
    clock = Clock(start)
    windows = LocalWindows(Rate(limit, 60), clock)
    assert let_in(windows, limit + 1) == limit

    # when
    wait = windows.hit("a")
    clock.now = start + wait - 0.01
    early = windows.hit("a")
    clock.now = start + wait + 0.01

    # then
    assert early > 0
    assert windows.hit("a") == 0


def test_the_edge_of_a_window_lets_nobody_send_double():
    clock = Clock(659.0)
    windows = LocalWindows(Rate(100, 60), clock)

    before = let_in(windows, 100)
    clock.now = 661.0

    assert before + let_in(windows, 100) <= 100 + 2


def test_after_two_windows_of_silence_everything_is_free_again():
    clock = Clock(600.0)
    windows = LocalWindows(Rate(3, 60), clock)
    let_in(windows, 3)

    clock.now = 720.0

    assert let_in(windows, 5) == 3


class MeetingDict(dict):
    """Two readers that may read at once meet here before either goes on."""

    def __init__(self):
        super().__init__()
        self.meeting = threading.Barrier(2)

    def get(self, *args):
        found = super().get(*args)
        with suppress(threading.BrokenBarrierError):
            self.meeting.wait(0.3)
        return found


@pytest.mark.parametrize(("lock", "expected"), [(None, 1), (nullcontext(), 2)], ids=["locked", "twin"])
def test_two_threads_at_once_are_both_counted(lock, expected):
    """Without the lock, the twin, both see the same count."""
    windows = LocalWindows(Rate(1, 3600))
    windows.hit("somebody else")  # The window has begun.
    windows._current = MeetingDict()
    windows._lock = lock or windows._lock

    with ThreadPoolExecutor(2) as threads:
        waits = list(threads.map(lambda _: windows.hit("a"), range(2)))

    assert waits.count(0) == expected


# --- several processes ------------------------------------------------------------------------------------

PROCESS = """
import sys
from concurrent.futures import ThreadPoolExecutor
from access.rate_limits import Rate, SharedWindows
windows = SharedWindows(Rate(100, 3600), sys.argv[1], sys.argv[2])
with ThreadPoolExecutor(4) as threads:
    print(sum(wait == 0 for wait in threads.map(lambda _: windows.hit("a"), range(60))))
"""


@pytest.mark.redis
def test_several_processes_together_let_in_exactly_the_limit():
    name = f"test-{uuid7()}"
    command = [sys.executable, "-c", PROCESS, REDIS_URL, name]

    running = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    counts = [int(process.communicate(timeout=60)[0]) for process in running]

    assert sum(counts) == 100


@pytest.mark.redis
def test_the_script_decides_and_counts_in_one_step():
    """The twin reads and writes in two steps, between which another process reads the same count."""
    client = redis.Redis.from_url(REDIS_URL)
    key = f"twin-{uuid7()}"
    windows = SharedWindows(Rate(1, 3600), REDIS_URL, f"test-{uuid7()}")

    seen = [int(client.get(key) or 0) for _ in range(2)]
    twin = [client.incr(key, 1) for count in seen if count + 1 <= 1]
    client.delete(key)

    assert len(twin) == 2
    assert let_in(windows, 2) == 1


@pytest.mark.redis
def test_the_shared_count_tells_how_long_to_wait():
    windows = SharedWindows(Rate(1, 3600), REDIS_URL, f"test-{uuid7()}")
    assert windows.hit("a") == 0

    assert 0 < windows.hit("a") <= 7200
    assert windows.hit("b") == 0


@pytest.mark.redis
def test_what_redis_keeps_is_forgotten_after_two_windows():
    name = f"test-{uuid7()}"
    windows = SharedWindows(Rate(5, 60), REDIS_URL, name)
    windows.hit("a")

    left = redis.Redis.from_url(REDIS_URL).pttl(f"referral:throttle:{name}:5/60:a")

    assert 0 < left <= 120_000


def test_while_redis_is_away_the_process_counts_for_itself_and_says_so_once(caplog):
    windows = SharedWindows(Rate(3, 3600), f"redis://127.0.0.1:{free_port()}/0", "test")

    with caplog.at_level(logging.WARNING):
        assert let_in(windows, 6) == 3

    assert [record.getMessage() for record in caplog.records] == [
        "REDIS_URL does not answer (ConnectionError): each process counts its throttles for itself"
    ]


@pytest.mark.redis
def test_a_redis_that_comes_back_is_asked_again(caplog):
    # given a Redis that is away
    name = f"test-{uuid7()}"
    windows = SharedWindows(Rate(1, 3600), f"redis://127.0.0.1:{free_port()}/14", name)
    assert let_in(windows, 2) == 1

    # when it is back, and the pause between two questions is over
    windows._script = SharedWindows(Rate(1, 3600), REDIS_URL, name)._script
    assert let_in(windows, 1) == 0
    windows._ask_again_at = 0

    # then its count is the one that counts
    assert let_in(windows, 2) == 1
    assert not windows._is_away
