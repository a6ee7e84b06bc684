"""Counting afterwards: what was answered, what is in the database, what is in the peers' ledgers."""

import time
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.db import connection

from referral.models import ReferralEvent
from rewards.models import ReferralReward, RewardStatus
from tests.chaos.load import Load
from tests.helpers.sandbox import SandboxProcess

WAITED_FOR = ("pending", "sent_to_points", "sent_to_token")


@dataclass
class Verdict:
    """What is wrong; everything empty is a pass."""

    lost_events: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    double: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    counters: str = ""
    rewards: int = 0
    locked: int = 0
    cancelled: int = 0
    deadlocks: int = 0
    credits: int = 0

    @property
    def passed(self) -> bool:
        """Nothing lost, nothing double, nothing wrong, nothing stuck, every counter right."""
        amiss = self.lost_events or self.lost or self.double or self.wrong or self.stuck
        return not (amiss or self.counters or self.deadlocks)


def wait_until_settled(seconds: float) -> None:
    """Wait until no reward is on its way, or the time is up; nobody helps."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        connection.close()
        if not ReferralReward.objects.filter(status__in=WAITED_FOR).exists():
            return
        time.sleep(0.3)


def judge(load: Load, sandbox: SandboxProcess) -> Verdict:
    """Compare the answers, the database and the ledgers."""
    verdict = Verdict()
    known = {str(key) for key in ReferralEvent.objects.values_list("id", flat=True)}
    verdict.lost_events = [key for key, event_id in load.events.items() if event_id not in known]
    booked = _booked(sandbox.state())
    times = Counter(external_id for external_id, _ in booked)
    amounts = dict(booked)
    verdict.credits = len(booked)
    verdict.double = [external_id for external_id, count in times.items() if count > 1]
    rewards = ReferralReward.objects.order_by("id")
    for reward in rewards:
        key, amount = str(reward.id), Decimal(reward.points_amount or reward.g2a_amount or 0)
        verdict.rewards += 1
        verdict.locked += reward.status == RewardStatus.LOCKED
        verdict.cancelled += reward.status == RewardStatus.CANCELLED
        if reward.status in (*WAITED_FOR, RewardStatus.FAILED):
            verdict.stuck.append(f"{key} is {reward.status}: {reward.last_failure}")
        elif reward.status == RewardStatus.COMPLETED and key not in amounts:
            verdict.lost.append(key)
        elif reward.status in (RewardStatus.LOCKED, RewardStatus.CANCELLED) and key in amounts:
            verdict.wrong.append(f"{key} is {reward.status} and paid")
        if key in amounts and amounts.pop(key) != amount:
            verdict.wrong.append(f"{key} was paid another amount")
    verdict.wrong += [f"{key} is no reward of ours" for key in amounts]
    verdict.counters = _recount()
    verdict.deadlocks = _deadlocks()
    return verdict


def _booked(state: dict[str, Any]) -> list[tuple[str, Decimal]]:
    points = [(row["external_id"], Decimal(row["amount"])) for row in state["points"]["transactions"]]
    tokens = [
        (row["external_id"].partition(":")[0], Decimal(row["amount"]))
        for row in state["tokens"]["tasks"]
        if row["status"] == "confirmed"
    ]
    return points + tokens


def _deadlocks() -> int:
    """By the database's own statistics, which a crash of the database sets back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def _recount() -> str:
    """What `manage.py recount_stats` finds; empty when every counter is right."""
    out = StringIO()
    try:
        call_command("recount_stats", stdout=out)
    except SystemExit as ending:
        return out.getvalue() if ending.code else ""
    return ""
