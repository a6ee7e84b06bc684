"""Which files of ours a piece of work goes through, seen while it runs."""

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from tests.helpers.processes import ROOT

_ROOT = f"{ROOT}/"
# The database's backend is called whenever a query is made, which is no step of anybody's way.
_LEFT_OUT = (f"{_ROOT}.venv/", f"{_ROOT}tests/", f"{_ROOT}referral_project/postgresql/")


@dataclass
class Way:
    """The files in the order in which they were first called, and how often one called another."""

    files: list[str] = field(default_factory=list)
    steps: int = 0


def way_of(work: Callable[[], Any], *, threads: bool = False) -> Way:
    """Do it, and say which way it went; with `threads` also in threads that it starts."""
    way = Way()
    recorder = _recorder(way)
    if threads:
        threading.setprofile(recorder)
    sys.setprofile(recorder)
    try:
        work()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return way


def _recorder(way: Way) -> Callable[[FrameType, str, Any], None]:
    lock = threading.Lock()

    def record(frame: FrameType, event: str, argument: Any) -> None:
        file = _ours(frame)
        if event != "call" or file is None or frame.f_code.co_name == "<module>":
            return
        if _caller(frame) != file:
            with lock:
                way.steps += 1
                if file not in way.files:
                    way.files.append(file)

    return record


def _caller(frame: FrameType) -> str | None:
    """The file of ours from which this was called, past Django and other packages."""
    above = frame.f_back
    while above is not None:
        file = _ours(above)
        if file is not None:
            return file
        above = above.f_back
    return None


def _ours(frame: FrameType) -> str | None:
    name = frame.f_code.co_filename
    if name.startswith(_ROOT) and not name.startswith(_LEFT_OUT):
        return name.removeprefix(_ROOT)
    return None
