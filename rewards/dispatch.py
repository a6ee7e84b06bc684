"""Paying what is due at one peer, many calls at a time.

The thread that drains does all database work: it claims, and records answers in batches while other calls
are under way; the threads of the pool only speak HTTP. So no connection is held while a peer is called, and
a peer that hangs costs its own threads and nothing else.
"""

import logging
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime
from functools import cache

from django.conf import settings
from django.db import DataError, IntegrityError

from rewards.circuits import Circuit
from rewards.payouts import Claim, Settled, claim, record
from rewards.peers.base import MESSAGE_LENGTH, Answer, Outcome, Peer
from rewards.peers.registry import peer_named
from rewards.stopping import stopping

logger = logging.getLogger(__name__)

# A drain hands over to the next message after a while, so that a worker can be stopped or replaced.
DRAIN_SECONDS = 30.0
# How much may be claimed beyond what is being paid: enough to keep every thread busy while we record.
CLAIMED_AHEAD = 2


class Drain:
    """The drain of one peer in this process; a second call while one runs makes that one look again."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.circuit = Circuit(peer.name)
        self._running = threading.Lock()
        self._look_again = threading.Event()
        self._pool = ThreadPoolExecutor(settings.PAYOUT_CONCURRENCY, thread_name_prefix=f"pay-{peer.name}")

    def run(self) -> int:
        """Pay until nothing is due, the time is up or the process stops. Returns how many calls were made."""
        self._look_again.set()
        calls = 0
        while self._look_again.is_set() and self._running.acquire(blocking=False):
            try:
                self._look_again.clear()
                calls += self._pay_all()
            finally:
                self._running.release()
        return calls

    def _pay_all(self) -> int:
        until = time.monotonic() + DRAIN_SECONDS
        under_way: dict[Future[Settled], Claim] = {}
        calls, more = 0, True
        while more or under_way:
            if more:
                more = not stopping.is_set() and time.monotonic() < until
                claimed = self._claim(len(under_way)) if more else []
                calls += len(claimed)
                for entry in claimed:
                    under_way[self._pool.submit(self._settle, entry)] = entry
                more = more and (bool(claimed) or bool(under_way))
            if not under_way:
                break
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                del under_way[future]
            self._record([future.result() for future in done])
        return calls

    def _claim(self, under_way: int) -> list[Claim]:
        room = CLAIMED_AHEAD * settings.PAYOUT_CONCURRENCY - under_way
        # Claim in portions: a claim for every finished call would cost a transaction each.
        if room < settings.PAYOUT_CONCURRENCY // 2 or room < 1:
            return []
        allowance = self.circuit.allowance()
        if allowance is not None:
            room = min(room, allowance) if not under_way else 0
        return claim(self.peer, room) if room else []

    def _settle(self, entry: Claim) -> Settled:
        try:
            return Settled(entry, self.peer.settle(entry.order))
        except Exception as error:
            # A fault of ours must not strand the rewards beside it.
            logger.exception("Paying reward %s failed", entry.order.reward_id)
            return Settled(entry, Answer(Outcome.UNKNOWN, message=f"internal: {error}"[:MESSAGE_LENGTH]))

    def _record(self, settled: list[Settled]) -> None:
        self.circuit.report([(entry.claim.order.user_id, entry.answer) for entry in settled])
        well_at = self.circuit.well_at()
        try:
            record(settled, well_at=well_at)
        except (DataError, IntegrityError):
            logger.exception("Recording %d answers together failed; recording them one by one", len(settled))
            for entry in settled:
                self._record_alone(entry, well_at)

    @staticmethod
    def _record_alone(entry: Settled, well_at: datetime | None) -> None:
        try:
            record([entry], well_at=well_at)
        except (DataError, IntegrityError):
            logger.exception("The answer for reward %s cannot be recorded", entry.claim.order.reward_id)


@cache
def drain_of(peer_name: str) -> Drain | None:
    """This process's drain of a peer; None when the peer is not configured."""
    peer = peer_named(peer_name)
    return Drain(peer) if peer else None


def pay_due_now(peer_name: str) -> int:
    """Pay what is due at this peer; returns how many calls were made."""
    drain = drain_of(peer_name)
    if drain is None:
        logger.warning("%s is not configured; its rewards wait", peer_name)
        return 0
    return drain.run()
