"""The default broker: PostgreSQL carries the wakes."""

from typing import Any

from dramatiq_postgres import PostgresBroker


class WakeBroker(PostgresBroker):
    """Does not try again to send: a wake may be lost, but its sender must not wait for minutes."""

    def enqueue(self, message: Any, *, delay: int | None = None) -> Any:
        """Send once. Raises what psycopg raises."""
        return PostgresBroker.enqueue.__wrapped__(self, message, delay=delay)
