"""What threads bring at the same time is done together, and nobody's answer depends on who else was there."""

import threading
import time
from collections.abc import Callable

import pytest

from rewards.intake import group_commit
from rewards.intake.group_commit import Together

LONG = 10.0


class Gate:
    """Work that stops in its first run until it is let go; notes what each run was given."""

    def __init__(self, answer: Callable[[int], int | None] = lambda thing: thing * 10) -> None:
        self.runs: list[list[int]] = []
        self.answer = answer
        self.reached, self.open = threading.Event(), threading.Event()

    def __call__(self, things):
        self.runs.append(list(things))
        if len(self.runs) == 1:
            self.reached.set()
            assert self.open.wait(LONG)
        answers = [self.answer(thing) for thing in things]
        return None if None in answers else answers


class Caller(threading.Thread):
    """One who brings a thing."""

    def __init__(self, group, thing, key="key"):
        super().__init__(daemon=True)
        self.group, self.thing, self.key = group, thing, key
        self.result = None
        self.start()

    def run(self):
        try:
            self.result = self.group.run(self.key, self.thing)
        except Exception as error:
            self.result = error

    def ends(self):
        self.join(LONG)
        assert not self.is_alive(), "it does not end"
        return self.result


def in_company(work, things, *, group=None, key="key"):
    """The first stops in its work until the others have gathered; everybody's results in order."""
    group = group or Together(work)
    first = Caller(group, things[0], key)
    assert work.reached.wait(LONG)
    others = []
    for thing in things[1:]:
        others.append(Caller(group, thing, key))
        until(lambda: sum(map(len, group._waiting.values())) == len(others))
    work.open.set()
    return [caller.ends() for caller in (first, *others)]


def until(condition):
    deadline = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.fixture
def patient(monkeypatch):
    monkeypatch.setattr(group_commit, "PATIENCE_SECONDS", LONG)


def test_one_alone_is_done_at_once():
    work = Gate()
    work.open.set()

    assert Together(work).run("key", 7) == 70
    assert work.runs == [[7]]


@pytest.mark.usefixtures("patient")
def test_those_who_come_meanwhile_are_done_together_in_their_order():
    work = Gate()

    assert in_company(work, [1, 2, 3, 4]) == [10, 20, 30, 40]
    assert work.runs == [[1], [2, 3, 4]]


@pytest.mark.usefixtures("patient")
def test_one_that_gets_nothing_costs_the_others_nothing_but_time():
    work = Gate(lambda thing: None if thing == 3 else thing * 10)

    assert in_company(work, [1, 2, 3, 4]) == [10, 20, None, 40]
    assert work.runs[:2] == [[1], [2, 3, 4]]
    assert sorted(work.runs[2:]) == [[2], [3], [4]]


@pytest.mark.usefixtures("patient")
def test_an_error_is_raised_only_to_the_one_who_caused_it():
    def answer(thing):
        if thing == 3:
            raise ZeroDivisionError
        return thing * 10

    first, second, third, fourth = in_company(Gate(answer), [1, 2, 3, 4])

    assert (first, second, fourth) == (10, 20, 40)
    assert isinstance(third, ZeroDivisionError)


def test_an_error_of_one_alone_is_raised_once_and_blocks_nobody():
    calls = []

    def work(things):
        calls.append(list(things))
        if things == [1]:
            raise ZeroDivisionError
        return things

    group = Together(work)
    with pytest.raises(ZeroDivisionError):
        group.run("key", 1)

    assert group.run("key", 2) == 2
    assert calls == [[1], [2]]


def test_who_has_waited_too_long_goes_alone(monkeypatch):
    monkeypatch.setattr(group_commit, "PATIENCE_SECONDS", 0.05)
    work = Gate()
    group = Together(work)
    first = Caller(group, 1)
    assert work.reached.wait(LONG)

    assert group.run("key", 2) == 20
    assert work.runs == [[1], [2]]

    work.open.set()
    assert first.ends() == 10
    assert group.run("key", 3) == 30


@pytest.mark.usefixtures("patient")
def test_one_alone_is_done_by_its_own_thread_and_company_by_one_that_goes_on():
    threads = []

    def answer(thing):
        threads.append((thing, threading.current_thread().name))
        return thing

    work = Gate(answer)
    in_company(work, [1, 2, 3, 4])

    by = dict(threads)
    assert not by[1].startswith("together")
    assert by[2] == by[3] == by[4] == "together_0"


@pytest.mark.usefixtures("patient")
def test_the_writer_serves_what_comes_soon_and_then_lets_go(monkeypatch):
    monkeypatch.setattr(group_commit, "LINGER_SECONDS", LONG)
    by = {}

    def answer(thing):
        by[thing] = threading.current_thread().name
        return thing * 10

    work = Gate(answer)
    group = Together(work)
    assert in_company(work, [1, 2], group=group) == [10, 20]

    monkeypatch.setattr(group_commit, "LINGER_SECONDS", 0.001)
    assert group.run("key", 3) == 30
    until(lambda: group._waiting == {})
    assert group.run("key", 4) == 40

    assert (by[2], by[3]) == ("together_0", "together_0")
    assert by[4] == threading.current_thread().name


@pytest.mark.usefixtures("patient")
def test_when_no_thread_can_be_had_all_go_alone_and_nobody_is_held_for_what_may_come(monkeypatch):
    monkeypatch.setattr(group_commit, "LINGER_SECONDS", 2 * LONG)
    work = Gate()
    group = Together(work)
    group._writers.shutdown()

    assert in_company(work, [1, 2, 3], group=group) == [10, 20, 30]
    assert sorted(work.runs) == [[1], [2], [3]]
    assert group._waiting == {}


@pytest.mark.usefixtures("patient")
def test_what_a_pool_without_threads_has_kept_disturbs_nobody_later(monkeypatch):
    # given a pool that could start no thread for what it was given, and kept it
    start = threading.Thread.start

    def refuse(thread):
        if thread.name.startswith("together"):
            raise RuntimeError("can't start new thread")
        start(thread)

    works = {"key": Gate(), "other": Gate()}
    group = Together(lambda things: works["other" if things[0] > 9 else "key"](things))
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert in_company(works["key"], [1, 2], group=group) == [10, 20]

    # when there are threads again, while somebody is at work on the same key
    works["key"] = Gate()
    first = Caller(group, 1)
    assert works["key"].reached.wait(LONG)
    assert in_company(works["other"], [10, 11], group=group, key="other") == [100, 110]
    until(lambda: group._writers._work_queue.empty())
    group._writers.shutdown()

    # then that one is at work on it as before
    assert group._waiting == {"key": []}
    works["key"].open.set()
    assert first.ends() == 10


@pytest.mark.usefixtures("patient")
def test_whatever_ends_the_work_of_a_writer_nobody_waits_for_ever():
    class Panic(BaseException):
        """As libraries in Rust raise it."""

    def work(things):
        if len(things) > 1:
            raise Panic
        return gate(things)

    gate = Gate()
    group = Together(work)

    assert in_company(gate, [1, 2, 3], group=group) == [10, 20, 30]
    until(lambda: group._waiting == {})


@pytest.mark.usefixtures("patient")
def test_a_writer_does_not_wait_for_more_while_another_key_has_none(monkeypatch):
    monkeypatch.setattr(group_commit, "LINGER_SECONDS", 2 * LONG)
    monkeypatch.setattr(group_commit, "WRITERS", 1)
    works = {"one": Gate(), "other": Gate()}
    group = Together(lambda things: works["other" if things[0] > 9 else "one"](things))

    # given a writer that has served a key, and waits for more
    assert in_company(works["one"], [1, 2], group=group, key="one") == [10, 20]
    assert group._waiting == {"one": []}

    # when another key needs it, then it goes there
    assert in_company(works["other"], [10, 11], group=group, key="other") == [100, 110]
    assert "one" not in group._waiting
    monkeypatch.setattr(group_commit, "LINGER_SECONDS", 0)
    assert group.run("one", 3) == 30


@pytest.mark.usefixtures("patient")
def test_keys_do_not_wait_for_each_other():
    work = Gate()
    group = Together(work)
    first = Caller(group, 1, "one")
    assert work.reached.wait(LONG)

    assert group.run("other", 2) == 20

    work.open.set()
    assert first.ends() == 10


@pytest.mark.parametrize("patience", [0.0005, 10.0])
def test_many_at_once_all_get_their_own_answer(monkeypatch, patience):
    monkeypatch.setattr(group_commit, "PATIENCE_SECONDS", patience)
    at_work = threading.Semaphore(1)
    overlaps = []

    def work(things):
        if not at_work.acquire(blocking=False):
            overlaps.append(things)
        else:
            time.sleep(0.0002)
            at_work.release()
        return [thing * 10 for thing in things] if 13 not in things else None

    group = Together(work)
    wrong = []

    def bring(start):
        for number in range(start, start + 200):
            thing = number % 17
            expected = None if thing == 13 else thing * 10
            if (got := group.run("key", thing)) != expected:
                wrong.append((thing, got))

    threads = [threading.Thread(target=bring, args=(start,), daemon=True) for start in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert not any(thread.is_alive() for thread in threads)
    assert wrong == []
    until(lambda: group._waiting == {})
