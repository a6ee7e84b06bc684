"""`manage.py scheduler`: periodic work, done by one process however many are started."""

import logging
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.core.management.base import BaseCommand
from django.db import close_old_connections, connection
from django.utils import timezone

from access.sign_in import tries_forget_old
from referral.clicks import visits_forget
from rewards.ledger.rollups import daily_figures_refresh
from rewards.notifier import wake_analytics, wake_bulk_retries, wake_for, wake_probes
from rewards.outbox.cursor import analytics_due
from rewards.payouts.claim import due_currencies
from rewards.payouts.reconciliation import reconcile, reconciliation_due
from rewards.support.explanation.discrepancies import problems_text
from rewards.support.providers.probes import probes_due
from rewards.support.review.bulk_retry import bulk_retries_due

logger = logging.getLogger(__name__)

# Held by a connection of its own for as long as that lives, so that a dead leader is followed at once.
LEADER_LOCK = 72005
ASK_AGAIN_SECONDS = 2.0
TIDY_EVERY_SECONDS = 3600.0
ADD_UP_EVERY_SECONDS = 30.0
RECONCILIATION = "reconciliation"
DAILY_FIGURES = "daily figures"


class Command(BaseCommand):
    """Wake the workers for everything that is due, and tidy up; the leader works, the others wait."""

    help = "Runs the periodic work: the payout sweep and tidying. Safe to start on every host."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until SIGTERM or SIGINT."""
        self.stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stopping.set())
        while not self.stopping.is_set():
            try:
                self._lead_when_possible()
            except Exception as error:
                # Database or broker away: whatever it is, go on later.
                logger.warning("Periodic work is interrupted: %s", error)
                connection.close()
                self.stopping.wait(ASK_AGAIN_SECONDS)

    def _lead_when_possible(self) -> None:
        """Work for as long as the lock is ours; return when another process holds it."""
        with psycopg.connect(**_plain_connection(), autocommit=True) as lock:
            if lock.execute("SELECT pg_try_advisory_lock(%s)", [LEADER_LOCK]).fetchone() != (True,):
                self.stopping.wait(ASK_AGAIN_SECONDS)
                return
            tidy_at = add_up_at = time.monotonic()
            while not self.stopping.is_set():
                lock.execute("SELECT 1")
                self._sweep()
                if time.monotonic() >= tidy_at:
                    tidy_at = time.monotonic() + TIDY_EVERY_SECONDS
                    visits_forget()
                    tries_forget_old()
                    SessionStore.clear_expired()
                    if reconciliation_due(timezone.now()):
                        _beside(RECONCILIATION, _reconcile)
                if time.monotonic() >= add_up_at:
                    add_up_at = time.monotonic() + ADD_UP_EVERY_SECONDS
                    _beside(DAILY_FIGURES, daily_figures_refresh)
                close_old_connections()
                self.stopping.wait(settings.PAYOUT_SWEEP_SECONDS)

    @staticmethod
    def _sweep() -> None:
        """A wake may be lost with its broker or worker; what is due is found here and announced again.

        The waker's thread sends: a broker's client may try for minutes, and we must neither miss the next
        sweep nor the order to stop.
        """
        wake_for(due_currencies())
        if settings.ANALYTICS_URL and analytics_due():
            wake_analytics()
        if bulk_retries_due():
            wake_bulk_retries()
        if probes_due():
            wake_probes()


def _beside(name: str, work: Callable[[], object]) -> None:
    """Do it in a thread of its own, unless it still runs: it takes its time and the sweep must not wait."""
    if not any(thread.name == name for thread in threading.enumerate()):
        threading.Thread(target=_carefully, args=(name, work), name=name, daemon=True).start()


def _carefully(name: str, work: Callable[[], object]) -> None:
    try:
        work()
    except Exception:
        # Whatever it is: its next turn begins it anew.
        logger.exception("Periodic work was interrupted: %s", name)
    finally:
        connection.close()


def _reconcile() -> None:
    """Once a UTC day."""
    report = reconcile(progress=logger.info)
    if report.problems or report.needs_person:
        logger.error(
            "Reconciliation needs a person: %d open findings. %s",
            report.needs_person,
            problems_text(report.problems),
        )


def _plain_connection() -> dict[str, Any]:
    """Our database's parameters for a connection outside the pool."""
    parameters: dict[str, Any] = connection.get_connection_params()
    return {
        name: value
        for name, value in parameters.items()
        if name not in ("context", "cursor_factory", "prepare_threshold", "client_encoding")
    }
