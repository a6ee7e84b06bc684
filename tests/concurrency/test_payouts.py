"""Paid exactly once, and cancelled or paid but never both (D8)."""

import time

import pytest
from django.db import connection, transaction
from django.utils import timezone

from kernel.errors import IllegalTransition
from rewards.intake.events import event_accept, events_accept
from rewards.ledger import services
from rewards.ledger.services import reward_cancel, reward_retry, reward_unlock
from rewards.models import (
    PayoutAttempt,
    ReferralReward,
    ReferralStats,
    ReferredCounter,
    RewardTransition,
)
from rewards.payouts import claim as payouts
from rewards.payouts.claim import Settled, claim, record
from rewards.payouts.drain import Drain, pay_due_now
from rewards.payouts.providers.base import Answer, Outcome
from rewards.payouts.providers.registry import peer_named
from tests.helpers.races import (
    Pause,
    PauseAtCommit,
    Racer,
    all_at_once,
    cross,
    function_without,
    table_without,
)
from tests.helpers.rewards import (
    assert_counters_agree_with_a_recount,
    campaign_of,
    done,
    earn,
    fresh,
    time_passes,
    trail_of,
)

BOOKED = Answer(Outcome.BOOKED, 200, reference="transaction")


@pytest.fixture(autouse=True)
def campaigns(committed_db):
    campaign_of("points", {"level1": {"points_per_event": 10}})
    both = {"points_per_event": 10, "g2a_per_event": "0.5"}
    campaign_of("both", {"level1": both}, max_events_per_referred=1, budget_points=50)


@pytest.fixture
def peer(sandbox):
    return peer_named("points")


def many(number):
    events_accept([done("points", f"user-{n % 7}") for n in range(number)])
    return list(ReferralReward.objects.all())


def cancelling(reward):
    return lambda: reward_cancel(reward_id=reward.id, by="support", reason="a mistake")


def retrying(reward):
    return lambda: reward_retry(reward_id=reward.id, by="support", reason="repaired")


def before_the_claim_ends():
    return Pause(payouts, "_claim_of", before=True)


def held(work):
    """What is one statement, with its transaction kept open so that a race can be stopped before its end."""

    def run():
        with transaction.atomic():
            return work()

    return run


# --- claims -------------------------------------------------------------------------------------------------


def test_two_workers_that_claim_at_once_get_different_rewards(peer):
    many(20)

    first, second, waited = cross(
        held(lambda: claim(peer, 12)), held(lambda: claim(peer, 12)), before_the_claim_ends()
    )

    assert not waited
    ids = [entry.order.reward_id for entry in [*first, *second]]
    assert (len(first), len(second), len(set(ids))) == (12, 8, 20)
    assert RewardTransition.objects.count() == 20


def test_twin_without_row_locks_two_workers_claim_the_same(peer):
    many(5)

    with function_without("referral_payouts_claim", "FOR NO KEY UPDATE SKIP LOCKED"):
        first, second, _ = cross(
            held(lambda: claim(peer, 5)), lambda: claim(peer, 5), before_the_claim_ends()
        )

    assert {entry.order.reward_id for entry in first} & {entry.order.reward_id for entry in second}


def test_workers_that_pay_at_once_pay_each_reward_once(sandbox, peer):
    # given
    rewards = many(120)

    # when three processes pay
    all_at_once([Drain(peer_named("points")).run for _ in range(3)])

    # then
    assert {fresh(reward).status for reward in rewards} == {"completed"}
    transactions = sandbox.state()["points"]["transactions"]
    assert sorted(row["external_id"] for row in transactions) == sorted(str(reward.id) for reward in rewards)
    assert PayoutAttempt.objects.count() == sandbox.state()["points"]["requests"] == 120
    assert_counters_agree_with_a_recount()


def test_workers_whose_leases_are_too_short_still_pay_each_reward_once(sandbox, peer, settings):
    # given claims that are over before the peer answers, and answers that get lost
    settings.PAYOUT_LEASE_SECONDS = 0.1
    sandbox.fault(peer="points", mode="latency", seconds=0.2, probability=0.5)
    sandbox.fault(peer="points", mode="commit_then_reset", probability=0.3)
    rewards = many(40)

    # when
    until = time.monotonic() + 8
    while ReferralReward.objects.exclude(status="completed").exists() and time.monotonic() < until:
        time_passes()
        for answer in all_at_once([Drain(peer_named("points")).run for _ in range(3)]):
            assert not isinstance(answer, Exception), answer

    # then
    assert {fresh(reward).status for reward in rewards} == {"completed"}
    assert len(sandbox.state()["points"]["transactions"]) == 40
    moves = RewardTransition.objects.filter(to_status="completed")
    assert moves.count() == 40
    assert_counters_agree_with_a_recount()


def test_two_workers_that_record_the_same_payment_at_once_count_it_once(peer):
    # given a reward that two workers have paid
    reward = earn("points", "user-a")
    (first,) = claim(peer, 1)
    time_passes()
    (second,) = claim(peer, 1)

    # when
    _, _, waited = cross(
        held(lambda: record([Settled(first, BOOKED)], well_at=None)),
        held(lambda: record([Settled(second, BOOKED)], well_at=None)),
        Pause(payouts, "_apply"),
    )

    # then
    assert waited
    assert ReferralStats.objects.get().points_earned == 10
    assert [move for move in trail_of(reward) if move[1] == "completed"] == [("sent_to_points", "completed")]
    assert_counters_agree_with_a_recount()


@pytest.mark.usefixtures("strict_server")
def test_a_worker_that_waits_for_another_records_whatever_the_servers_default(peer):
    # given two rewards, of which two workers have something to record each
    rewards = [earn("points", "user-a") for _ in range(2)]
    claims = claim(peer, 2)
    time_passes()
    again = claim(peer, 2)

    # when
    results = cross(
        lambda: record([Settled(entry, BOOKED) for entry in claims], well_at=None),
        lambda: record([Settled(entry, BOOKED) for entry in again], well_at=None),
        PauseAtCommit("rewards_payoutattempt"),
    )

    # then
    assert results == (None, None, True)
    assert [fresh(reward).status for reward in rewards] == ["completed"] * 2
    assert_counters_agree_with_a_recount()


def test_an_answer_that_cannot_be_kept_leaves_its_reason_and_strands_nobody(peer):
    # given one reward of which the answer is too long for its column, and one that is fine
    bad, good = earn("points", "user-a"), earn("points", "user-b")
    claims = {entry.order.reward_id: entry for entry in claim(peer, 10)}
    impossible = Answer(Outcome.BOOKED, 200, reference="x" * 500)
    before = timezone.now()

    # when
    Drain(peer)._record([Settled(claims[bad.id], impossible), Settled(claims[good.id], BOOKED)])

    # then
    assert fresh(good).status == "completed"
    held = fresh(bad)
    assert (held.status, held.in_doubt) == ("sent_to_points", True)
    assert held.last_error_code == "not_recordable"
    assert held.last_error_params["message"].startswith("booked: ")
    assert held.next_attempt_at > before


def test_workers_that_record_the_same_rewards_in_other_orders_do_not_deadlock(peer):
    # given
    many(60)
    claims = claim(peer, 60)
    before = _deadlocks()

    # when each answer is recorded by several
    orders = [claims, claims[::-1], claims[30:] + claims[:30], claims[::2] + claims[1::2]]
    results = all_at_once(
        [lambda order=order: record([Settled(c, BOOKED) for c in order], well_at=None) for order in orders]
    )

    # then
    assert results == [None] * 4
    assert _deadlocks() == before
    assert set(ReferralReward.objects.values_list("status", flat=True)) == {"completed"}
    assert_counters_agree_with_a_recount()


def _deadlocks():
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return cursor.fetchone()[0]


# --- support crosses a worker -------------------------------------------------------------------------------


def failed_reward(sandbox):
    fault = sandbox.fault(peer="points", mode="status", status=422)
    reward = earn("points", "user-a")
    pay_due_now("points")
    sandbox.clear_fault(fault)
    assert fresh(reward).status == "failed"
    return reward


def test_two_retries_at_once_are_one(sandbox):
    reward = failed_reward(sandbox)

    _, second, waited = cross(retrying(reward), retrying(reward), Pause(services, "_move"))

    assert waited
    assert isinstance(second, IllegalTransition)
    pay_due_now("points")
    assert fresh(reward).status == "completed"
    assert len(sandbox.ledger(str(reward.id))["transactions"]) == 1


def test_a_retry_that_crosses_workers_is_paid_once(sandbox, peer, settings):
    settings.PAYOUT_RETRY_BASE_SECONDS = settings.PAYOUT_RETRY_MAX_SECONDS = 30
    # given a reward that was booked, although its answers were lost and it was refused at last
    sandbox.fault(peer="points", mode="commit_then_reset", times=1)
    reward = earn("points", "user-a")
    pay_due_now("points")
    refusal = sandbox.fault(peer="points", mode="status", status=422)
    time_passes()
    pay_due_now("points")
    sandbox.clear_fault(refusal)
    assert fresh(reward).status == "failed"

    # when support retries while workers pay
    def pay():
        drain = Drain(peer_named("points"))
        for _ in range(10):
            drain.run()
            time.sleep(0.005)

    all_at_once([pay, retrying(reward), pay, retrying(reward)])
    pay_due_now("points")

    # then
    assert (fresh(reward).status, fresh(reward).in_doubt) == ("completed", False)
    assert len(sandbox.state()["points"]["transactions"]) == 1
    assert_counters_agree_with_a_recount()


def test_a_cancellation_that_comes_first_is_not_claimed(peer):
    reward = earn("points", "user-a")

    _, claims, waited = cross(
        cancelling(reward), lambda: claim(peer, 10), Pause(services, "_give_back", before=True)
    )

    assert not waited
    assert claims == []
    assert fresh(reward).status == "cancelled"
    assert_counters_agree_with_a_recount()


def test_a_cancellation_that_comes_during_a_claim_is_refused(peer):
    reward = earn("points", "user-a")

    claims, refusal, waited = cross(
        held(lambda: claim(peer, 10)), cancelling(reward), before_the_claim_ends()
    )

    assert waited
    assert len(claims) == 1
    assert isinstance(refusal, IllegalTransition)
    assert fresh(reward).status == "sent_to_points"
    assert_counters_agree_with_a_recount()


@pytest.fixture
def unlocked_rows(monkeypatch):
    """For twins: who cancels reads the rewards without locking them."""

    def read(reward_id):
        reward = ReferralReward.objects.select_related("referral_event").get(pk=reward_id)
        rows = ReferralReward.objects.filter(referral_event=reward.referral_event)
        return reward, list(rows.exclude(pk=reward_id))

    monkeypatch.setattr(services, "_locked_with_siblings", read)


def test_twin_without_row_locks_a_claimed_reward_is_cancelled(peer, unlocked_rows):
    with table_without("rewards_referralreward", "reward_legal_transition"):
        reward = earn("points", "user-a")

        claims, _, _ = cross(held(lambda: claim(peer, 10)), cancelling(reward), before_the_claim_ends())

        assert len(claims) == 1
        assert fresh(reward).status == "cancelled"


def test_the_database_alone_also_refuses_to_cancel_a_claimed_reward(peer, unlocked_rows):
    reward = earn("points", "user-a")

    cross(held(lambda: claim(peer, 10)), cancelling(reward), before_the_claim_ends())

    assert fresh(reward).status == "sent_to_points"


def test_two_cancellations_of_one_reward_at_once_are_one():
    reward = earn("points", "user-a")

    _, second, waited = cross(
        cancelling(reward), cancelling(reward), Pause(services, "_give_back", before=True)
    )

    assert waited
    assert isinstance(second, IllegalTransition)
    assert_counters_agree_with_a_recount()


def cancel_both_rewards_of_an_event():
    first, second = (
        ReferralReward.objects.get(pk=row.id)
        for row in event_accept(done("both", "user-a", referred="friend")).rewards
    )
    return cross(cancelling(first), cancelling(second), Pause(services, "_give_back", before=True))


def test_the_last_of_two_cancellations_at_once_gives_back_the_events_place():
    _, _, waited = cancel_both_rewards_of_an_event()

    assert waited
    assert ReferredCounter.objects.get(referred_key="friend").events == 0
    assert_counters_agree_with_a_recount()
    assert event_accept(done("both", "user-a", referred="friend")).reason is None


def test_twin_without_row_locks_the_events_place_is_lost(unlocked_rows):
    cancel_both_rewards_of_an_event()

    assert set(ReferralReward.objects.values_list("status", flat=True)) == {"cancelled"}
    assert ReferredCounter.objects.get(referred_key="friend").events == 1


def test_an_unlock_and_a_role_message_at_once_unlock_once():
    level = {"points_per_event": 10, "locked_until_role": "vip"}
    campaign_of("vip", {"level1": level})
    reward = earn("vip", "user-a")

    def upgrade():
        return services.role_upgrade(
            user_id="user-a", new_role="vip", occurred_at=reward.created_at, by="user_service"
        )

    def unlock():
        return reward_unlock(reward_id=reward.id, by="support", reason="agreed")

    _, unlocked, waited = cross(unlock, upgrade, Pause(services, "_move"))

    assert waited
    assert unlocked == 0
    assert trail_of(reward) == [("locked", "pending")]
    assert_counters_agree_with_a_recount()


def test_a_worker_that_hangs_holds_nothing_in_the_database(sandbox, peer, settings):
    # given a payment under way at a peer that hangs
    settings.PAYOUT_TIMEOUT_SECONDS = 2
    settings.PAYOUT_RETRY_BASE_SECONDS = settings.PAYOUT_RETRY_MAX_SECONDS = 30
    sandbox.fault(peer="points", mode="hang", seconds=1, user_id="user-a")
    reward = earn("points", "user-a")
    worker = Racer(Drain(peer_named("points")).run)
    until = time.monotonic() + 5
    while fresh(reward).status == "pending" and time.monotonic() < until:
        time.sleep(0.01)

    # when others go on meanwhile
    started = time.monotonic()
    event_accept(done("points", "user-a"))
    with pytest.raises(IllegalTransition):
        reward_cancel(reward_id=reward.id, by="support", reason="a mistake")
    took = time.monotonic() - started

    # then
    assert took < 0.5
    worker.finish()
    assert fresh(reward).in_doubt


def test_a_slow_call_holds_back_neither_the_records_nor_the_claims_of_others(sandbox, settings):
    # given two calls at a time, one of which hangs
    settings.PAYOUT_CONCURRENCY = 2
    settings.PAYOUT_TIMEOUT_SECONDS = 5
    settings.PAYOUT_LEASE_SECONDS = 10
    sandbox.fault(peer="points", mode="latency", seconds=4, user_id="slow")
    slow = earn("points", "slow")
    others = [earn("points", f"user-{number}") for number in range(20)]
    worker = Racer(Drain(peer_named("points")).run)

    # when
    until = time.monotonic() + 3.5
    while {fresh(reward).status for reward in others} != {"completed"} and time.monotonic() < until:
        time.sleep(0.02)

    # then all others are on record before the slow call ends
    assert {fresh(reward).status for reward in others} == {"completed"}
    assert fresh(slow).status == "sent_to_points"
    assert not worker.is_over
    assert worker.finish() == 21
    assert fresh(slow).status == "completed"
