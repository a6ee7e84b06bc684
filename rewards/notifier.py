"""Telling the workers that something is due: after the commit, and rarely.

A wake carries nothing but the peer's name and may be lost; the sweep finds what it would have announced. One
thread per process sends at most one wake a peer per WAKE_SECONDS, so that a busy event path costs the broker
next to nothing and a broker that is away costs the event path nothing at all.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping

import dramatiq

from rewards.provider_names import PEER_OF_CURRENCY, PEERS

logger = logging.getLogger(__name__)

WAKE_SECONDS = 0.1
ANALYTICS = "analytics"
BULK_RETRIES, PROBES = "bulk retries", "probes"
PAYOUT_QUEUE, ANALYTICS_QUEUE, SUPPORT_QUEUE = "payouts", "analytics", "support"
# By what there is to do: the queue, the actor and its arguments. The actors call services, which wake, so
# they are named here and not imported; a test compares the names with the actors.
ACTORS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    **{peer: (PAYOUT_QUEUE, "pay_due", (peer,)) for peer in PEERS},
    ANALYTICS: (ANALYTICS_QUEUE, "send_analytics", ()),
    BULK_RETRIES: (SUPPORT_QUEUE, "retry_in_bulk", ()),
    PROBES: (SUPPORT_QUEUE, "ask_peers", ()),
}


class Waker:
    """Collects peers to wake and hands them to `send` from a thread of its own."""

    def __init__(self, send: Callable[[str], None]) -> None:
        self._send = send
        self._lock = threading.Lock()
        self._wanted: set[str] = set()
        self._something = threading.Event()
        self._thread: threading.Thread | None = None

    def wake(self, peers: Collection[str]) -> None:
        """Ask for these peers' workers; returns at once."""
        with self._lock:
            is_running = self._thread is not None and self._thread.is_alive()
            if is_running and self._wanted.issuperset(peers):
                # Whoever wanted them first is about to tell the thread, or has told it.
                return
            self._wanted.update(peers)
            if not is_running:
                self._thread = threading.Thread(target=self._run, name="payout-waker", daemon=True)
                self._thread.start()
        self._something.set()

    def _run(self) -> None:
        while True:
            self._something.wait()
            self._something.clear()
            with self._lock:
                peers, self._wanted = self._wanted, set()
            for peer in peers:
                try:
                    self._send(peer)
                except Exception as error:
                    # Whatever the broker's client raises: the sweep finds what this wake would have told.
                    logger.warning("The broker took no wake for %s: %s", peer, error)
            time.sleep(WAKE_SECONDS)


def _send(peer: str) -> None:
    queue, actor, arguments = ACTORS[peer]
    message: dramatiq.Message[None] = dramatiq.Message(
        queue_name=queue, actor_name=actor, args=arguments, kwargs={}, options={}
    )
    dramatiq.get_broker().enqueue(message)


waker = Waker(_send)


def wake_for(currencies: Iterable[str]) -> None:
    """Wake the workers of the peers that pay these currencies."""
    if peers := {PEER_OF_CURRENCY[currency] for currency in currencies}:
        waker.wake(peers)


def wake_analytics() -> None:
    """Wake the worker that sends to Analytics."""
    waker.wake({ANALYTICS})


def wake_bulk_retries() -> None:
    """Wake the worker that carries bulk retries on."""
    waker.wake({BULK_RETRIES})


def wake_probes() -> None:
    """Wake the worker that asks peers whether they answer."""
    waker.wake({PROBES})
