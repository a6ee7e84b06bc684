"""The event path over HTTP beside what PostgreSQL can do, in turns, on the same data."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from django.db import connection

from dev.benchmarks import stage
from dev.benchmarks.http.load import EVENT, EVENTS, HOT, load
from dev.benchmarks.measuring.clock import Clock
from dev.benchmarks.measuring.figures import shown
from dev.benchmarks.measuring.measures import Goal, Measures, Say
from dev.benchmarks.measuring.memory import ENOUGH_WORK, WEB, Memory
from dev.benchmarks.measuring.processor import seconds_used, wait_for_backends
from dev.benchmarks.measuring.verdict import Claimed
from dev.benchmarks.pgbench import BATCH, L1, L2, L3, PgBench, Reference
from dev.benchmarks.world import BUDGET

NAIVE = "/naive/event"
SINGLE, MANY, BULK = "single event, 16 connections", "single event, 64 connections", "bulk of 100"
HOT_LOAD, BUDGETED, NAIVE_LOAD = "one hot referrer", "campaign with a budget", "naive endpoint"
WARM_EVENTS = 10_000
P50, P99 = f"{MANY}, p50", f"{MANY}, p99"


def cost_name(name: str) -> str:
    """What the processor time of an event is called."""
    return f"{name}, µs of CPU an event"


GOALS = (
    Goal("single event, of L1", SINGLE, L1.name, least=0.70),
    Goal("single event, of L2", SINGLE, L2.name, least=0.35),
    Goal("64 connections, of 16", MANY, SINGLE, least=0.9),
    Goal("64 connections, p99 of p50", P99, P50, most=4),
    Goal("bulk of 100, of L3", BULK, L3.name, least=0.55),
    Goal("one hot referrer, of spread load", HOT_LOAD, SINGLE, least=0.5),
    Goal("campaign with a budget, of spread load", BUDGETED, SINGLE, least=0.5),
    Goal("single event, of L1, by processor time", cost_name(L1.name), cost_name(SINGLE)),
    Goal("single event, of L2, by processor time", cost_name(L2.name), cost_name(SINGLE)),
    Goal("bulk of 100, of L3, by processor time", cost_name(L3.name), cost_name(BULK)),
    Goal("bulk of 100, of single events", BULK, SINGLE),
    Goal("naive endpoint, of L1", NAIVE_LOAD, L1.name),
    Goal("L2, of L1", L2.name, L1.name),
    Goal("L3, of L2", L3.name, L2.name),
)


@dataclass(slots=True)
class EventPath:
    """Measures what the parts of the event path do; `claimed` is what must be in the database for it."""

    pgbench: PgBench
    database: psutil.Process
    folder: Path
    measures: Measures
    say: Say
    claimed: Claimed = field(default_factory=Claimed)
    _served: int = 0
    _servers: list[psutil.Process] = field(default_factory=list)

    def run(self, clock: Clock, *, repetitions: int, seconds: int, share: float, thorough: bool) -> None:
        """Every repetition begins with another part, so that none always follows the same one.

        When thorough, the web server gets as many events as the look at its memory needs.
        """
        with ExitStack() as servers:
            server = servers.enter_context(stage.web(self.folder))
            web = server.port
            naive_server = servers.enter_context(
                stage.web(self.folder, settings="dev.benchmarks.naive.settings", name="naive")
            )
            naive = naive_server.port
            self._servers = [*server.processes, *naive_server.processes]
            silent = servers.enter_context(stage.helper(self.folder, "silent")).port
            self._ceiling(silent)
            self._warm_up(web, naive)
            self._take_stock()
            parts = self._parts(web, naive, seconds)
            memory = Memory(WEB, server.processes)
            for repetition in clock.repetitions(repetitions, share=share):
                start = repetition * 2 % len(parts)
                self.say(f"events, repetition {repetition} of {repetitions}")
                for part in parts[start:] + parts[:start]:
                    part()
                if repetition == 1:
                    memory.begin()
                    self._served = 0
            if thorough:
                self._serve_enough(web)
                memory.end(self.measures)

    def _parts(self, web: int, naive: int, seconds: int) -> list[Callable[[], None]]:
        return [
            lambda: self._reference(L1, seconds),
            lambda: self._http(SINGLE, web, seconds),
            lambda: self._reference(L2, seconds),
            lambda: self._http(MANY, web, seconds, connections=64),
            lambda: self._reference(L3, seconds),
            lambda: self._http(BULK, web, seconds, path=EVENTS, batch=BATCH),
            lambda: self._http(HOT_LOAD, web, seconds, people=HOT),
            lambda: self._http(BUDGETED, web, seconds, campaign=BUDGET),
            lambda: self._http(NAIVE_LOAD, naive, seconds, path=NAIVE),
        ]

    def _reference(self, reference: Reference, seconds: int) -> None:
        known = {one.pid for one in self.database.children()}
        before = self._used()
        written = self.pgbench.run(reference, f"--time={seconds}")
        wait_for_backends(self.database, known)
        self.measures.add(cost_name(reference.name), (self._used() - before) / written.events * 1e6)
        self.claimed += Claimed(events=written.events)
        self.measures.add(reference.name, written.per_second)
        self.say(f"  {reference.name:32}{shown(written.per_second):>8} events/s")

    def _http(
        self, name: str, port: int, seconds: float, *, connections: int = 16, batch: int = 1, **how: Any
    ) -> None:
        before = self._used()
        outcome = load(port, seconds=seconds, connections=connections, batch=batch, **how)
        self.measures.add(cost_name(name), (self._used() - before) / outcome.accepted * 1e6)
        self.claimed += Claimed(events=outcome.accepted)
        self._served += outcome.accepted if name != NAIVE_LOAD else 0
        rate = outcome.accepted / outcome.seconds
        self.measures.add(name, rate)
        self.measures.add(f"{name}, p50", outcome.p50 * 1000)
        self.measures.add(f"{name}, p99", outcome.p99 * 1000)
        share = outcome.cpu_seconds / outcome.seconds
        self.measures.add(f"{name}, client's share of a core", share)
        latency = f"p50 {outcome.p50 * 1000:.1f} ms, p99 {outcome.p99 * 1000:.1f} ms"
        self.say(f"  {name:32}{shown(rate):>8} events/s   {latency}, client {share:.0%} of a core")

    def _used(self) -> float:
        return seconds_used(self.database, self._servers)

    def _warm_up(self, web: int, naive: int) -> None:
        """Every thread of the servers has its connection, and the tables are no longer small.

        Plans that were made for small tables would read the whole of larger ones.
        """
        for port, path, batch in ((web, EVENTS, BATCH), (naive, NAIVE, 1), (web, EVENT, 1)):
            self.claimed += Claimed(
                events=load(port, seconds=1, connections=64, path=path, batch=batch).accepted
            )
        while self.claimed.events < WARM_EVENTS:
            outcome = load(web, seconds=1, connections=16, path=EVENTS, batch=BATCH)
            self.claimed += Claimed(events=outcome.accepted)

    @staticmethod
    def _take_stock() -> None:
        """Tell the planner that the tables are no longer empty, as autovacuum does within a minute.

        Connections that were there before would keep plans made for empty tables, among them those that check
        foreign keys; pgbench, which connects anew each time, would not.
        """
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")

    def _serve_enough(self, web: int) -> None:
        while (missing := ENOUGH_WORK - self._served) > 0:
            self.say(f"  {missing:,} more events, to see whether memory stays flat")
            outcome = load(web, seconds=20, connections=16, limit=missing, path=EVENTS, batch=BATCH)
            self.claimed += Claimed(events=outcome.accepted)
            self._served += outcome.accepted

    def _ceiling(self, silent: int) -> None:
        """What the load generator does when nobody keeps it waiting."""
        outcome = load(silent, seconds=1, connections=16)
        rate, cost = outcome.requests / outcome.seconds, outcome.cpu_seconds / outcome.requests
        self.measures.add("load generator alone, requests/s", rate)
        self.measures.add("load generator, µs of CPU a request", cost * 1e6)
        self.say(
            f"load generator against a server that does nothing: {shown(rate)} requests/s, "
            f"{cost * 1e6:.0f} µs of CPU a request"
        )
