"""A referrer attached by hand while others write: one referrer, no ring, every event rewarded once."""

from dataclasses import replace
from itertools import count

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from campaigns.models import ReferralCampaign
from kernel.errors import ValidationFailed
from referral import services as relations
from referral.models import EventReplay, ReferralEvent, ReferralRelation
from referral.selectors import leads_to
from referral.services import link_create, user_heard
from rewards.intake import acceptance
from rewards.intake.commands import UserRegistered
from rewards.intake.events import event_accept
from rewards.intake.registrations import registration_accept
from rewards.models import ReferralReward
from rewards.support.attach import backfill as past
from rewards.support.attach import relation as attachments
from rewards.support.attach.backfill import past_events, past_reward
from rewards.support.attach.relation import choice_of, referrer_attach
from tests.concurrency.test_events import OTHER_LOCKS, REFERRED_LOCK
from tests.helpers.races import Pause, PauseAtCommit, all_at_once, cross, function_without, table_without
from tests.helpers.rewards import assert_counters_agree_with_a_recount, campaign_of, done

pytestmark = pytest.mark.usefixtures("committed_campaigns")

INVITED_ONCE = ("relation_invited_once", "relation_once_per_campaign_and_referred")


def choosing(user, referrer):
    campaign = ReferralCampaign.objects.get(code="user_invite_default")
    return choice_of(user=user, referrer=referrer, campaign_id=campaign.pk)


def attaching(user, referrer):
    choice = choosing(user, referrer)
    return lambda: referrer_attach(choice=choice, by="staff:olga", reason="ticket 4711")


def registering(user, referrer):
    link, _ = link_create(owner_user_id=referrer, campaign_code="user_invite_default")
    body = UserRegistered(new_user_id=user, registered_at=timezone.now().isoformat(), referral_code=link.code)
    return lambda: registration_accept("user_service", body)


def left_of(relation):
    found = past_events(relation.referred_user_id, relation.campaign_id, is_invitation=relation.is_invitation)
    return list(found.values_list("pk", flat=True))


def rewarding(relation, *, registration=False):
    ids = left_of(relation)
    return lambda: past_reward(
        relation_id=relation.pk,
        registration=registration,
        event_ids=ids,
        by="staff:olga",
        reason="ticket 4711",
    )


def bob_has_a_past(events=2):
    """In a campaign that pays each of his events."""
    campaign_of("shop", {"level1": {"points_per_event": 10}}, budget_points=1000)
    for _ in range(events):
        assert event_accept(done("shop", None, referred="bob")).reason == "no_referrer"


def after_the_relation():
    """Right after a relation was written, before its transaction ends."""
    return Pause(relations, "relation_create")


def after_the_attachment():
    """The same where the relation is attached by hand."""
    return Pause(attachments, "relation_create")


def careful_way(monkeypatch):
    """Events are opened, decided and written in two steps; stops between them."""
    monkeypatch.setattr(acceptance, "_at_once", lambda candidates: None)
    return lambda: Pause(acceptance, "open_batch")


@pytest.fixture(params=["careful", "at once"])
def way(request, monkeypatch):
    """Both ways of the event path, each stopped while its locks are held."""
    if request.param == "careful":
        return careful_way(monkeypatch)
    return lambda: PauseAtCommit("referral_referralevent")


@pytest.fixture
def unlocked_relations(monkeypatch):
    """For twins: writers of relations do not wait for each other."""
    monkeypatch.setattr("referral.services.lock_relations", lambda: None)
    monkeypatch.setattr("rewards.support.attach.relation.lock_relations", lambda: None)


# --- one referrer, no ring ----------------------------------------------------------------------------------


def test_of_two_referrers_attached_at_once_one_wins():
    first, second, waited = cross(attaching("bob", "ann"), attaching("bob", "zoe"), after_the_attachment())

    assert waited
    assert first.referrer_user_id == "ann"
    assert isinstance(second, ValidationFailed)
    assert "Already invited by ann" in str(second)
    assert ReferralRelation.objects.get().referrer_user_id == "ann"
    assert_counters_agree_with_a_recount()


def test_twin_without_lock_and_constraints_a_user_has_two_referrers(unlocked_relations):
    with table_without("referral_referralrelation", *INVITED_ONCE):
        cross(attaching("bob", "ann"), attaching("bob", "zoe"), after_the_attachment())

        assert ReferralRelation.objects.filter(referred_user_id="bob").count() == 2


def test_the_same_referrer_attached_by_two_people_at_once_is_one_relation():
    first, second, waited = cross(attaching("bob", "ann"), attaching("bob", "ann"), after_the_attachment())

    assert waited
    assert first.pk == second.pk
    assert_counters_agree_with_a_recount()


def test_attaching_and_a_registration_close_no_ring_between_them():
    # given ann → bob and cid → dan; bob → cid is attached while dan's code brings ann
    assert registering("bob", "ann")().accepted
    assert registering("dan", "cid")().accepted

    first, second, waited = cross(attaching("cid", "bob"), registering("ann", "dan"), after_the_attachment())

    assert waited
    assert first.referrer_user_id == "bob"
    assert (second.accepted, second.reason) == (None, "circular")
    assert_counters_agree_with_a_recount()


def test_twin_without_the_lock_the_ring_is_closed(unlocked_relations):
    assert registering("bob", "ann")().accepted
    assert registering("dan", "cid")().accepted

    cross(attaching("cid", "bob"), registering("ann", "dan"), after_the_attachment())

    assert leads_to(ancestor="ann", descendant="dan")
    assert leads_to(ancestor="dan", descendant="ann")


def test_a_registration_that_closes_a_ring_first_refuses_the_attachment():
    assert registering("bob", "ann")().accepted
    assert registering("dan", "cid")().accepted

    first, second, waited = cross(registering("cid", "bob"), attaching("ann", "dan"), after_the_relation())

    assert waited
    assert first.accepted
    assert isinstance(second, ValidationFailed)
    assert list(second.details) == ["referrer"]
    assert_counters_agree_with_a_recount()


# --- rewarded once ------------------------------------------------------------------------------------------


def test_a_past_rewarded_by_two_people_at_once_is_rewarded_once(way):
    bob_has_a_past()
    relation = attaching("bob", "ann")()

    first, second, waited = cross(rewarding(relation), rewarding(relation), way())

    assert waited
    assert [entry.accepted.duplicate for entry in first] == [False, False]
    assert [entry for entry in second if entry.accepted and not entry.accepted.duplicate] == []
    assert EventReplay.objects.count() == 2
    assert ReferralReward.objects.count() == 2
    assert_counters_agree_with_a_recount()


def test_twin_without_its_key_a_past_is_rewarded_twice(way, monkeypatch):
    bob_has_a_past(1)
    relation = attaching("bob", "ann")()
    real, numbers = past.repeated, count()

    def keyless(original, referrer):
        return replace(real(original, referrer), key=f"replay:{next(numbers)}")

    monkeypatch.setattr(past, "repeated", keyless)
    with table_without("referral_eventreplay", "referral_eventreplay_pkey"):
        cross(rewarding(relation), rewarding(relation), way())

        assert ReferralReward.objects.count() == 2


def test_many_people_at_once_reward_everything_once():
    bob_has_a_past(5)
    user_heard("bob")
    relation = attaching("bob", "ann")()

    answers = all_at_once([rewarding(relation, registration=True) for _ in range(6)])

    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert EventReplay.objects.count() == 5
    assert ReferralEvent.objects.filter(event_type="user_registered").count() == 1
    assert ReferralReward.objects.filter(campaign__code="shop").count() == 5
    assert_counters_agree_with_a_recount()


def test_a_registration_that_is_reported_meanwhile_is_rewarded_once(way):
    user_heard("bob")
    relation = attaching("bob", "ann")()

    first, second, waited = cross(rewarding(relation, registration=True), registering("bob", "ann"), way())

    assert waited
    assert first[0].accepted
    assert second.accepted.duplicate
    assert ReferralEvent.objects.filter(event_type="user_registered").count() == 1
    assert_counters_agree_with_a_recount()


def test_an_event_and_what_ties_it_to_the_past_are_written_together_or_not_at_all():
    bob_has_a_past(3)
    relation = attaching("bob", "ann")()
    with connection.cursor() as cursor:
        cursor.execute("""
            CREATE FUNCTION test_power_cut() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'the power is cut'; END $$;
            CREATE TRIGGER test_power_cut BEFORE INSERT ON referral_eventreplay
                FOR EACH ROW EXECUTE FUNCTION test_power_cut();
        """)
    try:
        with pytest.raises(DatabaseError, match="the power is cut"):
            rewarding(relation)()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION test_power_cut() CASCADE")

    assert ReferralEvent.objects.filter(source_service="back_office").count() == 0
    assert (ReferralReward.objects.count(), len(left_of(relation))) == (0, 3)
    assert_counters_agree_with_a_recount()
    rewarding(relation)()
    assert (ReferralReward.objects.count(), len(left_of(relation))) == (3, 0)
    assert_counters_agree_with_a_recount()


# --- an event that crosses the attachment -------------------------------------------------------------------


def test_an_event_that_crosses_the_attachment_is_left_and_rewarded_once(way):
    # given a purchase that has read who invited Bob, and is not written yet
    bob_has_a_past(1)

    def attach_and_reward():
        relation = attaching("bob", "ann")()
        return rewarding(relation)()

    # when Ann is attached with the past in this very moment
    crossing, rewarded, _ = cross(
        lambda: event_accept(done("shop", None, referred="bob", external_event_id="crossing")),
        attach_and_reward,
        way(),
    )

    # then it has earned nothing, as it came before the relation, but it is seen as left
    assert crossing.reason == "no_referrer"
    assert len(rewarded) == 1
    relation = ReferralRelation.objects.get()
    assert left_of(relation) == [crossing.event_id]
    rewarding(relation)()
    assert left_of(relation) == []
    assert ReferralReward.objects.filter(beneficiary_user_id="ann").count() == 2
    assert_counters_agree_with_a_recount()


def test_an_event_after_the_attachment_earns_by_itself_and_is_not_left(way):
    bob_has_a_past(1)
    relation = attaching("bob", "ann")()

    first, second, waited = cross(
        rewarding(relation),
        lambda: event_accept(done("shop", None, referred="bob")),
        way(),
    )

    assert waited
    assert len(first) == 1
    assert second.reason is None
    assert left_of(relation) == []
    assert ReferralReward.objects.count() == 2
    assert_counters_agree_with_a_recount()


def race_for_the_last_place(point):
    """A past event and a new one compete for the one place that the limit leaves; says how many earned."""
    campaign_of("shop", {"level1": {"points_per_event": 10}}, max_events_per_referred=2)
    event_accept(done("shop", None, referred="bob"))
    relation = attaching("bob", "ann")()
    assert event_accept(done("shop", None, referred="bob")).rewards
    cross(
        rewarding(relation),
        lambda: event_accept(done("shop", None, referred="bob")),
        point,
    )
    return ReferralReward.objects.count()


def test_a_limit_holds_between_a_past_event_and_a_new_one(way):
    assert race_for_the_last_place(way()) == 2
    assert_counters_agree_with_a_recount()


def test_twin_without_the_row_locks_both_earn(monkeypatch):
    point = careful_way(monkeypatch)()
    with (
        function_without("referral_events_open", REFERRED_LOCK, instead=" DO NOTHING"),
        function_without("referral_events_open", *OTHER_LOCKS),
    ):
        assert race_for_the_last_place(point) == 3
