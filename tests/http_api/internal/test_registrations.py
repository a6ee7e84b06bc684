"""`POST /internal/user-registered`: who invited whom, once, without loops; it never stops a sign-up."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from referral.models import ReferralEvent, ReferralLink, ReferralRelation, UserRole
from rewards.models import ReferralReward, ReferralStats
from tests.factories import CampaignFactory, RelationFactory
from tests.helpers.api import (
    amounts_of,
    become,
    change_campaign,
    change_rules,
    invite,
    link_of,
    register,
    service,
    user,
)

pytestmark = pytest.mark.usefixtures("campaigns")

REGISTRATION_RULES = {"levels": {"level1": {"points_per_registration": 7}}}


def assert_no_referral(answer, reason):
    assert (answer.status, answer.body) == (200, {"success": False, "reason": reason})


def second_invitation(**content):
    """Another campaign through which people are invited."""
    content = {
        "code": "second_invite",
        "campaign_type": "user_invite",
        "reward_rules": REGISTRATION_RULES,
    } | content
    return CampaignFactory(**content)


def test_a_registration_makes_the_relation_the_event_and_the_rewards():
    # given
    code = link_of("user-a")

    # when
    answer = register("user-b", code, registered_at="2025-01-02T09:00:00Z")

    # then
    relation = ReferralRelation.objects.get()
    event = ReferralEvent.objects.get()
    assert answer.status == 200
    assert {name: answer.body[name] for name in ("success", "duplicate", "referrer_user_id")} == {
        "success": True,
        "duplicate": False,
        "referrer_user_id": "user-a",
    }
    assert answer.body["relation_id"] == str(relation.id)
    assert answer.body["referral_event_id"] == str(event.id)
    assert amounts_of(answer) == [("user-a", 1, 100, "pending"), ("user-b", None, 20, "pending")]
    assert (relation.referrer_user_id, relation.referred_user_id, relation.source) == (
        "user-a",
        "user-b",
        "link",
    )
    assert relation.referral_link.code == code
    assert relation.registered_at == event.occurred_at == datetime(2025, 1, 2, 9, tzinfo=UTC)
    assert (event.event_type, event.source_service) == ("user_registered", "user_service")


def test_the_published_example_is_accepted():
    code = link_of("user-ref-uuid")
    example = {
        "new_user_id": "user-new-uuid",
        "referral_code": code,
        "campaign_code": "user_invite_default",
        "registered_at": "2025-01-01T12:00:00Z",
    }

    answer = service("user_service").post("/internal/user-registered", example)

    assert answer.body["success"] is True
    assert set(answer.body["rewards"][0]) >= {
        "id",
        "beneficiary_user_id",
        "beneficiary_level",
        "points_amount",
        "g2a_amount",
        "status",
        "required_min_role",
    }
    assert answer.body["rewards"][0]["g2a_amount"] == "0.000000000"


def test_the_one_who_invited_the_referrer_earns_at_the_second_level():
    invite("user-a", "user-b")

    answer = invite("user-b", "user-c")

    assert amounts_of(answer) == [
        ("user-b", 1, 100, "pending"),
        ("user-a", 2, 50, "locked"),
        ("user-c", None, 20, "pending"),
    ]


def test_a_third_level_earns_nothing():
    for referrer, referred in (("user-a", "user-b"), ("user-b", "user-c")):
        invite(referrer, referred)

    answer = invite("user-c", "user-d")

    assert "user-a" not in {beneficiary for beneficiary, *_ in amounts_of(answer)}


@pytest.mark.parametrize("spell", [str.lower, str.upper, lambda code: f"  {code.lower()} "])
def test_codes_are_taken_in_any_case_and_with_spaces_around(spell):
    assert register("user-b", spell(link_of("user-a"))).body["success"] is True


# --- bad referrals are answers ------------------------------------------------------------------------


@pytest.mark.parametrize("code", [None, "", "   "])
def test_without_a_code_there_is_no_referral(code):
    assert_no_referral(register("user-b", code), "no_code")
    assert service("user_service").post(
        "/internal/user-registered", {"new_user_id": "user-b", "registered_at": "2025-01-01T12:00:00Z"}
    ).body == {"success": False, "reason": "no_code"}


@pytest.mark.parametrize("code", ["ZZZZZZZZ", "0OIL1", "код", "a b", "%", "'; --", "x" * 64])
def test_an_unknown_code_makes_no_referral(code):
    assert_no_referral(register("user-b", code), "unknown_code")


def test_a_code_that_was_switched_off_makes_no_referral():
    code = link_of("user-a")
    ReferralLink.objects.filter(code=code).update(is_active=False)

    assert_no_referral(register("user-b", code), "inactive_code")


@pytest.mark.parametrize("status", ["paused", "archived"])
def test_a_campaign_that_is_not_active_makes_no_referral(status):
    code = link_of("user-a")
    change_campaign("user_invite_default", status=status)

    assert_no_referral(register("user-b", code), "campaign_inactive")


@pytest.mark.parametrize(
    ("registered_at", "taken"),
    [
        ("2024-12-31T23:59:59.999999Z", False),
        ("2025-01-01T00:00:00Z", True),
        ("2025-01-31T23:59:59.999999Z", True),
        ("2025-02-01T00:00:00Z", False),
    ],
)
def test_a_registration_must_lie_in_the_campaigns_window(registered_at, taken):
    code = link_of("user-a")
    change_campaign("user_invite_default", start_at="2025-01-01T00:00:00Z", end_at="2025-02-01T00:00:00Z")

    answer = register("user-b", code, registered_at=registered_at)

    assert answer.body["success"] is taken
    assert taken or answer.body["reason"] == "campaign_inactive"


@pytest.mark.parametrize("campaign_code", ["no_such_campaign", "quest_purchase_default", "second_invite"])
def test_another_campaign_than_the_codes_own_is_a_mismatch(campaign_code):
    second_invitation()

    assert_no_referral(
        register("user-b", link_of("user-a"), campaign_code=campaign_code), "campaign_mismatch"
    )


def test_the_code_of_a_campaign_for_purchases_invites_nobody():
    assert_no_referral(register("user-b", link_of("user-a", "quest_purchase_default")), "campaign_mismatch")


def test_nobody_invites_oneself():
    assert_no_referral(invite("user-a", "user-a"), "self_referral")


@pytest.mark.parametrize("length", [2, 3, 5])
def test_a_circle_of_any_length_is_refused(length):
    # given a chain of invitations
    people = [f"user-{number}" for number in range(length)]
    for referrer, referred in pairwise(people):
        assert invite(referrer, referred).body["success"]

    # then its end cannot invite its beginning
    assert_no_referral(invite(people[-1], people[0]), "circular")
    assert ReferralRelation.objects.count() == length - 1


def test_circles_are_seen_over_all_campaigns_together():
    # given a invited b to a purchase campaign only, and b invited c to the platform
    quest = CampaignFactory(code="more_quests")
    RelationFactory(campaign=quest, referrer_user_id="user-a", referred_user_id="user-b")
    assert invite("user-b", "user-c").body["success"]

    # then
    assert_no_referral(invite("user-c", "user-a"), "circular")


def test_nobody_is_invited_twice():
    # given
    assert invite("user-a", "user-b").body["success"]
    second_invitation()

    # then neither by another, nor through another campaign
    assert_no_referral(invite("user-x", "user-b"), "already_referred")
    assert_no_referral(invite("user-x", "user-b", "second_invite"), "already_referred")
    assert ReferralRelation.objects.get().referrer_user_id == "user-a"
    assert ReferralEvent.objects.count() == 1


def test_a_refusal_is_not_remembered():
    code = link_of("user-a")
    assert_no_referral(register("user-b", "ZZZZZZZZ", external_event_id="e-1"), "unknown_code")

    assert register("user-b", code, external_event_id="e-1").body["success"] is True


def test_a_bad_referral_writes_nothing_but_that_the_user_was_heard_of():
    register("user-b", "ZZZZZZZZ")

    assert not ReferralRelation.objects.exists()
    assert not ReferralEvent.objects.exists()
    heard = UserRole.objects.get(user_id="user-b")
    assert datetime.now(UTC) - heard.first_heard_at < timedelta(minutes=1)
    assert (heard.role, heard.occurred_at) == ("user", None)


# --- once ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"registered_at": "2024-05-05T05:05:05Z"},
        {"external_event_id": "another-key"},
        {"external_event_id": None},
        {"campaign_code": "user_invite_default"},
    ],
)
def test_the_same_registration_gets_the_first_answer_whatever_the_time_or_key(changes):
    # given
    code = link_of("user-a")
    first = register("user-b", code, external_event_id="reg-1")

    # when
    again = register("user-b", code, **{"external_event_id": "reg-1", **changes})

    # then
    assert again.body == {**first.body, "duplicate": True}
    assert ReferralEvent.objects.count() == 1
    assert ReferralReward.objects.count() == 2


def test_another_link_of_the_same_referrer_gets_the_first_answer():
    first = register("user-b", link_of("user-a"))
    other = user("user-a").post(
        "/my/links", {"campaign_code": "user_invite_default", "deep_link_payload": {"module": "space"}}
    )

    again = register("user-b", other.body["code"])

    assert again.body == {**first.body, "duplicate": True}


def test_another_code_changes_nothing_and_says_so():
    invite("user-a", "user-b")

    answer = register("user-b", link_of("user-x"), external_event_id="later")

    assert_no_referral(answer, "already_referred")
    assert ReferralRelation.objects.get().referrer_user_id == "user-a"


@pytest.mark.parametrize("status", ["paused", "archived"])
def test_the_first_answer_is_given_also_after_the_campaign_has_ended(status):
    code = link_of("user-a")
    first = register("user-b", code)
    change_campaign("user_invite_default", status=status)
    ReferralLink.objects.update(is_active=False)

    assert register("user-b", code).body == {**first.body, "duplicate": True}


def test_the_first_answer_comes_with_todays_statuses():
    invite("user-a", "user-b")
    code = link_of("user-b")
    assert amounts_of(register("user-c", code))[1] == ("user-a", 2, 50, "locked")

    become("user-a", "vip")

    assert amounts_of(register("user-c", code))[1] == ("user-a", 2, 50, "pending")


def test_one_key_for_two_users_is_a_conflict():
    code = link_of("user-a")
    register("user-b", code, external_event_id="reg-1")

    answer = register("user-c", code, external_event_id="reg-1")

    assert (answer.status, answer.code) == (409, "idempotency_conflict")
    assert ReferralRelation.objects.count() == 1


# --- limits -------------------------------------------------------------------------------------------


def test_over_a_limit_the_relation_is_made_and_nobody_earns():
    # given
    change_rules("user_invite_default", {**REGISTRATION_RULES, "limits": {"max_events_per_referrer": 1}})
    invite("user-a", "user-b")

    # when
    answer = invite("user-a", "user-c")

    # then
    assert answer.body["success"] is True
    assert answer.body["rewards"] == []
    assert (answer.body["reason"], answer.body["reason_detail"]) == (
        "limit_reached",
        "max_events_per_referrer",
    )
    stats = ReferralStats.objects.get(user_id="user-a")
    assert (stats.total_referred_users, stats.total_events) == (2, 1)


def test_a_registration_is_for_the_rules_of_its_time():
    """Rules that were changed later pay later registrations only; the event says which version it was."""
    code = link_of("user-a")
    change_rules("user_invite_default", REGISTRATION_RULES)

    early = register("user-b", code, registered_at="2020-01-01T00:00:00Z")
    late = register("user-c", code)

    assert [amount for _, _, amount, _ in amounts_of(early)] == [100, 20]
    assert [amount for _, _, amount, _ in amounts_of(late)] == [7]
    versions = ReferralEvent.objects.order_by("id").values_list("rule_version__number", flat=True)
    assert list(versions) == [1, 2]
