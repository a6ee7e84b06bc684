"""`POST /my/claim`: a user who signed up without the code names it afterwards."""

from datetime import timedelta

import pytest
from django.utils import timezone

from referral.models import ReferralEvent, ReferralRelation, UserRole
from rewards.models import ReferralReward
from tests.factories import RelationFactory
from tests.helpers.api import (
    amounts_of,
    anybody,
    become,
    change_campaign,
    invite,
    link_of,
    register,
    service,
    user,
)
from tests.helpers.rewards import assert_counters_agree_with_a_recount

pytestmark = pytest.mark.usefixtures("campaigns")


def claim(user_id, code):
    return user(user_id).post("/my/claim", {"code": code})


def heard_days_ago(user_id, days):
    UserRole.objects.filter(pk=user_id).update(first_heard_at=timezone.now() - timedelta(days=days))


@pytest.fixture
def code(campaigns):
    """A code of A, who was invited by nobody; B has signed up without it."""
    register("user-b", None)
    return link_of("user-a")


def assert_refused(answer, reason):
    assert (answer.status, answer.body) == (200, {"success": False, "reason": reason})


def test_a_claim_is_answered_and_paid_as_a_registration(code):
    answer = claim("user-b", code)

    assert answer.status == 200
    assert set(answer.body) == set(register("user-c", code).body)
    assert (answer.body["success"], answer.body["duplicate"]) == (True, False)
    assert answer.body["referrer_user_id"] == "user-a"
    assert amounts_of(answer) == [("user-a", 1, 100, "pending"), ("user-b", None, 20, "pending")]
    relation = ReferralRelation.objects.get(referred_user_id="user-b")
    assert (str(relation.id), relation.source) == (answer.body["relation_id"], "code")
    assert_counters_agree_with_a_recount()


def test_a_claim_pays_the_second_level_too(code):
    invite("user-top", "user-a")

    assert ("user-top", 2, 50, "locked") in amounts_of(claim("user-b", code))


def test_a_code_is_claimed_however_it_is_written(code):
    assert claim("user-b", f"  {code.lower()} ").body["success"] is True


def test_the_same_code_again_gets_the_first_answer_and_another_one_changes_nothing(code):
    first = claim("user-b", code)

    again, other = claim("user-b", code), claim("user-b", link_of("user-x"))

    assert again.body == {**first.body, "duplicate": True}
    assert_refused(other, "already_referred")
    assert ReferralReward.objects.count() == 2
    assert_counters_agree_with_a_recount()


def test_the_first_answer_is_given_again_after_the_window_and_the_campaign_have_closed(code):
    first = claim("user-b", code)
    heard_days_ago("user-b", 30)
    change_campaign("user_invite_default", status="archived")

    assert claim("user-b", code).body == {**first.body, "duplicate": True}


def test_a_claim_and_a_registration_by_the_same_code_are_one(code):
    claimed = claim("user-b", code)
    reported = register("user-b", code, external_event_id="signup-1")
    registered = register("user-c", code)
    claimed_after = claim("user-c", code)

    assert reported.body == {**claimed.body, "duplicate": True}
    assert claimed_after.body == {**registered.body, "duplicate": True}
    assert ReferralEvent.objects.count() == 2


def test_a_user_who_came_by_a_code_cannot_claim_another(code):
    invite("user-x", "user-c")

    assert_refused(claim("user-c", code), "already_referred")


def test_a_user_never_heard_of_cannot_claim(code):
    assert_refused(claim("user-unknown", code), "claim_window_closed")
    assert not ReferralRelation.objects.exists()


def test_a_role_message_counts_as_having_heard_of_the_user(code):
    become("user-role", "vip")

    assert claim("user-role", code).body["success"] is True


@pytest.mark.parametrize(("days", "open_"), [(6.99, True), (7.01, False)])
def test_the_window_is_seven_days(code, days, open_):
    heard_days_ago("user-b", days)

    answer = claim("user-b", code)

    assert answer.body.get("reason") == (None if open_ else "claim_window_closed")
    assert ReferralRelation.objects.exists() is open_


def test_the_window_can_be_set(code, settings):
    settings.CLAIM_WINDOW_DAYS = 30
    heard_days_ago("user-b", 29)

    assert claim("user-b", code).body["success"] is True


def test_hearing_of_a_user_again_does_not_open_the_window_again(code):
    heard_days_ago("user-b", 8)

    register("user-b", None)
    become("user-b", "vip")

    assert_refused(claim("user-b", code), "claim_window_closed")


@pytest.mark.parametrize(
    ("typed", "reason"),
    [("", "no_code"), ("   ", "no_code"), ("NOSUCH99", "unknown_code"), ("код", "unknown_code")],
)
def test_a_code_that_is_none(code, typed, reason):
    assert_refused(claim("user-b", typed), reason)


def test_a_code_that_brings_nothing(code):
    owner = user("user-a")
    quest = link_of("user-a", "quest_purchase_default")
    assert_refused(claim("user-b", quest), "campaign_mismatch")

    (link,) = [item for item in owner.get("/my/links").body["items"] if item["code"] == code]
    owner.patch(f"/my/links/{link['id']}", {"is_active": False})
    assert_refused(claim("user-b", code), "inactive_code")

    owner.patch(f"/my/links/{link['id']}", {"is_active": True})
    change_campaign("user_invite_default", status="paused")
    assert_refused(claim("user-b", code), "campaign_inactive")


def test_nobody_claims_themselves_or_somebody_below(code):
    invite("user-b", "user-c")
    assert_refused(claim("user-b", link_of("user-b")), "self_referral")
    assert_refused(claim("user-b", link_of("user-c")), "circular")


def test_a_refused_claim_may_succeed_later(code):
    assert_refused(claim("user-b", "NOSUCH99"), "unknown_code")

    assert claim("user-b", code).body["success"] is True


def test_an_imported_invitation_is_paid_by_a_claim_of_the_same_code(code):
    campaign = ReferralRelation._meta.get_field("campaign").related_model.objects.get(
        code="user_invite_default"
    )
    RelationFactory(
        campaign=campaign, is_invitation=True, referrer_user_id="user-a", referred_user_id="user-b"
    )

    assert claim("user-b", code).body["success"] is True
    assert ReferralRelation.objects.count() == 1


@pytest.mark.parametrize("body", [{}, {"code": None}, {"code": 5}, {"code": []}, {"code": "x" * 65}])
def test_a_body_without_a_readable_code_is_refused(code, body):
    answer = user("user-b").post("/my/claim", body)

    assert (answer.status, answer.code) == (400, "validation_error")
    assert list(answer.body["error"]["details"]) == ["code"]


def test_a_code_with_a_nul_character_is_refused(code):
    answer = user("user-b").post("/my/claim", b'{"code": "AB\\u0000CD"}')

    assert (answer.status, answer.code) == (400, "validation_error")


@pytest.mark.parametrize(
    ("caller", "status"), [(anybody(), 401), (service("user_service"), 401)], ids=["nobody", "a service"]
)
def test_only_a_user_claims(code, caller, status):
    assert caller.post("/my/claim", {"code": code}).status == status
