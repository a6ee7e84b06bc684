"""Wakes are rare, may fail, and never hold anybody up."""

import threading
import time

import dramatiq

from rewards import actors
from rewards.notifier import ACTORS, Waker
from rewards.support import actors as support_actors


class Broker:
    """Takes wakes, unless told otherwise."""

    def __init__(self):
        self.taken = []
        self.refuses = False
        self.open = threading.Event()
        self.open.set()

    def send(self, peer):
        self.open.wait(10)
        self.taken.append(peer)
        if self.refuses:
            raise ConnectionError("away")


def until(condition):
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_thousand_wishes_become_a_few_wakes():
    broker = Broker()
    waker = Waker(broker.send)

    for _ in range(1000):
        waker.wake({"points"})
    until(lambda: broker.taken)
    time.sleep(0.25)

    assert set(broker.taken) == {"points"}
    assert len(broker.taken) < 20


def test_no_wish_is_lost_between_two_wakes():
    broker = Broker()
    waker = Waker(broker.send)

    for number in range(30):
        waker.wake({f"peer-{number}"})
        time.sleep(0.01)

    until(lambda: set(broker.taken) == {f"peer-{number}" for number in range(30)})


def test_a_broker_that_hangs_costs_the_caller_nothing():
    broker = Broker()
    waker = Waker(broker.send)
    broker.open.clear()

    started = time.monotonic()
    for _ in range(100):
        waker.wake({"points"})
        waker.wake({"tokens"})
    took = time.monotonic() - started
    broker.open.set()

    assert took < 0.5
    until(lambda: set(broker.taken) == {"points", "tokens"})


def test_a_broker_that_refuses_is_asked_again_at_the_next_wish():
    broker = Broker()
    waker = Waker(broker.send)
    broker.refuses = True
    waker.wake({"points"})
    until(lambda: broker.taken == ["points"])

    broker.refuses = False
    waker.wake({"points"})

    until(lambda: broker.taken == ["points", "points"])


def test_what_is_woken_is_an_actor_of_that_queue():
    known = {
        actor.actor_name: actor.queue_name
        for module in (actors, support_actors)
        for actor in vars(module).values()
        if isinstance(actor, dramatiq.Actor)
    }

    assert {actor: queue for queue, actor, _arguments in ACTORS.values()} == known
