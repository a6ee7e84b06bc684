"""The growing database is one that the service could have made, and every question about it is answered."""

from functools import partial

import pytest
from django.db import connection

from dev.benchmarks import growth, probe
from dev.benchmarks.payouts import payout
from dev.benchmarks.world import world_make
from rewards.models import ReferralReward

USERS = 64


@pytest.fixture
def small_world(db: None, settings, monkeypatch) -> None:
    """Few people with as many rewards as the measurement begins with."""
    settings.POINTS_SERVICE_URL = "http://127.0.0.1:9"
    monkeypatch.setattr(probe, "world_make", partial(world_make, users=USERS))
    monkeypatch.setattr(probe, "USERS", USERS)
    monkeypatch.setattr(payout, "USERS", USERS)
    assert probe.prepare(0) == 2 * (probe.DUE_EVENTS + probe.LOCKED_EVENTS)


def test_loaded_history_agrees_with_every_counter(small_world):
    added = probe.fill(500)

    assert added == 500
    assert ReferralReward.objects.filter(status="completed").count() == 500
    assert probe.judge(0) == []


def test_a_loaded_world_is_not_loaded_again(small_world):
    assert probe.prepare(0) == ReferralReward.objects.count()


def test_every_part_is_timed_and_all_but_the_event_leaves_nothing_behind(small_world, monkeypatch):
    monkeypatch.setattr(probe, "EVENTS", 1)
    parts = [part for part, *_ in growth.PARTS]
    assert probe.COMMANDS[parts.pop(0)](0) > 0
    before = statuses()

    assert all(probe.COMMANDS[part](0) > 0 for part in parts)
    assert statuses() == before


def statuses() -> list[tuple[str, int]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT status, count(*) FROM rewards_referralreward GROUP BY 1 ORDER BY 1")
        return cursor.fetchall()
