"""Which user of the operating system runs the database: PostgreSQL refuses to be root."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.launcher.errors import LaunchError

NOBODY = 65534


@dataclass(frozen=True)
class Account:
    """The user that a program is started as; without numbers it is simply ourselves."""

    uid: int | None = None
    gid: int | None = None

    @property
    def options(self) -> dict[str, Any]:
        """What subprocess needs to start a program as this user."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Make a file or folder of ours theirs."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def can(self, *test: str | Path) -> bool:
        """Whether `test` answers yes when this user asks, for instance `can("-x", folder)`."""
        return self.can_run("test", *test)

    def can_run(self, *command: str | Path) -> bool:
        """Whether this user can start the command; that they may not is an answer, not an error."""
        try:
            result = subprocess.run(command, capture_output=True, cwd="/", check=False, **self.options)
        except (PermissionError, FileNotFoundError):
            return False
        return result.returncode == 0


def database_account() -> Account:
    """Ourselves, or `nobody` when we are root."""
    if os.geteuid() != 0:
        return Account()
    account = _nobody()
    if not account.can_run("true"):
        raise LaunchError(
            "PostgreSQL refuses to run as root, and here root may not become another user; "
            "start as an ordinary user or give a DATABASE_URL."
        )
    return account


def _nobody() -> Account:
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return Account(NOBODY, NOBODY)
    return Account(entry.pw_uid, entry.pw_gid)
