"""Load on a web server: the client in a process of its own, with a token of one of the services."""

import json
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from uuid import uuid4

from access.tokens import service_token
from dev.benchmarks.http.client import Order, Outcome
from dev.benchmarks.stage import ROOT
from dev.benchmarks.world import FIRST_USER, HOT_USERS, SPREAD, USERS
from dev.launcher.errors import LaunchError

EVENT = "/api/referral/v1/internal/event"
EVENTS = "/api/referral/v1/internal/events/bulk"
CALLER = "quest_service"
PATIENCE_SECONDS = 60
EVERYBODY = ("u", FIRST_USER, USERS - 1)
HOT = ("h", 0, HOT_USERS - 1)


def load(
    port: int,
    *,
    seconds: float,
    connections: int,
    path: str = EVENT,
    batch: int = 1,
    campaign: str = SPREAD,
    people: tuple[str, int, int] = EVERYBODY,
    limit: int | None = None,
) -> Outcome:
    """Send events and say what came of it. Raises LaunchError when any was not accepted."""
    order = Order(
        port=port,
        path=path,
        token=service_token(CALLER),
        connections=connections,
        seconds=seconds,
        prefix=str(uuid4()),
        campaign=campaign,
        occurred_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        batch=batch,
        people=people,
        limit=limit,
    )
    done = subprocess.run(
        [sys.executable, "-m", "dev.benchmarks.http.client"],
        cwd=ROOT,
        input=json.dumps(asdict(order)),
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds + PATIENCE_SECONDS,
    )
    if done.returncode:
        raise LaunchError(f"the load generator failed:\n{done.stderr[-3000:]}")
    outcome = Outcome(**json.loads(done.stdout))
    if outcome.failures:
        answers = "\n".join(outcome.shown)
        raise LaunchError(f"{outcome.failures} of {outcome.requests} calls were not accepted:\n{answers}")
    return outcome
