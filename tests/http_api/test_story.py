"""The main job in one process: registrations, purchases, a partner, a role, and everything paid."""

import time

import pytest

from rewards.models import ReferralReward
from rewards.payouts.drain import pay_due_now
from tests.helpers.api import become, buy_quest, invite, now_text, service, user


@pytest.mark.usefixtures("campaigns")
def test_everybody_is_paid_what_the_rules_say(sandbox):
    # given A invited B and B invited C
    first, second = invite("user-a", "user-b"), invite("user-b", "user-c")
    assert first.body["success"]
    assert second.body["success"]

    # when C buys a quest, a voucher and a stay, A brings a partner, and A becomes VIP
    assert buy_quest("user-c").status == 200
    voucher = {
        "event_type": "voucher_premium_purchased",
        "referred_user_id": "user-c",
        "occurred_at": now_text(),
    }
    assert service("voucher_service").post("/internal/event", voucher).status == 200
    stay = {
        "event_type": "rielt_booking_made",
        "referred_user_id": "user-c",
        "occurred_at": now_text(),
        "amount_base": "1000.50",
    }
    assert service("rielt_service").post("/internal/event", stay).status == 200
    partner = {
        "business_partner_id": "partner-1",
        "onboarding_user_id": "user-a",
        "campaign_code": "partner_onboarding_default",
        "occurred_at": now_text(),
    }
    assert service("rf_service").post("/internal/partner-onboarded", partner).status == 200
    unlocked = become("user-a", "vip")
    assert unlocked.body == {"success": True, "unlocked_rewards_count": 5}
    _pay_until_settled()

    # then the peers' ledgers say what the rules say
    state = sandbox.state()
    assert state["points"]["balances"] == {
        "user-a": 100 + 50 + 5 + 15 + 20 + 500,
        "user-b": 20 + 100 + 10 + 30 + 50,
        "user-c": 20,
    }
    assert state["tokens"]["balances"] == {"user-a": "5.500000000", "user-b": "1.500000000"}
    assert set(ReferralReward.objects.values_list("status", flat=True)) == {"completed"}
    assert not ReferralReward.objects.filter(external_tx_id=None).exists()
    stats = {row["campaign_code"]: row for row in user("user-a").get("/my/stats").body["campaigns"]}
    assert stats["user_invite_default"]["total_points_earned"] == 150
    assert stats["partner_onboarding_default"]["total_g2a_earned"] == "5.000000000"


def _pay_until_settled() -> None:
    for _ in range(200):
        pay_due_now("points")
        pay_due_now("tokens")
        if not ReferralReward.objects.exclude(status="completed").exists():
            return
        time.sleep(0.02)
    pytest.fail(str(list(ReferralReward.objects.exclude(status="completed").values())))
