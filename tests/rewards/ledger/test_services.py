"""What role messages and support do to rewards."""

from datetime import timedelta

import pytest
from django.utils import timezone

from campaigns.models import CampaignSpend
from kernel.errors import IllegalTransition, NotFound, ValidationFailed
from referral.models import UserRole
from rewards.intake.events import event_accept
from rewards.ledger.services import reward_cancel, reward_retry, reward_unlock, role_upgrade
from rewards.models import (
    ReferralReward,
    ReferralStats,
    ReferredCounter,
    ReferrerDayCounter,
    RewardTransition,
)
from rewards.payouts.drain import pay_due_now
from tests.helpers.rewards import (
    assert_counters_agree_with_a_recount,
    campaign_of,
    done,
    earn,
    fresh,
    trail_of,
)

pytestmark = pytest.mark.usefixtures("campaigns")

ACTIONS = {"unlock": reward_unlock, "retry": reward_retry, "cancel": reward_cancel}
NOBODY = "01890000-0000-7000-8000-000000000000"


@pytest.fixture
def locked(db):
    """A reward of 10 points that waits for VIP, with three hold days."""
    level = {"points_per_event": 10, "locked_until_role": "vip", "hold_days": 3}
    campaign_of("locked", {"level1": level}, budget_points=100)
    return earn("locked", "user-a")


def failed_reward(sandbox):
    sandbox.fault(peer="points", mode="status", status=422, times=1)
    reward = earn("points", "user-a")
    pay_due_now("points")
    assert fresh(reward).status == "failed"
    return reward


def stats_of(reward):
    return ReferralStats.objects.get(user_id=reward.beneficiary_user_id, campaign_id=reward.campaign_id)


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS.keys())
@pytest.mark.parametrize("reason", ["", "   ", None, 7, "x" * 501, "a\x00b"])
def test_a_person_must_say_why(action, reason):
    reward = earn("points", "user-a")

    with pytest.raises(ValidationFailed) as refusal:
        action(reward_id=reward.id, by="support", reason=reason)

    assert list(refusal.value.details) == ["reason"]
    assert trail_of(reward) == []


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS.keys())
def test_a_reward_that_does_not_exist_is_not_found(action):
    with pytest.raises(NotFound):
        action(reward_id=NOBODY, by="support", reason="why")


def test_support_unlocks_a_reward_but_the_hold_days_stay(locked):
    # when
    reward_unlock(reward_id=locked.id, by="support:anna", reason="  agreed with the user ")

    # then
    open_now = fresh(locked)
    assert (open_now.status, open_now.next_attempt_at) == ("pending", locked.available_at)
    assert locked.available_at - timezone.now() > timedelta(days=2)
    move = RewardTransition.objects.get(reward=locked)
    assert (move.from_status, move.to_status) == ("locked", "pending")
    assert (move.actor, move.reason) == ("support:anna", "agreed with the user")
    assert (stats_of(locked).points_locked, stats_of(locked).points_pending) == (0, 10)
    assert_counters_agree_with_a_recount()


def test_a_later_downgrade_locks_nothing_again(locked):
    role_upgrade(user_id="user-a", new_role="vip", occurred_at=timezone.now(), by="user_service")

    role_upgrade(user_id="user-a", new_role="user", occurred_at=timezone.now(), by="user_service")

    assert fresh(locked).status == "pending"
    assert UserRole.objects.get(pk="user-a").role == "user"


def test_a_failed_reward_is_sent_again_from_a_clean_slate(sandbox):
    # given
    reward = failed_reward(sandbox)

    # when
    reward_retry(reward_id=reward.id, by="support", reason="repaired")

    # then
    again = fresh(reward)
    assert (again.status, again.failures, again.first_failed_at) == ("pending", 0, None)
    assert again.next_attempt_at <= timezone.now()
    pay_due_now("points")
    assert fresh(reward).status == "completed"
    assert len(sandbox.ledger(str(reward.id))["transactions"]) == 1
    assert_counters_agree_with_a_recount()


def test_the_wrong_status_is_an_illegal_transition(sandbox, locked):
    # given
    failed, paid = failed_reward(sandbox), earn("points", "user-b")
    pay_due_now("points")
    assert fresh(paid).status == "completed"
    cancelled = earn("points", "user-c")
    reward_cancel(reward_id=cancelled.id, by="support", reason="why")

    # then each action is refused where the table does not have it
    refused = [
        (reward_unlock, failed),
        (reward_unlock, paid),
        (reward_unlock, cancelled),
        (reward_retry, locked),
        (reward_retry, paid),
        (reward_retry, cancelled),
        (reward_cancel, paid),
        (reward_cancel, cancelled),
    ]
    for action, reward in refused:
        before = trail_of(reward)
        with pytest.raises(IllegalTransition):
            action(reward_id=reward.id, by="support", reason="why")
        assert trail_of(reward) == before
    assert_counters_agree_with_a_recount()


@pytest.mark.parametrize("status", ["locked", "pending", "failed"])
def test_cancelling_gives_back_the_budget_and_the_place_in_the_limits(sandbox, status):
    # given a campaign in which one event fills every limit and the budget
    level = {"points_per_event": 10} | ({"locked_until_role": "vip"} if status == "locked" else {})
    limits = {
        "max_events_per_referred": 1,
        "max_events_per_referrer": 1,
        "max_events_per_referrer_per_day": 1,
        "budget_points": 10,
    }
    campaign_of("full", {"level1": level}, **limits)
    reward = earn("full", "user-z", referred="friend")
    if status == "failed":
        sandbox.fault(peer="points", mode="status", status=422)
        pay_due_now("points")
    assert fresh(reward).status == status
    assert event_accept(done("full", "user-z", referred="friend")).reason == "limit_reached"

    # when
    reward_cancel(reward_id=reward.id, by="support:anna", reason="a mistake")

    # then
    cancelled = fresh(reward)
    assert (cancelled.status, cancelled.next_attempt_at) == ("cancelled", None)
    move = RewardTransition.objects.filter(reward=reward).latest("at")
    assert (move.from_status, move.actor, move.reason) == (status, "support:anna", "a mistake")
    assert ReferredCounter.objects.get(referred_key="friend").events == 0
    assert ReferrerDayCounter.objects.get(referrer_user_id="user-z").events == 0
    assert stats_of(reward).total_events == 0
    assert CampaignSpend.objects.get(campaign_id=reward.campaign_id).points == 0
    assert_counters_agree_with_a_recount()
    assert event_accept(done("full", "user-z", referred="friend")).reason is None


def test_an_event_keeps_its_place_while_one_of_its_rewards_is_left():
    # given an event that earns points and G2A
    level = {"points_per_event": 10, "g2a_per_event": "0.5"}
    campaign_of("both", {"level1": level}, max_events_per_referred=1, budget_points=10, budget_g2a="1")
    first, second = event_accept(done("both", "user-a", referred="friend")).rewards

    # when one is cancelled
    reward_cancel(reward_id=first.id, by="support", reason="why")

    # then the event still counts
    assert ReferredCounter.objects.get(referred_key="friend").events == 1
    assert_counters_agree_with_a_recount()

    # and with the other it does not
    reward_cancel(reward_id=second.id, by="support", reason="why")
    assert ReferredCounter.objects.get(referred_key="friend").events == 0
    assert_counters_agree_with_a_recount()


def test_a_role_message_unlocks_what_it_opens_once():
    # given rewards that wait for VIP and for PRO
    for role in ("vip", "pro"):
        campaign_of(f"for-{role}", {"level1": {"points_per_event": 10, "locked_until_role": role}})
        earn(f"for-{role}", "user-a")
    now = timezone.now()

    # then each message opens its own, and a repeat or an older one opens nothing
    def hears(role, occurred_at):
        return role_upgrade(user_id="user-a", new_role=role, occurred_at=occurred_at, by="user_service")

    assert hears("vip", now - timedelta(minutes=2)) == 1
    assert hears("vip", now - timedelta(minutes=2)) == 0
    assert hears("pro", now - timedelta(minutes=3)) == 0
    assert UserRole.objects.get(pk="user-a").role == "vip"
    assert hears("pro", now - timedelta(minutes=2)) == 1
    assert hears("vip", now - timedelta(minutes=2)) == 0
    assert UserRole.objects.get(pk="user-a").role == "pro"
    assert set(ReferralReward.objects.values_list("status", flat=True)) == {"pending"}
    reasons = RewardTransition.objects.order_by("at").values_list("actor", "reason_code", "reason_params")
    assert list(reasons) == [
        ("user_service", "role_upgraded", {"role": "vip"}),
        ("user_service", "role_upgraded", {"role": "pro"}),
    ]
    assert_counters_agree_with_a_recount()
