"""The threads that accept events for others (rewards/intake/group_commit.py)."""

import threading
from typing import Any

from django.db import connections

from rewards.intake.group_commit import WRITERS, Together


def writers_end(group: Together[Any, Any]) -> None:
    """End the writers of a group, each after it has closed its database connection."""
    # As many as there can be: one that is still at work would leave its part to a new one.
    everybody = threading.Barrier(WRITERS)

    def close() -> None:
        everybody.wait(10)
        connections.close_all()

    closed = [group._writers.submit(close) for _ in range(WRITERS)]
    group._writers.shutdown()
    for one in closed:
        one.result()
