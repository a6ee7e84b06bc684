"""The database backend of the settings."""

import select
from typing import Any

from django.db.backends.postgresql import base
from psycopg.pq import ConnStatus, TransactionStatus


class DatabaseWrapper(base.DatabaseWrapper):
    """Asks a kept connection whether it still lives without a round trip, once for every request.

    A server that is idle says nothing. So a silent socket is a living connection as far as anybody can know
    without asking, and one with something to read was closed, or has a last word, and is asked.
    """

    connection: Any

    def is_usable(self) -> bool:
        """Whether the connection can be used for the next request."""
        if self.connection is None or self.connection.pgconn.status != ConnStatus.OK:
            return False
        waiting = select.poll()
        waiting.register(self.connection.fileno(), select.POLLIN)
        is_silent = not waiting.poll(0)
        # A transaction that has failed is silent too, and yet of no use.
        is_idle = self.connection.pgconn.transaction_status == TransactionStatus.IDLE
        return bool((is_silent and is_idle) or super().is_usable())
