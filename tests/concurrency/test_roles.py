"""A role message crosses events and other role messages (D5, D6)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from referral.models import UserRole
from referral.services import user_heard
from rewards.intake import acceptance
from rewards.intake.events import event_accept, events_accept
from rewards.ledger import services
from rewards.ledger.services import role_upgrade
from rewards.models import ReferralReward, RewardTransition
from tests.helpers.races import Pause, all_at_once, cross, function_without
from tests.helpers.rewards import assert_counters_agree_with_a_recount, campaign_of, done

SHARED_ROLE_LOCK = "SELECT 72003, hashtext(u.id)"


@pytest.fixture(autouse=True)
def vip_only(committed_db):
    level = {"points_per_event": 10, "locked_until_role": "vip"}
    campaign_of("vip", {"level1": level, "level2": level, "referred": level})


@pytest.fixture(params=[True, False], ids=["known user", "user never heard of"])
def known(request, vip_only):
    if request.param:
        user_heard("user-a")


def earning(**fields):
    event = done("vip", "user-a", referred="user-b", **fields)
    return lambda: event_accept(event)


def becoming(role, minutes=0, user="user-a"):
    moment = timezone.now() + timedelta(minutes=minutes)
    return lambda: role_upgrade(user_id=user, new_role=role, occurred_at=moment, by="user_service")


def status_of(user):
    return ReferralReward.objects.get(beneficiary_user_id=user).status


def before_the_upgrade_ends():
    return Pause(services, "_unlock_by_role")


@pytest.mark.usefixtures("known")
def test_an_upgrade_that_comes_during_an_event_unlocks_its_reward():
    event, unlocked, waited = cross(earning(), becoming("vip"), Pause(acceptance, "open_batch"))

    assert waited
    assert event.rewards[0].status == "locked"
    assert unlocked == 1
    assert (status_of("user-a"), status_of("user-b")) == ("pending", "locked")
    assert_counters_agree_with_a_recount()


@pytest.mark.usefixtures("known")
def test_an_event_that_comes_during_an_upgrade_is_not_locked():
    unlocked, event, waited = cross(becoming("vip"), earning(), before_the_upgrade_ends())

    assert waited
    assert unlocked == 0
    assert event.rewards[0].status == "pending"
    assert RewardTransition.objects.count() == 0
    assert_counters_agree_with_a_recount()


def test_the_referred_users_own_upgrade_is_not_missed_either():
    _, unlocked, waited = cross(earning(), becoming("vip", user="user-b"), Pause(acceptance, "open_batch"))

    assert waited
    assert unlocked == 1
    assert (status_of("user-a"), status_of("user-b")) == ("locked", "pending")


@pytest.mark.usefixtures("known")
def test_twin_when_an_upgrade_does_not_wait_the_reward_stays_locked(monkeypatch):
    monkeypatch.setattr(services, "lock_role", lambda user_id: None)

    _, unlocked, _ = cross(earning(), becoming("vip"), Pause(acceptance, "open_batch"))

    assert unlocked == 0
    assert UserRole.objects.get(pk="user-a").role == "vip"
    assert status_of("user-a") == "locked"


@pytest.mark.usefixtures("known")
def test_twin_when_an_event_does_not_wait_the_reward_stays_locked():
    with function_without("referral_events_open", SHARED_ROLE_LOCK, instead="SELECT 72999, hashtext(u.id)"):
        cross(becoming("vip"), earning(), before_the_upgrade_ends())

    assert UserRole.objects.get(pk="user-a").role == "vip"
    assert status_of("user-a") == "locked"


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(("older", "newer"), [("user", "vip"), ("pro", "vip"), ("vip", "user")])
@pytest.mark.parametrize("newer_first", [True, False])
def test_of_two_messages_at_once_the_newer_is_the_truth(older, newer, newer_first):
    # given
    messages = [becoming(newer), becoming(older, minutes=-1)]

    # when
    _, _, waited = cross(*(messages if newer_first else messages[::-1]), before_the_upgrade_ends())

    # then
    assert waited
    assert UserRole.objects.get(pk="user-a").role == newer


def test_twin_without_the_lock_an_older_message_wins(monkeypatch):
    user_heard("user-a")
    monkeypatch.setattr(services, "lock_role", lambda user_id: None)

    cross(becoming("vip"), becoming("user", minutes=-1), before_the_upgrade_ends())

    assert UserRole.objects.get(pk="user-a").role == "user"


def test_the_same_upgrade_many_times_at_once_unlocks_once():
    earning()()
    message = becoming("vip")

    unlocked = all_at_once([message for _ in range(8)])

    assert sorted(unlocked) == [0] * 7 + [1]
    assert RewardTransition.objects.count() == 1
    assert_counters_agree_with_a_recount()


def test_upgrades_in_the_middle_of_many_events_leave_nothing_locked():
    # given batches about the same people, and an upgrade for each of them
    users = [f"user-{number}" for number in range(6)]
    batches = [[done("vip", user, referred=f"{user}-{lot}") for user in users] for lot in range(4)]
    works = [lambda batch=batch: events_accept(batch) for batch in batches]
    works += [becoming("vip", user=user) for user in users]

    # when
    answers = all_at_once(works)

    # then
    assert not any(isinstance(answer, Exception) for answer in answers)
    locked = ReferralReward.objects.filter(status="locked", beneficiary_user_id__in=users)
    assert not locked.exists()
    assert_counters_agree_with_a_recount()
