"""A run whose rows, counters or sums do not agree has measured nothing."""

import pytest
from django.db import connection

from dev.benchmarks.measuring.verdict import Claimed, judge
from dev.benchmarks.world import LIMITS, SPREAD, world_make

EVENTS = 3


@pytest.fixture
def written(db: None) -> Claimed:
    """A world with some events."""
    world_make(users=64, hot_users=2)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT benchmark_events(%s, %s, %s, %s, %s)",
            [SPREAD, ["u000020", "u000021", "u000020"], *LIMITS.values()],
        )
    return Claimed(events=EVENTS)


def test_what_agrees_passes(written):
    assert judge(written) == []


@pytest.mark.parametrize(
    ("claimed", "sentence"),
    [
        (Claimed(events=EVENTS + 1), "events: 3 instead of 4"),
        (Claimed(events=EVENTS, paid=1), "rewards paid: 0 instead of 1"),
        (Claimed(events=EVENTS, paid_points=10), "points paid: 0 instead of 10"),
    ],
)
def test_a_claim_without_rows_fails(written, claimed, sentence):
    assert judge(claimed) == [sentence]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            "UPDATE rewards_referredcounter SET events = 7 WHERE referred_key = 'u000021'",
            "u000021 in benchmark_spread: events as referred: stored 7, counted 1",
        ),
        (
            "UPDATE rewards_referrerdaycounter SET events = 0",
            "u000010 in benchmark_spread: events on",
        ),
        (
            "UPDATE rewards_referralstats SET points_pending = points_pending + 1 WHERE user_id = 'u000005'",
            "u000005 in benchmark_spread: points_pending: stored 16, counted 15",
        ),
        (
            "UPDATE rewards_referralreward SET points_amount = 11 WHERE beneficiary_level = 1",
            "u000010 in benchmark_spread: points_pending: stored 30, counted 33",
        ),
    ],
)
def test_a_number_that_is_not_what_counting_gives_fails(written, change, sentence):
    with connection.cursor() as cursor:
        cursor.execute(change)

    assert any(found.startswith(sentence) for found in judge(written))
