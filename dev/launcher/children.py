"""What the supervisor keeps alive: programs, and the database, which needs more care at its start."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from dev.launcher import processes
from dev.launcher.database.postgres import EmbeddedPostgres


class Child(Protocol):
    """One thing that is started, may die, and is started again."""

    name: str

    def launch(self) -> None:
        """Start it without waiting for it to be of use."""

    def exit_code(self) -> int | None:
        """None while it lives; the code that it ended with, negative for a signal."""

    def request_stop(self) -> None:
        """Ask it to end in good order."""

    def end_remains(self) -> None:
        """Kill whatever is left of it."""


class Program:
    """A command in a process group of its own, but in our session: Ctrl-C reaches only us, and we decide."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str],
        folder: Path,
        log: Path,
    ) -> None:
        self.name = name
        self.command = command
        self.environment = environment
        self.folder = folder
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        """Start the command; what it prints goes to its log."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=self.environment,
                process_group=0,
            )

    def exit_code(self) -> int | None:
        """The end of the main process counts; workers without it are remains."""
        return self.process.poll() if self.process else -signal.SIGKILL

    def request_stop(self) -> None:
        """Both of our servers, the worker and the scheduler understand SIGTERM."""
        if self.process is not None and self.exit_code() is None:
            self.process.terminate()

    def end_remains(self) -> None:
        """Workers outlive a main process that was killed, and hold its port."""
        if self.process is None:
            return
        if self.exit_code() is None:
            # Before the main process is collected nobody else can have got its number.
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        processes.end(processes.in_group(self.process.pid), gently=signal.SIGTERM, patience=0.5)


class Database:
    """The embedded PostgreSQL as a child."""

    name = "database"

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self.postgres = postgres

    def launch(self) -> None:
        """Start the server; while it recovers its clients wait."""
        self.postgres.launch()

    def exit_code(self) -> int | None:
        """How the main process ended."""
        return self.postgres.process.poll() if self.postgres.process else -signal.SIGKILL

    def request_stop(self) -> None:
        """PostgreSQL's fast shutdown."""
        self.postgres.request_stop()

    def end_remains(self) -> None:
        """Backends may outlive a main process that was killed."""
        self.postgres.end_remains()
