"""The numbers of all processes of this host, and the state of the database, in Prometheus' text form."""

from django.conf import settings
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from referral_project.observability.state import StateCollector


def registry() -> CollectorRegistry:
    """What a scrape reads: counts from the folder of all processes, or this process's own without one."""
    if settings.METRICS_FOLDER is None:
        found = CollectorRegistry()
        found.register(REGISTRY)
    else:
        found = CollectorRegistry()
        MultiProcessCollector(found, path=str(settings.METRICS_FOLDER))
    found.register(StateCollector())
    return found


def exposition() -> bytes:
    """The answer to a scrape."""
    return generate_latest(registry())
