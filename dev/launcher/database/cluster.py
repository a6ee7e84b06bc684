"""The embedded database on disk: where it lies, who owns it, and making it."""

import os
import secrets
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

from dev.launcher.database import binaries
from dev.launcher.database.account import Account, database_account
from dev.launcher.errors import LaunchError, disk_full

NAME = "referral"
"""The database and its owner."""

LITTLE_SPACE = 1024**2


class Cluster:
    """A folder with one PostgreSQL cluster, its password and its port, ready to be started.

    It lies in `place`, unless we are root and the user who runs the database cannot get there: then in one
    folder outside the clone that belongs to this `place`.
    """

    def __init__(self, place: Path, *, label: str, durable: bool) -> None:
        self._place = place
        self._label = label
        self._durable = durable
        self.account = database_account()
        self.home = self._find_home()
        self._require_access()
        self.binaries = self._find_binaries()

    @property
    def data(self) -> Path:
        """The folder that the server works in."""
        return self.home / "data"

    @property
    def password(self) -> str:
        """The one password of this cluster."""
        return (self.home / "password").read_text()

    @property
    def port(self) -> str | None:
        """Where the last server listened."""
        with suppress(OSError):
            return (self.home / "port").read_text().strip()
        return None

    def remember_port(self, port: int) -> None:
        """Let the next start try the same port."""
        (self.home / "port").write_text(str(port))

    def prepare(self) -> None:
        """See to it that there are data, and that our programs can read them."""
        if self.data.exists():
            self._require_same_version()
        else:
            self._initialize()

    def delete(self) -> None:
        """Remove everything; the server must be stopped."""
        for path in (self.data, self._place, self.home):
            shutil.rmtree(path, ignore_errors=True)
        binaries.forget_elsewhere(self._place, self._label)

    def failure(self, output: str) -> LaunchError:
        """The sentence in what PostgreSQL's programs said before they gave up."""
        # On a full disk there is no room for the words either.
        if "No space left on device" in output or shutil.disk_usage(self.home).free < LITTLE_SPACE:
            return disk_full(self.home)
        telling = [line for line in output.splitlines() if "FATAL" in line or "error:" in line]
        reason = (telling or output.strip().splitlines() or ["it said nothing"])[0].strip()
        return LaunchError(f"PostgreSQL in {self.home} did not start: {reason}")

    def _find_home(self) -> Path:
        self._place.mkdir(parents=True, exist_ok=True)
        if self.account.can("-x", self._place):
            return self._place
        return binaries.place_elsewhere(self._place, self._label)

    def _find_binaries(self) -> Path:
        installed = binaries.installed()
        if binaries.usable(installed, self.account):
            return installed
        return binaries.copied(installed, binaries.place_elsewhere(self._place, self._label))

    def _require_access(self) -> None:
        """The data belong to one user; root steps in for any, the others only for themselves."""
        if not self.data.exists():
            return
        owner = self.data.stat()
        if os.geteuid() == 0:
            self.account = Account(owner.st_uid, owner.st_gid)
        elif owner.st_uid != os.geteuid():
            raise LaunchError(
                f"The database in {self.home} was made by another user; start as that user, "
                "or remove the folder to begin with an empty database."
            )

    def _require_same_version(self) -> None:
        recorded = (self.data / "PG_VERSION").read_text().strip()
        ours = binaries.major_version(self.binaries)
        if recorded != str(ours):
            raise LaunchError(
                f"The database in {self.home} was made by PostgreSQL {recorded}, this is PostgreSQL {ours}: "
                "move it with pg_upgrade, or remove the folder to begin with an empty database."
            )

    def _initialize(self) -> None:
        """Make the cluster under another name first: a start that is cut short leaves nothing half made."""
        unfinished = self.home / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        password_file = self.home / "password"
        _write_secret(password_file, secrets.token_urlsafe(24))
        for path in (unfinished, password_file):
            self.account.own(path)
        self._run(self._initdb(unfinished, password_file))
        unfinished.rename(self.data)

    def _initdb(self, folder: Path, password_file: Path) -> list[str | Path]:
        command: list[str | Path] = [
            self.binaries / "initdb",
            "-D",
            folder,
            "-U",
            NAME,
            "-A",
            "scram-sha-256",
        ]
        command += [f"--pwfile={password_file}", "-E", "UTF8", "--no-locale", "--no-instructions"]
        if binaries.major_version(self.binaries) >= 17:
            # Plain C knows upper and lower case of ASCII only; a search for a Russian name needs more.
            command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        return command if self._durable else [*command, "--no-sync"]

    def _run(self, command: list[str | Path]) -> None:
        result = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.home,
            env=plain_environment(),
            check=False,
            process_group=0,
            **self.account.options,
        )
        if result.returncode:
            raise self.failure(result.stdout.decode(errors="replace"))


def plain_environment() -> dict[str, str]:
    """Nothing of ours: PGDATA and the like would confuse the server, and secrets are not its business."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return kept | {"LC_ALL": "C"}


def _write_secret(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
