"""What the stand-in Analytics has received."""

from collections import deque
from typing import Any

from dev.sandbox.journal import Journal

KEPT = 10_000


class AnalyticsStore:
    """The latest events in order of arrival, and how many there ever were."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.latest: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self.total = 0
        for event in journal.replay():
            self._keep(event)

    def add(self, events: list[dict[str, Any]]) -> None:
        self._journal.append(*events)
        for event in events:
            self._keep(event)

    def reset(self) -> None:
        self._journal.forget()
        self.latest.clear()
        self.total = 0

    def close(self) -> None:
        self._journal.close()

    def _keep(self, event: dict[str, Any]) -> None:
        self.latest.append(event)
        self.total += 1
