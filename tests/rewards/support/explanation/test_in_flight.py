"""The story agrees with what workers really do: each is told of a reward that a real one has dealt with."""

from datetime import timedelta

import pytest
from django.utils import timezone

from rewards.ledger.services import reward_cancel, reward_retry, reward_unlock, role_upgrade
from rewards.models import PeerCircuit, ReferralReward
from rewards.payouts.callbacks import TaskReport, task_report_accept
from rewards.payouts.circuit_breaker import USERS_TO_OPEN
from rewards.payouts.claim import claim
from rewards.payouts.drain import pay_due_now
from rewards.payouts.providers.registry import peer_named
from rewards.support.explanation.reward import story
from rewards.support.explanation.shape import Story
from rewards.support.explanation.situation import situation_of
from tests.helpers.rewards import campaign_of, earn, fresh, pay_until, time_passes

pytestmark = pytest.mark.usefixtures("campaigns", "patient")


def told(reward: ReferralReward) -> Story:
    return story(situation_of(fresh(reward), timezone.now()))


def test_a_new_reward_is_payable_and_then_paid(sandbox):
    reward = earn("points", "ann")
    assert told(reward).headline == "Pending: ready to be paid."

    pay_due_now("points")

    paid = told(reward)
    assert paid.headline == (
        f"Paid: 10 points through Points Service, transaction {fresh(reward).external_tx_id}."
    )
    assert "by a worker (attempts: 1)" in paid.sentences[0]


def test_a_claimed_reward_is_with_a_worker_until_its_lease_is_over(sandbox):
    reward = earn("points", "ann")
    claim(peer_named("points"), 1)
    assert told(reward).headline == "A worker is paying it through Points Service."

    time_passes()

    assert told(reward).headline.startswith("Unconfirmed: the worker paying it did not report")
    pay_due_now("points")
    assert told(reward).headline.startswith("Paid: ")


def test_a_peer_that_refuses_connections_holds_back_also_what_was_never_tried(sandbox):
    sandbox.fault(peer="points", mode="refuse", seconds=60)
    tried = [earn("points", f"user-{number}") for number in range(USERS_TO_OPEN)]
    pay_due_now("points")
    late = earn("points", "late")
    pay_due_now("points")

    for reward in (tried[0], late):
        assert told(reward).headline.startswith("Pending: Points Service has been unavailable since ")
        assert "Next attempt: in" in told(reward).next_step
    assert told(late).headline.endswith("– it refuses the connection.")
    assert "failing since" in " ".join(told(tried[0]).sentences)
    assert "failing since" not in " ".join(told(late).sentences)

    sandbox.clear_faults()
    pay_until(lambda: fresh(late).status == fresh(tried[0]).status == "completed")
    assert told(late).headline.startswith("Paid: ")


@pytest.mark.parametrize(
    ("order", "trouble"),
    [
        ({"mode": "status", "status": 401}, "it denies us access (HTTP 401)"),
        ({"mode": "status", "status": 404}, "its address is wrong in our settings (HTTP 404)"),
    ],
)
def test_a_wrong_configuration_is_told_after_the_first_call(sandbox, order, trouble):
    sandbox.fault(peer="points", **order)
    reward = earn("points", "ann")

    pay_due_now("points")

    assert told(reward).headline.endswith(f"– {trouble}.")


@pytest.mark.parametrize(
    ("order", "trouble"),
    [
        ({"mode": "status", "status": 503}, "an error on its side (HTTP 503)"),
        ({"mode": "hang", "seconds": 5}, "it does not respond in time"),
        ({"mode": "reset"}, "it drops the connection"),
        ({"mode": "garbage"}, "its response is not as agreed"),
        ({"mode": "refuse", "seconds": 60}, "it refuses the connection"),
    ],
    ids=lambda value: value.get("mode") if isinstance(value, dict) else "",
)
def test_what_goes_wrong_with_a_peer_is_told_in_words(sandbox, order, trouble):
    sandbox.fault(peer="points", **order)
    rewards = [earn("points", f"user-{number}") for number in range(USERS_TO_OPEN)]
    pay_due_now("points")
    late = earn("points", "late")

    assert told(late).headline.endswith(f"– {trouble}.")
    in_doubt = order["mode"] != "refuse"
    assert fresh(rewards[0]).in_doubt is in_doubt
    assert told(rewards[0]).headline.startswith("Unconfirmed: " if in_doubt else "Pending: ")


def test_a_limit_on_one_user_is_told_as_one(sandbox):
    sandbox.fault(peer="points", mode="status", status=429, user_id="ann")
    slow, quick = earn("points", "ann"), earn("points", "bob")
    pay_due_now("points")

    assert told(slow).headline == "Pending: Points Service asked us to retry this reward later (HTTP 429)."
    assert told(quick).headline.startswith("Paid: ")


def test_a_call_without_an_answer_is_in_doubt_until_it_is_known(sandbox):
    sandbox.fault(peer="points", mode="commit_then_reset", times=1)
    reward = earn("points", "ann")
    pay_due_now("points")

    assert told(reward).headline == "Unconfirmed: Points Service has not confirmed the payout."
    pay_until(lambda: fresh(reward).status == "completed")
    assert sandbox.state()["points"]["balances"]["ann"] == 10
    assert "attempts: 2" in told(reward).sentences[0]


def test_a_refusal_is_told_with_the_peers_reason_and_a_retry_by_whom(sandbox):
    sandbox.fault(peer="points", mode="status", status=422, body={"error": "account_closed"}, times=1)
    reward = earn("points", "ann")
    pay_due_now("points")
    refused = told(reward)
    reward_retry(reward_id=reward.pk, by="staff:olga", reason="it is open again")

    assert refused.headline == "Failed: rejected by Points Service."
    assert "account_closed" in refused.sentences[0]
    assert any("by olga: “it is open again”" in sentence for sentence in told(reward).sentences)
    pay_due_now("points")
    assert told(reward).headline.startswith("Paid: ")


def test_a_token_task_is_told_from_its_beginning_to_its_end(sandbox):
    sandbox.fault(peer="tokens", mode="task_fails", error="out of gas", times=1)
    reward = earn("tokens", "ann")
    pay_due_now("tokens")
    task = fresh(reward).external_task_id

    assert told(reward).headline == f"In progress: Token Gateway is working on task {task}."
    pay_until(lambda: fresh(reward).status == "failed")
    failed = told(reward)
    assert failed.headline.startswith("Failed: Token Gateway reports that the token task ended without")
    assert f"{reward.pk}:2" in failed.next_step
    reward_retry(reward_id=reward.pk, by="staff:olga", reason="there is gas again")
    pay_until(lambda: fresh(reward).status == "completed")
    tasks = [task["external_id"] for task in sandbox.state()["tokens"]["tasks"]]
    assert tasks == [str(reward.pk), f"{reward.pk}:2"]


def test_a_task_confirmed_by_the_gateway_itself_says_by_whom(sandbox):
    reward = earn("tokens", "ann")
    pay_due_now("tokens")
    report = TaskReport(task_id=fresh(reward).external_task_id, status="confirmed", tx_hash="0xabc")
    task_report_accept(report, by="token_gateway", request_id="r")

    assert told(reward).headline == "Paid: 1.5 G2A through Token Gateway, transaction 0xabc."
    assert "by token_gateway" in told(reward).sentences[0]


@pytest.mark.parametrize("peer", ["points", "tokens"])
def test_what_has_failed_for_three_days_is_given_up_as_was_foretold(sandbox, peer):
    sandbox.fault(peer=peer, mode="status", status=429, user_id="ann")
    reward = earn(peer, "ann")
    pay_due_now(peer)
    foretold = " ".join(told(reward).sentences)
    name = {"points": "Points Service", "tokens": "Token Gateway"}[peer]
    assert f"while {name} works for others, its status becomes “Failed”" in foretold

    since = timezone.now() - timedelta(hours=73)
    ReferralReward.objects.filter(pk=reward.pk).update(first_failed_at=since)
    earn(peer, "bob")
    time_passes()
    pay_due_now(peer)
    time_passes()
    pay_due_now(peer)

    assert fresh(reward).status == "failed"
    assert told(reward).headline.startswith("Failed: attempts stopped. It had been failing since ")


def test_locked_held_unlocked_by_a_role_and_cancelled(sandbox):
    campaign_of("gated", {"level1": {"points_per_event": 3, "locked_until_role": "vip", "hold_days": 2}})
    by_role, by_hand = earn("gated", "ann"), earn("gated", "bob")
    assert told(by_role).headline.startswith("Locked: requires the role VIP")
    assert "on hold period until" in " ".join(told(by_role).sentences)

    role_upgrade(user_id="ann", new_role="vip", occurred_at=timezone.now(), by="user_service")
    reward_unlock(reward_id=by_hand.pk, by="staff:olga", reason="ticket 1")

    for reward, why in (
        (by_role, "user_service: “the user's role became VIP”"),
        (by_hand, "olga: “ticket 1”"),
    ):
        assert told(reward).headline.startswith("Pending: on hold period until ")
        assert any(why in sentence for sentence in told(reward).sentences)
    reward_cancel(reward_id=by_hand.pk, by="staff:olga", reason="a double")
    assert told(by_hand).headline == "Cancelled by olga: “a double”."


def test_a_peer_without_an_address_is_told(sandbox, settings):
    settings.POINTS_SERVICE_URL = ""
    reward = earn("points", "ann")
    pay_due_now("points")

    assert told(reward).headline == "Pending: the address of Points Service is not set."


def test_an_open_circuit_of_one_peer_says_nothing_of_the_other(sandbox):
    PeerCircuit.objects.create(peer="tokens", state="open", opened_at=timezone.now(), probe_at=timezone.now())
    reward = earn("points", "ann")

    assert told(reward).headline == "Pending: ready to be paid."
