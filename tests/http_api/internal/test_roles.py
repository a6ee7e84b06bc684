"""`POST /internal/user-role-upgraded`: roles move forward and open what was locked for them."""

import pytest

from referral.models import UserRole
from rewards.models import ReferralReward, ReferralStats, RewardTransition
from tests.helpers.api import amounts_of, become, buy_quest, change_rules, invite, register, service

pytestmark = pytest.mark.usefixtures("campaigns")

DAY = "2025-01-0{}T00:00:00Z"


@pytest.fixture
def locked(campaigns):
    """A has 50 points of an invitation and 5 of a purchase, locked until VIP."""
    invite("user-a", "user-b")
    invite("user-b", "user-c")
    buy_quest("user-c")


def locked_of(user_id):
    return ReferralReward.objects.filter(beneficiary_user_id=user_id, status="locked").count()


def unlocked(answer):
    assert answer.status == 200
    assert answer.body["success"] is True
    return answer.body["unlocked_rewards_count"]


@pytest.mark.usefixtures("locked")
@pytest.mark.parametrize(("role", "count"), [("user", 0), ("vip", 2), ("pro", 2)])
def test_a_role_opens_what_needs_it(role, count):
    answer = become("user-a", role)

    assert answer.body == {"success": True, "unlocked_rewards_count": count}
    assert locked_of("user-a") == 2 - count


def test_a_role_that_is_too_low_opens_nothing():
    # given
    rules = {"levels": {"level1": {"points_per_purchase": 10, "locked_until_role": "pro"}}}
    change_rules("quest_purchase_default", rules)
    invite("user-a", "user-b")
    buy_quest("user-b")

    # then
    assert unlocked(become("user-a", "vip")) == 0
    assert unlocked(become("user-a", "pro")) == 1


@pytest.mark.usefixtures("locked")
def test_what_was_opened_is_due_and_leaves_its_trail_and_the_sums_follow():
    # given
    before = ReferralStats.objects.get(user_id="user-a", campaign__code="quest_purchase_default")
    assert (before.points_locked, before.points_pending) == (5, 0)

    # when
    become("user-a", "vip")

    # then
    for reward in ReferralReward.objects.filter(beneficiary_user_id="user-a", required_min_role="vip"):
        assert (reward.status, reward.next_attempt_at) == ("pending", reward.available_at)
        trail = RewardTransition.objects.get(reward=reward)
        assert (trail.from_status, trail.to_status) == ("locked", "pending")
        assert (trail.actor, trail.reason_code) == ("service:user_service", "role_upgraded")
        assert (trail.reason_params, trail.reason) == ({"role": "vip"}, "")
    before.refresh_from_db()
    assert (before.points_locked, before.points_pending) == (0, 5)


@pytest.mark.usefixtures("locked")
def test_a_repeat_unlocks_nothing_twice():
    first = become("user-a", "vip", DAY.format(2))

    assert unlocked(first) == 2
    assert unlocked(become("user-a", "vip", DAY.format(2))) == 0
    assert unlocked(become("user-a", "vip", DAY.format(3))) == 0
    assert RewardTransition.objects.count() == 2


@pytest.mark.parametrize(
    ("messages", "role"),
    [
        ([("vip", 1), ("pro", 2)], "pro"),
        ([("pro", 2), ("vip", 1)], "pro"),
        ([("pro", 1), ("user", 2)], "user"),
        ([("user", 2), ("pro", 1)], "user"),
        ([("vip", 1), ("pro", 1)], "pro"),
        ([("pro", 1), ("vip", 1)], "pro"),
        ([("pro", 1), ("user", 3), ("vip", 2)], "user"),
    ],
)
def test_the_newest_message_is_the_truth_in_whatever_order_they_come(messages, role):
    for said, day in messages:
        assert unlocked(become("user-a", said, DAY.format(day))) == 0

    assert UserRole.objects.get(user_id="user-a").role == role


@pytest.mark.usefixtures("locked")
def test_an_old_message_opens_nothing():
    become("user-a", "user", DAY.format(5))

    assert unlocked(become("user-a", "vip", DAY.format(4))) == 0
    assert locked_of("user-a") == 2


@pytest.mark.usefixtures("locked")
def test_a_downgrade_locks_nothing_again_but_counts_from_now_on():
    # given
    become("user-a", "vip", DAY.format(2))

    # when
    assert unlocked(become("user-a", "user", DAY.format(3))) == 0

    # then
    assert locked_of("user-a") == 0
    assert amounts_of(buy_quest("user-c"))[1] == ("user-a", 2, 5, "locked")


def test_an_unknown_user_is_created():
    assert unlocked(become("user-new", "vip", DAY.format(1))) == 0

    known = UserRole.objects.get(user_id="user-new")
    assert known.role == "vip"
    assert known.first_heard_at is not None


def test_a_user_heard_of_at_registration_takes_any_first_role():
    register("user-b", None)
    heard = UserRole.objects.get(user_id="user-b").first_heard_at

    become("user-b", "vip", DAY.format(1))

    known = UserRole.objects.get(user_id="user-b")
    assert (known.role, known.first_heard_at) == ("vip", heard)


def test_the_old_role_may_be_told_and_decides_nothing():
    body = {"user_id": "user-a", "old_role": "pro", "new_role": "vip", "occurred_at": DAY.format(1)}

    answer = service("user_service").post("/internal/user-role-upgraded", body)

    assert answer.body == {"success": True, "unlocked_rewards_count": 0}
    assert UserRole.objects.get().role == "vip"


@pytest.mark.usefixtures("locked")
def test_only_ones_own_rewards_are_opened():
    assert unlocked(become("user-b", "pro")) == 0
    assert locked_of("user-a") == 2


@pytest.mark.usefixtures("locked")
def test_hold_days_stay_when_the_lock_opens():
    level2 = {"points_per_purchase": 5, "locked_until_role": "vip", "hold_days": 30}
    change_rules("quest_purchase_default", {"levels": {"level2": level2}})
    reward_id = buy_quest("user-c").body["rewards"][0]["id"]

    become("user-a", "vip")

    reward = ReferralReward.objects.get(pk=reward_id)
    assert reward.next_attempt_at == reward.available_at
    assert (reward.available_at - reward.referral_event.occurred_at).days == 30
