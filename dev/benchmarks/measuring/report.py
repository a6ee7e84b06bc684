"""What a person reads at the end, and the file for machines."""

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from django.db import connection

from dev.benchmarks.measuring.figures import shown
from dev.benchmarks.measuring.measures import Goal, Measures
from dev.benchmarks.stage import ROOT
from dev.launcher import commands

RESULTS = ROOT / ".run" / "benchmarks"
SERVER_SETTINGS = ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size")


def machine() -> dict[str, Any]:
    """The facts without which a number says nothing."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, current_setting(name) FROM unnest(%s::text[]) name", [list(SERVER_SETTINGS)]
        )
        settings = dict(cursor.fetchall())
        cursor.execute("SHOW server_version")
        server = cursor.fetchone()[0]
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(),
        "busy_before_percent": psutil.cpu_percent(interval=1),
        "postgresql": server,
        "postgresql_settings": settings,
        "python": platform.python_version(),
        "libraries": {
            name: version(name) for name in ("django", "djangorestframework", "granian", "psycopg")
        },
        "web": f"granian, {commands.WEB_WORKERS} workers × {commands.WEB_THREADS} threads",
        "commit": _commit(),
    }


def facts_text(facts: dict[str, Any]) -> str:
    """The same, for a person."""
    settings = ", ".join(f"{name} {value}" for name, value in facts["postgresql_settings"].items())
    return (
        f"{facts['processor']}, {facts['cores']} cores, {facts['memory_gib']} GiB, {facts['system']}\n"
        f"PostgreSQL {facts['postgresql']} ({settings}); Python {facts['python']}; {facts['web']}\n"
        f"commit {facts['commit']}; processors busy before the start: {facts['busy_before_percent']:g} %"
    )


def table(goals: list[Goal], measures: Measures) -> list[dict[str, Any]]:
    """The rows of those goals whose numbers were measured."""
    return [goal.row(measures) for goal in goals if measures.has(goal.name, goal.reference)]


def table_text(rows: list[dict[str, Any]]) -> str:
    """A goal, what is asked, the median of the ratios, and their range."""
    lines = [f"{'ratio':44}{'goal':>8}{'median':>9}   {'range':16}"]
    for row in rows:
        word = {True: "reached", False: "MISSED", None: ""}[row["reached"]]
        span = f"{shown(row['least'])} – {shown(row['most'])}"
        lines.append(f"{row['goal']:44}{row['asked']:>8}{shown(row['median']):>9}   {span:16}{word}")
    return "\n".join(lines)


def numbers_text(measures: Measures) -> str:
    """The absolute numbers, which only mean something on this machine and in this run."""
    lines = [f"{'measured':52}{'median (least–greatest)':>28}"]
    lines += [f"{name:52}{measures.of(name)!s:>28}" for name in measures.numbers]
    return "\n".join(lines)


def write(result: dict[str, Any]) -> Path:
    """Keep the result; returns where."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}.json"
    path.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    return path


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"
