"""The load generator counts what was accepted, and the lean peer books once."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from dev.benchmarks import stage
from dev.benchmarks.http.client import Order, Outcome, run
from dev.benchmarks.measuring.verdict import Claimed
from dev.benchmarks.payouts.bare import LIBRARIES, rate
from dev.benchmarks.payouts.payout import paid_of
from dev.launcher.errors import LaunchError

ORDER = Order(
    port=0,
    path="/event",
    token="token",
    connections=1,
    seconds=30,
    prefix="test",
    campaign="campaign",
    occurred_at="2026-01-01T00:00:00Z",
    people=("u", 8, 9),
    limit=3,
)
HEAD = b"HTTP/1.1 %d OK\r\nContent-Length: %d\r\n\r\n"
ACCEPTED = b'{"success":true,"duplicate":false,"reason":null}'


def load_on(pieces: list[bytes], order: Order = ORDER) -> tuple[Outcome, list[bytes]]:
    """Run the order against a server that answers every request with these pieces, one by one."""
    requests: list[bytes] = []

    def serve(server: socket.socket) -> None:
        connection, _ = server.accept()
        while request := connection.recv(65_536):
            requests.append(request)
            for piece in pieces:
                connection.sendall(piece)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,), daemon=True)
        thread.start()
        outcome = run(replace(order, port=server.getsockname()[1]))
        thread.join(5)
    return outcome, requests


CHUNKS = b"%x\r\n%b\r\n0\r\n\r\n" % (len(ACCEPTED), ACCEPTED)


@pytest.mark.parametrize(
    "pieces",
    [
        [HEAD % (200, len(ACCEPTED)), ACCEPTED[:10], ACCEPTED[10:]],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", CHUNKS[:-3], CHUNKS[-3:]],
    ],
    ids=["with its length", "in chunks"],
)
def test_accepted_events_are_counted_even_when_an_answer_comes_in_pieces(pieces):
    outcome, _ = load_on(pieces)

    assert (outcome.requests, outcome.accepted, outcome.failures) == (3, 3, 0)


def test_every_event_has_an_id_of_its_own_and_is_about_somebody_in_the_range():
    _, requests = load_on([HEAD % (200, len(ACCEPTED)) + ACCEPTED])

    bodies = [json.loads(request.partition(b"\r\n\r\n")[2]) for request in requests]
    assert [body["external_event_id"] for body in bodies] == ["test-1", "test-2", "test-3"]
    assert {body["referred_user_id"] for body in bodies} <= {"u000008", "u000009"}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b'{"success":true,"duplicate":true,"reason":null}'),
        (200, b'{"success":true,"duplicate":false,"reason":"limit_reached"}'),
        (503, b'{"error":{}}'),
    ],
)
def test_whatever_is_not_a_new_event_that_earned_is_a_failure(status, body):
    outcome, _ = load_on([HEAD % (status, len(body)) + body])

    assert (outcome.accepted, outcome.failures) == (0, 3)
    assert body.decode() in outcome.shown[0]


def test_a_bulk_answer_that_refuses_some_is_a_failure():
    body = b'{"accepted": 1, "rejected": 1}'

    outcome, _ = load_on([HEAD % (200, len(body)) + body], replace(ORDER, batch=2, limit=4))

    assert (outcome.requests, outcome.accepted, outcome.failures) == (2, 2, 2)


@pytest.fixture
def peer(tmp_path) -> Iterator[int]:
    with stage.helper(tmp_path, "payouts.peer") as server:
        yield server.port


def credit(port: int, key: str, amount: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(
        "POST", "/api/points/v1/internal/credit", json.dumps({"external_id": key, "amount": amount})
    )
    assert json.loads(connection.getresponse().read())["transaction_id"] == f"tx-{key}"
    connection.close()


def test_the_lean_peer_books_once_and_leaves_bare_calls_aside(peer):
    credit(peer, "reward-1", 10)
    credit(peer, "reward-1", 10)
    credit(peer, "bare-1", 10)

    assert paid_of(peer) == Claimed(paid=1, paid_points=10)


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_bare_client_is_answered_and_books_nothing(peer, library):
    assert rate(peer, library, threads=2, calls=6) > 0

    assert paid_of(peer) == Claimed()


def test_a_reward_sent_with_two_amounts_spoils_the_run(peer):
    credit(peer, "reward-1", 10)
    credit(peer, "reward-1", 11)

    with pytest.raises(LaunchError, match="two different amounts"):
        paid_of(peer)
