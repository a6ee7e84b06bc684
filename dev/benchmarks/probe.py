"""One database of the growth measurement, seen from the service's own code: `python -m dev.benchmarks.probe`.

Reads a command a line (`NAME NUMBER`) and answers with a line of JSON. Whatever is timed runs in this
process, so that two databases of different size are compared and nothing else.
"""

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any
from uuid import uuid4

import django
from django.db import connection, transaction

django.setup()

from django.contrib.auth import get_user_model
from django.test import Client

from access.tokens import service_token, user_token
from campaigns.models import ReferralCampaign
from dev.benchmarks.http.load import CALLER, EVENT
from dev.benchmarks.measuring.verdict import wrong_counters
from dev.benchmarks.payouts.payout import make_due
from dev.benchmarks.world import FIRST_USER, HOT_USERS, SPREAD, SQL, USERS, world_make
from dev.launcher.ports import LOOPBACK
from rewards.ledger.services import role_upgrade
from rewards.payouts.claim import claim
from rewards.payouts.providers.registry import peer_named

BASE = "/api/referral/v1"
ADMIN = "benchmark"
PERSON = "u000100"
# How often one turn does each, for a median that one hiccup cannot move.
EVENTS, CLAIMS, UNLOCKS, READS = 100, 20, 3, 10
CLAIMED = 64
DUE_EVENTS, LOCKED_EVENTS = 1_000, 1_500
PORTION = 10_000
FILL = "SELECT benchmark_fill(%s, %s, %s, %s, %s, %s)"


class _RollBack(Exception):
    """Undo what was timed."""


def prepare(_: int) -> int:
    """Make a world with rewards that are due and locked, where there is none; returns how many there are."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute((SQL / "growth.sql").read_text())
        if not ReferralCampaign.objects.filter(code=SPREAD).exists():
            world_make()
            cursor.execute(FILL, [SPREAD, LOCKED_EVENTS, "h", 0, HOT_USERS - 1, "locked"])
            make_due(DUE_EVENTS)
            get_user_model().objects.create_superuser(ADMIN)
        cursor.execute("SELECT count(*) FROM rewards_referralreward")
        return int(cursor.fetchone()[0])


def fill(rewards: int) -> int:
    """Add history, a portion in a transaction; returns how many rewards there are more."""
    events = min(rewards // 2, PORTION)
    with connection.cursor() as cursor:
        cursor.execute(FILL, [SPREAD, events, "u", FIRST_USER, USERS - 1, "completed"])
    return events * 2


def analyze(_: int) -> None:
    """As autovacuum would have done by and by."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def judge(_: int) -> list[str]:
    """Whether every counter is what counting gives."""
    return wrong_counters(lambda text: print(text, file=sys.stderr, flush=True))


def event(_: int) -> float:
    """Seconds of accepting one event, the HTTP server left out."""
    return _median(EVENTS, lambda: _call("POST", EVENT, service_token(CALLER), _body()))


def claims(_: int) -> float:
    """Seconds of claiming a portion of what is due, undone afterwards."""
    peer = peer_named("points")
    assert peer is not None

    def work() -> None:
        if len(claim(peer, CLAIMED)) != CLAIMED:
            raise RuntimeError("there is not enough to claim")

    return _median(CLAIMS, lambda: _undone(work))


def unlock(_: int) -> float:
    """Seconds of unlocking LOCKED_EVENTS rewards of one user, undone afterwards."""

    def work() -> None:
        moment = datetime.now(UTC)
        if role_upgrade(user_id="hot", new_role="vip", occurred_at=moment, by="benchmark") != LOCKED_EVENTS:
            raise RuntimeError("there is not enough to unlock")

    return _median(UNLOCKS, lambda: _undone(work))


def stats(_: int) -> float:
    """Seconds of a user's statistics."""
    return _median(READS, lambda: _call("GET", f"{BASE}/my/stats", user_token(PERSON)))


def my_rewards(_: int) -> float:
    """Seconds of a user's newest rewards."""
    return _median(READS, lambda: _call("GET", f"{BASE}/my/rewards", user_token(PERSON)))


def support(_: int) -> float:
    """Seconds of the newest rewards of everybody, by the API for support."""
    return _median(READS, lambda: _call("GET", f"{BASE}/admin/rewards", user_token("boss", role="admin")))


def changelist(_: int) -> float:
    """Seconds of the first page of rewards in the back-office."""
    client = Client(SERVER_NAME=LOOPBACK)
    client.force_login(get_user_model().objects.get(username=ADMIN))
    return _median(READS, lambda: _expect_ok(client.get("/admin/rewards/referralreward/")))


def user_page(_: int) -> float:
    """Seconds of the page about a user in the back-office."""
    client = Client(SERVER_NAME=LOOPBACK)
    client.force_login(get_user_model().objects.get(username=ADMIN))
    return _median(READS, lambda: _expect_ok(client.get("/admin/support/user/", {"id": PERSON})))


def report(_: int) -> float:
    """Seconds of the campaigns' report over the last 30 days."""
    since = datetime.now(UTC) - timedelta(days=30)
    path = f"{BASE}/admin/reports/campaigns?from={since:%Y-%m-%d}"
    return _median(3, lambda: _call("GET", path, user_token("boss", role="admin")))


COMMANDS: dict[str, Callable[[int], Any]] = {
    function.__name__: function
    for function in (
        prepare, fill, analyze, judge, event, claims, unlock, stats, my_rewards, support, changelist,
        user_page, report,
    )
}  # fmt: skip


def _median(times: int, work: Callable[[], object]) -> float:
    work()
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return median(seconds)


def _undone(work: Callable[[], None]) -> None:
    try:
        with transaction.atomic():
            work()
            raise _RollBack
    except _RollBack:
        pass


def _body() -> str:
    return json.dumps(
        {
            "event_type": "quest_purchased",
            "campaign_code": SPREAD,
            "referred_user_id": f"u{int(uuid4()) % (USERS - FIRST_USER) + FIRST_USER:06d}",
            "amount_base": 499.9,
            "occurred_at": datetime.now(UTC).isoformat(),
            "external_event_id": str(uuid4()),
        }
    )


def _call(method: str, path: str, token: str, body: str = "") -> None:
    _expect_ok(
        Client(SERVER_NAME=LOOPBACK).generic(
            method, path, body, "application/json", headers={"Authorization": f"Bearer {token}"}
        )
    )


def _expect_ok(answer: Any) -> None:
    if answer.status_code != 200:
        raise RuntimeError(f"{answer.status_code}: {answer.content[:500]!r}")


def main() -> None:
    """Until the input ends."""
    for line in sys.stdin:
        name, _, number = line.strip().partition(" ")
        print(json.dumps(COMMANDS[name](int(number or 0))), flush=True)


if __name__ == "__main__":
    main()
