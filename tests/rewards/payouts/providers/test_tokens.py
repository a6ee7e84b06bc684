"""Mints: accepted at once, settled later, and paid only when confirmed (D12)."""

import time
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from kernel.errors import IllegalTransition
from rewards.ledger.services import reward_cancel, reward_retry
from rewards.models import ReferralReward, ReferralStats
from rewards.models.codes import Failure
from rewards.payouts.drain import pay_due_now
from tests.helpers.rewards import attempts_of, earn, fresh, pay_until, time_passes, trail_of

pytestmark = pytest.mark.usefixtures("campaigns", "patient")

MINT, TASK = "/mint", "/task/"
CLAIMED = ("pending", "sent_to_token")
PAID = ("sent_to_token", "completed")
FAILED = ("sent_to_token", "failed")


def tasks_of(sandbox):
    return {task["external_id"]: task for task in sandbox.state()["tokens"]["tasks"]}


def confirmed_amount(sandbox, user):
    return sandbox.state()["tokens"]["balances"].get(user)


def assert_minted_once(sandbox, reward):
    reward = fresh(reward)
    (task,) = [task for task in tasks_of(sandbox).values() if task["status"] == "confirmed"]
    assert (reward.status, reward.in_doubt) == ("completed", False)
    assert reward.external_tx_id == task["tx_hash"]
    assert reward.external_task_id == task["task_id"]
    assert confirmed_amount(sandbox, reward.beneficiary_user_id) == "1.500000000"
    stats = ReferralStats.objects.get(user_id=reward.beneficiary_user_id)
    assert (stats.g2a_earned, stats.g2a_pending) == (Decimal("1.5"), 0)


def test_a_mint_is_completed_only_when_its_task_is_confirmed(sandbox):
    # given a task that does not go on
    stuck = sandbox.fault(peer="tokens", mode="task_stuck")
    reward = earn("tokens", "user-a")

    # when it is started and asked for twice
    pay_due_now("tokens")
    time_passes()
    pay_due_now("tokens")
    time_passes()
    pay_due_now("tokens")

    # then it is sent, surely not lost, and asked for again soon
    held = fresh(reward)
    assert (held.status, held.in_doubt, held.attempts) == ("sent_to_token", False, 1)
    assert held.external_task_id == tasks_of(sandbox)[str(reward.id)]["task_id"]
    assert held.next_attempt_at - timezone.now() <= timedelta(seconds=30)
    assert [attempt.outcome for attempt in attempts_of(reward)] == ["accepted"]

    # and when the task goes on, it is completed with the hash
    sandbox.clear_fault(stuck)
    pay_until(lambda: fresh(reward).status == "completed")
    assert_minted_once(sandbox, reward)
    assert trail_of(reward) == [CLAIMED, PAID]
    assert [attempt.outcome for attempt in attempts_of(reward)] == ["accepted", "booked"]


def test_a_task_that_stays_stuck_is_asked_for_patiently_for_ever(sandbox):
    sandbox.fault(peer="tokens", mode="task_stuck")
    reward = earn("tokens", "user-a")
    pay_due_now("tokens")

    for _ in range(12):
        time_passes()
        pay_due_now("tokens")

    held = fresh(reward)
    assert (held.status, held.first_failed_at) == ("sent_to_token", None)
    assert timedelta(0) < held.next_attempt_at - timezone.now() <= timedelta(seconds=30)
    assert len(attempts_of(reward)) == 1


def test_a_failed_task_fails_the_reward_and_a_retry_mints_under_a_new_key(sandbox):
    # given
    sandbox.fault(peer="tokens", mode="task_fails", error="out of gas", times=2)
    reward = earn("tokens", "user-a")

    # when
    pay_until(lambda: fresh(reward).status == "failed")

    # then
    failed = fresh(reward)
    assert (failed.in_doubt, failed.external_task_id, failed.external_tx_id) == (False, None, None)
    assert failed.last_failure == Failure("task_failed", message="out of gas")
    assert [attempt.outcome for attempt in attempts_of(reward)] == ["accepted", "task_failed"]
    assert trail_of(reward) == [CLAIMED, FAILED]

    # and each retry mints under the next key, until one is confirmed
    reward_retry(reward_id=reward.id, by="support", reason="the gateway has gas again")
    pay_until(lambda: fresh(reward).status == "failed")
    reward_retry(reward_id=reward.id, by="support", reason="once more")
    pay_until(lambda: fresh(reward).status == "completed")
    assert {key: task["status"] for key, task in tasks_of(sandbox).items()} == {
        str(reward.id): "failed",
        f"{reward.id}:2": "failed",
        f"{reward.id}:3": "confirmed",
    }
    assert_minted_once(sandbox, reward)


def test_a_failed_task_can_be_cancelled(sandbox):
    sandbox.fault(peer="tokens", mode="task_fails")
    reward = earn("tokens", "user-a")
    pay_until(lambda: fresh(reward).status == "failed")

    reward_cancel(reward_id=reward.id, by="support", reason="it will not be paid")

    assert fresh(reward).status == "cancelled"


@pytest.mark.parametrize(
    "order",
    [
        {"mode": "commit_then_reset"},
        {"mode": "commit_then_hang", "seconds": 5},
        {"mode": "commit_then_garbage"},
        {"mode": "status_after_commit", "status": 500},
        {"mode": "wrong_json"},
        {"mode": "reset"},
    ],
    ids=lambda order: order["mode"],
)
def test_a_mint_without_an_answer_is_asked_again_with_the_same_key(sandbox, order):
    # given
    sandbox.fault(peer="tokens", path=MINT, times=1, **order)
    reward = earn("tokens", "user-a")

    # when
    pay_due_now("tokens")

    # then
    held = fresh(reward)
    assert (held.status, held.in_doubt, held.external_task_id) == ("sent_to_token", True, None)
    pay_until(lambda: fresh(reward).status == "completed")
    assert list(tasks_of(sandbox)) == [str(reward.id)]
    assert_minted_once(sandbox, reward)


@pytest.mark.parametrize("status", [401, 403, 408, 425, 429, 500, 503])
def test_a_question_without_an_answer_changes_nothing_about_the_task(sandbox, status):
    # given a running task
    sandbox.fault(peer="tokens", mode="task_stuck")
    reward = earn("tokens", "user-a")
    pay_due_now("tokens")
    task_id = fresh(reward).external_task_id

    # when the gateway does not tell how it stands
    sandbox.fault(peer="tokens", path=TASK, mode="status", status=status)
    time_passes()
    pay_due_now("tokens")

    # then
    held = fresh(reward)
    assert (held.status, held.in_doubt, held.external_task_id) == ("sent_to_token", False, task_id)
    assert held.failures == 1
    assert attempts_of(reward)[-1].http_status == status
    sandbox.clear_faults()
    pay_until(lambda: fresh(reward).status == "completed")
    assert_minted_once(sandbox, reward)


def test_one_failed_question_after_many_waits_is_not_punished(sandbox, settings):
    # given a task that was asked for many times
    settings.PAYOUT_RETRY_BASE_SECONDS = 1
    sandbox.fault(peer="tokens", mode="task_stuck")
    reward = earn("tokens", "user-a")
    for _ in range(12):
        time_passes()
        pay_due_now("tokens")

    # when one question fails
    sandbox.fault(peer="tokens", path=TASK, mode="status", status=503)
    time_passes()
    pay_due_now("tokens")

    # then the next comes soon
    assert fresh(reward).next_attempt_at - timezone.now() < timedelta(seconds=2)


def test_a_lost_task_is_minted_again_under_the_same_key(sandbox):
    # given the gateway denies to know the task, once
    sandbox.fault(peer="tokens", mode="task_stuck", times=1)
    reward = earn("tokens", "user-a")
    pay_due_now("tokens")
    task_id = fresh(reward).external_task_id
    sandbox.fault(peer="tokens", path=TASK, mode="status", status=404, times=1)

    # when
    time_passes()
    pay_due_now("tokens")

    # then it is in doubt, and the same key gives the same task
    lost = fresh(reward)
    assert (lost.status, lost.in_doubt, lost.external_task_id) == ("sent_to_token", True, None)
    time_passes()
    pay_due_now("tokens")
    assert fresh(reward).external_task_id == task_id
    sandbox.clear_faults()
    pay_until(lambda: fresh(reward).status == "completed")
    assert_minted_once(sandbox, reward)


@pytest.mark.parametrize("status", [400, 409, 422])
def test_a_refused_mint_fails_at_once(sandbox, status):
    sandbox.fault(peer="tokens", path=MINT, mode="status", status=status)
    reward = earn("tokens", "user-a")

    pay_due_now("tokens")

    failed = fresh(reward)
    assert (failed.status, failed.in_doubt) == ("failed", False)
    assert failed.last_failure.cause == "http_status"
    assert (failed.last_failure.http_status, failed.last_failure.peer_code) == (status, "SANDBOX_FAULT")


def test_a_refused_question_leaves_the_running_task_in_doubt(sandbox):
    # given a running task
    stuck = sandbox.fault(peer="tokens", mode="task_stuck")
    reward = earn("tokens", "user-a")
    pay_due_now("tokens")

    # when the gateway refuses to talk of it
    refusing = sandbox.fault(peer="tokens", path=TASK, mode="status", status=400)
    time_passes()
    pay_due_now("tokens")

    # then the reward cannot be cancelled, for the task may still be confirmed
    failed = fresh(reward)
    assert (failed.status, failed.in_doubt) == ("failed", True)
    with pytest.raises(IllegalTransition):
        reward_cancel(reward_id=reward.id, by="support", reason="refused")

    # and a retry asks for that same task
    sandbox.clear_fault(refusing)
    sandbox.clear_fault(stuck)
    reward_retry(reward_id=reward.id, by="support", reason="the gateway is repaired")
    pay_until(lambda: fresh(reward).status == "completed")
    assert list(tasks_of(sandbox)) == [str(reward.id)]
    assert_minted_once(sandbox, reward)


def test_a_reward_given_up_while_its_task_runs_cannot_be_cancelled(sandbox):
    # given a task that nobody could be asked about for three days, at a gateway that serves others
    stuck = sandbox.fault(peer="tokens", mode="task_stuck", times=1)
    reward = earn("tokens", "user-a")
    pay_due_now("tokens")
    silent = sandbox.fault(peer="tokens", path=TASK, mode="status", status=500, user_id="user-a")
    ReferralReward.objects.filter(pk=reward.pk).update(
        first_failed_at=timezone.now() - timedelta(hours=73), failures=5
    )
    other = earn("tokens", "user-b")

    # when
    pay_until(lambda: fresh(reward).status == "failed")

    # then
    failed = fresh(reward)
    assert failed.in_doubt
    assert failed.last_error_code
    with pytest.raises(IllegalTransition):
        reward_cancel(reward_id=reward.id, by="support", reason="given up")
    sandbox.clear_fault(silent)
    sandbox.clear_fault(stuck)
    reward_retry(reward_id=reward.id, by="support", reason="the gateway answers again")
    pay_until(lambda: {fresh(reward).status, fresh(other).status} == {"completed"})
    assert len(tasks_of(sandbox)) == 2
    assert confirmed_amount(sandbox, "user-a") == "1.500000000"


@pytest.mark.parametrize(
    "body",
    [
        {"task_id": "another", "status": "confirmed", "tx_hash": "0x1"},
        {"task_id": "{task}", "status": "confirmed", "tx_hash": None},
        {"task_id": "{task}", "status": "confirmed", "tx_hash": "0x1\x00"},
        {"task_id": "{task}", "status": "done", "tx_hash": "0x1"},
        {"status": "confirmed", "tx_hash": "0x1"},
        [],
    ],
)
def test_a_confirmation_that_is_not_as_promised_confirms_nothing(sandbox, body):
    sandbox.fault(peer="tokens", mode="task_stuck")
    reward = earn("tokens", "user-a")
    pay_due_now("tokens")
    if isinstance(body, dict) and "task_id" in body:
        body = {**body, "task_id": body["task_id"].format(task=fresh(reward).external_task_id)}
    sandbox.fault(peer="tokens", path=TASK, mode="status", status=200, body=body)

    time_passes()
    pay_due_now("tokens")

    held = fresh(reward)
    assert (held.status, held.external_tx_id) == ("sent_to_token", None)
    assert attempts_of(reward)[-1].outcome == "unknown"


def test_a_gateway_that_hangs_costs_points_nothing(sandbox, settings):
    settings.PAYOUT_TIMEOUT_SECONDS = 1
    sandbox.fault(peer="tokens", mode="hang", seconds=5)
    waiting, paid = earn("tokens", "user-a"), earn("points", "user-a")

    started = time.monotonic()
    pay_due_now("points")
    took = time.monotonic() - started
    pay_due_now("tokens")

    assert took < 0.5
    assert (fresh(paid).status, fresh(waiting).status) == ("completed", "sent_to_token")
