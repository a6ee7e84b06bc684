"""An append-only file of JSON lines, from which a ledger is rebuilt after a sudden death."""

import fcntl
import json
import os
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Any

from dev.sandbox.errors import CannotStartError


class Journal:
    """Entries of one peer in the order in which they happened; without a path it keeps nothing.

    An entry is handed to the operating system before the peer answers, so it survives SIGKILL of the
    process. It is not synced to disk: a power failure may lose the tail.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file = _open_alone(path) if path else None

    def replay(self) -> Iterator[dict[str, Any]]:
        """Yield what was written before, and cut off a last line that was torn by a kill."""
        if self._path is None or self._file is None:
            return
        whole = 0
        with self._path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.endswith(b"\n"):
                    break
                yield self._parse(line, number)
                whole += len(line)
        self._file.truncate(whole)

    def append(self, *entries: dict[str, Any]) -> None:
        if self._file is None:
            return
        text = "".join(json.dumps(entry, separators=(",", ":")) + "\n" for entry in entries)
        _write_all(self._file, text.encode())

    def forget(self) -> None:
        if self._file is not None:
            self._file.truncate(0)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _parse(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        if not isinstance(entry, dict):
            raise CannotStartError(
                f"Line {number} of {self._path} is damaged; remove the file to start afresh."
            )
        return entry


def _open_alone(path: Path) -> FileIO:
    """Open for appending, as the only process that does."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = FileIO(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600), "a")
    except OSError as error:
        raise CannotStartError(f"Cannot write {path}: {error.strerror}.") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise CannotStartError(f"Another sandbox is using {path}.") from error
    return file


def _write_all(file: FileIO, data: bytes) -> None:
    while data:
        data = data[file.write(data) :]
