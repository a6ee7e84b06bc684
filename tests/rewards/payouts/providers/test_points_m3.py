"""The older dialect of Points Service, spoken to a peer that understands it."""

import pytest

from campaigns.models import ReferralCampaign
from dev.demo.campaigns import demo_campaigns_ensure
from rewards.models import ReferralReward
from rewards.models.codes import Failure
from rewards.payouts.providers.points_m3 import AddM3
from rewards.payouts.providers.registry import peer_named
from rewards.payouts.reconciliation import reconcile
from tests.helpers.api import invite
from tests.helpers.rewards import (
    assert_counters_agree_with_a_recount,
    attempts_of,
    earn,
    fresh,
    nothing_is_under_way,
    pay_due_now,
    pay_until,
)

pytestmark = pytest.mark.usefixtures("campaigns", "patient")


@pytest.fixture(autouse=True)
def _older_dialect(sandbox, patient, settings):
    settings.POINTS_DIALECT = "add_m3"
    settings.PAYOUT_RETRY_BASE_SECONDS = 30
    settings.PAYOUT_RETRY_MAX_SECONDS = 900
    settings.PAYOUT_TIMEOUT_SECONDS = 0.5


def test_the_dialect_is_chosen_by_configuration():
    assert isinstance(peer_named("points"), AddM3)


def test_referrers_and_the_newcomer_are_paid_under_their_actions(sandbox):
    demo_campaigns_ensure()
    assert ReferralCampaign.objects.filter(code="user_invite_default").exists()
    invite("anna", "boris")

    pay_until(nothing_is_under_way)

    rows = sandbox.state()["points"]["transactions"]
    assert {(row["user_id"], row["amount"], row["reason"]) for row in rows} == {
        ("anna", 100, "referral_bonus_referrer"),
        ("boris", 20, "referral_bonus_referee"),
    }
    rewards = ReferralReward.objects.all()
    assert {str(reward.id) for reward in rewards} == {row["external_id"] for row in rows}
    assert {reward.external_tx_id for reward in rewards} == {row["transaction_id"] for row in rows}
    assert_counters_agree_with_a_recount()


@pytest.mark.parametrize("fault", ["commit_then_reset", "commit_then_garbage"])
def test_what_was_applied_before_is_paid_once(sandbox, fault):
    sandbox.fault(peer="points", mode=fault, times=1)
    reward = earn("points", "anna")
    pay_due_now("points")
    assert fresh(reward).in_doubt

    pay_until(nothing_is_under_way)

    (row,) = sandbox.state()["points"]["transactions"]
    assert (fresh(reward).status, fresh(reward).external_tx_id) == ("completed", row["transaction_id"])


def test_a_conflict_is_permanent_and_tells_the_peers_reason(sandbox):
    body = {"error": "EXTERNAL_ID_CONFLICT", "message": "used with another amount", "requestId": "r-1"}
    sandbox.fault(peer="points", mode="status", status=409, body=body, times=1)
    reward = earn("points", "anna")

    pay_due_now("points")

    assert (fresh(reward).status, fresh(reward).in_doubt) == ("failed", False)
    assert fresh(reward).last_failure == Failure(
        "http_status", 409, "EXTERNAL_ID_CONFLICT", "used with another amount"
    )
    assert attempts_of(reward)[-1].error_code == "EXTERNAL_ID_CONFLICT"


def test_the_velocity_cap_only_delays(sandbox):
    sandbox.fault(peer="points", mode="status", status=429, headers={"Retry-After": "1800"}, times=1)
    reward = earn("points", "anna")

    pay_due_now("points")

    waiting = fresh(reward)
    assert (waiting.status, waiting.in_doubt) == ("pending", False)
    assert 1790 < (waiting.next_attempt_at - waiting.first_failed_at).total_seconds() <= 1801
    pay_until(nothing_is_under_way)
    assert fresh(reward).status == "completed"


@pytest.mark.parametrize(
    "body",
    [
        {"transaction_id": "t", "status": "completed", "new_balance": 1},
        {"transactionId": "", "applied": True, "balance": 1},
        {"transactionId": "t", "applied": "yes", "balance": 1},
        {"transactionId": 7, "applied": True, "balance": 1},
    ],
)
def test_an_answer_of_another_form_leaves_the_reward_in_doubt(sandbox, body):
    sandbox.fault(peer="points", mode="status", status=200, body=body, times=1)
    reward = earn("points", "anna")

    pay_due_now("points")

    assert (fresh(reward).status, fresh(reward).in_doubt) == ("sent_to_points", True)


def test_reconciliation_understands_the_older_ledger(sandbox):
    sandbox.fault(peer="points", mode="commit_then_reset", times=1)
    reward = earn("points", "anna")
    pay_due_now("points")

    report = reconcile()

    assert (report.needs_person, fresh(reward).status) == (0, "completed")
