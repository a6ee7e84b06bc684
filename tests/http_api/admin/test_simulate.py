"""`POST /admin/campaigns/{id}/simulate`: what events would earn, writing nothing."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from campaigns.models import CampaignSpend, ReferralCampaign, RuleVersion
from referral.models import ReferralEvent, ReferralRelation, UserRole
from rewards.models import ReferralReward, ReferralStats
from tests.factories import CampaignFactory
from tests.helpers.api import BASE, Answer, admin, amounts_of, become, buy_quest, change_rules, invite, user

pytestmark = pytest.mark.django_db

RULES = {
    "levels": {
        "level1": {"points_per_purchase": 10, "points_percent": "5", "max_points_per_event": 30},
        "level2": {"points_per_purchase": 5, "locked_until_role": "vip", "hold_days": 14},
        "referred": {"g2a_per_purchase": "0.25", "min_amount": 600},
    }
}
BUY = {"event_type": "quest_purchased", "amount_base": 500, "occurred_at": "2025-01-01T00:00:00Z"}
TABLES = (
    ReferralEvent,
    ReferralReward,
    ReferralStats,
    RuleVersion,
    CampaignSpend,
    ReferralRelation,
    UserRole,
)


def simulate(campaign: ReferralCampaign, **body: Any) -> Answer:
    return admin().post(f"/admin/campaigns/{campaign.pk}/simulate", body)


def levels_of(item: dict[str, Any]) -> list[Any]:
    """Per level what is earned and how it stands, or the reason why nothing."""
    return [
        [(reward["points_amount"] or reward["g2a_amount"], reward["status"]) for reward in level["rewards"]]
        or level["reason"]
        for level in item["levels"]
    ]


def test_a_sample_is_priced_by_rules_that_are_not_saved_and_every_level_says_why() -> None:
    campaign = CampaignFactory(status="draft")

    answer = simulate(
        campaign, reward_rules=RULES, events=[{**BUY, "level1": {"role": "vip"}, "level2": {"role": "user"}}]
    )

    assert answer.status == 200, answer.body
    item = answer.body["items"][0]
    assert levels_of(item) == [[(30, "pending")], [(5, "locked")], "below_min_amount"]
    assert [level["explanation"] for level in item["levels"]] == [
        "10 points + 5 % of 500 (rounded down), max 30 points",
        "5 points",
        "500 is below the minimum amount of 600.",
    ]
    assert item["levels"][1]["rewards"][0]["available_at"] == "2025-01-15T00:00:00Z"
    assert (answer.body["points_amount"], answer.body["g2a_amount"]) == (35, "0.000000000")


def test_samples_are_counted_among_themselves() -> None:
    limits = {"max_events_per_referred": 1, "max_events_per_referrer": 2, "budget_points": 25}
    campaign = CampaignFactory(
        reward_rules={"levels": {"level1": {"points_per_purchase": 10}}, "limits": limits}
    )
    people = [{**BUY, "referred": {"user_id": name}} for name in ("a", "a", "b", "c")]

    first = simulate(campaign, events=people).body
    tight = simulate(campaign, events=people, used={"points": 10}).body

    assert [item["reason_detail"] for item in first["items"]] == [
        None,
        "max_events_per_referred",
        None,
        "max_events_per_referrer",
    ]
    assert first["points_amount"] == 20
    assert [item["reason"] for item in tight["items"]] == [None, "limit_reached", *["budget_exhausted"] * 2]
    assert "20 of 25 points already used" in tight["items"][2]["levels"][0]["explanation"]


@pytest.mark.parametrize(
    ("people", "levels"),
    [
        ({"level1": None}, ["no_referrer"] * 3),
        ({"level2": None}, [[(10, "pending")], "no_referrer", [(1, "pending")]]),
        ({"level2": {"user_id": "referred"}}, [[(10, "pending")], "no_referrer", [(1, "pending")]]),
    ],
)
def test_nobody_earns_where_nobody_stands(people: dict[str, Any], levels: list[Any]) -> None:
    rules = {"levels": {"level1": {"points_per_purchase": 10}, "level2": {"points_per_purchase": 5}}}
    rules["levels"]["referred"] = {"points_per_purchase": 1}

    assert (
        levels_of(simulate(CampaignFactory(reward_rules=rules), events=[{**BUY, **people}]).body["items"][0])
        == levels
    )


def test_a_partner_gets_no_welcome_bonus() -> None:
    rules = {"levels": {"level1": {"points_per_onboarding": 7}}}
    campaign = CampaignFactory(campaign_type="partner_onboarding", reward_rules=rules)

    answer = simulate(campaign, events=[{"event_type": "rf_partner_onboarded"}])

    assert levels_of(answer.body["items"][0]) == [[(7, "pending")], "no_rule"]


def test_events_on_record_are_replayed_as_they_were_paid(campaigns: None) -> None:
    # given: the same events through the live path
    invite("ann", "bob")
    invite("bob", "cid")
    become("ann", "vip")
    paid = [buy_quest("cid", amount_base=500), buy_quest("stranger"), buy_quest("bob")]
    ids = [answer.body["referral_event_id"] for answer in paid]
    campaign = ReferralCampaign.objects.get(code="quest_purchase_default")

    # when
    answer = simulate(campaign, event_ids=ids[::-1])

    # then: order of acceptance, the same amounts, statuses and reasons
    assert [item["referral_event_id"] for item in answer.body["items"]] == ids
    for item, live in zip(answer.body["items"], paid, strict=True):
        played = [
            (level["beneficiary_user_id"], level["level"], reward["points_amount"], reward["status"])
            for level in item["levels"]
            for reward in level["rewards"]
        ]
        assert played == amounts_of(live)
        assert item["reason"] == live.body["reason"]
    assert answer.body["items"][0]["on_record"] == {"points_amount": 15, "g2a_amount": "0.000000000"}


def test_events_on_record_tell_what_other_rules_would_have_paid(campaigns: None) -> None:
    invite("ann", "bob")
    event_id = buy_quest("bob").body["referral_event_id"]
    campaign = ReferralCampaign.objects.get(code="quest_purchase_default")
    change_rules(campaign.code, {"levels": {"level1": {"points_per_purchase": 99}}})

    in_force_then = simulate(campaign, event_ids=[event_id]).body
    other = simulate(
        campaign, event_ids=[event_id], reward_rules={"levels": {"level1": {"points_per_purchase": 7}}}
    )

    assert in_force_then["points_amount"] == in_force_then["items"][0]["on_record"]["points_amount"] == 10
    assert other.body["points_amount"] == 7


def test_nothing_is_written_and_the_number_of_queries_does_not_grow(
    campaigns: None, django_assert_max_num_queries: Any
) -> None:
    invite("ann", "bob")
    ids = [buy_quest("bob").body["referral_event_id"] for _ in range(5)]
    campaign = ReferralCampaign.objects.get(code="quest_purchase_default")
    before = [list(model.objects.order_by("pk").values()) for model in TABLES]

    # Is the catalogue current, its two tables, events, relations, roles, rewards on record.
    with django_assert_max_num_queries(7):
        assert simulate(campaign, event_ids=ids).status == 200

    assert [list(model.objects.order_by("pk").values()) for model in TABLES] == before


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "events"),
        ({"events": [BUY], "event_ids": ["01a208c6-1c36-716e-a159-76078e2d3936"]}, "events"),
        ({"events": [BUY] * 101}, "events"),
        ({"event_ids": ["01a208c6-1c36-716e-a159-76078e2d3936"] * 101}, "event_ids"),
        ({"event_ids": ["01a208c6-1c36-716e-a159-76078e2d3936"]}, "event_ids[0]"),
        ({"event_ids": ["x"]}, "event_ids[0]"),
        ({"events": [BUY, {**BUY, "event_type": "user_registered"}]}, "events[1].event_type"),
        ({"events": [{**BUY, "event_type": "No!"}]}, "events[0].event_type"),
        ({"events": [{**BUY, "amount_base": -1}]}, "events[0].amount_base"),
        ({"events": [{**BUY, "occurred_at": "2025-01-01T00:00:00"}]}, "events[0].occurred_at"),
        ({"events": [{**BUY, "level1": {"role": "king"}}]}, "events[0].level1.role"),
        ({"events": [{**BUY, "level2": {"user_id": "a b"}}]}, "events[0].level2.user_id"),
        ({"events": [{**BUY, "referred": None}]}, "events[0].referred"),
        ({"events": [BUY], "used": {"points": -1}}, "used.points"),
        ({"events": [BUY], "used": {"g2a": "x"}}, "used.g2a"),
        ({"events": [BUY], "reward_rules": {"limits": {"typo": 1}}}, "reward_rules.limits.typo"),
        (
            {"events": [BUY], "reward_rules": {"levels": {"level1": {"points_per_purchase": 1.5}}}},
            "reward_rules.levels.level1.points_per_purchase",
        ),
        ({"events": [BUY], "reward_rules": None}, "reward_rules"),
        ({"events": {}}, "events"),
    ],
)
def test_what_is_wrong_is_told_with_its_path(body: dict[str, Any], path: str) -> None:
    answer = simulate(CampaignFactory(), **body)

    assert (answer.status, answer.code) == (400, "validation_error")
    assert list(answer.body["error"]["details"]) == [path]


def test_an_event_at_the_edge_of_the_calendar_is_no_crash() -> None:
    rules = {"levels": {"level1": {"points_per_purchase": 1, "hold_days": 3650}}}
    body = {"reward_rules": rules, "events": [{**BUY, "occurred_at": "9999-12-31T00:00:00Z"}]}

    assert simulate(CampaignFactory(), **body).status == 400


def test_who_may_look_at_campaigns_may_simulate_and_nobody_else() -> None:
    campaign = CampaignFactory()
    path = f"/admin/campaigns/{campaign.pk}/simulate"
    viewer = User.objects.create_user("vera", is_staff=True)
    client = Client()
    client.force_login(viewer)

    def by_session() -> int:
        return client.post(BASE + path, {"events": [BUY]}, content_type="application/json").status_code

    assert user("somebody").post(path, {"events": [BUY]}).status == 403
    assert by_session() == 403
    viewer.user_permissions.add(Permission.objects.get(codename="view_referralcampaign"))
    assert by_session() == 200
    gone = admin().post("/admin/campaigns/00000000-0000-7000-8000-000000000000/simulate", {"events": [BUY]})
    assert gone.code == "not_found"
