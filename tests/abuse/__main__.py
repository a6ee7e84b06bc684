"""Malformed requests by the thousand at a running server: `python -m tests.abuse --count 50000`.

Starts a throwaway PostgreSQL and a web server with two processes of its own. Every request is wrong in some
way (tests/abuse/malformed.py lists the ways). Fails when an answer is a 5xx, holds a trace, is not the
envelope where it should be, when the server stops answering, or when its processes grow. The seed is
printed; with --seed a run is repeated.
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.helpers.stage import stage


def main() -> int:
    """Parse the command line, set the stage, attack."""
    parser = argparse.ArgumentParser(prog="python -m tests.abuse", description=__doc__)
    parser.add_argument("--count", type=int, default=50_000, help="how many requests to send")
    parser.add_argument("--seed", type=int, default=None, help="repeat a run")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.randrange(10**6)
    print(f"seed {seed}, {options.count} requests", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="referral-abuse-") as folder,
        stage(Path(folder), web_workers=2, LOG_LEVEL="ERROR") as service,
    ):
        from tests.abuse.attack import Attack

        attack = Attack(service, random.Random(seed))
        attack.run(options.count)
        return attack.verdict()


if __name__ == "__main__":
    sys.exit(main())
