"""Claims: one worker at a time, for as long as its lease (D8, D9)."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from rewards.graceful_shutdown import stopping
from rewards.models import PayoutAttempt, ReferralReward, ReferralStats
from rewards.payouts.claim import Settled, claim, due_currencies, record
from rewards.payouts.drain import Drain, drain_of, pay_due_now
from rewards.payouts.providers.base import Answer, Outcome
from rewards.payouts.providers.registry import peer_named
from tests.helpers.rewards import (
    assert_counters_agree_with_a_recount,
    attempts_of,
    earn,
    fresh,
    time_passes,
    trail_of,
)

pytestmark = pytest.mark.usefixtures("campaigns", "patient")

BOOKED = Answer(Outcome.BOOKED, 200, reference="transaction-1")
THROTTLED = Answer(Outcome.NOT_BOOKED, 429)
REFUSED = Answer(Outcome.REFUSED, 422, "NO", "no")


@pytest.fixture
def peer(patient):
    return peer_named("points")


def settle(claimed, answer):
    record([Settled(claimed, answer)], well_at=None)


def test_a_claimed_reward_is_nobody_elses_during_the_lease(peer):
    earn("points", "user-a")

    assert len(claim(peer, 10)) == 1

    assert claim(peer, 10) == []
    assert due_currencies() == []


def test_the_longest_waiting_are_claimed_first(peer):
    rewards = [earn("points", "user-a") for _ in range(3)]
    for position, reward in enumerate(rewards):
        due = timezone.now() - timedelta(minutes=[5, 20, 10][position])
        ReferralReward.objects.filter(pk=reward.pk).update(next_attempt_at=due)

    order = [claim(peer, 1)[0].order.reward_id for _ in range(3)]

    assert order == [rewards[1].id, rewards[2].id, rewards[0].id]


def test_a_dead_workers_claim_comes_up_after_its_lease_and_may_be_booked(peer, sandbox, settings):
    # given a worker that died after the peer had booked
    reward = earn("points", "user-a")
    (dead,) = claim(peer, 1)
    booked = peer.settle(dead.order)
    held = fresh(reward)
    lease = held.next_attempt_at - timezone.now()
    assert timedelta(0) < lease <= timedelta(seconds=settings.PAYOUT_LEASE_SECONDS)

    # when its lease is over
    time_passes()
    assert due_currencies() == ["points"]
    (second,) = claim(peer, 1)

    # then whoever asks next knows the doubt, and asks with the same key
    assert second.in_doubt
    assert fresh(reward).in_doubt
    assert second.attempt == 2
    settle(second, peer.settle(second.order))
    assert fresh(reward).status == "completed"
    assert fresh(reward).external_tx_id == booked.reference
    assert len(sandbox.state()["points"]["transactions"]) == 1


def test_a_dead_workers_claim_is_not_given_back_by_a_refused_connection(peer):
    reward = earn("points", "user-a")
    claim(peer, 1)
    time_passes()

    (second,) = claim(peer, 1)
    settle(second, Answer(Outcome.NOT_BOOKED, message="refused"))

    assert (fresh(reward).status, fresh(reward).in_doubt) == ("sent_to_points", True)


@pytest.mark.parametrize("late", [THROTTLED, REFUSED, Answer(Outcome.UNKNOWN, message="timeout")])
def test_a_late_answer_does_not_overwrite_the_second_workers(peer, late):
    # given two workers, the first of which was slow
    reward = earn("points", "user-a")
    (first,) = claim(peer, 1)
    time_passes()
    (second,) = claim(peer, 1)

    # when
    settle(first, late)
    between = fresh(reward)
    settle(second, BOOKED)
    settle(first, late)

    # then
    assert (between.status, between.claim_token) == ("sent_to_points", second.token)
    paid = fresh(reward)
    assert (paid.status, paid.external_tx_id) == ("completed", "transaction-1")
    assert trail_of(reward) == [("pending", "sent_to_points"), ("sent_to_points", "completed")]
    assert_counters_agree_with_a_recount()


def test_a_late_confirmation_counts_and_counts_once(peer):
    # given
    reward = earn("points", "user-a")
    (first,) = claim(peer, 1)
    time_passes()
    (second,) = claim(peer, 1)

    # when the first worker's call was booked after all, and the second hears the same and then less
    settle(first, BOOKED)
    settle(second, BOOKED)
    settle(second, THROTTLED)

    # then
    assert fresh(reward).status == "completed"
    assert trail_of(reward) == [("pending", "sent_to_points"), ("sent_to_points", "completed")]
    stats = ReferralStats.objects.get(user_id="user-a")
    assert (stats.points_earned, stats.points_pending) == (10, 0)
    assert len(attempts_of(reward)) == 3


def test_an_answer_recorded_twice_changes_nothing_the_second_time(peer):
    reward = earn("points", "user-a")
    (claimed,) = claim(peer, 1)

    settle(claimed, THROTTLED)
    once = fresh(reward)
    settle(claimed, THROTTLED)

    assert fresh(reward).failures == once.failures == 1
    assert trail_of(reward) == [("pending", "sent_to_points"), ("sent_to_points", "pending")]


def test_a_cancelled_or_future_reward_is_not_claimed(peer):
    reward = earn("points", "user-a")
    ReferralReward.objects.filter(pk=reward.pk).update(next_attempt_at=timezone.now() + timedelta(hours=1))

    assert claim(peer, 10) == []


def test_a_peer_is_only_given_rewards_of_its_currency(peer):
    earn("tokens", "user-a")

    assert claim(peer, 10) == []
    assert len(claim(peer_named("tokens"), 10)) == 1


def test_a_worker_that_stops_gives_back_what_it_has_not_begun(sandbox, settings):
    # given one call at a time, and that one hangs
    settings.PAYOUT_CONCURRENCY = 1
    settings.PAYOUT_TIMEOUT_SECONDS = 1
    sandbox.fault(peer="points", mode="latency", seconds=0.7)
    rewards = [earn("points", f"user-{number}") for number in range(2)]
    drain = Drain(peer_named("points"))

    # when the process is told to stop during the first call
    real = drain.peer.settle

    def settle_and_stop(order):
        stopping.set()
        return real(order)

    drain.peer.settle = settle_and_stop
    drain.run()

    # then the first is paid, and the other is as if it had never been claimed
    assert sorted(fresh(reward).status for reward in rewards) == ["completed", "pending"]
    left = ReferralReward.objects.get(status="pending")
    assert (left.in_doubt, left.failures, left.last_failure) == (False, 0, None)
    assert left.transitions.first().reason_code == "returned_unasked"
    assert left.next_attempt_at <= timezone.now()
    assert PayoutAttempt.objects.filter(reward=left).count() == 0
    assert trail_of(left) == [("pending", "sent_to_points"), ("sent_to_points", "pending")]
    stopping.clear()
    assert pay_due_now("points") == 1


def test_giving_back_keeps_what_was_in_doubt(peer):
    reward = earn("points", "user-a")
    claim(peer, 1)
    time_passes()
    (second,) = claim(peer, 1)

    settle(second, Answer(Outcome.NOT_ASKED))

    held = fresh(reward)
    assert (held.status, held.in_doubt) == ("sent_to_points", True)
    assert held.next_attempt_at <= timezone.now()


def test_without_an_address_the_rewards_wait(settings):
    settings.POINTS_SERVICE_URL = ""
    reward = earn("points", "user-a")

    assert pay_due_now("points") == 0

    assert (fresh(reward).status, fresh(reward).attempts) == ("pending", 0)


def test_a_claim_that_waited_for_half_its_lease_is_given_back_and_not_asked_about(peer, sandbox):
    # given a call that would outlast the lease, and take the reward from under another worker
    reward = earn("points", "user-a")
    (claimed,) = claim(peer, 1)
    assert claimed.begin_by > time.monotonic()

    # when
    drain = Drain(peer)
    drain._record([drain._settle(replace(claimed, begin_by=time.monotonic() - 1))])

    # then
    assert sandbox.state()["points"]["requests"] == 0
    assert (fresh(reward).status, fresh(reward).in_doubt) == ("pending", False)
    assert due_currencies() == ["points"]


def test_a_batch_is_claimed_and_recorded_in_one_statement_each(peer, django_assert_num_queries):
    # given
    for number in range(20):
        earn("points", f"user-{number}")
    drain = drain_of("points")
    drain._record([Settled(claim(peer, 1)[0], BOOKED)])

    # when
    with django_assert_num_queries(1):
        claims = claim(peer, 50)
    with django_assert_num_queries(1):
        drain._record([Settled(entry, BOOKED) for entry in claims])

    # then
    assert len(claims) == 19
    assert set(ReferralReward.objects.values_list("status", flat=True)) == {"completed"}
    assert_counters_agree_with_a_recount()
