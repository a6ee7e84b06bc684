"""How long the worker's messages take and how they end. Imports no models: the broker loads it first."""

import time
from typing import Any

from dramatiq.middleware import Middleware
from prometheus_client import Histogram

MESSAGES = Histogram(
    "referral_worker_message_seconds",
    "Duration of worker messages, by actor and outcome; its count is their number.",
    ["actor", "outcome"],
    buckets=(0.01, 0.05, 0.25, 1.0, 5.0, 15.0, 60.0),
)


class MessageMetrics(Middleware):
    """Times every message of this process."""

    def __init__(self) -> None:
        self._started: dict[str, float] = {}

    def before_process_message(self, broker: Any, message: Any) -> None:
        """Note the time."""
        self._started[message.message_id] = time.perf_counter()

    def after_process_message(
        self, broker: Any, message: Any, *, result: Any = None, exception: BaseException | None = None
    ) -> None:
        """Count what was done."""
        self._count(message, "failed" if exception else "done")

    def after_skip_message(self, broker: Any, message: Any) -> None:
        """Count what was too old to be done; the sweep announces it again."""
        self._count(message, "skipped")

    def _count(self, message: Any, outcome: str) -> None:
        started = self._started.pop(message.message_id, None)
        seconds = time.perf_counter() - started if started is not None else 0.0
        MESSAGES.labels(message.actor_name, outcome).observe(seconds)
