"""One run: make the world, measure its parts, count, tell."""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

import psutil
from django.db import connection

from dev.benchmarks import world
from dev.benchmarks.events import GOALS as EVENT_GOALS
from dev.benchmarks.events import EventPath
from dev.benchmarks.measuring import report
from dev.benchmarks.measuring.clock import Clock
from dev.benchmarks.measuring.measures import Measures
from dev.benchmarks.measuring.memory import GOALS as MEMORY_GOALS
from dev.benchmarks.measuring.verdict import Claimed, judge
from dev.benchmarks.payouts.payout import GOALS as PAYOUT_GOALS
from dev.benchmarks.payouts.payout import Payout
from dev.benchmarks.pgbench import PgBench
from dev.launcher.database.postgres import EmbeddedPostgres


def run(postgres: EmbeddedPostgres, folder: Path, options: argparse.Namespace) -> int:
    """Returns 0 when everything that was claimed to be written is there, and right."""
    facts = report.machine()
    _say(report.facts_text(facts))
    pgbench, measures, claimed = PgBench(postgres.cluster.binaries, postgres.url), Measures(), Claimed()
    clock = Clock(options.minutes)
    how = {
        "repetitions": options.repetitions,
        "seconds": options.seconds,
        "thorough": not options.quick,
    }
    world.world_make()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    _say(f"{world.USERS:,} users and their relations loaded in {clock.elapsed:.0f} s")
    if "payout" in options.only:
        payout = Payout(folder, measures, _say)
        payout.run(clock, share=0.35, **how)
        claimed += payout.claimed
    if "events" in options.only:
        assert postgres.process is not None  # noqa: S101 - it was started
        database = psutil.Process(postgres.process.pid)
        events = EventPath(pgbench, database, folder, measures, _say)
        events.run(clock, share=0.9, **how)
        claimed += events.claimed
    _say("counting what was written")
    wrong = judge(claimed)
    rows = report.table([*EVENT_GOALS, *PAYOUT_GOALS, *MEMORY_GOALS], measures)
    path = report.write(
        {
            "machine": facts,
            "ratios": rows,
            "numbers": measures.numbers,
            "claimed": asdict(claimed),
            "wrong": wrong,
        }
    )
    _say(f"\n{report.numbers_text(measures)}\n\n{report.table_text(rows)}\n")
    _say(_verdict_text(claimed, wrong))
    _say(f"written to {path}")
    return 1 if wrong else 0


def _verdict_text(claimed: Claimed, wrong: list[str]) -> str:
    if wrong:
        return "WRONG, so the numbers above mean nothing:\n" + "\n".join(wrong)
    paid = f"; {claimed.paid:,} rewards were paid" if claimed.paid else ""
    return f"{claimed.events:,} events, their rewards, counters and sums agree{paid}"


def _say(text: str) -> None:
    print(text, file=sys.stdout, flush=True)
