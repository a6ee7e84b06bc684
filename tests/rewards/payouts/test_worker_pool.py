"""The threads that speak to a peer."""

import threading
import time

import pytest

from rewards.payouts import worker_pool
from rewards.payouts.worker_pool import Callers

PATIENCE = 5.0


def collected(pool, number):
    """So many answers, however they come."""
    answers = []
    until = time.monotonic() + PATIENCE
    while len(answers) < number and time.monotonic() < until:
        answers += pool.answers(patience=0.1)
    return answers


def test_a_slow_call_holds_back_neither_answers_nor_new_calls():
    # given
    release = threading.Event()
    pool = Callers(lambda task: release.wait(PATIENCE) if task == "slow" else task, most=2, name="test")

    # when
    pool.hand_over(["slow", 1, 2])
    first = collected(pool, 2)
    pool.hand_over([3])
    second = collected(pool, 1)

    # then
    assert (first, second, pool.under_way) == ([1, 2], [3], 1)
    release.set()
    assert (collected(pool, 1), pool.under_way) == ([True], 0)


def test_no_more_calls_than_allowed_run_at_once_and_the_rest_can_be_taken_back():
    # given
    release, begun = threading.Event(), threading.Semaphore(0)

    def ask(task):
        begun.release()
        release.wait(PATIENCE)
        return task

    pool = Callers(ask, most=3, name="test")

    # when
    pool.hand_over(range(10))
    for _ in range(3):
        assert begun.acquire(timeout=PATIENCE)
    left = pool.take_back()

    # then
    assert (left, pool.under_way) == ([3, 4, 5, 6, 7, 8, 9], 3)
    release.set()
    assert sorted(collected(pool, 3)) == [0, 1, 2]


def test_idle_threads_end_and_are_started_again(monkeypatch: pytest.MonkeyPatch):
    # given
    monkeypatch.setattr(worker_pool, "IDLE_SECONDS", 0.05)
    pool = Callers(lambda task: task, most=4, name="idle-test")
    pool.hand_over(range(8))
    assert sorted(collected(pool, 8)) == list(range(8))

    # when
    until = time.monotonic() + PATIENCE
    while any(thread.name == "idle-test" for thread in threading.enumerate()) and time.monotonic() < until:
        time.sleep(0.02)

    # then
    assert not any(thread.name == "idle-test" for thread in threading.enumerate())
    pool.hand_over([8])
    assert collected(pool, 1) == [8]
