"""Attaching a lost referrer: refused beside its field; what of the past is rewarded is a choice."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from backoffice.people.labels import user_page
from campaigns.services import campaign_update
from referral.models import ReferralEvent, ReferralLink, ReferralRelation
from rewards.intake.events import event_accept
from rewards.support.attach.relation import choice_of, referrer_attach
from tests.backoffice.attaching import (
    ATTACH,
    PAST,
    QUESTS,
    attach,
    bob_has_a_past,
    campaign,
    chosen,
    confirmation,
    counters_agree,
    foreseen,
    rewarded,
)
from tests.backoffice.conftest import staff_with
from tests.factories import LinkFactory
from tests.helpers.api import buy_quest, invite, link_of, register, user
from tests.helpers.rewards import campaign_of, done

# The menu, the session and the person included.
QUERIES_OF_THE_PREVIEW, QUERIES_OF_THE_RESULT = 30, 16

pytestmark = pytest.mark.usefixtures("campaigns")


@pytest.fixture(autouse=True)
def _counters_agree(campaigns: None) -> Iterator[None]:
    """Whatever a test did, the counters are right."""
    yield
    assert counters_agree()


# --- refusals -----------------------------------------------------------------------------------------------


def refused(boss: Client, **fields: Any) -> dict[str, list[str]]:
    """What stands beside which field, the same before and after pressing the button; nothing is written."""
    form = chosen(**fields)
    before = (ReferralRelation.objects.count(), ReferralEvent.objects.count())

    looked = boss.get(ATTACH, form)
    pressed = boss.post(ATTACH, {**form, "reason": "ticket 4711"})

    assert "plan" not in looked.context
    assert pressed.status_code == 200
    assert looked.context["form"].errors == pressed.context["form"].errors
    assert (ReferralRelation.objects.count(), ReferralEvent.objects.count()) == before
    return dict(looked.context["form"].errors)


@pytest.mark.parametrize(
    ("fields", "field", "problem"),
    [
        ({"user": ""}, "user", "required"),
        ({"user": "two words"}, "user", "without spaces"),
        ({"user": "b\u00f6b"}, "user", "without spaces"),
        ({"user": "b\0b"}, "user", "Null characters"),
        ({"user": "x" * 65}, "user", "at most 64"),
        ({"referrer": "two words"}, "referrer", "without spaces"),
        ({"referrer": ""}, "referrer", "either the referrer’s ID or their referral code"),
        ({"code": "ABCDEF23"}, "referrer", "either the referrer’s ID or their referral code"),
        ({"referrer": "", "code": "ABCDEF23"}, "code", "no such code"),
        ({"campaign": ""}, "campaign", "required with a referrer ID"),
        ({"campaign": "spring"}, "campaign", "not a valid UUID"),
        ({"referrer": "bob"}, "referrer", "Self-referral"),
    ],
)
def test_what_cannot_be_is_told_beside_its_field(
    boss: Client, fields: dict[str, str], field: str, problem: str
) -> None:
    errors = refused(boss, **fields)

    assert list(errors) == [field]
    assert problem in errors[field][0]


def test_a_user_who_was_invited_keeps_the_referrer(boss: Client) -> None:
    invite("zoe", "bob")

    assert refused(boss) == {
        "user": ["Already invited by zoe in the campaign Invite friends"],
    }


def test_no_ring_is_closed_over_any_campaigns(boss: Client) -> None:
    # given Bob has brought Cid to a campaign of its own, and Cid has invited Ann
    campaign_of("club", {"level1": {"points_per_event": 10}})
    ReferralRelation.objects.create(
        campaign=campaign("club"),
        is_invitation=False,
        referrer_user_id="bob",
        referred_user_id="cid",
        source="import",
        registered_at=timezone.now(),
    )
    invite("cid", "ann")

    errors = refused(boss)

    assert list(errors) == ["referrer"]
    assert "was invited by bob, directly or through others" in errors["referrer"][0]
    ReferralRelation.objects.filter(campaign__code="club").delete()


@pytest.mark.parametrize("status", ["paused", "archived"])
def test_the_campaign_must_be_active(boss: Client, status: str) -> None:
    code = link_of("ann")
    campaign_update(campaign_id=campaign().pk, changes={"status": status}, by="test")

    assert list(refused(boss)) == ["campaign"]
    assert "not an active campaign" in refused(boss, referrer="", campaign=None, code=code)["code"][0]


def test_a_campaign_without_relations_that_invites_nobody_is_not_offered(boss: Client) -> None:
    assert list(refused(boss, campaign=campaign(QUESTS).pk)) == ["campaign"]


def test_without_a_reason_nothing_happens(boss: Client) -> None:
    bob_has_a_past()
    page = boss.get(ATTACH, chosen())

    answer = boss.post(ATTACH, confirmation(page, reason="  "))

    assert answer.context["why"].errors == {"reason": ["This field is required."]}
    # What was chosen is still there.
    kept, was = confirmation(answer), confirmation(page)
    del kept["csrfmiddlewaretoken"], was["csrfmiddlewaretoken"]
    assert kept == was
    assert not ReferralRelation.objects.filter(referred_user_id="bob").exists()


def test_it_is_for_those_who_may(boss: Client) -> None:
    viewer = staff_with("referral.view_referralrelation", "referral.view_referralevent")
    relation = referrer_attach(
        choice=choice_of(user="bob", referrer="ann", campaign_id=campaign().pk), by="staff:olga", reason="x"
    )

    answers = [
        viewer.get(ATTACH),
        viewer.post(ATTACH, {**chosen(), "reason": "x"}),
        viewer.get(PAST, {"relation": relation.pk}),
        viewer.post(PAST, {"relation": relation.pk, "registration": "on", "reason": "x"}),
        viewer.get(reverse("admin:referral_referralrelation_add")),
    ]

    assert {answer.status_code for answer in answers} == {403}


# --- the choice ---------------------------------------------------------------------------------------------


def test_without_past_events_only_the_relation_is_made(boss: Client) -> None:
    bob_has_a_past()

    result = attach(boss, registration=None, past=None)

    assert ReferralRelation.objects.get(referred_user_id="bob").source == "manual"
    assert rewarded() == []
    assert len(result.context["plan"].events) == 3
    assert [row["beneficiary_user_id"] for row in buy_quest("bob").body["rewards"]] == ["ann", "pat"]


def test_the_rest_can_be_rewarded_later(boss: Client) -> None:
    bob_has_a_past()
    result = attach(boss, registration=None, past=None)
    # By default all that is left is shown.
    assert len(result.context["rows"]) == 4

    boss.post(PAST, confirmation(result, PAST))
    again = boss.get(PAST, {"relation": result.context["relation"].pk})

    assert rewarded() == foreseen(result)
    assert again.context["plan"].is_empty
    assert len(again.context["done"]) == 4


def test_the_registration_alone_can_be_rewarded(boss: Client) -> None:
    bob_has_a_past()

    attach(boss, past=None)

    assert {entry[0] for entry in rewarded()} == {"user_registered"}


def test_a_code_says_who_and_where(boss: Client) -> None:
    register("bob", None)
    link = ReferralLink.objects.get(code=link_of("ann"))
    user("ann").patch(f"/my/links/{link.pk}", {"is_active": False})

    page = boss.get(ATTACH, chosen(referrer="", campaign="", code=link.code.lower()))
    boss.post(ATTACH, confirmation(page))

    assert "inactive" in page.content.decode()
    relation = ReferralRelation.objects.get()
    assert (relation.referrer_user_id, relation.referral_link, relation.source) == ("ann", link, "manual")
    assert relation.campaign == campaign()


def test_in_a_campaign_of_its_own_only_its_events_count(boss: Client) -> None:
    # given Bob was invited by Zoe, but has done something in a club before; the club has its own referrers
    club = campaign_of("club", {"level1": {"points_per_event": 10}})
    link = LinkFactory(campaign=club, owner_user_id="ann")
    register("bob", None)
    event_accept(done("club", None, referred="bob"))
    buy_quest("bob")
    invite("zoe", "bob")

    page = boss.get(ATTACH, chosen(referrer="", campaign="", code=link.code))
    boss.post(ATTACH, confirmation(page))

    text = page.content.decode()
    assert "It counts in the campaign club only." in text
    assert "In this campaign it replaces zoe, who invited bob to the platform." in text
    assert [entry[:1] + entry[2:4] for entry in rewarded()] == [("done", "ann", "10 points")]
    later = event_accept(done("club", None, referred="bob"))
    assert [row.beneficiary_user_id for row in later.rewards] == ["ann"]


def test_an_invitation_leaves_campaigns_with_another_referrer_alone(boss: Client) -> None:
    campaign_of("club", {"level1": {"points_per_event": 10}})
    event_accept(done("club", None, referred="bob"))
    code = LinkFactory(campaign=campaign("club"), owner_user_id="zoe").code
    event_accept(done("club", None, referred="bob", referral_code=code))
    buy_quest("bob")

    attach(boss)

    assert [entry[:1] + entry[2:4] for entry in rewarded()] == [("quest_purchased", "ann", "10 points")]


# --- the registration ---------------------------------------------------------------------------------------


def test_a_user_of_whom_nobody_has_told_us_has_no_registration_to_reward(boss: Client) -> None:
    buy_quest("bob")
    page = boss.get(ATTACH, chosen())

    boss.post(ATTACH, confirmation(page))

    assert "No service has reported when this user registered." in page.content.decode()
    assert {entry[0] for entry in rewarded()} == {"quest_purchased"}


def test_a_registration_outside_the_window_of_the_campaign_is_not_rewarded(boss: Client) -> None:
    register("bob", None)
    campaign_update(
        campaign_id=campaign().pk, changes={"start_at": timezone.now() + timedelta(hours=1)}, by="test"
    )
    page = boss.get(ATTACH, chosen())

    boss.post(ATTACH, confirmation(page))

    assert "takes no events of that time" in str(page.context["plan"].registration.obstacle)
    assert rewarded() == []
    assert ReferralRelation.objects.filter(source="manual").exists()


def test_the_same_registration_reported_afterwards_is_answered_as_the_first(boss: Client) -> None:
    register("bob", None)
    attach(boss)

    answer = register("bob", link_of("ann"), external_event_id="late-1")

    assert (answer.body["success"], answer.body["duplicate"]) == (True, True)
    assert len(answer.body["rewards"]) == 2
    assert ReferralEvent.objects.filter(event_type="user_registered").count() == 1


def test_a_registration_that_was_reported_afterwards_is_not_rewarded_again(boss: Client) -> None:
    register("bob", None)
    result = attach(boss, registration=None)
    assert register("bob", link_of("ann")).body["success"]

    boss.post(PAST, confirmation(result, PAST))

    assert ReferralEvent.objects.filter(event_type="user_registered").count() == 1
    assert rewarded() == []


# --- the way there, and its cost ----------------------------------------------------------------------------


def test_the_page_of_a_user_without_a_referrer_leads_here(boss: Client) -> None:
    register("b&b", None)
    viewer = staff_with("referral.view_userrole", "referral.view_referralrelation")
    address = f"{ATTACH}?user=b%26b"

    page, theirs = (client.get(user_page("b&b")).content.decode() for client in (boss, viewer))

    assert address in page
    assert address not in theirs


def test_the_page_of_a_user_tells_what_is_left_and_leads_to_it(boss: Client) -> None:
    bob_has_a_past(2)
    result = attach(boss, past=None)
    past = f"{PAST}?relation={result.context['relation'].pk}"

    page = boss.get(user_page("bob")).content.decode()
    assert f'<a href="{past}" class="text-link">2 past events not rewarded yet</a>' in page

    boss.post(PAST, confirmation(boss.get(past), PAST))
    assert (
        f'<a href="{past}" class="text-link">past events</a>' in boss.get(user_page("bob")).content.decode()
    )


def test_adding_a_relation_leads_here(boss: Client) -> None:
    changelist = boss.get(reverse("admin:referral_referralrelation_changelist")).content.decode()

    assert reverse("admin:referral_referralrelation_add") in changelist
    assert boss.get(reverse("admin:referral_referralrelation_add")).headers["Location"] == ATTACH


def test_the_number_of_queries_does_not_grow_with_the_events(
    boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaigns.catalog.CACHE_SECONDS", 3600.0)
    bob_has_a_past(20)
    register("dan", None)
    buy_quest("dan")

    def queries(page: str, asked: dict[str, Any]) -> int:
        with CaptureQueriesContext(connection) as taken:
            assert boss.get(page, asked).status_code == 200
        return len(taken)

    queries(ATTACH, chosen())
    previews = [queries(ATTACH, chosen(user=name)) for name in ("bob", "dan")]
    relations = [attach(boss, user=name).context["relation"].pk for name in ("bob", "dan")]
    results = [queries(PAST, {"relation": relation}) for relation in relations]

    assert previews[0] == previews[1] <= QUERIES_OF_THE_PREVIEW
    assert results[0] == results[1] <= QUERIES_OF_THE_RESULT
