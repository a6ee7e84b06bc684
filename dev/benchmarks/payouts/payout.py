"""The payout beside what its concurrency allows, and beside what an HTTP client alone can do."""

import http.client
import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from dev.benchmarks import stage
from dev.benchmarks.measuring.clock import Clock
from dev.benchmarks.measuring.figures import shown
from dev.benchmarks.measuring.measures import Goal, Measures, Say
from dev.benchmarks.measuring.memory import ENOUGH_WORK, WORKER, Memory
from dev.benchmarks.measuring.verdict import Claimed
from dev.benchmarks.payouts.bare import LIBRARIES
from dev.benchmarks.pgbench import BATCH
from dev.benchmarks.world import FIRST_USER, LIMITS, SPREAD, USERS
from dev.launcher.errors import LaunchError
from rewards.actors import pay_due

CONCURRENCY = 32
SLOW, FAST = 0.05, 0.005
# Rewards for a second of measuring: what the concurrency allows at 50 ms, what can be hoped for at 5 ms.
REWARDS_A_SECOND = {SLOW: 640, FAST: 2500}
REWARDS_AN_EVENT = 2
PATIENCE_SECONDS = 120.0
# The quickest general client of Python is what the payout is asked to keep up with. Its own connection alone
# (rewards/payouts/providers/connection.py, "httptools") shows what it takes besides calling.
GOAL_LIBRARY = "http.client"


def _name(latency: float) -> str:
    return f"payout, peer {latency * 1000:.0f} ms"


def _bare_name(library: str) -> str:
    return f"{library} alone, peer 5 ms"


def _allowed_name(latency: float) -> str:
    return f"{CONCURRENCY} in flight ÷ {latency * 1000:.0f} ms"


GOALS = (
    Goal("payout at 50 ms, of concurrency ÷ latency", _name(SLOW), _allowed_name(SLOW), least=0.85),
    Goal(f"payout at 5 ms, of {GOAL_LIBRARY} alone", _name(FAST), _bare_name(GOAL_LIBRARY), least=0.9),
    Goal("payout at 5 ms, of concurrency ÷ latency", _name(FAST), _allowed_name(FAST), least=0.45),
    *(
        Goal(f"payout at 5 ms, of {library} alone", _name(FAST), _bare_name(library))
        for library in LIBRARIES
        if library != GOAL_LIBRARY
    ),
)


@dataclass(slots=True)
class Payout:
    """Measures the worker; `claimed` is what must be in the database, by the peer's own record."""

    folder: Path
    measures: Measures
    say: Say
    claimed: Claimed = field(default_factory=Claimed)
    _paid: int = 0

    def run(self, clock: Clock, *, repetitions: int, seconds: int, share: float, thorough: bool) -> None:
        """The worker stays the same throughout, and rests while the bare clients run.

        When thorough, it pays as many rewards as a look at its memory needs, and every bare client is tried.
        """
        libraries = list(LIBRARIES) if thorough else [GOAL_LIBRARY]
        with stage.helper(self.folder, "payouts.peer") as peer:
            with stage.worker(self.folder, worker_variables(peer.port)) as worker:
                self._pay(worker, peer.port, FAST, 1)
                memory = Memory(WORKER, worker.processes)
                for repetition in clock.repetitions(repetitions, share=share):
                    self.say(f"payout, repetition {repetition} of {repetitions}")
                    self._measure(worker, peer.port, SLOW, seconds)
                    self._measure(worker, peer.port, FAST, seconds)
                    for library in libraries:
                        self._bare(peer.port, library, seconds)
                    if repetition == 1:
                        memory.begin()
                        self._paid = 0
                if thorough:
                    self._pay_enough(worker, peer.port)
                    memory.end(self.measures)
            self.claimed += paid_of(peer.port)

    def _measure(self, worker: stage.Server, port: int, latency: float, seconds: int) -> None:
        rate = self._pay(worker, port, latency, seconds)
        self.measures.add(_name(latency), rate)
        self.measures.add(_allowed_name(latency), CONCURRENCY / latency)
        self.say(f"  {_name(latency):32}{shown(rate):>8} rewards/s")

    def _pay(self, worker: stage.Server, port: int, latency: float, seconds: int) -> float:
        """Rewards a second, from the first call to the last answer on record."""
        set_latency(port, latency)
        began = timezone.now()
        events = REWARDS_A_SECOND[latency] * seconds // REWARDS_AN_EVENT // BATCH * BATCH
        make_due(events)
        self.claimed += Claimed(events=events)
        self._paid += events * REWARDS_AN_EVENT
        pay_due.send("points")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while is_any_due():
            worker.require_alive()
            if time.monotonic() > deadline:
                raise LaunchError("the worker does not pay what is due")
            time.sleep(0.05)
        return _paid_since(began)

    def _pay_enough(self, worker: stage.Server, port: int) -> None:
        while (missing := ENOUGH_WORK - self._paid) > 0:
            self.say(f"  {missing:,} more rewards, to see whether memory stays flat")
            self._pay(worker, port, FAST, 5)

    def _bare(self, port: int, library: str, seconds: int) -> None:
        set_latency(port, FAST)
        rate = bare_rate(port, library, REWARDS_A_SECOND[FAST] * seconds)
        self.measures.add(_bare_name(library), rate)
        self.say(f"  {_bare_name(library):32}{shown(rate):>8} calls/s")


def worker_variables(peer_port: int) -> dict[str, str]:
    """How the worker is configured: its peer, and the concurrency that is measured."""
    return {
        "POINTS_SERVICE_URL": f"http://127.0.0.1:{peer_port}",
        "PAYOUT_CONCURRENCY": str(CONCURRENCY),
    }


def make_due(events: int) -> None:
    """Events whose rewards are due, all at once."""
    with transaction.atomic(), connection.cursor() as cursor:
        for _ in range(events // BATCH):
            cursor.execute(
                """
                SELECT benchmark_events(%s, ARRAY(
                    SELECT 'u' || lpad((%s + floor(random() * %s))::int::text, 6, '0')
                    FROM generate_series(1, %s)
                ), %s, %s, %s)
                """,
                [SPREAD, FIRST_USER, USERS - FIRST_USER, BATCH, *LIMITS.values()],
            )


def is_any_due() -> bool:
    """Whether a worker still has something to do."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM rewards_referralreward WHERE next_attempt_at IS NOT NULL)")
        return bool(cursor.fetchone()[0])


def _paid_since(began: datetime) -> float:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT paid.count / extract(epoch FROM paid.last - called.first)
            FROM (SELECT count(*), max(updated_at) AS last FROM rewards_referralreward
                  WHERE status = 'completed' AND updated_at >= %(began)s) paid,
                 (SELECT min(started_at) AS first FROM rewards_payoutattempt
                  WHERE started_at >= %(began)s) called
            """,
            {"began": began},
        )
        return float(cursor.fetchone()[0])


def bare_rate(port: int, library: str, calls: int) -> float:
    """Calls a second of a bare client in a process of its own."""
    command = [
        sys.executable,
        "-m",
        "dev.benchmarks.payouts.bare",
        str(port),
        library,
        str(CONCURRENCY),
        str(calls),
    ]
    done = subprocess.run(command, cwd=stage.ROOT, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        raise LaunchError(f"the bare client failed:\n{done.stderr[-3000:]}")
    return float(done.stdout)


def set_latency(port: int, seconds: float) -> None:
    """How long the peer takes from now on."""
    _ask(port, "PUT", "/latency", str(seconds))


def paid_of(port: int) -> Claimed:
    """What the peer has on record. Raises LaunchError when a reward was sent with two different amounts."""
    record = _ask(port, "GET", "/record")
    if record["different"]:
        raise LaunchError(f"{record['different']} rewards were sent with two different amounts")
    return Claimed(paid=record["booked"], paid_points=record["points"])


def _ask(port: int, method: str, path: str, body: str = "") -> dict[str, Any]:
    peer = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        peer.request(method, path, body)
        answer: dict[str, Any] = json.loads(peer.getresponse().read())
        return answer
    finally:
        peer.close()
