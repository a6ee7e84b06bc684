"""The service as processes: web, worker and scheduler, as an operator would start them."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import requests
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
START_SECONDS = 40
STOP_SECONDS = 15


def database_url() -> str:
    """The database of this test process, as other processes can reach it."""
    found = connection.settings_dict
    return (
        f"postgresql://{quote(found['USER'])}:{quote(found['PASSWORD'])}"
        f"@{found['HOST']}:{found['PORT']}/{found['NAME']}"
    )


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ServiceProcesses:
    """Web server, worker and scheduler on the database of the test, until the block ends."""

    def __init__(self, folder: Path, environment: dict[str, str], *, web_workers: int = 1) -> None:
        self.port, self.metrics_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._web_workers = web_workers
        self._web_workers = web_workers
        self._environment = {
            **os.environ,
            "DATABASE_URL": database_url(),
            "PORT": str(self.port),
            "PUBLIC_BASE_URL": self.url,
            **environment,
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        """Start all three and wait until the web answers."""
        try:
            for name in ("web", "worker", "scheduler"):
                self.start(name)
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything."""
        self.stop()

    def stop(self) -> None:
        """End all that were started; what does not stop is killed."""
        for process in self._processes.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for name in self._processes:
            self._end(name)

    def start(self, name: str) -> None:
        """Start `web`, a `worker`, `scheduler` or `metrics`, each in a process group of its own."""
        with (self._folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                self._command(name),
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def start_web_alone(self) -> None:
        """The web server, up as soon as it answers at all; whether it is ready is another question."""
        self.start("web")
        self._wait_for("/healthz/live")

    def pid(self, name: str) -> int:
        """The process that was started; its children do the work."""
        return self._processes[name].pid

    def kill(self, name: str) -> None:
        """SIGKILL the process and everything below it."""
        os.killpg(self._processes[name].pid, signal.SIGKILL)
        self._processes[name].wait()

    def wait_until_ready(self) -> None:
        """Wait for /healthz/ready; shows the web server's last words when it does not come."""
        self._wait_for("/healthz/ready")

    def _wait_for(self, path: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._processes["web"].poll() is not None:
                break
            try:
                if requests.get(self.url + path, timeout=2).ok:
                    return
            except requests.RequestException:
                time.sleep(0.1)
        raise AssertionError(f"the web server does not answer:\n{self.log('web')}")

    def log(self, name: str) -> str:
        """The end of a process's output."""
        return (self._folder / f"{name}.log").read_text(errors="replace")[-3000:]

    def _command(self, name: str) -> list[str]:
        """What to start; `worker`, `worker2`… are as many workers."""
        if name == "web":
            return [
                str(BIN / "granian"),
                "--interface=wsgi",
                f"--port={self.port}",
                f"--workers={self._web_workers}",
                "--blocking-threads=2",
                "referral_project.wsgi:application",
            ]
        if name.startswith("worker"):
            return [sys.executable, "manage.py", "rundramatiq", "--processes=1", "--threads=4"]
        if name == "metrics":
            return [sys.executable, "manage.py", "serve_metrics", f"--port={self.metrics_port}"]
        return [sys.executable, "manage.py", "scheduler"]

    def _end(self, name: str) -> None:
        process = self._processes[name]
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill(name)
