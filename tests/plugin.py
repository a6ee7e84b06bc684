"""Gives every test run a PostgreSQL of its own and secrets that protect nothing.

Both must be there before the settings are imported, which pytest-django does very early. What the
environment says wins: with a DATABASE_URL no database is started.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import psutil
import pytest

from launcher.postgres import EmbeddedPostgres
from launcher.throwaway import throwaway_environment

PREFIX = "referral-tests-"
_running: list[EmbeddedPostgres] = []


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Generator[None]:
    os.environ.update(throwaway_environment(os.environ))
    if "DATABASE_URL" not in os.environ and "PYTEST_XDIST_WORKER" not in os.environ:
        _remove_abandoned()
        os.environ["DATABASE_URL"] = _start()
    return (yield)


def pytest_unconfigure() -> None:
    _remove()


def _start() -> str:
    # The name tells the next run whether this one still lives, should it be killed.
    place = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    place.chmod(0o755)
    postgres = EmbeddedPostgres(place, durable=False, label=PREFIX.strip("-"))
    _running.append(postgres)
    # A run that ends before pytest is configured, as with a wrong option, never unconfigures it.
    atexit.register(_remove)
    postgres.start()
    return postgres.url


def _remove() -> None:
    while _running:
        _running.pop().remove()


def _remove_abandoned() -> None:
    for place in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        owner = place.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)) and os.access(place, os.W_OK):
            EmbeddedPostgres(place, durable=False, label=PREFIX.strip("-")).remove()
            shutil.rmtree(place, ignore_errors=True)
