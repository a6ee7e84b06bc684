"""Gives every test run a PostgreSQL of its own and secrets that protect nothing.

Both must be there before the settings are imported, which pytest-django does very early. What the
environment says wins: with a DATABASE_URL no database is started.
"""

import atexit
import os
from collections.abc import Generator

import pytest

from dev.launcher.database.temporary import start_temporary
from dev.launcher.throwaway import throwaway_environment

_removals = []


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Generator[None]:
    os.environ.update(throwaway_environment(os.environ))
    if "DATABASE_URL" not in os.environ and "PYTEST_XDIST_WORKER" not in os.environ:
        postgres = start_temporary()
        _removals.append(postgres.remove)
        # A run that ends before pytest is configured, as with a wrong option, never unconfigures it.
        atexit.register(_remove)
        os.environ["DATABASE_URL"] = postgres.url
    return (yield)


def pytest_unconfigure() -> None:
    _remove()


def _remove() -> None:
    while _removals:
        _removals.pop()()
