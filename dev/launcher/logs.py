"""Where the output of the supervised programs goes, and keeping it small."""

import os
import shutil
from pathlib import Path

LARGEST = 20 * 1024**2


class LogFolder:
    """One file per program, and its predecessor as NAME.log.1."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, name: str) -> Path:
        """The file of one program."""
        return self.folder / f"{name}.log"

    def begin(self, name: str) -> Path:
        """An empty file for a new start; the output of the last one stays beside it."""
        path = self.path(name)
        if path.exists():
            path.replace(path.with_suffix(".log.1"))
        path.touch()
        return path

    def shorten(self) -> None:
        """Move away what has grown too large; programs append, so they go on at the new end."""
        for path in self.folder.glob("*.log"):
            if path.stat().st_size > LARGEST:
                shutil.copyfile(path, path.with_suffix(".log.1"))
                os.truncate(path, 0)

    def tail(self, name: str, lines: int = 20) -> str:
        """The last words of a program."""
        path = self.path(name)
        if not path.exists():
            return ""
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
