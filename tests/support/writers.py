"""The threads that accept events for others (rewards/together.py)."""

import gc
from typing import Any

from rewards.together import Together


def writers_end(group: Together[Any, Any]) -> None:
    """End the writers of a group, and with them their database connections."""
    group._writers.shutdown()
    # A connection of Django's is part of a ring of objects; it closes when the ring is collected.
    gc.collect()
