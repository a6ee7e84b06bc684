"""The table of who may call what, cached per process for a few seconds."""

import threading
import time

from access.models import ServiceOperation

CACHE_SECONDS = 5.0

Grant = tuple[str, str, str]


class Grants:
    """The rights of all services; a change by staff is in force within CACHE_SECONDS."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded_at = float("-inf")
        self._rows: frozenset[Grant] = frozenset()
        self._operations: frozenset[tuple[str, str]] = frozenset()

    def allows(self, service: str, operation: str, event_type: str = "") -> bool:
        """Whether the service may call the operation, for this event type where it has one."""
        self._refresh()
        return (service, operation, event_type) in self._rows

    def allows_some(self, service: str, operation: str) -> bool:
        """Whether the service may call the operation at all, whatever the event type."""
        self._refresh()
        return (service, operation) in self._operations

    def _refresh(self) -> None:
        if time.monotonic() - self._loaded_at >= CACHE_SECONDS:
            self._load()

    def forget(self) -> None:
        """Make the next question read the database."""
        self._loaded_at = float("-inf")

    def _load(self) -> None:
        with self._lock:
            started = time.monotonic()
            self._rows = frozenset(ServiceOperation.objects.values_list("service", "operation", "event_type"))
            self._operations = frozenset((service, operation) for service, operation, _ in self._rows)
            self._loaded_at = started


grants = Grants()
