"""What ten thousand rewards cost, and what millions do: `python -m dev.benchmarks.growth --size 5000000`.

Two databases on one PostgreSQL, a small and a growing one, are asked the same in turns, so that the machine's
moods do not count. They stay in .run/growth: a run that was stopped goes on where it was, and one that is
finished can be measured again. `make clean` removes them.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg

from dev.benchmarks.measuring.measures import Goal, Measures
from dev.benchmarks.stage import ROOT, environment, migrate
from dev.launcher.database.postgres import EmbeddedPostgres
from dev.launcher.errors import LaunchError

SMALL, LARGE = "growth_small", "growth_large"
BASE_SIZE = 10_000
STEPS = (100_000, 1_000_000, 5_000_000)
# The probe's name, what a person calls it, and how much slower it may become.
PARTS = (
    ("event", "event write", 1.25),
    ("claims", "claim of 64 due rewards", 1.3),
    ("unlock", "unlock of 1,500 rewards", 1.3),
    ("stats", "a user's statistics", 2.0),
    ("my_rewards", "a user's rewards, page 1", 2.0),
    ("support", "everybody's rewards by the API, page 1", 2.0),
    ("changelist", "rewards in the back-office, page 1", 2.0),
    ("user_page", "the page about a user in the back-office", 2.0),
    ("report", "campaigns' report, 30 days", None),
)


class Probe:
    """One database, asked through a process of the service's code. Raises LaunchError when that has ended."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, name: str, number: int = 0) -> Any:
        """Do what the probe calls by this name."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{name} {number}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise LaunchError(f"{name} failed; its reason stands above")
        return json.loads(answer)


def main() -> int:
    """Load, measure, tell."""
    options = _options()
    place = ROOT / ".run" / "growth"
    place.parent.mkdir(exist_ok=True)
    place.parent.chmod(0o755)
    postgres = EmbeddedPostgres(place, label=ROOT.name)
    if options.fresh:
        postgres.remove()
        postgres = EmbeddedPostgres(place, label=ROOT.name)
    try:
        postgres.start()
        _require_same_code(place / "made-by")
        os.environ |= environment(postgres.url, os.environ) | {"POINTS_SERVICE_URL": "http://127.0.0.1:9"}
        return _measure_all(postgres.url, options)
    except LaunchError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. What was loaded stays; run again to go on.")
        return 130
    finally:
        postgres.stop(patience=60)


def _require_same_code(note: Path) -> None:
    """The databases keep what migrations made of them, so they belong to the code that made them."""
    digest = sha256()
    for kind in ("migrations/*.py", "sql/*.sql"):
        for file in sorted(ROOT.glob(f"*/{kind}")):
            digest.update(file.read_bytes())
    if note.exists() and note.read_text() != digest.hexdigest():
        raise LaunchError("The databases were made by other migrations: begin again with --fresh.")
    note.write_text(digest.hexdigest())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dev.benchmarks.growth", description=__doc__)
    parser.add_argument("--size", type=int, default=STEPS[-1], help="rewards in the end (%(default)s)")
    parser.add_argument("--repetitions", type=int, default=5, help="turns at every size (%(default)s)")
    parser.add_argument("--fresh", action="store_true", help="begin with an empty database")
    return parser.parse_args()


def _measure_all(url: str, options: argparse.Namespace) -> int:
    with ExitStack() as probes:
        small = probes.enter_context(_probe(url, SMALL))
        large = probes.enter_context(_probe(url, LARGE))
        _grow(small, SMALL, BASE_SIZE)
        small.ask("analyze")
        wrong: list[str] = []
        rows: dict[str, Any] = {}
        for size in _sizes(large, options.size):
            _grow(large, LARGE, size)
            large.ask("analyze")
            rows[f"{size:,}"] = _measure(small, large, options.repetitions)
            print(_table(rows), flush=True)
        for name, probe in ((SMALL, small), (LARGE, large)):
            print(f"{name}: counting what was written", flush=True)
            wrong += probe.ask("judge")
    path = _write(rows, wrong)
    print("\n".join(wrong) or "every counter is what counting gives")
    print(f"written to {path}")
    return 1 if wrong else 0


@contextmanager
def _probe(url: str, name: str) -> Iterator[Probe]:
    with psycopg.connect(url, autocommit=True) as server:
        if not server.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount:
            server.execute(f"CREATE DATABASE {name}")
    os.environ["DATABASE_URL"] = f"{url.rpartition('/')[0]}/{name}"
    migrate()
    process = subprocess.Popen(
        [sys.executable, "-m", "dev.benchmarks.probe"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Probe(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(30)


def _sizes(large: Probe, wanted: int) -> list[int]:
    """The steps that still lie ahead; a database does not shrink."""
    there = large.ask("prepare")
    ahead = [size for size in STEPS if there < size < wanted]
    if there > STEPS[0]:
        print(f"{LARGE} holds {there:,} rewards already; smaller sizes need --fresh", flush=True)
    return [*ahead, max(wanted, there)]


def _grow(probe: Probe, name: str, size: int) -> None:
    rewards = there = probe.ask("prepare")
    began = told = time.monotonic()
    while size - rewards >= 2:
        rewards += probe.ask("fill", size - rewards)
        if time.monotonic() - told > 5 or size - rewards < 2:
            told = time.monotonic()
            rate = (rewards - there) / (told - began)
            print(f"{name}: {rewards:,} of {size:,} rewards, {rate:,.0f} a second", flush=True)


def _measure(small: Probe, large: Probe, repetitions: int) -> list[dict[str, Any]]:
    measures = Measures()
    for repetition in range(repetitions):
        print(f"  turn {repetition + 1} of {repetitions}", flush=True)
        turns = ((SMALL, small), (LARGE, large))
        for part, _, _ in PARTS:
            for name, probe in turns if repetition % 2 else turns[::-1]:
                measures.add(f"{part}, {name}", probe.ask(part) * 1000)
    return [
        Goal(text, f"{part}, {LARGE}", f"{part}, {SMALL}", most=most).row(measures)
        | {
            "small_ms": measures.of(f"{part}, {SMALL}").median,
            "large_ms": measures.of(f"{part}, {LARGE}").median,
        }
        for part, text, most in PARTS
    ]


def _table(rows: dict[str, Any]) -> str:
    lines = [f"\n{'times slower than with 10,000 rewards':42}{'goal':>7}" + "".join(f"{s:>20}" for s in rows)]
    for index, (_, text, _) in enumerate(PARTS):
        found = [table[index] for table in rows.values()]
        cells = [f"{row['median']:.2f} ({row['large_ms']:.1f} ms)" for row in found]
        missed = " MISSED" if found[-1]["reached"] is False else ""
        lines.append(f"{text:42}{found[0]['asked']:>7}" + "".join(f"{cell:>20}" for cell in cells) + missed)
    return "\n".join(lines)


def _write(rows: dict[str, Any], wrong: list[str]) -> Any:
    from dev.benchmarks.measuring.report import write

    return write({"growth": rows, "wrong": wrong})


if __name__ == "__main__":
    sys.exit(main())
