"""Telling Analytics of every event and every status change: at least once, in order, without haste.

A sender takes the work for the length of a lease, sends what is next in batches, and is done with a batch
only when Analytics has taken it. Who dies in between leaves a batch that is sent again, with the same entry
ids. It runs in the worker beside the payouts and shares nothing with them but the database.
"""

import logging
import time
from collections.abc import Iterator
from functools import cache
from uuid import UUID

from django.conf import settings
from uuid_utils.compat import uuid7

from rewards.graceful_shutdown import stopping
from rewards.models.codes import Cause
from rewards.outbox import cursor as outbox
from rewards.outbox.entries import Entry, batches_of, entries_of
from rewards.payouts.circuit_breaker import Circuit
from rewards.payouts.metrics import peer_answered
from rewards.payouts.providers.analytics import AUDIENCE, NAME, Analytics
from rewards.payouts.providers.base import TROUBLES, Answer, Outcome
from rewards.payouts.providers.transport import Transport

logger = logging.getLogger(__name__)

# A run hands over to the next message after a while, so that a worker can be stopped or replaced.
RUN_SECONDS = 30.0
# Who refuses so many single entries in one run has a quarrel with us and not with an entry: slow down.
REFUSALS_A_RUN = 20


class _Trouble(Exception):
    """Analytics cannot take the next batch now; everything after it has to wait."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.answer = answer


class Sender:
    """Sends what is unsent; at most one over all hosts does so at a time."""

    def __init__(self, peer: Analytics) -> None:
        self.peer = peer
        self.circuit = Circuit(NAME)

    def run(self) -> None:
        """Send until nothing is left, the time is up, the process stops or Analytics is in trouble.

        Does nothing while another sender is at it or the circuit is open.
        """
        token = outbox.take()
        if token is None:
            return
        pause = settings.PAYOUT_RETRY_BASE_SECONDS
        try:
            if self._may_try():
                self._send_all(token)
            pause = 0.0
        except _Trouble as trouble:
            pause = trouble.answer.retry_after_seconds or pause
            logger.warning(
                "Analytics has to wait: %s %s", trouble.answer.outcome, trouble.answer.failure.as_json()
            )
        except outbox.LeaseLost:
            logger.warning("Another sender has taken over from this one, which was away for too long")
        finally:
            outbox.hand_back(token, pause_seconds=pause)

    def _may_try(self) -> bool:
        return not self.circuit.is_open() or self.circuit.probe()

    def _send_all(self, token: UUID) -> None:
        outbox.forget_lost(token)
        refused = 0
        for batch in self._batches():
            refused += self._deliver(token, batch)
            if refused >= REFUSALS_A_RUN:
                self._fail(Answer(Outcome.MISCONFIGURED, cause=Cause.MANY_REFUSALS, message=str(refused)))

    @staticmethod
    def _batches() -> Iterator[list[Entry]]:
        until = time.monotonic() + RUN_SECONDS
        while entries := entries_of(outbox.next_rows()):
            for batch in batches_of(entries):
                if stopping.is_set() or time.monotonic() > until:
                    return
                yield batch

    def _deliver(self, token: UUID, batch: list[Entry]) -> int:
        """Send a batch, halving what is refused until the offender is alone. Returns how many were refused.

        Raises _Trouble, LeaseLost.
        """
        refusals, pieces = 0, [batch]
        while pieces:
            piece = pieces.pop()
            answer = self._send(piece)
            if answer.outcome != Outcome.REFUSED:
                outbox.settle(token, piece)
            elif len(piece) > 1:
                half = len(piece) // 2
                pieces += [piece[half:], piece[:half]]
            else:
                refusals += 1
                self._refused(token, piece[0], answer)
        return refusals

    def _send(self, piece: list[Entry]) -> Answer:
        request_id = str(uuid7())
        answer = self.peer.send([entry.body for entry in piece], request_id=request_id)
        peer_answered(NAME, answer)
        if answer.outcome in TROUBLES:
            self._fail(answer)
        self.circuit.report([(request_id, answer)])
        return answer

    def _fail(self, answer: Answer) -> None:
        # The circuit counts users that fail in a row; every failed call is one here.
        self.circuit.report([(str(uuid7()), answer)])
        raise _Trouble(answer)

    @staticmethod
    def _refused(token: UUID, entry: Entry, answer: Answer) -> None:
        logger.error(
            "Analytics will not take the %s entry %s: HTTP %s %s %s",
            entry.name,
            entry.entry_id,
            answer.http_status,
            answer.error_code,
            answer.message,
        )
        outbox.settle_refused(token, entry, answer)


@cache
def sender() -> Sender | None:
    """This process's sender; None when ANALYTICS_URL is not set."""
    if not settings.ANALYTICS_URL:
        return None
    return Sender(
        Analytics(
            Transport(
                base_url=settings.ANALYTICS_URL,
                audience=AUDIENCE,
                timeout_seconds=settings.PAYOUT_TIMEOUT_SECONDS,
            )
        )
    )


def send_unsent_now() -> None:
    """Send what Analytics has not got."""
    if found := sender():
        found.run()
