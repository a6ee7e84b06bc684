"""A clone of a service that is only a launcher and stubs, and a launcher that runs in it."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from dev.launcher import processes
from dev.launcher.ports import free_port

SOURCE = Path(__file__).resolve().parents[3]
IGNORED = shutil.ignore_patterns("__pycache__")
PATIENCE = 30
GIVEN = ("DATABASE_URL", "PORT", "HOST", "SECRET_KEY", "SERVICE_JWT", "USER_JWT", "POINTS_", "TOKEN_")


class Clone:
    """A folder in which the launcher can be started as a newcomer would start it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run_folder = folder / ".run"
        self.port = free_port()
        self.launchers: list[subprocess.Popen[str]] = []
        shutil.copytree(SOURCE / "dev" / "launcher", folder / "dev" / "launcher", ignore=IGNORED)
        stub = SOURCE / "tests" / "dev" / "launcher" / "stub"
        shutil.copytree(stub, folder, ignore=IGNORED, dirs_exist_ok=True)

    def launch(self, **environment: str) -> subprocess.Popen[str]:
        """Start the launcher and come back at once."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(GIVEN)}
        launcher = subprocess.Popen(
            [sys.executable, "-m", "dev.launcher", "run"],
            cwd=self.folder,
            env=kept | {"PORT": str(self.port)} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )
        self.launchers.append(launcher)
        # A test that waits for words that never come ends with what was said instead of hanging.
        watchdog = threading.Timer(PATIENCE, launcher.kill)
        watchdog.daemon = True
        watchdog.start()
        return launcher

    def launch_until(self, words: str, **environment: str) -> subprocess.Popen[str]:
        """Start the launcher and come back when it has said these words."""
        launcher = self.launch(**environment)
        read_until(launcher, words)
        return launcher

    def output_of_failed_launch(self, **environment: str) -> str:
        """What the launcher says when it cannot start."""
        launcher = self.launch(**environment)
        output, _ = launcher.communicate(timeout=PATIENCE)
        assert launcher.returncode == 1, output
        assert "Traceback" not in output
        return output

    def processes(self, name: str) -> list[psutil.Process]:
        """The living processes of this clone whose command line has this word."""
        mine = [
            *processes.marked(self.run_folder),
            *processes.working_in(self.run_folder / "postgres" / "data"),
        ]
        found = []
        for process in mine:
            # One that was just killed may be gone by now.
            with suppress(psutil.NoSuchProcess):
                if name in " ".join(process.cmdline()):
                    found.append(process)
        return found

    def destroy(self) -> None:
        """End what a failed test has left."""
        for launcher in self.launchers:
            launcher.kill()
            launcher.communicate()
        processes.end(self.processes(""), gently=signal.SIGKILL, patience=1)


def read_until(launcher: subprocess.Popen[str], words: str) -> str:
    """Follow what the launcher says up to a line with these words."""
    lines = []
    assert launcher.stdout is not None
    for line in launcher.stdout:
        lines.append(line)
        if words in line:
            return "".join(lines)
    raise AssertionError("".join(lines))


def stop(launcher: subprocess.Popen[str]) -> str:
    """Ctrl-C, and what was said until the end."""
    launcher.send_signal(signal.SIGINT)
    output, _ = launcher.communicate(timeout=15)
    return output


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the database's user may pass through, as most are; pytest's own are closed."""
    folder = Path(tempfile.mkdtemp(prefix="referral-launcher-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def clone(folder: Path) -> Iterator[Clone]:
    clone = Clone(folder / "clone")
    yield clone
    clone.destroy()
