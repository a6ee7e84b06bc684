"""Paying what is due at one peer, many calls at a time.

The thread that drains does all database work: it claims, and records answers in batches while other calls
are under way; the threads of the pool only speak HTTP. So no connection is held while a peer is called, and
a peer that hangs costs its own threads and nothing else.
"""

import logging
import threading
import time
from datetime import datetime
from functools import cache

from django.conf import settings
from django.db import DataError, IntegrityError

from rewards.graceful_shutdown import stopping
from rewards.models.codes import Cause
from rewards.payouts.circuit_breaker import Circuit
from rewards.payouts.claim import Claim, Settled, claim, due_currencies, record
from rewards.payouts.metrics import peer_answered
from rewards.payouts.providers.base import MESSAGE_LENGTH, TROUBLES, Answer, Outcome, Peer
from rewards.payouts.providers.registry import peer_named
from rewards.payouts.worker_pool import Callers

logger = logging.getLogger(__name__)

# A drain hands over to the next message after a while, so that a worker can be stopped or replaced.
DRAIN_SECONDS = 30.0
# At most so many rewards for each thread are claimed beyond those that are being paid.
MOST_AHEAD = 16
# How long the first answer waits for others to be recorded with it.
GATHER_SECONDS = 0.01
# How soon a drain that waits for slow answers sees that the process stops.
LOOK_UP_SECONDS = 0.5


class Drain:
    """The drain of one peer in this process; a second call while one runs makes that one look again."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.circuit = Circuit(peer.name)
        self._running = threading.Lock()
        self._look_again = threading.Event()
        self._callers = Callers(self._settle, most=settings.PAYOUT_CONCURRENCY, name=f"pay-{peer.name}")
        self._answered_last = 0

    def run(self) -> int:
        """Pay until nothing is due, the time is up or the process stops. Returns how many it took up."""
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
        calls, more = 0, True
        while more or self._callers.under_way:
            more = more and not stopping.is_set() and time.monotonic() < until
            if more:
                claimed = self._claim(self._callers.under_way)
                calls += len(claimed)
                self._callers.hand_over(claimed)
                more = bool(self._callers.under_way)
            if self._callers.under_way:
                self._record(self._answered())
        return calls

    def _claim(self, under_way: int) -> list[Claim]:
        concurrency: int = settings.PAYOUT_CONCURRENCY
        # Enough ahead of the calls to keep all threads busy until we are back from recording: at a quick peer
        # that is what was answered meanwhile, as much again, and a reserve for a slow turn.
        ahead = min(max(concurrency, 3 * self._answered_last), MOST_AHEAD * concurrency)
        room = concurrency + ahead - under_way
        # Claim in portions: a claim for every finished call would cost a transaction each.
        if room < max(concurrency // 2, 1):
            return []
        claimed = claim(self.peer, room)
        if claimed or under_way:
            return claimed
        # One probe, alone; and its turn is not taken while nothing is there to be tried.
        due = self.peer.currency in due_currencies()
        return claim(self.peer, 1, probe=True) if due and self.circuit.probe() else []

    def _answered(self) -> list[Settled]:
        """What has been answered; when the process stops, also what is given up because it has not begun."""
        settled = self._callers.answers(patience=LOOK_UP_SECONDS)
        if settled and self._callers.under_way:
            # Others are about to end: one transaction records them all.
            stopping.wait(GATHER_SECONDS)
            settled += self._callers.answers(patience=0)
        if stopping.is_set():
            settled += [Settled(entry, Answer(Outcome.NOT_ASKED)) for entry in self._callers.take_back()]
        self._answered_last = len(settled)
        return settled

    def _settle(self, entry: Claim) -> Settled:
        if time.monotonic() > entry.begin_by:
            return Settled(entry, Answer(Outcome.NOT_ASKED))
        try:
            answer = self.peer.settle(entry.order)
            peer_answered(self.peer.name, answer)
            return Settled(entry, answer)
        except Exception as error:
            # A fault of ours must not strand the rewards beside it.
            logger.exception("Paying reward %s failed", entry.order.reward_id)
            return Settled(entry, _unforeseen(error))

    def _record(self, settled: list[Settled]) -> None:
        if not settled:
            return
        self.circuit.report([(entry.claim.order.user_id, entry.answer) for entry in settled])
        # Only troubles are judged by it.
        troubled = any(entry.answer.outcome in TROUBLES for entry in settled)
        well_at = self.circuit.well_at() if troubled else None
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
        except (DataError, IntegrityError) as error:
            logger.exception("The answer for reward %s cannot be recorded", entry.claim.order.reward_id)
            record([_unrecorded(entry, error)], well_at=None)


def _unforeseen(error: Exception) -> Answer:
    return Answer(
        Outcome.UNKNOWN, cause=Cause.INTERNAL, message=str(error).replace("\x00", "")[:MESSAGE_LENGTH]
    )


def _unrecorded(entry: Settled, error: Exception) -> Settled:
    """What support reads where our own database refuses an answer: in doubt, asked again with patience."""
    message = f"{entry.answer.outcome}: {error}".partition("\n")[0][:MESSAGE_LENGTH]
    return Settled(entry.claim, Answer(Outcome.UNKNOWN, cause=Cause.NOT_RECORDABLE, message=message))


@cache
def drain_of(peer_name: str) -> Drain | None:
    """This process's drain of a peer; None when the peer is not configured."""
    peer = peer_named(peer_name)
    return Drain(peer) if peer else None


_making = threading.Lock()


def pay_due_now(peer_name: str) -> int:
    """Pay what is due at this peer; returns how many rewards were taken up."""
    with _making:
        drain = drain_of(peer_name)
    if drain is None:
        logger.warning("%s is not configured; its rewards wait", peer_name)
        return 0
    return drain.run()
