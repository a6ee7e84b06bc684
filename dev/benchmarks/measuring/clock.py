"""A run is bounded: a busy machine gets fewer repetitions, never a longer run."""

import time
from collections.abc import Iterator

# What counting, telling and stopping take at the end.
AFTERWARDS_SHARE = 0.1


class Clock:
    """Says how many repetitions still fit."""

    def __init__(self, minutes: float) -> None:
        self._started = time.monotonic()
        self._until = self._started + minutes * 60 * (1 - AFTERWARDS_SHARE)

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    @property
    def left(self) -> float:
        """Seconds that may still be spent on measuring."""
        return self._until - time.monotonic()

    def repetitions(self, wanted: int, *, share: float = 1.0) -> Iterator[int]:
        """Numbers from 1 on: the first always, another one while it fits into this share of the time left."""
        until = time.monotonic() + self.left * share
        longest = 0.0
        for number in range(1, wanted + 1):
            began = time.monotonic()
            if number > 1 and began + longest > until:
                return
            yield number
            longest = max(longest, time.monotonic() - began)
