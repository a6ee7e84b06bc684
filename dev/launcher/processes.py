"""Finding and ending processes that their starter can no longer end."""

import os
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import psutil

MARK = "REFERRAL_LAUNCHER"
"""Every program that a launcher starts carries this variable, to be known even when the launcher died."""


def with_mark(environment: dict[str, str], run_folder: Path) -> dict[str, str]:
    """The environment for a program that belongs to the launcher of this folder."""
    return environment | {MARK: str(run_folder)}


def marked(run_folder: Path) -> list[psutil.Process]:
    """The living programs that a launcher of this folder has started, and their children."""
    return _living(lambda process: process.environ().get(MARK) == str(run_folder))


def working_in(folder: Path) -> list[psutil.Process]:
    """The living processes whose current folder this is; for a data folder that is PostgreSQL."""
    return _living(lambda process: process.cwd() == str(folder))


def in_group(group: int) -> list[psutil.Process]:
    """The living members of a process group."""
    return _living(lambda process: os.getpgid(process.pid) == group)


def end(processes: Iterable[psutil.Process], *, gently: signal.Signals, patience: float) -> None:
    """Ask the processes to end, and kill those that still live when the patience is over."""
    processes = list(processes)
    for process in processes:
        with suppress(psutil.Error):
            process.send_signal(gently)
    if wait_until(lambda: not any(map(is_alive, processes)), seconds=patience, every=0.02):
        return
    for process in filter(is_alive, processes):
        with suppress(psutil.Error):
            process.kill()
    wait_until(lambda: not any(map(is_alive, processes)), seconds=2, every=0.02)


def is_alive(process: psutil.Process) -> bool:
    """Whether it still does anything: where nobody collects orphans, the dead stay in the list for ever."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def wait_until(condition: Callable[[], bool], *, seconds: float, every: float = 0.05) -> bool:
    """Look again and again; whether the condition came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def _living(belongs: Callable[[psutil.Process], bool]) -> list[psutil.Process]:
    return [
        process for process in psutil.process_iter() if process.pid != os.getpid() and _is(process, belongs)
    ]


def _is(process: psutil.Process, belongs: Callable[[psutil.Process], bool]) -> bool:
    try:
        return belongs(process) and is_alive(process)
    except (psutil.Error, OSError):
        return False
