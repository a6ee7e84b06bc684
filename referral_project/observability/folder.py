"""Where the processes of one host keep their counts, so that whichever is asked can tell the sum.

Imports nothing of prometheus_client: it must be told of the folder before it is loaded.
"""

import os
import re
import tempfile
import zlib
from contextlib import suppress
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
FILE = re.compile(r"[a-z_]+_(?P<pid>\d+)\.db")


def metrics_folder(*, given: str, wanted: bool, database_url: str) -> Path | None:
    """The folder as configured, or one of this user and database below the system's temporary folder.

    None, and then each process counts for itself in memory, when nobody `wanted` metrics or named a folder.
    """
    if not (given or wanted):
        return None
    name = f"referral-metrics-{os.getuid()}-{zlib.crc32(database_url.encode()):08x}"
    return Path(given) if given else Path(tempfile.gettempdir()) / name


def metrics_folder_open(folder: Path) -> None:
    """Use the folder in this process. What dead processes left goes when no living one counts on.

    While one lives the files of the dead stay: without them the sums would fall, which looks like a restart.
    Raises OSError when the folder cannot be made or is somebody else's.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to another user")
    files = [(file, int(match["pid"])) for file in folder.iterdir() if (match := FILE.fullmatch(file.name))]
    if not any(_lives(pid) for _, pid in files):
        for file, _ in files:
            with suppress(FileNotFoundError):
                file.unlink()
    os.environ[VARIABLE] = str(folder)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
