"""The references: PostgreSQL's own load generator with hand-written statements."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from dev.benchmarks.world import FIRST_USER, LIMITS, SPREAD, SQL, USERS
from dev.launcher.errors import LaunchError

CLIENTS = 8
THREADS = 2
# Seconds; nothing that is run here takes so long.
LONGEST = 300
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

    def __init__(self, binaries: Path, database_url: str) -> None:
        self._program = binaries / "pgbench"
        if not self._program.exists():
            raise LaunchError(f"There is no {self._program}: install the rest of this PostgreSQL.")
        url = urlsplit(database_url)
        self._environment = os.environ | {
            "PGHOST": str(url.hostname),
            "PGPORT": str(url.port),
            "PGUSER": str(url.username),
            "PGPASSWORD": str(url.password),
            "PGDATABASE": url.path.lstrip("/"),
        }

    def run(
        self,
        reference: Reference,
        *stop: str,
        clients: int = CLIENTS,
        people: tuple[int, int] = (FIRST_USER, USERS - 1),
        limits: Mapping[str, int] = LIMITS,
    ) -> Written:
        """Let the clients work until `stop`, an option such as --time=5. Raises LaunchError on a failure."""
        given = {
            "code": SPREAD,
            "first": people[0],
            "last": people[1],
            "per_referred": limits["max_events_per_referred"],
            "per_referrer": limits["max_events_per_referrer"],
            "per_day": limits["max_events_per_referrer_per_day"],
        }
        command = [
            str(self._program),
            "--no-vacuum",
            "--protocol=prepared",
            f"--file={SQL / reference.script}",
        ]
        command += [*stop, f"--client={clients}", f"--jobs={min(THREADS, clients)}"]
        command += [f"--define={name}={value}" for name, value in given.items()]
        done = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, check=False, timeout=LONGEST
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
