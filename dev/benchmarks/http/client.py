"""The load generator, `python -m dev.benchmarks.http.client`: reads an Order as JSON, prints an Outcome.

It shares the machine with what it measures, so it does as little as can be done: one thread, prepared bytes,
keep-alive connections; of an answer it reads the status, the length and the fields that say "accepted".
"""

import gc
import json
import random
import re
import selectors
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from dev.benchmarks.measuring.figures import percentile

ANSWER_SECONDS = 30.0
FAILURES_SHOWN = 3
ACCEPTED = re.compile(rb'"accepted": ?(\d+)')


@dataclass(frozen=True, slots=True)
class Order:
    """What to send where, for how long, over how many connections.

    `batch` is the number of events in a call; 1 means the call for a single event. `people` is the letter and
    the range of the users that the events are about. Every event's id begins with `prefix`. With `limit`, the
    load ends after so many events even if there is time left.
    """

    port: int
    path: str
    token: str
    connections: int
    seconds: float
    prefix: str
    campaign: str
    occurred_at: str
    batch: int = 1
    people: tuple[str, int, int] = ("u", 0, 0)
    limit: int | None = None


@dataclass(slots=True)
class Outcome:
    """What came of it. Latencies in seconds; `cpu_seconds` is what the client itself has used."""

    requests: int = 0
    accepted: int = 0
    seconds: float = 0.0
    p50: float = 0.0
    p99: float = 0.0
    cpu_seconds: float = 0.0
    failures: int = 0
    shown: list[str] = field(default_factory=list)


class _Connection:
    """One socket, and the answer that it waits for."""

    __slots__ = ("received", "sent_at", "socket")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.sent_at = 0.0

    def send(self, request: bytes) -> None:
        self.received = b""
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> bytes | None:
        """The whole answer once it is there. Raises ConnectionError when the server hangs up."""
        data = self.socket.recv(262_144)
        if not data:
            raise ConnectionError("the server closed the connection")
        self.received = received = self.received + data if self.received else data
        end = received.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = received[:end].lower() + b"\r\n"
        start = head.find(b"content-length:")
        if start < 0:
            # Without a length the answer comes in chunks; the last one is empty.
            return received if received.endswith(b"\r\n0\r\n\r\n") else None
        length = int(head[start + 15 : head.find(b"\r\n", start)])
        return received if len(received) >= end + 4 + length else None


def run(order: Order) -> Outcome:
    """Keep every connection busy until the time is up; then wait for what is under way."""
    make = _single(order) if order.batch == 1 else _bulk(order)
    accepted_of = _accepted_single if order.batch == 1 else _accepted_bulk
    outcome, latencies = Outcome(), []
    selector = selectors.DefaultSelector()
    connections = [_Connection(order.port) for _ in range(order.connections)]
    gc.freeze()
    cpu = time.process_time()
    started = now = time.perf_counter()
    for one in connections:
        selector.register(one.socket, selectors.EVENT_READ, one)
        one.send(make())
    sent, waiting = len(connections) * order.batch, len(connections)
    while waiting:
        ready = selector.select(ANSWER_SECONDS)
        if not ready:
            raise TimeoutError(f"no answer within {ANSWER_SECONDS:g} seconds")
        for key, _ in ready:
            one = key.data
            answer = one.receive()
            if answer is None:
                continue
            now = time.perf_counter()
            latencies.append(now - one.sent_at)
            _count(outcome, accepted_of(answer), order.batch, answer)
            if now - started < order.seconds and (order.limit is None or sent < order.limit):
                one.send(make())
                sent += order.batch
            else:
                waiting -= 1
    outcome.seconds = now - started
    outcome.cpu_seconds = time.process_time() - cpu
    for one in connections:
        one.socket.close()
    latencies.sort()
    outcome.requests = len(latencies)
    outcome.p50, outcome.p99 = percentile(latencies, 0.5), percentile(latencies, 0.99)
    return outcome


def _count(outcome: Outcome, accepted: int, expected: int, answer: bytes) -> None:
    outcome.accepted += accepted
    if accepted != expected:
        outcome.failures += 1
        if len(outcome.shown) < FAILURES_SHOWN:
            outcome.shown.append(answer[:600].decode(errors="replace"))


def _accepted_single(answer: bytes) -> int:
    fine = (
        answer.startswith(b"HTTP/1.1 200") and b'"duplicate":false' in answer and b'"reason":null' in answer
    )
    return 1 if fine else 0


def _accepted_bulk(answer: bytes) -> int:
    count = ACCEPTED.search(answer) if answer.startswith(b"HTTP/1.1 200") else None
    return int(count[1]) if count else 0


def _single(order: Order) -> Callable[[], bytes]:
    event = _event(order)
    head = _head(order)

    def make() -> bytes:
        body = event()
        return b"%b%d\r\n\r\n%b" % (head, len(body), body)

    return make


def _bulk(order: Order) -> Callable[[], bytes]:
    event = _event(order)
    head = _head(order)

    def make() -> bytes:
        body = b'{"items": [%b]}' % b",".join([event() for _ in range(order.batch)])
        return b"%b%d\r\n\r\n%b" % (head, len(body), body)

    return make


def _head(order: Order) -> bytes:
    return (
        f"POST {order.path} HTTP/1.1\r\nHost: 127.0.0.1:{order.port}\r\n"
        f"Authorization: Bearer {order.token}\r\nContent-Type: application/json\r\nContent-Length: "
    ).encode()


def _event(order: Order) -> Callable[[], bytes]:
    """Makes one event after the other, each with an id of its own, about somebody chosen by chance."""
    letter, first, last = order.people
    template = (
        '{"event_type": "quest_purchased", "subject_type": "quest", "subject_id": "quest-1", '
        f'"amount_base": 499.9, "campaign_code": "{order.campaign}", "occurred_at": "{order.occurred_at}", '
        f'"referred_user_id": "{letter}%06d", "external_event_id": "{order.prefix}-%d"}}'
    ).encode()
    chance = random.Random(order.prefix)  # noqa: S311 - variety, not secrecy
    people = last - first + 1
    number = 0

    def make() -> bytes:
        nonlocal number
        number += 1
        return template % (first + int(chance.random() * people), number)

    return make


def main() -> None:
    """One order, one outcome."""
    given = json.load(sys.stdin)
    given["people"] = tuple(given["people"])
    json.dump(asdict(run(Order(**given))), sys.stdout)


if __name__ == "__main__":
    main()
