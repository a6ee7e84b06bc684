"""`/admin/rewards`: support finds rewards and moves them, each time saying why."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from rewards.models import ReferralReward, ReferralStats, RewardStatus, RewardTransition
from tests.factories import RewardFactory, StatsFactory
from tests.helpers.api import BASE, admin, buy, invite, user
from tests.helpers.failures import ACCOUNT_CLOSED, kept

pytestmark = pytest.mark.django_db

NOWHERE = "00000000-0000-7000-8000-000000000000"
WHY = {"reason": "asked by the user"}
ALLOWED = {
    "unlock": {"locked": "pending"},
    "retry": {"failed": "pending"},
    "cancel": dict.fromkeys(("locked", "pending", "failed", "on_hold"), "cancelled"),
}


BY_PERSON = {
    "unlock": "unlocked_by_person",
    "retry": "retried_by_person",
    "cancel": "cancelled_by_person",
}


def reward_in(status, **fields):
    """A reward in this status, with its sum in the stats."""
    workable = status in ("pending", "sent_to_points", "sent_to_token")
    fields = {
        "status": status,
        "next_attempt_at": timezone.now() if workable else None,
        "required_min_role": "vip" if status == "locked" else None,
        "external_tx_id": "tx-1" if status == "completed" else None,
        **fields,
    }
    if status == "sent_to_token":
        fields |= {"currency": "g2a", "points_amount": None, "g2a_amount": 10}
    reward = RewardFactory(**fields)
    kind = {"locked": "locked", "completed": "earned"}.get(status, "pending")
    sums = {} if status == "cancelled" else {f"{reward.currency}_{kind}": 10, "total_events": 1}
    StatsFactory(campaign=reward.campaign, user_id=reward.beneficiary_user_id, **sums)
    return reward


def move(action, reward, body=WHY):
    return admin().post(f"/admin/rewards/{reward.id}/{action}", body)


@pytest.mark.parametrize("status", RewardStatus.values)
@pytest.mark.parametrize("action", ALLOWED)
def test_a_person_may_move_a_reward_along_the_table_only(action, status):
    reward = reward_in(status)

    answer = move(action, reward)

    reward.refresh_from_db()
    if target := ALLOWED[action].get(status):
        assert answer.status == 200
        assert answer.body["status"] == reward.status == target
        trail = RewardTransition.objects.get()
        assert (trail.from_status, trail.to_status) == (status, target)
        assert (trail.actor, trail.reason) == ("admin:the-admin", "asked by the user")
        assert trail.reason_code == BY_PERSON[action]
    else:
        assert (answer.status, answer.code) == (409, "illegal_transition")
        assert reward.status == status
        assert not RewardTransition.objects.exists()


@pytest.mark.parametrize(
    "body", [{}, {"reason": ""}, {"reason": "  "}, {"reason": None}, {"reason": 5}, {"reason": "x" * 501}]
)
@pytest.mark.parametrize(
    ("action", "status"), [("unlock", "locked"), ("retry", "failed"), ("cancel", "pending")]
)
def test_a_reason_is_required(action, status, body):
    reward = reward_in(status)

    answer = move(action, reward, body)

    assert (answer.status, answer.code) == (400, "validation_error")
    assert list(answer.body["error"]["details"]) == ["reason"]
    reward.refresh_from_db()
    assert reward.status == status


@pytest.mark.parametrize("action", ALLOWED)
def test_an_unknown_reward_is_not_found(action):
    answer = admin().post(f"/admin/rewards/{NOWHERE}/{action}", WHY)

    assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize("status", ["pending", "failed"])
def test_a_reward_in_doubt_is_not_cancelled(status):
    reward = reward_in(status, in_doubt=True)

    answer = move("cancel", reward)

    assert (answer.status, answer.code) == (409, "illegal_transition")


def test_unlocking_counts_as_the_role_but_not_as_the_hold_days():
    available_at = timezone.now() + timedelta(days=3)
    reward = reward_in("locked", available_at=available_at)

    move("unlock", reward)

    reward.refresh_from_db()
    assert (reward.next_attempt_at, reward.required_min_role) == (available_at, "vip")
    stats = ReferralStats.objects.get()
    assert (stats.points_locked, stats.points_pending) == (0, 10)


def test_a_retry_is_due_at_once():
    reward = reward_in("failed", failures=7, first_failed_at=timezone.now())

    move("retry", reward)

    reward.refresh_from_db()
    assert reward.next_attempt_at <= timezone.now()
    assert (reward.failures, reward.first_failed_at) == (0, None)


def test_cancelling_leaves_nothing_due_and_nothing_in_the_sums():
    reward = reward_in("pending")

    move("cancel", reward)

    reward.refresh_from_db()
    assert reward.next_attempt_at is None
    stats = ReferralStats.objects.get()
    assert (stats.points_pending, stats.total_events) == (0, 0)


def test_a_move_is_made_once():
    reward = reward_in("locked")

    assert [move("unlock", reward).status for _ in range(2)] == [200, 409]
    assert RewardTransition.objects.count() == 1


# --- the list ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("campaigns")
def test_support_finds_rewards_by_what_it_knows():
    # given
    invite("user-a", "user-b")
    invite("user-b", "user-c")
    event = buy("voucher_premium_purchased", "user-c").body

    def found(**query):
        answer = admin().get("/admin/rewards", page_size=100, **query)
        assert answer.status == 200
        return {item["id"] for item in answer.body["items"]}

    rewards = ReferralReward.objects.all()

    # then
    assert found() == ids(rewards)
    assert found(user_id="user-a") == ids(rewards.filter(beneficiary_user_id="user-a"))
    assert found(user_id="user-a", status="locked") == ids(
        rewards.filter(beneficiary_user_id="user-a", status="locked")
    )
    assert found(currency="g2a") == ids(rewards.filter(currency="g2a"))
    assert found(event_id=event["referral_event_id"]) == {reward["id"] for reward in event["rewards"]}
    campaign_id = rewards.filter(currency="g2a").first().campaign_id
    assert found(campaign_id=campaign_id) == ids(rewards.filter(campaign_id=campaign_id))
    assert found(tx_id="none-such") == set()


def ids(rewards):
    return {str(reward.id) for reward in rewards}


def test_support_sees_why_a_reward_is_where_it_is():
    reward = reward_in("failed", **kept(ACCOUNT_CLOSED), attempts=3)

    (item,) = admin().get("/admin/rewards").body["items"]

    assert (item["id"], item["last_error"], item["attempts"]) == (
        str(reward.id),
        "HTTP 422 account_closed the account is closed",
        3,
    )
    assert (item["in_doubt"], item["next_attempt_at"]) == (False, None)


@pytest.mark.parametrize(
    ("permission", "status"), [("change_referralreward", 200), ("view_referralreward", 403)]
)
def test_signed_in_staff_need_the_permission_and_act_in_their_own_name(django_user_model, permission, status):
    # given
    reward = reward_in("locked")
    person = django_user_model.objects.create_user("jane", is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename=permission))
    client = Client()
    client.force_login(person)

    # when
    response = client.post(
        f"{BASE}/admin/rewards/{reward.id}/unlock", '{"reason": "x"}', content_type="application/json"
    )

    # then
    assert response.status_code == status
    actors = list(RewardTransition.objects.values_list("actor", flat=True))
    assert actors == (["staff:jane"] if status == 200 else [])


def test_users_move_nothing_not_even_their_own():
    reward = reward_in("locked")

    for action in ALLOWED:
        assert user("user-a").post(f"/admin/rewards/{reward.id}/{action}", WHY).status == 403
