"""`python -m dev.launcher run | clean`."""

import argparse
import os
import sys
from pathlib import Path

from dev.launcher.clean import clean
from dev.launcher.errors import LaunchError, explain
from dev.launcher.run import run
from dev.launcher.stopping import Stopping

CLONE = Path(__file__).resolve().parents[2]


def main() -> int:
    """Do what was asked; what stands in the way is told in a sentence."""
    arguments = _parser().parse_args()
    stopping = Stopping(arguments.starter)
    stopping.listen()
    try:
        if arguments.command == "run":
            run(CLONE, os.environ, stopping)
        else:
            clean(CLONE)
    except LaunchError as problem:
        print(problem, file=sys.stderr)
        return 1
    except OSError as error:
        print(explain(error, CLONE / ".run"), file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="launcher", description="Start the demo, or remove its data.")
    parser.add_argument("command", choices=["run", "clean"])
    parser.add_argument("--starter", help="stop also when who started us (make) stops")
    return parser


if __name__ == "__main__":
    sys.exit(main())
