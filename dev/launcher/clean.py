"""`python -m dev.launcher clean`: remove what a demo has left outside the clone."""

from pathlib import Path

from dev.launcher.database import binaries
from dev.launcher.run import end_leftovers, make_run_folder, sole_launcher


def clean(clone: Path) -> None:
    """Delete the database's place outside the clone, unless the demo runs."""
    run_folder = make_run_folder(clone)
    with sole_launcher(run_folder):
        end_leftovers(run_folder)
        for place in ("postgres", "growth"):
            binaries.forget_elsewhere(run_folder / place, clone.name)
