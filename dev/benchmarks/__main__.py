"""How fast the service is beside what its database and its HTTP client can do: see docs/performance.md.

Starts a PostgreSQL of its own, which writes as carefully as a real one, and everything else that it needs;
nothing on the machine is touched. Ends with 1 when what was measured is not in the database as it should be.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from dev.benchmarks.stage import environment, migrate
from dev.launcher.database.postgres import EmbeddedPostgres
from dev.launcher.database.temporary import start_temporary
from dev.launcher.errors import LaunchError

PARTS = ("payout", "events")
QUICK = {"repetitions": 5, "seconds": 2, "minutes": 3}
FULL = {"repetitions": 7, "seconds": 4, "minutes": 15}


def main() -> int:
    """Parse the command line, start the database, run."""
    options = _options()
    postgres = start_temporary(durable=True)
    try:
        with tempfile.TemporaryDirectory(prefix="referral-benchmark-") as folder:
            return _on_stage(postgres, Path(folder), options)
    except LaunchError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; nothing is left.", file=sys.stderr)
        return 130
    finally:
        postgres.remove()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dev.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="within 3 minutes; for a first impression")
    parser.add_argument("--only", choices=PARTS, action="append", help="a part alone; may be given again")
    parser.add_argument("--repetitions", type=int, help=_help("at most", "repetitions"))
    parser.add_argument("--seconds", type=int, help=_help("of one measurement", "seconds"))
    parser.add_argument("--minutes", type=float, help=_help("what all of it may take", "minutes"))
    options = parser.parse_args()
    for name, value in (QUICK if options.quick else FULL).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    options.only = options.only or list(PARTS)
    return options


def _help(text: str, name: str) -> str:
    return f"{text}: {QUICK[name]} when quick, else {FULL[name]}"


def _on_stage(postgres: EmbeddedPostgres, folder: Path, options: argparse.Namespace) -> int:
    variables = environment(postgres.url, os.environ)
    os.environ.clear()
    os.environ.update(variables)
    migrate()
    import django

    django.setup()
    from dev.benchmarks.run import run

    started = time.monotonic()
    code = run(postgres, folder, options)
    print(f"{time.monotonic() - started:.0f} s in all", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
