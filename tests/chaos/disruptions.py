"""What goes wrong: processes killed, the broker emptied, peers that lie."""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable

import psycopg

from dev.launcher.database.postgres import EmbeddedPostgres
from tests.chaos.brokers import empty_broker
from tests.helpers.processes import ServiceProcesses
from tests.helpers.sandbox import SandboxProcess

KILLED = ("web", "worker", "worker2", "scheduler", "scheduler2")
FAULTS = (
    {"mode": "commit_then_hang", "seconds": 5},
    {"mode": "commit_then_reset"},
    {"mode": "commit_then_garbage"},
    {"mode": "wrong_json"},
    {"mode": "hang", "seconds": 5},
    {"mode": "reset"},
    {"mode": "garbage"},
    {"mode": "status", "status": 503},
    {"mode": "status_after_commit", "status": 500},
    {"mode": "status", "status": 429, "headers": {"Retry-After": "1"}},
    {"mode": "status", "status": 401},
    {"mode": "latency", "seconds": 0.3},
)


class Disruptions:
    """One disruption after another, chosen by chance; counts what it did."""

    def __init__(
        self,
        service: ServiceProcesses,
        postgres: EmbeddedPostgres,
        sandbox: SandboxProcess,
        chance: random.Random,
    ) -> None:
        self.kills: Counter[str] = Counter()
        self.faults = 0
        self.emptied = 0
        self._service = service
        self._postgres = postgres
        self._sandbox = sandbox
        self._chance = chance
        self._kinds: list[tuple[int, Callable[[], None]]] = [
            (9, self._kill_process),
            (3, self._kill_database),
            (3, self._kill_peers),
            (8, self._fault),
            (2, self._refuse),
            (2, self._empty_broker),
        ]

    def one(self) -> None:
        """Do one of them and wait a little."""
        weights, kinds = zip(*self._kinds, strict=True)
        self._chance.choices(kinds, weights)[0]()
        time.sleep(self._chance.uniform(0.1, 0.7))

    def heal(self) -> None:
        """Everything as it should be; what was killed runs again."""
        self._sandbox.clear_faults()
        self._service.wait_until_ready()

    def _kill_process(self) -> None:
        name = self._chance.choice(KILLED)
        self._service.kill(name)
        self.kills[name.rstrip("2")] += 1
        time.sleep(self._chance.uniform(0, 0.8))
        self._service.start(name)

    def _kill_database(self) -> None:
        assert self._postgres.process is not None
        self._postgres.process.send_signal(signal.SIGKILL)
        self._postgres.process.wait()
        self.kills["database"] += 1
        time.sleep(self._chance.uniform(0, 0.5))
        while True:
            try:
                self._postgres.start()
                return
            except Exception as error:
                # A server that does not come up at once is tried again.
                print(f"the database starts again: {error}", flush=True)
                time.sleep(0.5)

    def _kill_peers(self) -> None:
        self._sandbox.kill()
        self.kills["peers"] += 1
        time.sleep(self._chance.uniform(0, 0.5))
        self._sandbox.start()

    def _fault(self) -> None:
        self._sandbox.fault(
            peer=self._chance.choice(["points", "points", "tokens"]),
            times=self._chance.randrange(1, 12),
            probability=self._chance.choice([0.3, 1.0]),
            **self._chance.choice(FAULTS),
        )
        self.faults += 1

    def _refuse(self) -> None:
        peer = self._chance.choice(["points", "tokens"])
        self._sandbox.fault(peer=peer, mode="refuse", seconds=self._chance.uniform(0.3, 2))
        self.faults += 1

    def _empty_broker(self) -> None:
        try:
            empty_broker()
        except (psycopg.OperationalError, OSError) as error:
            print(f"the broker could not be emptied: {error}", flush=True)
        self.emptied += 1
