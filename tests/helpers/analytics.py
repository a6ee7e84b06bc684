"""What tests of the analytics outbox share: a relay that keeps the raw bodies, and looks at what arrived."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg
import requests
from django.db import connection
from django.utils import timezone

from rewards.models import AnalyticsRefusal, PeerCircuit
from rewards.outbox.delivery import send_unsent_now, sender
from rewards.outbox.entries import EVENT_RECORDED
from tests.helpers.processes import database_url

RESET = """
UPDATE rewards_analyticscursor
SET unsent = '{[1,)}', missing = '{}', missing_xid = '0', claim_token = NULL, next_attempt_at = '-infinity'
"""


def forget_analytics() -> None:
    """Nothing was ever sent, refused or called."""
    sender.cache_clear()
    AnalyticsRefusal.objects.all().delete()
    PeerCircuit.objects.filter(peer="analytics").delete()
    with connection.cursor() as cursor:
        cursor.execute(RESET)


class Relay:
    """Stands between us and the sandbox: keeps every body as it came, and can hold calls up on their way."""

    def __init__(self, target: str) -> None:
        self.bodies: list[bytes] = []
        self.open = threading.Event()
        self.open.set()
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                relay.bodies.append(body)
                relay.open.wait(10)
                headers = {"Authorization": self.headers["Authorization"], "Content-Type": "application/json"}
                answer = requests.post(target + self.path, data=body, headers=headers, timeout=10)
                self.send_response(answer.status_code)
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def running(self) -> Iterator["Relay"]:
        """Serve until the block ends."""
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield self
        finally:
            self.open.set()
            self._server.shutdown()
            self._server.server_close()


def rest_is_over() -> None:
    """Every wait of the sender is over: a dead one's lease, a pause, and a sick peer's."""
    PeerCircuit.objects.filter(peer="analytics", state="open").update(
        probe_at=timezone.now() - timedelta(seconds=1)
    )
    with connection.cursor() as cursor:
        cursor.execute("UPDATE rewards_analyticscursor SET next_attempt_at = '-infinity'")


def send_all() -> None:
    """Let waits pass and send."""
    rest_is_over()
    send_unsent_now()


def key_of(event: dict[str, Any]) -> str:
    """What the receiver recognizes an entry by."""
    return str(event["payload"]["entry_id"])


def recorded(events: list[dict[str, Any]]) -> list[str]:
    """The ids of the events told, in order of arrival."""
    return [key_of(event) for event in events if event["event_name"] == EVENT_RECORDED]


def path_of(events: list[dict[str, Any]], reward_id: Any) -> list[tuple[str | None, str]]:
    """A reward's status changes in order of arrival."""
    payloads = [event["payload"] for event in events]
    return [
        (payload["from_status"], payload["to_status"])
        for payload in payloads
        if payload.get("reward_id") == str(reward_id)
    ]


def second_connection() -> "psycopg.Connection[Any]":
    """A connection of its own, as another process would have it; transactions last until commit."""
    return psycopg.connect(database_url())


def wait_until(true: Callable[[], Any], seconds: float = 10) -> None:
    """Wait for something that another thread does."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)
