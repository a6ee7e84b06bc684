"""Kills and faults under load, and the ledger counted afterwards: `python -m tests.chaos --seconds 60`.

Starts a durable PostgreSQL, the sandbox peers, a web server, two workers and two schedulers of its own;
nothing on the machine is touched but a broker named by --broker. A run can be repeated with its --seed: the
same disruptions in the same order, as far as processes allow. Ends with 1 when anything was lost, double or
stuck, or when a call was answered with an unexpected status.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from dev.launcher.database.postgres import EmbeddedPostgres
from dev.launcher.throwaway import throwaway_environment
from tests.helpers.sandbox import SandboxProcess

FAST = {
    "PAYOUT_SWEEP_SECONDS": "0.3",
    "PAYOUT_RETRY_BASE_SECONDS": "0.1",
    "PAYOUT_RETRY_MAX_SECONDS": "1",
    "PAYOUT_TIMEOUT_SECONDS": "1",
    "PAYOUT_LEASE_SECONDS": "3",
    "PAYOUT_CONCURRENCY": "8",
}


def main() -> int:
    """Parse the command line, build the stage, run."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120, help="how long load and disruptions last")
    parser.add_argument("--seed", type=int, default=None, help="repeat a run")
    parser.add_argument("--broker", default="", help="redis://… or amqp://…; PostgreSQL when left out")
    parser.add_argument("--calm", action="store_true", help="load without disruptions")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.randrange(10**6)
    print(f"seed {seed}, {options.seconds:g} s, broker {options.broker or 'PostgreSQL'}", flush=True)
    with tempfile.TemporaryDirectory(prefix="referral-chaos-") as folder:
        Path(folder).chmod(0o755)
        postgres = EmbeddedPostgres(Path(folder) / "postgres")
        try:
            postgres.start()
            return _on_stage(Path(folder), postgres, options, random.Random(seed))
        finally:
            postgres.remove()


def _on_stage(
    folder: Path, postgres: EmbeddedPostgres, options: argparse.Namespace, chance: random.Random
) -> int:
    os.environ.update(throwaway_environment(os.environ))
    os.environ |= {
        "DATABASE_URL": postgres.url,
        "DJANGO_SETTINGS_MODULE": "referral_project.settings",
        **FAST,
    }
    if options.broker:
        os.environ["DRAMATIQ_BROKER_URL"] = options.broker
    import django

    django.setup()
    from tests.chaos.run import run

    (folder / "ledger").mkdir()
    with SandboxProcess(state=folder / "ledger", token_delay=0.3) as sandbox:
        started = time.monotonic()
        code = run(folder, postgres, sandbox, options.seconds, chance, calm=options.calm)
        print(f"{time.monotonic() - started:.0f} s in all", flush=True)
        return code


if __name__ == "__main__":
    sys.exit(main())
