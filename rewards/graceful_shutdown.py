"""Lets a worker that is told to stop finish what it has claimed instead of claiming more.

Imports no models: the broker loads it before the app registry is ready.
"""

import threading
from typing import Any

from dramatiq.middleware import Middleware

stopping = threading.Event()


class StopOnShutdown(Middleware):
    """Raises the flag when this worker process begins to shut down."""

    def before_worker_shutdown(self, broker: Any, worker: Any) -> None:
        """Called once, when the process gets its signal."""
        stopping.set()
