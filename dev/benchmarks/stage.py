"""What is measured, started as in production: PostgreSQL that writes carefully, web server, worker."""

import json
import os
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from dev.launcher import commands, processes
from dev.launcher.children import Program
from dev.launcher.demo.secrets import SERVICES
from dev.launcher.errors import LaunchError
from dev.launcher.ports import LOOPBACK, free_port

ROOT = Path(__file__).resolve().parents[2]
# Counted as in production, and never reached.
RATE = "99999999/min"
START_SECONDS = 60.0
STOP_SECONDS = 15.0
SETTINGS = "referral_project.settings"


def environment(database_url: str, given: Mapping[str, str]) -> dict[str, str]:
    """Variables of a production start, with secrets for this run alone.

    Nothing else of the service is taken from outside, or two runs would not measure the same.
    """
    return {
        **{name: given[name] for name in ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH") if name in given},
        "NO_PROXY": LOOPBACK,
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        "DATABASE_URL": database_url,
        "LOG_LEVEL": "WARNING",
        "THROTTLE_SERVICE": RATE,
        "THROTTLE_USER": RATE,
        "THROTTLE_ADDRESS": RATE,
        "SECRET_KEY": secrets.token_urlsafe(48),
        "USER_JWT_KEY": secrets.token_urlsafe(48),
        "SERVICE_JWT_OUT_KEY": secrets.token_urlsafe(48),
        "SERVICE_JWT_KEYS": json.dumps({service: secrets.token_urlsafe(48) for service in SERVICES}),
    }


class Server:
    """A program that listens on a port of its own, until the block ends."""

    def __init__(self, program: Program, port: int) -> None:
        self._program = program
        self.port = port

    @property
    def processes(self) -> list[psutil.Process]:
        """The processes that do the work: children of the one that was started, else that one."""
        assert self._program.process is not None  # noqa: S101 - only asked for while it runs
        main = psutil.Process(self._program.process.pid)
        return main.children(recursive=True) or [main]

    def require_alive(self) -> None:
        """Raises LaunchError with its last words when it has ended."""
        if self._program.exit_code() is not None:
            words = self._program.log.read_text(errors="replace")[-3000:]
            raise LaunchError(f"{self._program.name} has ended:\n{words}")


@contextmanager
def _running(program: Program, port: int) -> Iterator[Server]:
    program.launch()
    try:
        yield Server(program, port)
    finally:
        program.request_stop()
        processes.wait_until(lambda: program.exit_code() is not None, seconds=STOP_SECONDS)
        program.end_remains()


def _program(
    name: str, folder: Path, arguments: list[str], variables: Mapping[str, str] | None = None
) -> Program:
    return Program(
        name,
        [sys.executable, *arguments],
        environment=os.environ | (variables or {}),
        folder=ROOT,
        log=folder / f"{name}.log",
    )


@contextmanager
def web(folder: Path, *, settings: str = SETTINGS, name: str = "web") -> Iterator[Server]:
    """The web server as `make run` starts it; other settings replace those of the service."""
    port = free_port()
    variables = {"DJANGO_SETTINGS_MODULE": settings, "PORT": str(port)}
    program = _program(name, folder, commands.web(LOOPBACK, str(port)), variables)
    with _running(program, port) as server:
        _wait_until_ready(server)
        yield server


@contextmanager
def worker(folder: Path, variables: Mapping[str, str]) -> Iterator[Server]:
    """The payout worker as `make run` starts it, with its peer's address and concurrency."""
    with _running(_program("worker", folder, commands.worker(), variables), 0) as server:
        yield server


@contextmanager
def helper(folder: Path, module: str) -> Iterator[Server]:
    """A server of the benchmark's own, which takes its port as its only argument."""
    port = free_port()
    program = _program(module, folder, ["-m", f"dev.benchmarks.{module}", str(port)])
    with _running(program, port) as server:
        _wait_until_listening(server)
        yield server


def migrate() -> None:
    """Make the tables. Raises LaunchError."""
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LaunchError(f"migrations failed:\n{done.stderr[-3000:]}")


def _wait_until_ready(server: Server) -> None:
    def answers() -> bool:
        try:
            url = f"http://{LOOPBACK}:{server.port}/healthz/ready"
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    _wait(server, answers)


def _wait_until_listening(server: Server) -> None:
    def listens() -> bool:
        return any(
            one.status == psutil.CONN_LISTEN and one.laddr.port == server.port
            for process in server.processes
            for one in process.net_connections("tcp")
        )

    _wait(server, listens)


def _wait(server: Server, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        server.require_alive()
        if time.monotonic() > deadline:
            raise LaunchError("a server did not begin to answer in time")
        time.sleep(0.05)
