"""`manage.py analytics_lag`: how far Analytics is behind."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from rewards.models import AnalyticsRefusal, PeerCircuit
from rewards.outbox.cursor import Lag, lags, send_refused_again
from rewards.payouts.providers.analytics import NAME
from rewards.support.explanation.error_classification import error_text


class Command(BaseCommand):
    """Print what is not sent to Analytics yet, what it refused, and whether it is well."""

    help = "Prints how many entries Analytics has not got, how old the oldest is, and whether it is well."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Sending again is the only thing that changes anything."""
        parser.add_argument(
            "--send-refused-again",
            action="store_true",
            help="send what Analytics rejected once more, after its cause is fixed",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """A line a stream, one for the rejected entries, one for Analytics."""
        if options["send_refused_again"]:
            self.stdout.write(f"{send_refused_again()} rejected entries will be sent again")
        for lag in lags():
            self.stdout.write(f"{lag.event_name}: {lag.entries} not sent{_age(lag)}")
        self.stdout.write(f"rejected: {AnalyticsRefusal.objects.count()}")
        self.stdout.write(f"Analytics: {_peer()}")


def _age(lag: Lag) -> str:
    if lag.oldest is None:
        return ""
    return f", the oldest for {(timezone.now() - lag.oldest).total_seconds():.0f} seconds"


def _peer() -> str:
    if not settings.ANALYTICS_URL:
        return "off (ANALYTICS_URL is not set)"
    circuit = PeerCircuit.objects.filter(peer=NAME).first()
    if circuit is None:
        return "not used yet"
    if circuit.state == PeerCircuit.State.CLOSED:
        return "operational"
    return f"unavailable since {circuit.opened_at:%Y-%m-%d %H:%M:%S} UTC: {error_text(circuit.last_failure)}"
