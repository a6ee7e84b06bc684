"""One referrer and no loops, whatever arrives at once (D1, D2)."""

import pytest
from django.utils import timezone

from campaigns.catalog import catalog
from kernel.errors import ReferrerMismatch
from referral import services as relations
from referral.models import PartnerReferralRelation, ReferralEvent, ReferralRelation
from referral.selectors import leads_to
from referral.services import link_create
from rewards.intake import acceptance
from rewards.intake.commands import PartnerOnboarded, UserRegistered
from rewards.intake.events import event_accept
from rewards.intake.registrations import partner_accept, registration_accept
from rewards.models import ReferralReward
from tests.helpers.races import Pause, all_at_once, cross, table_without
from tests.helpers.rewards import assert_counters_agree_with_a_recount, campaign_of, done

pytestmark = pytest.mark.usefixtures("committed_campaigns")

INVITED_ONCE = ("relation_invited_once", "relation_once_per_campaign_and_referred")


def registering(user, referrer, **fields):
    """The call that registers `user` with a code of `referrer`."""
    link, _ = link_create(owner_user_id=referrer, campaign_code="user_invite_default")
    body = UserRegistered(
        new_user_id=user, registered_at=timezone.now().isoformat(), referral_code=link.code, **fields
    )
    return lambda: registration_accept("user_service", body)


def register(user, referrer):
    assert registering(user, referrer)().accepted


def onboarding(partner, user):
    body = PartnerOnboarded(
        business_partner_id=partner,
        onboarding_user_id=user,
        campaign_code="partner_onboarding_default",
        occurred_at=timezone.now().isoformat(),
    )
    return lambda: partner_accept("rf_service", body)


def after_the_relation():
    """Right after a relation was written, before its transaction ends."""
    return Pause(relations, "relation_create")


@pytest.fixture
def unlocked_relations(monkeypatch):
    """For twins: writers of relations do not wait for each other."""
    monkeypatch.setattr("referral.services.lock_relations", lambda: None)
    monkeypatch.setattr("rewards.intake.registrations.lock_relations", lambda: None)


def test_the_same_registration_twice_at_once_is_one_with_the_same_answer():
    first, second, waited = cross(
        registering("user-b", "user-a"), registering("user-b", "user-a"), after_the_relation()
    )

    assert waited
    assert (first.accepted.duplicate, second.accepted.duplicate) == (False, True)
    assert first.relation_id == second.relation_id
    assert {row.id for row in first.accepted.rewards} == {row.id for row in second.accepted.rewards}
    assert (ReferralRelation.objects.count(), ReferralEvent.objects.count()) == (1, 1)
    assert ReferralReward.objects.count() == 2
    assert_counters_agree_with_a_recount()


def test_many_same_registrations_at_once_are_one():
    answers = all_at_once([registering("user-b", "user-a") for _ in range(10)])

    assert [answer.accepted.duplicate for answer in answers].count(False) == 1
    assert len({answer.accepted.event_id for answer in answers}) == 1
    assert ReferralRelation.objects.count() == 1
    assert_counters_agree_with_a_recount()


def test_of_two_referrers_at_once_one_has_invited():
    first, second, waited = cross(
        registering("user-c", "user-a"), registering("user-c", "user-b"), after_the_relation()
    )

    assert waited
    assert first.accepted
    assert (second.accepted, second.reason) == (None, "already_referred")
    assert ReferralRelation.objects.get().referrer_user_id == "user-a"
    assert_counters_agree_with_a_recount()


def test_the_unique_constraints_alone_also_keep_one_referrer(unlocked_relations):
    first, second, _ = cross(
        registering("user-c", "user-a"), registering("user-c", "user-b"), after_the_relation()
    )

    assert first.accepted
    assert (second.accepted, second.reason) == (None, "already_referred")


def test_twin_without_lock_and_constraints_a_user_has_two_referrers(unlocked_relations):
    with (
        table_without("referral_referralrelation", *INVITED_ONCE),
        table_without("referral_referralevent", "event_registered_once"),
    ):
        cross(registering("user-c", "user-a"), registering("user-c", "user-b"), after_the_relation())

        assert ReferralRelation.objects.filter(referred_user_id="user-c").count() == 2


def test_of_two_registrations_that_close_a_ring_together_one_is_refused():
    # given a → b and c → d
    register("user-b", "user-a")
    register("user-d", "user-c")

    # when b → c and d → a arrive at once
    first, second, waited = cross(
        registering("user-c", "user-b"), registering("user-a", "user-d"), after_the_relation()
    )

    # then
    assert waited
    assert first.accepted
    assert (second.accepted, second.reason) == (None, "circular")
    assert not any(leads_to(ancestor=user, descendant=_referrer_of(user)) for user in _referred())
    assert_counters_agree_with_a_recount()


def test_twin_without_the_lock_the_ring_is_closed(unlocked_relations):
    register("user-b", "user-a")
    register("user-d", "user-c")

    cross(registering("user-c", "user-b"), registering("user-a", "user-d"), after_the_relation())

    assert all(leads_to(ancestor=user, descendant=_referrer_of(user)) for user in _referred())


def test_a_code_on_a_purchase_and_a_registration_cannot_close_a_ring_together():
    # given a → b; the code of b is applied to a purchase of c while c's own code brings a
    register("user-b", "user-a")
    campaign_of("shop", {"level1": {"points_per_event": 10}})
    catalog.forget()
    link, _ = link_create(owner_user_id="user-b", campaign_code="shop")
    purchase = done("shop", None, referred="user-c", referral_code=link.code)

    # when
    first, second, waited = cross(
        lambda: event_accept(purchase), registering("user-a", "user-c"), after_the_relation()
    )

    # then
    assert waited
    assert first.referrer_user_id == "user-b"
    assert (second.accepted, second.reason) == (None, "circular")
    assert_counters_agree_with_a_recount()


def _referred():
    return list(ReferralRelation.objects.values_list("referred_user_id", flat=True))


def _referrer_of(user):
    return ReferralRelation.objects.get(referred_user_id=user).referrer_user_id


def test_the_same_partner_twice_at_once_is_one():
    first, second, waited = cross(
        onboarding("partner-1", "user-a"), onboarding("partner-1", "user-a"), Pause(acceptance, "open_batch")
    )

    assert waited
    assert (first.duplicate, second.duplicate) == (False, True)
    assert first.event_id == second.event_id
    assert PartnerReferralRelation.objects.count() == 1
    assert_counters_agree_with_a_recount()


def test_of_two_users_who_bring_a_partner_at_once_one_has_brought_it():
    first, second, waited = cross(
        onboarding("partner-1", "user-a"), onboarding("partner-1", "user-b"), Pause(acceptance, "open_batch")
    )

    assert waited
    assert first.referrer_user_id == "user-a"
    assert isinstance(second, ReferrerMismatch)
    assert PartnerReferralRelation.objects.get().referrer_user_id == "user-a"
