"""The references: PostgreSQL's own load generator with hand-written statements."""

import os
import re
import subprocess
from dataclasses import dataclass
from urllib.parse import urlsplit

from benchmarks.world import FIRST_USER, LIMITS, SPREAD, SQL, USERS
from launcher.errors import LaunchError
from launcher.postgres import EmbeddedPostgres

CLIENTS = 8
THREADS = 2
BATCH = 100


@dataclass(frozen=True, slots=True)
class Reference:
    """A script, and how many events one of its transactions writes."""

    name: str
    script: str
    events: int = 1


L1 = Reference("L1", "separate.sql")
L2 = Reference("L2", "function.sql")
L3 = Reference("L3", "batch.sql", BATCH)


@dataclass(frozen=True, slots=True)
class Written:
    """How many events were written, and how many a second."""

    events: int
    per_second: float


class PgBench:
    """Runs references against one server. Raises LaunchError where there is no pgbench."""

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self._program = postgres.cluster.binaries / "pgbench"
        if not self._program.exists():
            raise LaunchError(f"There is no {self._program}: install the rest of this PostgreSQL.")
        url = urlsplit(postgres.url)
        self._environment = os.environ | {
            "PGHOST": str(url.hostname),
            "PGPORT": str(url.port),
            "PGUSER": str(url.username),
            "PGPASSWORD": str(url.password),
            "PGDATABASE": url.path.lstrip("/"),
        }

    def run(self, reference: Reference, seconds: int) -> Written:
        """Let the clients work. Raises LaunchError when a transaction fails."""
        given = {
            "code": SPREAD,
            "first": FIRST_USER,
            "last": USERS - 1,
            "per_referred": LIMITS["max_events_per_referred"],
            "per_referrer": LIMITS["max_events_per_referrer"],
            "per_day": LIMITS["max_events_per_referrer_per_day"],
        }
        command = [
            str(self._program),
            "--no-vacuum",
            "--protocol=prepared",
            f"--file={SQL / reference.script}",
        ]
        command += [f"--client={CLIENTS}", f"--jobs={THREADS}", f"--time={seconds}"]
        command += [f"--define={name}={value}" for name, value in given.items()]
        done = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, check=False, timeout=seconds + 60
        )
        if done.returncode:
            raise LaunchError(f"pgbench failed: {done.stderr.strip()[-2000:]}")
        return _read(done.stdout, reference.events)


def _read(output: str, events: int) -> Written:
    transactions = re.search(r"transactions actually processed: (\d+)", output)
    rate = re.search(r"tps = ([\d.]+)", output)
    if transactions is None or rate is None or "failed transactions: 0 " not in output:
        raise LaunchError(f"pgbench said something unexpected:\n{output}")
    return Written(int(transactions[1]) * events, float(rate[1]) * events)
