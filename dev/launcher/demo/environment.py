"""`.run/demo.env`: what the running demo was started with, for commands typed in another terminal."""

import os
from collections.abc import Mapping
from pathlib import Path


def read(path: Path) -> dict[str, str]:
    """The lines of an earlier start; none when there was none."""
    if not path.exists():
        return {}
    pairs = (line.partition("=") for line in path.read_text().splitlines())
    return {name: value for name, separator, value in pairs if separator}


def write(path: Path, values: Mapping[str, str]) -> None:
    """Replace the file in one step; only its owner may read it."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    lines = [f"{name}={value}\n" for name, value in values.items() if "\n" not in value]
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(lines)
    new.replace(path)
