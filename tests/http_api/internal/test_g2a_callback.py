"""What the gateway's callback does to a token reward, against a gateway that really mints."""

import pytest

from rewards.ledger.services import reward_cancel, reward_retry
from rewards.models import ReconciliationFinding, ReferralReward, ReferralStats
from rewards.models.codes import Failure
from rewards.payouts.claim import Settled, claim, record
from rewards.payouts.providers.registry import peer_named
from tests.helpers.api import Answer, service
from tests.helpers.rewards import (
    assert_counters_agree_with_a_recount,
    attempts_of,
    campaign_of,
    earn,
    fresh,
    pay_due_now,
    pay_until,
    time_passes,
    trail_of,
)

TX = "0x" + "ab" * 32


@pytest.fixture(autouse=True)
def _campaign(db, sandbox, settings):
    """Token rewards of 1.5 G2A; waits are so long that only a test ends them."""
    campaign_of("tokens", {"level1": {"g2a_per_event": "1.5"}})
    settings.PAYOUT_RETRY_BASE_SECONDS = 30
    settings.PAYOUT_RETRY_MAX_SECONDS = 900


def callback(task_id: str, status: str = "confirmed", **fields) -> Answer:
    return service("token_gateway").post(
        "/internal/g2a-callback", {"task_id": task_id, "status": status, **fields}
    )


def minted(sandbox, **fault) -> ReferralReward:
    """A reward whose task was started and does not end by itself."""
    sandbox.fault(peer="tokens", mode="task_stuck")
    reward = earn("tokens", "anna")
    pay_due_now("tokens")
    reward = fresh(reward)
    assert (reward.status, bool(reward.external_task_id)) == ("sent_to_token", True)
    return reward


def findings() -> list[tuple[str, str]]:
    return list(ReconciliationFinding.objects.values_list("kind", "state"))


def test_a_confirmed_task_completes_the_reward_with_its_transaction(sandbox):
    reward = minted(sandbox)

    answer = callback(reward.external_task_id, tx_hash=TX)

    assert (answer.status, answer.body) == (200, {"ok": True})
    reward = fresh(reward)
    assert (reward.status, reward.external_tx_id, reward.next_attempt_at) == ("completed", TX, None)
    assert trail_of(reward)[-1] == ("sent_to_token", "completed")
    last = reward.transitions.first()
    assert (last.actor, last.reason_code) == ("service:token_gateway", "callback_confirmed")
    assert attempts_of(reward)[-1].cause == "called_back"
    stats = ReferralStats.objects.get(user_id="anna")
    assert (stats.g2a_earned, stats.g2a_pending) == (reward.g2a_amount, 0)
    assert attempts_of(reward)[-1].peer_reference == TX


def test_repeats_change_nothing(sandbox):
    reward = minted(sandbox)
    callback(reward.external_task_id, tx_hash=TX)
    before = (ReferralReward.objects.values().get(), trail_of(reward), len(attempts_of(reward)))

    again = callback(reward.external_task_id, tx_hash=TX)

    assert again.body == {"ok": True}
    assert before == (ReferralReward.objects.values().get(), trail_of(reward), len(attempts_of(reward)))
    assert findings() == []
    assert_counters_agree_with_a_recount()


def test_a_confirmed_task_never_becomes_failed(sandbox):
    reward = minted(sandbox)
    callback(reward.external_task_id, tx_hash=TX)

    answer = callback(reward.external_task_id, "failed", error="reverted")

    assert (answer.status, fresh(reward).status, fresh(reward).external_tx_id) == (200, "completed", TX)


def test_a_failed_task_fails_the_reward_and_a_retry_mints_under_a_new_key(sandbox):
    reward = minted(sandbox)

    assert callback(reward.external_task_id, "failed", error="reverted").body == {"ok": True}
    assert callback(reward.external_task_id, "failed", error="reverted").body == {"ok": True}

    failed = fresh(reward)
    assert (failed.status, failed.mint_number, failed.external_task_id) == ("failed", 2, None)
    assert (failed.last_failure, failed.in_doubt) == (Failure("task_failed", message="reverted"), False)
    sandbox.clear_faults()
    reward_retry(reward_id=reward.id, by="staff:olga", reason="the gateway is well again")
    pay_until(lambda: fresh(reward).status == "completed")
    assert [task["status"] for task in sandbox.ledger(f"{reward.id}:2")["tasks"]] == ["confirmed"]
    assert_counters_agree_with_a_recount()


def test_a_late_confirmation_of_a_failed_task_is_an_alarm_for_a_person(sandbox, caplog):
    # given a task that failed, and its retry that was paid
    reward = minted(sandbox)
    callback(reward.external_task_id, "failed", error="reverted")
    sandbox.clear_faults()
    reward_retry(reward_id=reward.id, by="staff:olga", reason="again")
    pay_until(lambda: fresh(reward).status == "completed")
    paid = fresh(reward)

    # when the first task is confirmed after all, twice
    answers = [callback(reward.external_task_id, tx_hash=TX) for _ in range(2)]

    # then nothing moves and a person is told once
    assert [answer.body for answer in answers] == [{"ok": True}] * 2
    assert (fresh(reward).external_tx_id, fresh(reward).updated_at) == (paid.external_tx_id, paid.updated_at)
    finding = ReconciliationFinding.objects.get()
    assert (finding.kind, finding.state, finding.reward_id) == ("late_confirmation", "open", reward.id)
    task = {"code": "task", "task": reward.external_task_id, "outcome": "booked", "reference": TX}
    assert finding.their_facts == task
    assert [
        record.levelname for record in caplog.records if reward.external_task_id in record.getMessage()
    ] == ["ERROR"]


def test_a_late_confirmation_before_the_retry_is_an_alarm_too(sandbox):
    reward = minted(sandbox)
    callback(reward.external_task_id, "failed", error="reverted")

    assert callback(reward.external_task_id, tx_hash=TX).body == {"ok": True}

    assert fresh(reward).status == "failed"
    assert findings() == [("late_confirmation", "open")]


def test_another_transaction_for_a_completed_task_is_an_alarm(sandbox):
    reward = minted(sandbox)
    callback(reward.external_task_id, tx_hash=TX)

    assert callback(reward.external_task_id, tx_hash="0xother").body == {"ok": True}

    assert fresh(reward).external_tx_id == TX
    assert findings() == [("different", "open")]


def test_an_unknown_task_is_not_found(sandbox):
    answer = callback("no-such-task", tx_hash=TX)

    assert (answer.status, answer.code) == (404, "not_found")


def test_a_callback_before_our_own_commit_is_harmless(sandbox):
    # given a mint whose answer we have not got: the gateway works, we do not know the task yet
    sandbox.fault(peer="tokens", mode="commit_then_reset", times=1)
    reward = earn("tokens", "anna")
    pay_due_now("tokens")
    (task,) = sandbox.ledger(str(reward.id))["tasks"]
    assert fresh(reward).in_doubt

    # when the gateway calls back
    assert callback(task["task_id"], tx_hash=TX).status == 404

    # then asking again with the same key finds the task, and polling its end
    pay_until(lambda: fresh(reward).status == "completed")
    assert len(sandbox.ledger(str(reward.id))["tasks"]) == 1


def test_a_worker_that_polls_meanwhile_cannot_undo_the_callback(sandbox):
    reward = minted(sandbox)
    time_passes()
    gateway = peer_named("tokens")
    (held,) = claim(gateway, 10)
    answer = gateway.settle(held.order)

    callback(reward.external_task_id, "failed", error="reverted")
    record([Settled(held, answer)], well_at=None)

    assert (fresh(reward).status, fresh(reward).mint_number) == ("failed", 2)


def test_a_reward_given_up_while_its_task_ran_is_paid_by_the_confirmation(sandbox):
    reward = minted(sandbox)
    _give_up(sandbox)
    assert (fresh(reward).status, fresh(reward).in_doubt) == ("failed", True)

    callback(reward.external_task_id, tx_hash=TX)

    assert (fresh(reward).status, fresh(reward).in_doubt) == ("completed", False)
    assert trail_of(reward)[-3:] == [
        ("failed", "pending"),
        ("pending", "sent_to_token"),
        ("sent_to_token", "completed"),
    ]
    assert_counters_agree_with_a_recount()


def test_a_reward_given_up_while_its_task_ran_may_be_cancelled_when_the_task_failed(sandbox):
    reward = minted(sandbox)
    _give_up(sandbox)

    callback(reward.external_task_id, "failed", error="reverted")

    assert (fresh(reward).status, fresh(reward).in_doubt, fresh(reward).mint_number) == ("failed", False, 2)
    reward_cancel(reward_id=reward.id, by="staff:olga", reason="not wanted any more")
    callback(reward.external_task_id, tx_hash=TX)
    assert fresh(reward).status == "cancelled"
    assert findings() == [("late_confirmation", "open")]


def _give_up(sandbox) -> None:
    """The gateway refuses the question for good, which says nothing of the task."""
    sandbox.fault(peer="tokens", mode="status", status=422)
    time_passes()
    pay_due_now("tokens")
    sandbox.clear_faults()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"task_id": "t", "status": "confirmed"}, "tx_hash"),
        ({"task_id": "t", "status": "confirmed", "tx_hash": ""}, "tx_hash"),
        ({"task_id": "t", "status": "confirmed", "tx_hash": "x" * 129}, "tx_hash"),
        ({"task_id": "t", "status": "sent"}, "status"),
        ({"task_id": "", "status": "failed"}, "task_id"),
        ({"status": "failed"}, "task_id"),
        ({"task_id": "t"}, "status"),
    ],
)
def test_a_wrong_body_is_refused_by_field(sandbox, body, field):
    answer = service("token_gateway").post("/internal/g2a-callback", body)

    assert (answer.status, answer.code) == (400, "validation_error")
    assert list(answer.body["error"]["details"]) == [field]


def test_only_the_gateway_may_call(sandbox):
    answer = service("quest_service").post("/internal/g2a-callback", {"task_id": "t", "status": "failed"})

    assert (answer.status, answer.code) == (403, "forbidden")
