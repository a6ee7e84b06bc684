"""Workers and schedulers as processes that die without a word: nothing is stranded (D8, D9)."""

import time

import pytest
from django.db import connection

from referral_project.management.commands.scheduler import LEADER_LOCK
from rewards.intake.events import events_accept
from rewards.models import PayoutAttempt, ReferralReward
from tests.helpers.processes import ServiceProcesses
from tests.helpers.rewards import assert_counters_agree_with_a_recount, campaign_of, done

QUICK = {
    "PAYOUT_CONCURRENCY": "4",
    "PAYOUT_TIMEOUT_SECONDS": "0.5",
    "PAYOUT_LEASE_SECONDS": "1",
    "PAYOUT_SWEEP_SECONDS": "0.2",
    "PAYOUT_RETRY_BASE_SECONDS": "0.1",
    "PAYOUT_RETRY_MAX_SECONDS": "1",
    "DRAMATIQ_BROKER_URL": "",
}


@pytest.fixture
def processes(committed_db, sandbox, tmp_path):
    """Two places to start workers and schedulers in; whatever runs at the end is stopped."""
    addresses = {"POINTS_SERVICE_URL": sandbox.points_url, "TOKEN_GATEWAY_URL": sandbox.tokens_url}
    places = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        places.append(ServiceProcesses(tmp_path / name, QUICK | addresses))
    yield places
    for place in places:
        place.__exit__(None, None, None)


def until(condition, seconds=120.0):
    """Wait for it to come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not come true"
        time.sleep(0.02)


def paid():
    return ReferralReward.objects.filter(status="completed").count()


def test_rewards_are_paid_once_although_workers_are_killed_and_the_broker_is_emptied(processes, sandbox):
    # given a slow peer, and rewards that nobody was woken for
    campaign_of("points", {"level1": {"points_per_event": 10}})
    sandbox.fault(peer="points", mode="latency", seconds=0.1)
    events_accept([done("points", f"user-{number % 5}") for number in range(60)])
    first, second = processes
    first.start("scheduler")
    first.start("worker")

    # when the worker and the scheduler are killed in the middle, with everything the broker held
    until(lambda: paid() >= 8)
    first.kill("worker")
    first.kill("scheduler")
    assert paid() < 60
    claimed = ReferralReward.objects.filter(status="sent_to_points").count()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM dramatiq.queue")
    second.start("worker")
    second.start("scheduler")

    # then others pay the rest without anybody's help, and nothing twice
    until(lambda: paid() == 60)
    assert claimed > 0
    transactions = sandbox.state()["points"]["transactions"]
    assert len(transactions) == len({row["external_id"] for row in transactions}) == 60
    assert PayoutAttempt.objects.filter(outcome="booked").count() == 60
    assert not ReferralReward.objects.filter(in_doubt=True).exists()
    assert_counters_agree_with_a_recount()


def leader():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND objid = %s AND classid = 0 AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())",
            [LEADER_LOCK],
        )
        return [row[0] for row in cursor.fetchall()]


def test_one_scheduler_leads_and_another_follows_when_it_is_killed(processes):
    # given
    first, second = processes
    first.start("scheduler")
    until(lambda: len(leader()) == 1)
    (leading,) = leader()
    second.start("scheduler")
    time.sleep(1)
    assert leader() == [leading]

    # when
    first.kill("scheduler")

    # then
    until(lambda: leader() not in ([], [leading]))
