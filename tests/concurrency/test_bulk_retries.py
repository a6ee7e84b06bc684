"""Bulk retries beside each other, the person who stops them, and a worker that was thought dead."""

from datetime import timedelta

import pytest
from django.utils import timezone

from rewards.models import BulkRetry, BulkRetryItem, ReferralReward, RewardTransition
from rewards.support.review import bulk_retry
from rewards.support.review.bulk_retry import bulk_retries_run, bulk_retry_start, bulk_retry_stop
from rewards.support.review.rewards import Filters
from tests.factories import EventFactory
from tests.helpers.races import Pause, all_at_once, cross
from tests.helpers.review import failed_row


def order() -> BulkRetry:
    return bulk_retry_start(
        filters=Filters(error="HTTP 422 ACCOUNT_CLOSED"),
        failed_before=timezone.now(),
        by="staff:maria",
        reason="the accounts are open again",
    )


def failed(number: int) -> list[ReferralReward]:
    event = EventFactory()
    return [failed_row(event) for _ in range(number)]


def moves() -> int:
    return RewardTransition.objects.filter(from_status="failed", to_status="pending").count()


def test_two_orders_of_the_same_error_at_once_send_each_reward_once() -> None:
    failed(20)
    orders = [order(), order()]

    all_at_once([bulk_retries_run, bulk_retries_run])

    for made in orders:
        made.refresh_from_db()
    assert {made.state for made in orders} == {"finished"}
    assert [made.done for made in orders] == [20, 20]
    assert sum(made.retried for made in orders) == moves() == 20
    assert sum(made.refused for made in orders) == 20


def stopped_in_the_middle() -> tuple[int, int, bool]:
    """Moves when the stop was answered, moves in the end, and whether the stop had to wait."""
    failed(3)
    made = order()
    seen: list[int] = []

    def stop() -> None:
        bulk_retry_stop(order_id=made.pk, by="staff:olga")
        seen.append(moves())

    _, _, waited = cross(bulk_retries_run, stop, Pause(bulk_retry, "_moved", before=True))
    return seen[0], moves(), waited


def test_a_stop_is_answered_when_nothing_is_moved_any_more() -> None:
    assert stopped_in_the_middle() == (1, 1, True)


def test_twin_without_holding_the_order_a_reward_is_moved_after_the_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bulk_retry, "_hold", lambda order, token: None)

    at_the_stop, in_the_end, waited = stopped_in_the_middle()

    assert not waited
    assert in_the_end > at_the_stop


def settle_whatever_was(order: BulkRetry, item: BulkRetryItem, outcome: str, problem: str) -> None:
    """As if an outcome could be written twice."""
    order.items.filter(reward_id=item.reward_id).update(outcome=outcome)


def woken_late() -> int:
    """How often a reward was sent again: by a worker that slept beyond its claim, and by the one after it.

    In between the reward has failed once more, which is for a new order to take up.
    """
    (reward,) = failed(1)
    order()

    def sleep_and_be_followed() -> None:
        BulkRetry.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
        bulk_retries_run()
        ReferralReward.objects.filter(pk=reward.pk).update(
            status="sent_to_points", next_attempt_at=timezone.now()
        )
        ReferralReward.objects.filter(pk=reward.pk).update(status="failed", next_attempt_at=None)

    # The first has read what is left to do and goes to sleep.
    cross(bulk_retries_run, sleep_and_be_followed, Pause(bulk_retry, "_next_items"))
    return moves()


def test_a_worker_that_slept_beyond_its_claim_moves_nothing_again() -> None:
    assert woken_late() == 1


def test_twin_without_the_claim_and_the_items_outcome_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_retry, "_hold", lambda order, token: None)
    monkeypatch.setattr(bulk_retry, "_settle", settle_whatever_was)

    assert woken_late() == 2
