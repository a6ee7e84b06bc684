"""Traces and error reports for those who have somewhere to send them; without, nothing is even loaded.

OpenTelemetry is on with OTEL_EXPORTER_OTLP_ENDPOINT (and takes the other OTEL_ variables), Sentry with
SENTRY_DSN. The packages are in requirements-observability.txt.
"""

from importlib import import_module
from typing import Any

from referral_project import environment

INSTALL = "needs packages that are not installed: pip install -r requirements-observability.txt"


def observers_start() -> None:
    """Begin to send what is configured. Ends the process with a sentence when packages are missing."""
    if environment.text("OTEL_EXPORTER_OTLP_ENDPOINT"):
        _start("OTEL_EXPORTER_OTLP_ENDPOINT", "referral_project.observability.opentelemetry")
    if environment.text("SENTRY_DSN"):
        _start("SENTRY_DSN", "referral_project.observability.sentry")


def _start(variable: str, module: str) -> None:
    try:
        observer: Any = import_module(module)
    except ModuleNotFoundError:
        environment.refuse(variable, INSTALL)
    observer.start()
