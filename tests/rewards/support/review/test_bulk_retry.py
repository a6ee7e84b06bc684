"""Sending all rewards again that failed with one error: exactly those, each once, whatever comes between."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from access.models import AuditEntry
from kernel.errors import IllegalTransition, NotFound, ValidationFailed
from referral.models import ReferralEvent
from rewards.graceful_shutdown import stopping
from rewards.models import BulkRetry, ReferralReward, RewardTransition
from rewards.support.review import bulk_retry
from rewards.support.review.bulk_retry import (
    bulk_retries_due,
    bulk_retries_run,
    bulk_retry_continue,
    bulk_retry_start,
    bulk_retry_stop,
)
from rewards.support.review.rewards import Filters
from tests.factories import EventFactory
from tests.helpers.failures import http, kept
from tests.helpers.processes import ROOT, ServiceProcesses, database_url
from tests.helpers.review import failed_row
from tests.helpers.rewards import fresh

ERROR = "HTTP 422 ACCOUNT_CLOSED"


@pytest.fixture
def event(db: None) -> ReferralEvent:
    """One whose campaign the others share."""
    return EventFactory()


def order(by: str = "staff:maria", **filters: object) -> BulkRetry:
    return bulk_retry_start(
        filters=Filters(**{"error": ERROR, **filters}),
        failed_before=timezone.now(),
        by=by,
        reason="the accounts are open again",
    )


def retries(reward: ReferralReward) -> int:
    return RewardTransition.objects.filter(
        reward=reward, from_status="failed", to_status="pending", reason="the accounts are open again"
    ).count()


def test_all_that_failed_with_the_error_and_nothing_else_is_sent_again(event: ReferralEvent) -> None:
    wanted = [failed_row(event), failed_row(event, currency="g2a")]
    other = failed_row(event, **kept(http(409, "CONFLICT")))

    made = order()
    bulk_retries_run()

    made.refresh_from_db()
    assert (made.state, made.total, made.retried, made.refused) == ("finished", 2, 2, 0)
    assert (made.points, str(made.g2a)) == (10, "1.500000000")
    assert {fresh(reward).status for reward in wanted} == {"pending"}
    assert fresh(other).status == "failed"
    trail = RewardTransition.objects.get(reward=wanted[0])
    assert (trail.actor, trail.reason) == ("staff:maria", "the accounts are open again")
    notes = AuditEntry.objects.values_list("object_type", "actor")
    assert sorted(notes) == [
        ("rewards.bulkretry", "staff:maria"),
        ("rewards.referralreward", "staff:maria"),
        ("rewards.referralreward", "staff:maria"),
    ]
    assert not bulk_retries_due()


def test_what_fails_after_the_order_is_not_taken_along(event: ReferralEvent) -> None:
    first = failed_row(event)
    made = order()
    later = failed_row(event, ago=timedelta(0))

    bulk_retries_run()
    ReferralReward.objects.filter(pk=first.pk).update(status="sent_to_points", next_attempt_at=timezone.now())
    ReferralReward.objects.filter(pk=first.pk).update(status="failed", next_attempt_at=None)
    bulk_retries_run()

    assert fresh(later).status == "failed"
    assert fresh(first).status == "failed"
    assert retries(first) == 1
    made.refresh_from_db()
    assert made.total == made.retried == 1


def test_filters_and_the_moment_that_was_shown_narrow_an_order(event: ReferralEvent) -> None:
    old = failed_row(event, ago=timedelta(hours=3))
    failed_row(event, ago=timedelta(hours=1))
    failed_row(ago=timedelta(hours=3))
    failed_row(event, ago=timedelta(hours=3), currency="g2a")

    made = bulk_retry_start(
        filters=Filters(error=ERROR, campaign_id=event.campaign_id, currency="points"),
        failed_before=timezone.now() - timedelta(hours=2),
        by="staff:maria",
        reason="x",
    )

    assert [item.reward_id for item in made.items.all()] == [old.pk]


def test_the_longest_failed_come_first_where_there_are_too_many(
    event: ReferralEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_retry, "MOST_AT_ONCE", 2)
    rows = [failed_row(event, ago=timedelta(hours=hours)) for hours in (1, 3, 2)]

    extent = bulk_retry.bulk_retry_extent(filters=Filters(error=ERROR), failed_before=timezone.now())
    made = order()

    assert (extent.number, extent.is_cut) == (2, True)
    assert {item.reward_id for item in made.items.all()} == {rows[1].pk, rows[2].pk}


def test_an_order_needs_a_reason_an_error_and_something_that_failed(event: ReferralEvent) -> None:
    failed_row(event)
    given = {"failed_before": timezone.now(), "by": "staff:maria"}

    with pytest.raises(ValidationFailed, match="reason"):
        bulk_retry_start(filters=Filters(error=ERROR), reason="  ", **given)
    with pytest.raises(ValidationFailed, match="error"):
        bulk_retry_start(filters=Filters(), reason="x", **given)
    with pytest.raises(NotFound):
        bulk_retry_start(filters=Filters(error="HTTP 418 TEAPOT"), reason="x", **given)
    assert not BulkRetry.objects.exists()


def test_what_was_moved_meanwhile_is_counted_and_stops_nothing(event: ReferralEvent) -> None:
    moved, failed = failed_row(event), failed_row(event)
    made = order()
    ReferralReward.objects.filter(pk=moved.pk).update(status="cancelled")

    bulk_retries_run()

    made.refresh_from_db()
    assert (made.state, made.retried, made.refused) == ("finished", 1, 1)
    assert made.items.get(reward_id=moved.pk).outcome == "moved"
    assert fresh(failed).status == "pending"


def test_what_our_own_database_refuses_is_kept_with_its_words(event: ReferralEvent) -> None:
    broken, failed = failed_row(event), failed_row(event)
    made = order()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            f"ALTER TABLE rewards_referralreward ADD CONSTRAINT test_broken"
            f" CHECK (id <> '{broken.pk}' OR status = 'failed')"
        )

    bulk_retries_run()

    made.refresh_from_db()
    assert (made.state, made.retried, made.refused) == ("finished", 1, 1)
    item = made.items.get(reward_id=broken.pk)
    assert item.outcome == "failed_in_us"
    assert "test_broken" in item.problem
    assert fresh(failed).status == "pending"


def test_a_stopped_order_moves_nothing_until_somebody_goes_on_in_their_own_name(
    event: ReferralEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [failed_row(event) for _ in range(3)]
    made = order()
    real = bulk_retry.reward_retry

    def retry_and_be_stopped(**given: object) -> ReferralReward:
        moved = real(**given)
        bulk_retry_stop(order_id=made.pk, by="staff:olga")
        return moved

    monkeypatch.setattr(bulk_retry, "reward_retry", retry_and_be_stopped)
    bulk_retries_run()
    made.refresh_from_db()
    assert (made.state, made.done) == ("stopped", 1)
    bulk_retries_run()
    assert sum(retries(row) for row in rows) == 1

    monkeypatch.setattr(bulk_retry, "reward_retry", real)
    bulk_retry_continue(order_id=made.pk, by="staff:olga")
    bulk_retries_run()

    made.refresh_from_db()
    assert (made.state, made.done, made.run_by) == ("finished", 3, "staff:olga")
    assert [retries(row) for row in rows] == [1, 1, 1]
    actors = RewardTransition.objects.filter(to_status="pending").values_list("actor", flat=True)
    assert sorted(actors) == ["staff:maria", "staff:olga", "staff:olga"]
    with pytest.raises(IllegalTransition):
        bulk_retry_stop(order_id=made.pk, by="staff:olga")


def test_a_worker_that_is_told_to_stop_leaves_the_rest_to_the_next(event: ReferralEvent) -> None:
    for _ in range(2):
        failed_row(event)
    made = order()
    stopping.set()
    bulk_retries_run()
    made.refresh_from_db()
    assert made.done == 0
    assert bulk_retries_due()
    stopping.clear()

    bulk_retries_run()

    made.refresh_from_db()
    assert made.state == "finished"


WORKER = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "referral_project.settings"
import django
django.setup()
import time
from rewards.support.review import bulk_retry
real = bulk_retry.reward_retry
def slow(**given):
    moved = real(**given)
    time.sleep(0.05)
    return moved
bulk_retry.reward_retry = slow
bulk_retry.bulk_retries_run()
"""


def test_a_worker_that_is_killed_half_way_leaves_whole_rewards_and_another_goes_on(
    committed_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    event = EventFactory()
    rows = [failed_row(event) for _ in range(40)]
    made = order()

    # when the process that is at it dies without a word, in the middle of a reward
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER], cwd=ROOT, env={**os.environ, "DATABASE_URL": database_url()}
    )
    until = time.monotonic() + 60
    while BulkRetry.objects.get().done < 5:
        assert time.monotonic() < until
        time.sleep(0.02)
    worker.send_signal(signal.SIGKILL)
    worker.wait(10)
    half = BulkRetry.objects.get()
    assert 5 <= half.done < 40
    assert half.done == sum(retries(row) for row in rows) == half.items.exclude(outcome="").count()

    # then nobody takes it up while its claim lasts, and afterwards the rest is done, each once
    bulk_retries_run()
    assert BulkRetry.objects.get().done == half.done
    BulkRetry.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert bulk_retries_due()
    bulk_retries_run()

    made.refresh_from_db()
    assert (made.state, made.retried, made.refused) == ("finished", 40, 0)
    assert {retries(row) for row in rows} == {1}


def test_an_order_of_which_every_message_is_lost_is_found_by_the_scheduler(
    committed_db: None, tmp_path: Path
) -> None:
    event = EventFactory()
    rows = [failed_row(event) for _ in range(3)]
    order()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM dramatiq.queue")
    processes = ServiceProcesses(tmp_path, {"PAYOUT_SWEEP_SECONDS": "0.2", "DRAMATIQ_BROKER_URL": ""})
    try:
        processes.start("scheduler")
        processes.start("worker")
        until = time.monotonic() + 60
        while BulkRetry.objects.get().state != "finished":
            assert time.monotonic() < until, processes.log("worker")
            time.sleep(0.1)
    finally:
        processes.stop()

    assert [retries(row) for row in rows] == [1, 1, 1]
