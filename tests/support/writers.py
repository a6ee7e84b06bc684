"""The threads that accept events for others (rewards/together.py)."""

import threading
from typing import Any

from django.db import connections

from rewards.together import Together


def writers_end(group: Together[Any, Any]) -> None:
    """End the writers of a group, each after it has closed its database connection."""
    writers = len(group._writers._threads)
    everybody = threading.Barrier(writers or 1)

    def close() -> None:
        everybody.wait(10)
        connections.close_all()

    closed = [group._writers.submit(close) for _ in range(writers)]
    group._writers.shutdown()
    for one in closed:
        one.result()
