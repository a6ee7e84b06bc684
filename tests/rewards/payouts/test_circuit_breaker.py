"""A sick peer is left alone, probed, and found well again (D10)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from rewards.models import PayoutAttempt, PeerCircuit, ReferralReward
from rewards.payouts.circuit_breaker import USERS_TO_OPEN, Circuit
from rewards.payouts.drain import drain_of, pay_due_now
from rewards.payouts.providers.base import Answer, Outcome
from tests.helpers.rewards import earn, fresh, time_passes

pytestmark = pytest.mark.usefixtures("campaigns", "patient")


def requests_at(sandbox, peer="points"):
    return sandbox.state()[peer]["requests"]


def test_one_users_throttling_delays_only_that_user(sandbox):
    # given
    sandbox.fault(peer="points", mode="status", status=429, user_id="user-a")
    capped = [earn("points", "user-a") for _ in range(12)]
    others = [earn("points", f"user-{number}") for number in range(6)]

    # when
    pay_due_now("points")

    # then
    assert not Circuit("points").is_open()
    assert {fresh(reward).status for reward in capped} == {"pending"}
    assert {fresh(reward).status for reward in others} == {"completed"}


@pytest.mark.parametrize(
    "order",
    [
        {"mode": "status", "status": 429},
        {"mode": "status", "status": 503},
        {"mode": "reset"},
        {"mode": "garbage"},
        {"mode": "refuse", "seconds": 60},
        {"mode": "hang", "seconds": 5},
    ],
    ids=lambda order: f"{order['mode']} {order.get('status', '')}",
)
def test_failures_of_several_users_stop_the_calls(sandbox, order):
    # given
    sandbox.fault(peer="points", **order)
    for number in range(USERS_TO_OPEN):
        earn("points", f"user-{number}")

    # when
    pay_due_now("points")
    made = PayoutAttempt.objects.count()
    late = [earn("points", f"late-{number}") for number in range(30)]
    pay_due_now("points")

    # then
    row = PeerCircuit.objects.get(peer="points")
    assert row.state == "open"
    assert row.opened_at is not None
    assert row.last_error_code
    assert timedelta(seconds=20) < row.probe_at - timezone.now() <= timedelta(seconds=30)
    assert PayoutAttempt.objects.count() == made == USERS_TO_OPEN
    assert {fresh(reward).status for reward in late} == {"pending"}
    assert {fresh(reward).attempts for reward in late} == {0}


def test_two_failing_users_are_not_a_sick_peer(sandbox):
    sandbox.fault(peer="points", mode="status", status=503)
    for number in range(USERS_TO_OPEN - 1):
        earn("points", f"user-{number}")

    for _ in range(5):
        time_passes()
        pay_due_now("points")

    assert not Circuit("points").is_open()


def test_a_success_between_failures_shows_that_the_peer_is_well(sandbox):
    # given failures of many users, but each followed by a success
    for number in range(6):
        sandbox.fault(peer="points", mode="status", status=503, user_id=f"user-{number}")
        earn("points", f"user-{number}")
        pay_due_now("points")
        earn("points", "user-well")
        pay_due_now("points")

    assert not Circuit("points").is_open()


def test_a_wrong_setting_stops_the_calls_at_the_first_answer(sandbox):
    sandbox.fault(peer="points", mode="status", status=403)
    earn("points", "user-a")

    pay_due_now("points")

    assert Circuit("points").is_open()


def test_another_peer_goes_on(sandbox):
    sandbox.fault(peer="points", mode="status", status=401)
    earn("points", "user-a")
    pay_due_now("points")

    reward = earn("tokens", "user-a")
    pay_due_now("tokens")

    assert Circuit("points").is_open()
    assert not Circuit("tokens").is_open()
    assert fresh(reward).external_task_id


def test_a_sick_peer_is_probed_with_one_reward_an_interval(sandbox, settings):
    # given
    settings.PAYOUT_RETRY_MAX_SECONDS = 100
    sandbox.fault(peer="points", mode="status", status=503)
    for number in range(10):
        earn("points", f"user-{number}")
    pay_due_now("points")
    seen = requests_at(sandbox)

    # when its interval is over, again and again
    intervals = []
    for _ in range(5):
        time_passes()
        pay_due_now("points")
        pay_due_now("points")
        wait = PeerCircuit.objects.get(peer="points").probe_at - timezone.now()
        intervals.append(round(wait.total_seconds(), -1))

    # then each time one call is made, and the interval doubles up to the maximum
    assert requests_at(sandbox) == seen + 5
    assert intervals == [60, 100, 100, 100, 100]


def test_different_rewards_are_probed_so_that_a_poisonous_one_cannot_keep_the_peer_closed(sandbox):
    sandbox.fault(peer="points", mode="status", status=503)
    for number in range(4):
        earn("points", f"user-{number}")
    pay_due_now("points")

    for _ in range(4):
        PeerCircuit.objects.update(probe_at=timezone.now())
        ReferralReward.objects.exclude(status="completed").filter(failures=1).update(
            next_attempt_at=timezone.now() - timedelta(hours=1)
        )
        pay_due_now("points")

    assert set(ReferralReward.objects.values_list("failures", flat=True)) == {2}


def test_a_turn_to_probe_is_not_taken_while_nothing_can_be_tried(sandbox):
    # given a sick peer whose rewards wait longer than it
    sandbox.fault(peer="points", mode="status", status=401)
    earn("points", "user-a")
    pay_due_now("points")
    PeerCircuit.objects.update(probe_at=timezone.now())

    # when workers are woken
    before = PeerCircuit.objects.get(peer="points")
    pay_due_now("points")

    # then
    after = PeerCircuit.objects.get(peer="points")
    assert (after.probe_at, after.openings) == (before.probe_at, before.openings)


def test_a_probe_that_works_closes_the_circuit_and_everything_is_paid(sandbox):
    # given
    fault = sandbox.fault(peer="points", mode="status", status=503)
    rewards = [earn("points", f"user-{number}") for number in range(40)]
    pay_due_now("points")
    assert Circuit("points").is_open()

    # when
    sandbox.clear_fault(fault)
    time_passes()
    pay_due_now("points")

    # then
    row = PeerCircuit.objects.get(peer="points")
    assert (row.state, row.openings, row.opened_at, row.probe_at) == ("closed", 0, None, None)
    assert row.last_success_at is not None
    assert {fresh(reward).status for reward in rewards} == {"completed"}
    assert len(sandbox.state()["points"]["transactions"]) == 40


def test_a_permanent_refusal_is_an_answer_of_a_well_peer(sandbox):
    sandbox.fault(peer="points", mode="status", status=422)
    for number in range(5):
        earn("points", f"user-{number}")

    pay_due_now("points")

    assert not Circuit("points").is_open()


def test_after_closing_it_takes_several_users_again(sandbox):
    # given a circuit that was opened here and closed by another worker
    drain = drain_of("points")
    trouble = Answer(Outcome.UNKNOWN, message="reset")
    drain.circuit.report([(f"user-{number}", trouble) for number in range(USERS_TO_OPEN)])
    Circuit("points").report([("user-z", Answer(Outcome.BOOKED))])
    assert not drain.circuit.is_open()

    # when one user fails
    drain.circuit.report([("user-a", trouble)])

    # then
    assert not drain.circuit.is_open()


def test_two_workers_never_probe_at_once():
    Circuit("points").report([("user-a", Answer(Outcome.MISCONFIGURED, 401))])
    PeerCircuit.objects.update(probe_at=timezone.now())

    turns = [Circuit("points").probe() for _ in range(3)]

    assert turns == [True, False, False]


FOR_DAYS = timedelta(hours=73)


def failing_for_days(sandbox, user):
    """A reward that has failed for longer than the patience of PAYOUT_GIVE_UP_AFTER_HOURS."""
    sandbox.fault(peer="points", mode="status", status=503, user_id=user)
    reward = earn("points", user)
    pay_due_now("points")
    ReferralReward.objects.filter(pk=reward.pk).update(first_failed_at=timezone.now() - FOR_DAYS)
    return reward


def test_a_reward_is_given_up_when_it_has_failed_for_days_at_a_peer_that_serves_others(sandbox):
    # given
    reward = failing_for_days(sandbox, "user-a")
    earn("points", "user-b")

    # when
    time_passes()
    pay_due_now("points")
    time_passes()
    pay_due_now("points")

    # then
    failed = fresh(reward)
    assert (failed.status, failed.in_doubt) == ("failed", True)
    assert (failed.last_failure.cause, failed.last_failure.http_status) == ("http_status", 503)
    last = failed.transitions.get(to_status="failed")
    assert (last.reason_code, last.reason_params["error"]["http_status"]) == ("given_up", 503)


def test_a_reward_is_not_given_up_at_a_peer_that_serves_nobody(sandbox):
    reward = failing_for_days(sandbox, "user-a")

    for _ in range(3):
        time_passes()
        pay_due_now("points")

    held = fresh(reward)
    assert (held.status, held.failures) == ("sent_to_points", 4)


def test_a_reward_is_not_given_up_by_counting(sandbox):
    # given many failures within days that are not over
    sandbox.fault(peer="points", mode="status", status=503, user_id="user-a")
    reward = earn("points", "user-a")
    for _ in range(60):
        ReferralReward.objects.filter(pk=reward.pk).update(next_attempt_at=timezone.now())
        pay_due_now("points")
    earn("points", "user-b")
    time_passes()
    pay_due_now("points")

    # then
    held = fresh(reward)
    assert held.status == "sent_to_points"
    assert held.failures >= 60
