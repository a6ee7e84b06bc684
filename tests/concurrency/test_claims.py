"""A claim that crosses a registration or another claim: still one referrer (D1, D2)."""

import pytest
from django.utils import timezone

from referral import services as relations
from referral.models import ReferralEvent, ReferralRelation
from referral.services import link_create, user_heard
from rewards.intake.commands import UserRegistered
from rewards.intake.registrations import claim_accept, registration_accept
from rewards.models import ReferralReward
from tests.helpers.races import Pause, all_at_once, cross, table_without
from tests.helpers.rewards import assert_counters_agree_with_a_recount

pytestmark = pytest.mark.usefixtures("committed_campaigns")

INVITED_ONCE = ("relation_invited_once", "relation_once_per_campaign_and_referred")


def code_of(owner):
    link, _ = link_create(owner_user_id=owner, campaign_code="user_invite_default")
    return link.code


def registering(user, referrer):
    body = UserRegistered(
        new_user_id=user, registered_at=timezone.now().isoformat(), referral_code=code_of(referrer)
    )
    return lambda: registration_accept("user_service", body)


def claiming(user, referrer):
    user_heard(user)
    code = code_of(referrer)
    return lambda: claim_accept(user, code)


def after_the_relation():
    return Pause(relations, "relation_create")


@pytest.fixture
def unlocked_relations(monkeypatch):
    """For the twin: writers of relations do not wait for each other."""
    monkeypatch.setattr("referral.services.lock_relations", lambda: None)


CALLS = [(registering, claiming), (claiming, registering), (claiming, claiming)]


@pytest.mark.parametrize(("one", "other"), CALLS)
def test_of_two_codes_at_once_one_has_invited(one, other):
    first, second, waited = cross(one("user-c", "user-a"), other("user-c", "user-b"), after_the_relation())

    assert waited
    assert first.accepted.referrer_user_id == "user-a"
    assert (second.accepted, second.reason) == (None, "already_referred")
    assert ReferralRelation.objects.get().referrer_user_id == "user-a"
    assert_counters_agree_with_a_recount()


@pytest.mark.parametrize(("one", "other"), CALLS)
def test_the_same_code_at_once_is_one_event_with_one_answer(one, other):
    first, second, waited = cross(one("user-b", "user-a"), other("user-b", "user-a"), after_the_relation())

    assert waited
    assert (first.accepted.duplicate, second.accepted.duplicate) == (False, True)
    assert first.accepted.event_id == second.accepted.event_id
    assert first.relation_id == second.relation_id
    assert (ReferralRelation.objects.count(), ReferralEvent.objects.count()) == (1, 1)
    assert ReferralReward.objects.count() == 2
    assert_counters_agree_with_a_recount()


def test_a_claim_and_a_registration_close_no_ring_between_them():
    # given a → b and c → d
    for referrer, referred in (("user-a", "user-b"), ("user-c", "user-d")):
        assert registering(referred, referrer)().accepted

    # when b → c is claimed while d → a registers
    first, second, waited = cross(
        claiming("user-c", "user-b"), registering("user-a", "user-d"), after_the_relation()
    )

    # then
    assert waited
    assert first.accepted
    assert (second.accepted, second.reason) == (None, "circular")


def test_many_claims_at_once_are_one():
    works = [claiming("user-z", f"user-{number % 2}") for number in range(8)]

    answers = all_at_once(works)

    won = [answer.accepted.referrer_user_id for answer in answers if answer.accepted]
    assert set(won) == {ReferralRelation.objects.get().referrer_user_id}
    assert [answer.reason for answer in answers if not answer.accepted] == ["already_referred"] * 4
    assert ReferralEvent.objects.count() == 1
    assert_counters_agree_with_a_recount()


def test_twin_without_lock_and_constraints_a_claim_gives_a_second_referrer(unlocked_relations):
    with (
        table_without("referral_referralrelation", *INVITED_ONCE),
        table_without("referral_referralevent", "event_registered_once"),
    ):
        cross(registering("user-c", "user-a"), claiming("user-c", "user-b"), after_the_relation())

        assert ReferralRelation.objects.filter(referred_user_id="user-c").count() == 2
