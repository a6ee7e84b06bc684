"""A PostgreSQL of our own: no server to install, no root needed, as root it works too."""

import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg

from dev.launcher import processes
from dev.launcher.database.cluster import NAME, Cluster, plain_environment
from dev.launcher.ports import LOOPBACK, port_to_use

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
}
THROWAWAY_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
ENOUGH_MEMORY = 2 * 1024**3


class EmbeddedPostgres:
    """A server that listens on the loopback address only.

    The port stays the same from start to start while nobody else takes it. `durable=False` is for clusters
    that nobody will miss after a crash.
    """

    def __init__(
        self, place: Path, *, durable: bool = True, label: str = "postgres", log: Path | None = None
    ) -> None:
        place.mkdir(parents=True, exist_ok=True)
        self.durable = durable
        self.log = log or place / "postgres.log"
        self.cluster = Cluster(place, label=label, durable=durable)
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self._log_start = 0

    @property
    def url(self) -> str:
        """How clients reach the database."""
        return f"postgresql://{NAME}:{self.cluster.password}@{LOOPBACK}:{self.port}/{NAME}"

    def start(self) -> None:
        """Make the cluster if there is none, start it, and come back when it answers."""
        self.launch()
        # A server that recovers from a crash lives and does not answer; it is given the time that it needs.
        while not self.is_ready():
            time.sleep(0.03)

    def launch(self) -> None:
        """Start the server without waiting for it; what an earlier one left behind is ended first."""
        self.cluster.prepare()
        self._end_leftovers()
        if not self.port:
            self.port = port_to_use(self.cluster.port)
            self.cluster.remember_port(self.port)
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self.process = subprocess.Popen(
                [self.cluster.binaries / "postgres", "-D", self.cluster.data, *self._settings()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.cluster.data,
                env=plain_environment(),
                process_group=0,
                **self.cluster.account.options,
            )

    def is_running(self) -> bool:
        """Whether the server's main process lives."""
        return self.process is not None and self.process.poll() is None

    def is_ready(self) -> bool:
        """Whether it answers, and has our database; that it gave up instead is an error."""
        running = self.is_running()
        if self._answers():
            return True
        if not running:
            raise self.cluster.failure(self._said_since_start())
        return False

    def request_stop(self) -> None:
        """Ask for PostgreSQL's fast shutdown: open transactions are rolled back, everything is written."""
        if self.process is not None and self.is_running():
            self.process.send_signal(signal.SIGINT)

    def stop(self, patience: float = 5) -> None:
        """Shut the server down, by force when the patience is over."""
        self.request_stop()
        processes.wait_until(lambda: not self.is_running(), seconds=patience)
        self.end_remains()

    def end_remains(self) -> None:
        """Kill what is left of the server; its data survive that."""
        if self.process is not None and self.is_running():
            self.process.kill()
            self.process.wait()
        processes.end(self._workers(), gently=signal.SIGTERM, patience=0.3)

    def remove(self) -> None:
        """Stop the server and delete the cluster for good."""
        self.stop()
        self._end_leftovers()
        self.cluster.delete()

    def _workers(self) -> list[psutil.Process]:
        return processes.working_in(self.cluster.data.resolve())

    def _end_leftovers(self) -> None:
        """End the processes of an earlier server, and remove its note when nobody is left to honour it."""
        left = self._workers()
        note = self.cluster.data / "postmaster.pid"
        with suppress(OSError, ValueError):
            server = int(note.read_text().split("\n", 1)[0])
            processes.end([one for one in left if one.pid == server], gently=signal.SIGINT, patience=5)
        # Backends whose server is gone end by themselves unless they are busy.
        processes.end(left, gently=signal.SIGTERM, patience=0.3)
        note.unlink(missing_ok=True)

    def _settings(self) -> list[str]:
        buffers = "256MB" if psutil.virtual_memory().total >= ENOUGH_MEMORY else "64MB"
        settings = SETTINGS | {"port": str(self.port), "shared_buffers": buffers}
        if not self.durable:
            settings |= THROWAWAY_SETTINGS
        return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]

    def _answers(self) -> bool:
        try:
            with psycopg.connect(
                host=LOOPBACK,
                port=self.port,
                user=NAME,
                password=self.cluster.password,
                dbname="postgres",
                autocommit=True,
                connect_timeout=2,
            ) as connection:
                _ensure_database(connection)
        except psycopg.OperationalError:
            return False
        return True

    def _said_since_start(self) -> str:
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")


def _ensure_database(connection: psycopg.Connection) -> None:
    found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone()
    if not found:
        connection.execute(f"CREATE DATABASE {NAME}")
