"""A database for the length of one command; what an earlier command could not remove goes with it."""

import os
import shutil
import tempfile
from pathlib import Path

import psutil

from dev.launcher.database.postgres import EmbeddedPostgres

PREFIX = "referral-temporary-"
LABEL = PREFIX.rstrip("-")


def start_temporary(*, durable: bool = False) -> EmbeddedPostgres:
    """A running server that is removed with `remove()`; a `durable` one writes as carefully as a real one."""
    _remove_abandoned()
    # The name tells the next one whether its owner still lives.
    place = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    place.chmod(0o755)
    postgres = EmbeddedPostgres(place, durable=durable, label=LABEL)
    postgres.start()
    return postgres


def _remove_abandoned() -> None:
    for place in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        owner = place.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)) and os.access(place, os.W_OK):
            EmbeddedPostgres(place, durable=False, label=LABEL).remove()
            shutil.rmtree(place, ignore_errors=True)
