"""`python -m dev.launcher run`: from nothing to a supervised demo, and back to nothing."""

import fcntl
import http.client
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dev.launcher import processes
from dev.launcher.demo.demo import Demo
from dev.launcher.demo.welcome import welcome
from dev.launcher.errors import LaunchError
from dev.launcher.ports import require_web_port
from dev.launcher.stopping import Stopping, say
from dev.launcher.supervisor import ChildFailedError, Supervisor

TICK = 0.1
READY_WITHIN = 120.0
CLEAN_UP_EVERY = 60.0
SERVERS = ("web", "worker", "scheduler", "prepare_demo")


def run(clone: Path, given: Mapping[str, str], stopping: Stopping) -> None:
    """Start everything, keep it alive until somebody wants it to stop, and stop it."""
    run_folder = make_run_folder(clone)
    with sole_launcher(run_folder):
        end_leftovers(run_folder)
        demo = Demo(clone, given)
        require_web_port(demo.host, demo.port)
        Run(demo, stopping).from_start_to_end()


class Run:
    """One run of the demo."""

    def __init__(self, demo: Demo, stopping: Stopping) -> None:
        self.demo = demo
        self.stopping = stopping
        self.supervisor = Supervisor(say)

    def from_start_to_end(self) -> None:
        """Whatever happens on the way, nothing is left running."""
        try:
            self._start()
            self._supervise()
        except ChildFailedError as failure:
            raise LaunchError(f"{self.demo.logs.tail(failure.name)}\n\n{failure}; see .run/logs.") from None
        finally:
            self._stop()

    def _start(self) -> None:
        if self.demo.needs_sandbox:
            self.supervisor.start(self.demo.sandbox())
        if self.demo.needs_database:
            self._start_database()
        self.demo.record()
        self._start_servers()
        if self._until(self._is_ready, "web") and self._until(self._sandbox_is_ready, "sandbox"):
            say(welcome(self.demo.base_url, self.demo.values))

    def _start_servers(self) -> None:
        """A database that was prepared before lets the web server start at once; only news are applied."""
        web, *others = self.demo.servers()
        if self.demo.prepared_before:
            self.supervisor.start(web)
            self._prepare()
        else:
            self._prepare()
            others.insert(0, web)
        for server in others:
            if not self.stopping.requested():
                self.supervisor.start(server)

    def _start_database(self) -> None:
        say("Starting the database")
        database = self.demo.database()
        self.supervisor.start(database)
        self._until(database.postgres.is_ready, database.name)
        self.demo.values["DATABASE_URL"] = database.postgres.url

    def _prepare(self) -> None:
        say("Preparing the database and the demo's campaigns")
        preparation = self.demo.preparation()
        preparation.launch()
        try:
            self._until(lambda: preparation.exit_code() is not None, preparation.name)
        finally:
            preparation.end_remains()
        code = preparation.exit_code()
        if code and not self.stopping.requested():
            raise ChildFailedError(preparation.name, code)

    def _supervise(self) -> None:
        cleaned = time.monotonic()
        while not self.stopping.requested():
            self.supervisor.tick()
            time.sleep(TICK)
            if time.monotonic() - cleaned > CLEAN_UP_EVERY:
                self.demo.logs.shorten()
                cleaned = time.monotonic()

    def _until(self, condition: Callable[[], bool], what: str) -> bool:
        """Wait for a condition of the start; false when somebody wants to stop first."""
        deadline = time.monotonic() + READY_WITHIN
        while not condition():
            if self.stopping.requested():
                return False
            self.supervisor.require_all_alive()
            if time.monotonic() > deadline:
                raise LaunchError(f"{self.demo.logs.tail(what)}\n\n{what} took too long; see .run/logs.")
            time.sleep(0.05)
        return True

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection(self.demo.own_address, int(self.demo.port), timeout=5)
        try:
            connection.request("GET", "/healthz/ready", headers={"Host": f"localhost:{self.demo.port}"})
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _sandbox_is_ready(self) -> bool:
        return not self.demo.needs_sandbox or '"ready": true' in self.demo.logs.tail("sandbox")

    def _stop(self) -> None:
        say("\nStopping")
        hurried = self.stopping.hurried
        self.supervisor.stop(SERVERS, patience=6, hurried=hurried)
        self.supervisor.stop(("sandbox",), patience=2, hurried=hurried)
        self.supervisor.stop(("database",), patience=4, hurried=hurried)
        end_leftovers(self.demo.run_folder, patience=0.5)


def make_run_folder(clone: Path) -> Path:
    """The folder of everything that a run leaves behind; the database's user must be able to pass through."""
    folder = clone / ".run"
    if not folder.exists():
        folder.mkdir()
        folder.chmod(0o755)
    return folder


@contextmanager
def sole_launcher(run_folder: Path) -> Iterator[None]:
    """Hold the clone's lock; the system gives it back when we die, however we die."""
    with (run_folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LaunchError("The demo already runs in this folder; stop it with Ctrl-C first.") from None
        yield


def end_leftovers(run_folder: Path, patience: float = 4) -> None:
    """End what a launcher that was killed could not stop."""
    left = processes.marked(run_folder)
    if left:
        processes.end(left, gently=signal.SIGTERM, patience=patience)
