"""Whether a peer is well: a circuit per peer, shared by all workers through the database.

It opens when the peer fails several users in a row or refuses our credentials or address, and then lets one
probe through at growing intervals; the first answer that does the peer's work closes it (D10). While it is
open the due rewards simply wait: nothing is claimed, so nothing is tried to exhaustion.
"""

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from rewards.models import PeerCircuit
from rewards.payouts.providers.base import TROUBLES, Answer, Outcome

# So many different users must fail without a success between them. One user's trouble is that user's.
USERS_TO_OPEN = 3
SUCCESS_WRITTEN_EVERY = timedelta(seconds=5)

State = PeerCircuit.State


class Circuit:
    """One peer's circuit as this process sees it."""

    def __init__(self, peer: str) -> None:
        self.peer = peer
        self._lock = threading.Lock()
        self._failing_users: set[str] = set()
        # Unless we have seen it open, a success is told to the database now and then, not every time.
        self._maybe_open = True
        self._success_written_at: datetime | None = None

    def is_open(self) -> bool:
        """Whether rewards must wait."""
        return PeerCircuit.objects.filter(peer=self.peer, state=State.OPEN).exists()

    def probe(self) -> bool:
        """Take the turn to try one reward while the circuit is open: one an interval, over all workers."""
        row = PeerCircuit.objects.filter(peer=self.peer, state=State.OPEN).first()
        if row is None:
            return False
        self._maybe_open = True
        now = timezone.now()
        turn = PeerCircuit.objects.filter(peer=self.peer, state=State.OPEN, probe_at__lte=now)
        return bool(turn.update(probe_at=now + self._interval(row.openings), openings=F("openings") + 1))

    def well_at(self) -> datetime | None:
        """When the peer last did its work; None while the circuit is open."""
        row = PeerCircuit.objects.filter(peer=self.peer).first()
        return row.last_success_at if row and row.state == State.CLOSED else None

    def report(self, answers: Sequence[tuple[str, Answer]]) -> None:
        """Learn from answers, each with the user that it was about."""
        troubles = [(user, answer) for user, answer in answers if answer.outcome in TROUBLES]
        silent = TROUBLES | {Outcome.NOT_ASKED}
        worked = [answer for _, answer in answers if answer.outcome not in silent]
        with self._lock:
            if worked:
                self._failing_users.clear()
                self._succeed()
            if not troubles:
                return
            self._failing_users.update(user for user, _ in troubles)
            last = troubles[-1][1]
            misconfigured = any(answer.outcome == Outcome.MISCONFIGURED for _, answer in troubles)
            opens = misconfigured or (not worked and len(self._failing_users) >= USERS_TO_OPEN)
            self._fail(last, opens=opens)
            if opens:
                # Once it is closed again, it takes several users again to open it.
                self._failing_users.clear()

    def _succeed(self) -> None:
        now = timezone.now()
        written = self._success_written_at
        if not self._maybe_open and written and now - written <= SUCCESS_WRITTEN_EVERY:
            return
        if not PeerCircuit.objects.filter(peer=self.peer, state=State.OPEN).update(
            state=State.CLOSED, openings=0, opened_at=None, probe_at=None, last_success_at=now
        ):
            PeerCircuit.objects.update_or_create(peer=self.peer, defaults={"last_success_at": now})
        self._maybe_open, self._success_written_at = False, now

    def _fail(self, answer: Answer, *, opens: bool) -> None:
        now = timezone.now()
        failure = answer.failure
        error = {"last_error_code": failure.cause, "last_error_params": failure.params}
        PeerCircuit.objects.update_or_create(peer=self.peer, defaults={"last_failure_at": now, **error})
        if opens:
            self._maybe_open = True
            PeerCircuit.objects.filter(peer=self.peer, state=State.CLOSED).update(
                state=State.OPEN, opened_at=now, probe_at=now + self._interval(0), openings=1
            )

    @staticmethod
    def _interval(openings: int) -> timedelta:
        """Time until the next probe: doubling up to PAYOUT_RETRY_MAX_SECONDS."""
        doubled = settings.PAYOUT_RETRY_BASE_SECONDS * 2.0 ** min(openings, 30)
        return timedelta(seconds=min(doubled, settings.PAYOUT_RETRY_MAX_SECONDS))
