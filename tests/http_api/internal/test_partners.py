"""`POST /internal/partner-onboarded`: who brought a business partner, once."""

from datetime import UTC, datetime

import pytest

from referral.models import PartnerReferralRelation, ReferralEvent
from rewards.models import ReferralReward
from tests.factories import CampaignFactory
from tests.helpers.api import amounts_of, change_campaign, change_rules, invite, onboard, service

pytestmark = pytest.mark.usefixtures("campaigns")

ONBOARDING = "partner_onboarding_default"
RULES = {"levels": {"level1": {"points_per_onboarding": 5}}}


def assert_refused(answer, status, code):
    assert (answer.status, answer.code) == (status, code)
    assert not PartnerReferralRelation.objects.exists()
    assert not ReferralEvent.objects.exists()


def test_an_onboarded_partner_pays_whoever_brought_it_and_the_level_above():
    # given
    invite("user-a", "user-b")

    # when
    answer = onboard("partner-1", by="user-b", occurred_at="2025-01-02T09:00:00Z")

    # then
    assert answer.body["success"] is True
    assert answer.body["duplicate"] is False
    assert amounts_of(answer) == [
        ("user-b", 1, 500, "pending"),
        ("user-b", 1, "5.000000000", "pending"),
        ("user-a", 2, 100, "locked"),
    ]
    relation = PartnerReferralRelation.objects.get()
    assert (relation.referrer_user_id, relation.business_partner_id) == ("user-b", "partner-1")
    assert relation.status == "onboarded"
    event = ReferralEvent.objects.get(event_type="rf_partner_onboarded")
    assert (event.referred_user_id, event.business_partner_id) == (None, "partner-1")
    assert event.occurred_at == datetime(2025, 1, 2, 9, tzinfo=UTC)


def test_the_published_example_is_accepted():
    example = {
        "business_partner_id": "rf-partner-uuid",
        "onboarding_user_id": "user-ref-uuid",
        "campaign_code": "partner_onboarding_default",
        "occurred_at": "2025-01-03T10:00:00Z",
    }

    answer = service("rf_service").post("/internal/partner-onboarded", example)

    assert answer.body["success"] is True
    assert len(answer.body["rewards"]) == 2


@pytest.mark.parametrize(
    "changes", [{}, {"occurred_at": "2024-05-05T05:05:05Z"}, {"external_event_id": "other"}, {"unknown": 1}]
)
def test_the_same_partner_and_user_get_the_first_answer(changes):
    first = onboard("partner-1", by="user-a", external_event_id="p-1")

    again = onboard("partner-1", by="user-a", **{"external_event_id": "p-1", **changes})

    assert again.body == {**first.body, "duplicate": True}
    assert ReferralEvent.objects.count() == 1
    assert ReferralReward.objects.count() == 2


@pytest.mark.parametrize("external_event_id", [None, "p-1", "p-2"])
def test_another_user_did_not_bring_the_same_partner(external_event_id):
    onboard("partner-1", by="user-a", external_event_id="p-1")

    answer = onboard("partner-1", by="user-x", external_event_id=external_event_id)

    assert (answer.status, answer.code) == (409, "referrer_mismatch")
    assert PartnerReferralRelation.objects.get().referrer_user_id == "user-a"
    assert ReferralEvent.objects.count() == 1


@pytest.mark.parametrize("status", ["paused", "archived"])
def test_the_first_answer_is_given_also_after_the_campaign_has_ended(status):
    first = onboard("partner-1", by="user-a")
    change_campaign(ONBOARDING, status=status)

    assert onboard("partner-1", by="user-a").body == {**first.body, "duplicate": True}
    answer = onboard("partner-2", by="user-a")
    assert (answer.status, answer.code) == (400, "campaign_inactive")


def test_a_partner_may_be_brought_once_in_each_campaign():
    CampaignFactory(code="second", campaign_type="partner_onboarding", reward_rules=RULES)
    onboard("partner-1", by="user-a")

    answer = onboard("partner-1", by="user-x", campaign_code="second")

    assert amounts_of(answer) == [("user-x", 1, 5, "pending")]


def test_one_key_for_one_partner_in_two_campaigns_is_a_conflict_that_leaves_nothing():
    CampaignFactory(code="second", campaign_type="partner_onboarding", reward_rules=RULES)
    onboard("partner-1", by="user-a", external_event_id="p-1")

    answer = onboard("partner-1", by="user-a", campaign_code="second", external_event_id="p-1")

    assert (answer.status, answer.code) == (409, "idempotency_conflict")
    assert PartnerReferralRelation.objects.count() == 1


def test_an_unknown_campaign_is_not_found():
    assert_refused(onboard("partner-1", by="user-a", campaign_code="nothing"), 400, "campaign_not_found")


def test_a_campaign_of_another_type_takes_no_partners():
    answer = onboard("partner-1", by="user-a", campaign_code="quest_purchase_default")

    assert_refused(answer, 400, "event_type_not_allowed")


@pytest.mark.parametrize(
    ("occurred_at", "taken"),
    [("2024-12-31T23:59:59Z", False), ("2025-01-01T00:00:00Z", True), ("2025-02-01T00:00:00Z", False)],
)
def test_an_onboarding_must_lie_in_the_campaigns_window(occurred_at, taken):
    change_campaign(ONBOARDING, start_at="2025-01-01T00:00:00Z", end_at="2025-02-01T00:00:00Z")

    answer = onboard("partner-1", by="user-a", occurred_at=occurred_at)

    if taken:
        assert answer.status == 200
    else:
        assert_refused(answer, 400, "campaign_inactive")


def test_a_campaign_for_one_partner_takes_that_one_only():
    CampaignFactory(
        code="just_one",
        campaign_type="partner_onboarding",
        reward_rules=RULES,
        scope={"rf_partner_id": "partner-1"},
    )

    assert_refused(onboard("partner-2", by="user-a", campaign_code="just_one"), 400, "out_of_scope")
    assert onboard("partner-1", by="user-a", campaign_code="just_one").status == 200


def test_over_a_limit_the_relation_is_made_and_nobody_earns():
    change_rules(ONBOARDING, {**RULES, "limits": {"max_events_per_referrer": 1}})
    onboard("partner-1", by="user-a")

    answer = onboard("partner-2", by="user-a")

    assert answer.body["rewards"] == []
    assert (answer.body["reason"], answer.body["reason_detail"]) == (
        "limit_reached",
        "max_events_per_referrer",
    )
    assert PartnerReferralRelation.objects.count() == 2
