"""How much processor time all of one side takes: database, web server and load generator together.

A rate falls when somebody else uses the machine; the processor time of an event hardly changes. On a machine
that is busy with nothing but the load, rates are to each other as the inverse of these times.
"""

import resource
from collections.abc import Iterable
from contextlib import suppress

import psutil

from dev.launcher.processes import wait_until

BACKENDS_SECONDS = 5.0
# Of the processes that we start and wait for: pgbench and the load generator.
_OURS = resource.RUSAGE_CHILDREN


def wait_for_backends(database: psutil.Process, known: set[int]) -> None:
    """Until backends that are not known have ended: only then is their time in the database's books."""

    def ended() -> bool:
        return not any(_serves_client(one) for one in database.children() if one.pid not in known)

    wait_until(ended, seconds=BACKENDS_SECONDS)


def _serves_client(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        title = " ".join(process.cmdline())
        # One that has ended and is not collected yet has no title left.
        return not title or "127.0.0.1(" in title
    return False


def seconds_used(database: psutil.Process, servers: Iterable[psutil.Process]) -> float:
    """Since these processes began; to be subtracted from a later one. Backends that have ended count too."""
    ended = resource.getrusage(_OURS)
    main = database.cpu_times()
    used = ended.ru_utime + ended.ru_stime + main.children_user + main.children_system
    for process in (database, *database.children(), *servers):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used += times.user + times.system
    return used
