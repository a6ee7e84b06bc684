"""`manage.py serve_metrics`: /metrics on a port of its own, for hosts without a web process."""

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from prometheus_client import CollectorRegistry, Metric, start_http_server
from prometheus_client.registry import Collector

from referral_project.observability.exposition import registry


class _Fresh(Collector):
    """What every scrape reads anew; the server's thread keeps no connection to the database."""

    def collect(self) -> list[Metric]:
        """All metrics."""
        try:
            return list(registry().collect())
        finally:
            connection.close()


class Command(BaseCommand):
    """The port knows no token: bind it where only Prometheus can reach it."""

    help = "Serves the metrics of this host's processes on a port of their own, without a token."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to listen."""
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=9100)

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until SIGTERM or SIGINT. Raises CommandError without METRICS_FOLDER."""
        if settings.METRICS_FOLDER is None:
            raise CommandError("Set METRICS_FOLDER, here and for the processes whose metrics are wanted.")
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        found = CollectorRegistry()
        found.register(_Fresh())
        server, thread = start_http_server(options["port"], options["host"], found)
        self.stdout.write(f"Serving metrics on {options['host']}:{options['port']}")
        stop.wait()
        server.shutdown()
        thread.join()
