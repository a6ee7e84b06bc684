"""How the launcher learns that it should stop."""

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK_EVERY = 0.5


class Stopping:
    """Counts the requests: the first one stops in good order, a second one hurries."""

    def __init__(self, starter: str | None = None) -> None:
        self._requests = 0
        self._starter = os.getppid() if starter else None
        self._looked = 0.0

    def listen(self) -> None:
        """Take Ctrl-C, `kill` and a closed terminal as requests."""
        for number in SIGNALS:
            signal.signal(number, self._request)

    def requested(self) -> bool:
        """Whether to stop, also because whoever started us wants to or is gone."""
        if self._starter and not self._requests and time.monotonic() - self._looked > LOOK_EVERY:
            self._looked = time.monotonic()
            if os.getppid() != self._starter or _waits_to_stop(self._starter):
                self._requests += 1
        return self._requests > 0

    def hurried(self) -> bool:
        """Whether somebody has lost patience."""
        return self._requests > 1

    def _request(self, number: int, frame: FrameType | None) -> None:
        self._requests += 1


def _waits_to_stop(make: int) -> bool:
    """Whether make alone got a Ctrl-C.

    It does not pass it on, and waits in the signal's handler for its child to end; what can be seen from
    outside is that the signal is blocked meanwhile. On other systems than Linux nothing can be seen.
    """
    try:
        status = Path(f"/proc/{make}/status").read_text()
    except OSError:
        return False
    blocked = next((line.split()[1] for line in status.splitlines() if line.startswith("SigBlk:")), "0")
    mask = int(blocked, 16)
    return any(mask & (1 << (number - 1)) for number in (signal.SIGINT, signal.SIGHUP))


def say(words: str) -> None:
    """Print for the person at the terminal; that the terminal is closed is no reason to fail."""
    try:
        print(words, flush=True)
    except OSError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - it stays open until we end
