"""Campaigns: their life cycle, what is fixed when, what follows from the type, and the history of rules."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from campaigns.models import CampaignSpend, ReferralCampaign, RuleVersion
from campaigns.services import CampaignContent, campaign_create, campaign_update
from kernel.errors import EditConflict, IllegalTransition, NotFound, ValidationFailed
from tests.factories import RULES, CampaignFactory, SpendFactory

pytestmark = pytest.mark.django_db

STATUSES = ("draft", "active", "paused", "archived")
MOVES = {
    ("draft", "active"),
    ("draft", "archived"),
    ("active", "paused"),
    ("active", "archived"),
    ("paused", "active"),
    ("paused", "archived"),
}
NOWHERE = "00000000-0000-7000-8000-000000000000"
NEW_YEAR = datetime(2025, 1, 1, tzinfo=UTC)


def update(campaign, **changes):
    return campaign_update(campaign_id=campaign.id, changes=changes, by="tests")


def in_status(status):
    """A campaign that went the shortest way to this status."""
    campaign = CampaignFactory(status="draft")
    for step in {
        "draft": (),
        "active": ("active",),
        "paused": ("active", "paused"),
        "archived": ("archived",),
    }[status]:
        campaign = update(campaign, status=step)
    return campaign


def problems_of(call, *args, **kwargs):
    with pytest.raises(ValidationFailed) as refused:
        call(*args, **kwargs)
    return dict(refused.value.details)


# --- the life cycle ---------------------------------------------------------------------------------


@pytest.mark.parametrize("target", STATUSES)
@pytest.mark.parametrize("source", STATUSES)
def test_a_campaign_moves_along_its_life_cycle_only(source, target):
    campaign = in_status(source)

    if (source, target) in MOVES or source == target:
        assert update(campaign, status=target).status == target
    else:
        with pytest.raises(IllegalTransition):
            update(campaign, status=target)
        campaign.refresh_from_db()
        assert campaign.status == source


@pytest.mark.parametrize("status", ["draft", "active"])
def test_a_new_campaign_is_a_draft_or_active(status):
    assert CampaignFactory(status=status).status == status


@pytest.mark.parametrize("status", ["paused", "archived", "unknown"])
def test_a_new_campaign_is_nothing_else(status):
    assert list(problems_of(CampaignFactory, status=status)) == ["status"]
    assert not ReferralCampaign.objects.exists()


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"levels": {"level1": {"points_per_purchase": 0}}},
        {"levels": {"level1": {"points_per_registration": 10}}},
        {**RULES, "limits": {"max_events_per_referrer": 0}},
        {**RULES, "limits": {"budget_points": 0}},
    ],
)
def test_rules_that_pay_nothing_are_enough_for_a_draft_but_not_for_activation(rules):
    draft = CampaignFactory(status="draft", reward_rules=rules)

    assert list(problems_of(update, draft, status="active")) == ["reward_rules"]
    assert list(problems_of(CampaignFactory, status="active", reward_rules=rules)) == ["reward_rules"]


def test_an_active_campaign_cannot_be_left_without_anything_to_pay():
    campaign = CampaignFactory()

    assert list(problems_of(update, campaign, reward_rules={})) == ["reward_rules"]
    assert RuleVersion.objects.filter(campaign=campaign).count() == 1


@pytest.mark.parametrize("status", STATUSES)
def test_invalid_rules_are_refused_at_every_save(status):
    campaign = in_status(status)
    rules = {"levels": {"level1": {"points_per_purchase": -1, "typo": 1}}}

    assert set(problems_of(update, campaign, reward_rules=rules)) == {
        "reward_rules.levels.level1.points_per_purchase",
        "reward_rules.levels.level1.typo",
    }


@pytest.mark.parametrize(
    ("field", "value", "changed"),
    [("code", "another_code", "other"), ("campaign_type", "custom", "other")],
)
@pytest.mark.parametrize("status", STATUSES)
def test_code_and_type_are_fixed_once_the_campaign_has_left_draft(status, field, value, changed):
    campaign = in_status(status)
    changes = {field: value, "event_types": ["game_won"]} if field == "campaign_type" else {field: value}

    if status == "draft":
        assert getattr(update(campaign, **changes), field) == value
    else:
        assert list(problems_of(update, campaign, **changes)) == [field]
        assert update(campaign, **{field: getattr(campaign, field)}).status == status


def test_an_unknown_campaign_cannot_be_changed():
    with pytest.raises(NotFound):
        campaign_update(campaign_id=NOWHERE, changes={"name": "x"}, by="tests")


def test_two_editors_do_not_overwrite_each_other():
    # given two who have read the same revision
    campaign = CampaignFactory()
    read = campaign.revision

    # when one saves
    campaign_update(campaign_id=campaign.id, changes={"name": "first"}, by="one", expected_revision=read)

    # then the other is told
    with pytest.raises(EditConflict):
        campaign_update(campaign_id=campaign.id, changes={"name": "second"}, by="two", expected_revision=read)
    campaign.refresh_from_db()
    assert campaign.name == "first"


# --- what a campaign is -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("campaign_type", "scope", "event_types"),
    [
        ("user_invite", {}, ["user_registered"]),
        ("partner_onboarding", {}, ["rf_partner_onboarded"]),
        ("purchase", {"module": "quest"}, ["quest_purchased"]),
        ("purchase", {"module": "voucher"}, ["voucher_premium_purchased"]),
        ("purchase", {"module": "rielt"}, ["rielt_booking_made"]),
        ("purchase", {}, ["quest_purchased", "rielt_booking_made", "voucher_premium_purchased"]),
        (
            "purchase",
            {"city_id": "7"},
            ["quest_purchased", "rielt_booking_made", "voucher_premium_purchased"],
        ),
    ],
)
@pytest.mark.parametrize("given", [False, True])
def test_the_type_decides_the_event_types(campaign_type, scope, event_types, given):
    campaign = CampaignFactory(
        campaign_type=campaign_type, scope=scope, status="draft", event_types=event_types if given else []
    )

    assert sorted(campaign.event_types) == event_types


@pytest.mark.parametrize("campaign_type", ["user_invite", "partner_onboarding", "purchase"])
def test_other_event_types_than_the_type_decides_are_refused(campaign_type):
    problems = problems_of(
        CampaignFactory, campaign_type=campaign_type, event_types=["game_won"], status="draft"
    )

    assert list(problems) == ["event_types"]


def test_a_custom_campaign_names_its_own_event_types():
    campaign = CampaignFactory(
        campaign_type="custom",
        event_types=["game_won", "level_2"],
        reward_rules={"levels": {"level1": {"points_per_event": 1}}},
    )

    assert campaign.event_types == ["game_won", "level_2"]


@pytest.mark.parametrize(
    "event_types", [[], ["Game"], ["a b"], [""], ["x" * 65], ["a1", "a1"], [5], "game_won", None]
)
def test_a_custom_campaign_without_proper_event_types_is_refused(event_types):
    problems = problems_of(CampaignFactory, campaign_type="custom", event_types=event_types, status="draft")

    assert list(problems) == ["event_types"]


def test_event_types_follow_a_change_of_the_module():
    campaign = CampaignFactory(scope={"module": "quest"})

    assert update(campaign, scope={"module": "rielt"}).event_types == ["rielt_booking_made"]
    assert len(update(campaign, scope={}).event_types) == 3


@pytest.mark.parametrize(
    "scope",
    [
        {},
        {"module": "quest"},
        {"module": "quest", "country_id": "ru", "city_id": "1", "rf_partner_id": "partner-1"},
        {"city_id": 7},
        {"rf_partner_id": "x" * 64},
    ],
)
def test_a_scope_holds_any_of_its_four_keys(scope):
    assert CampaignFactory(scope=scope).scope == scope


@pytest.mark.parametrize(
    ("scope", "path"),
    [
        ([], "scope"),
        ("quest", "scope"),
        (None, "scope"),
        ({"town": "1"}, "scope.town"),
        ({"module": "game"}, "scope.module"),
        ({"module": ["quest"]}, "scope.module"),
        ({"module": {}}, "scope.module"),
        ({"country_id": True}, "scope.country_id"),
        ({"country_id": None}, "scope.country_id"),
        ({"country_id": ""}, "scope.country_id"),
        ({"country_id": "new york"}, "scope.country_id"),
        ({"country_id": "x" * 65}, "scope.country_id"),
        ({"city_id": ["7"]}, "scope.city_id"),
        ({"city_id": {}}, "scope.city_id"),
        ({"city_id": 1.5}, "scope.city_id"),
        ({"city_id": Decimal("1.5")}, "scope.city_id"),
    ],
)
def test_a_bad_scope_is_refused_with_its_path(scope, path):
    assert list(problems_of(CampaignFactory, scope=scope)) == [path]


@pytest.mark.parametrize("code", ["", "ab", "x" * 65, "Quest", "a b c", "квест", "abc\n", None, 5])
def test_a_bad_code_is_refused(code):
    assert list(problems_of(CampaignFactory, code=code)) == ["code"]


@pytest.mark.parametrize("code", ["abc", "x" * 64, "quest_2-b", "---"])
def test_a_code_is_3_to_64_small_letters_digits_and_dashes(code):
    assert CampaignFactory(code=code).code == code


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, None])
def test_a_bad_name_is_refused(name):
    assert list(problems_of(CampaignFactory, name=name)) == ["name"]


def test_an_unknown_type_is_refused():
    assert "campaign_type" in problems_of(CampaignFactory, campaign_type="game")


def test_a_code_is_given_once():
    CampaignFactory(code="taken")

    assert list(problems_of(CampaignFactory, code="taken")) == ["code"]


def test_a_draft_cannot_take_the_code_of_another_campaign():
    CampaignFactory(code="taken")
    draft = CampaignFactory(code="free", status="draft")

    assert list(problems_of(update, draft, code="taken")) == ["code"]
    draft.refresh_from_db()
    assert draft.code == "free"


@pytest.mark.parametrize("hours", [0, -1])
def test_a_window_that_ends_before_it_starts_is_refused(hours):
    problems = problems_of(CampaignFactory, start_at=NEW_YEAR, end_at=NEW_YEAR + timedelta(hours=hours))

    assert list(problems) == ["end_at"]


def test_a_welcome_bonus_has_no_place_in_onboarding_partners():
    rules = {"levels": {"referred": {"points_per_onboarding": 1}}}

    problems = problems_of(CampaignFactory, campaign_type="partner_onboarding", reward_rules=rules)

    assert list(problems) == ["reward_rules.levels.referred"]


def test_all_problems_of_a_campaign_are_told_at_once():
    content = CampaignContent(
        code="X",
        name="",
        campaign_type="purchase",
        scope={"town": 1},
        reward_rules={"levels": {"level1": {"typo": 1}}},
        start_at=NEW_YEAR,
        end_at=NEW_YEAR,
    )

    assert set(problems_of(campaign_create, content=content, by="tests")) == {
        "code",
        "name",
        "scope.town",
        "reward_rules.levels.level1.typo",
        "end_at",
    }


# --- versions of rules ------------------------------------------------------------------------------


def versions(campaign):
    return list(RuleVersion.objects.filter(campaign=campaign).order_by("number"))


def test_every_change_of_rules_is_kept_numbered_and_dated():
    # given
    campaign = CampaignFactory()

    # when
    for amount in (20, 30):
        update(campaign, reward_rules={"levels": {"level1": {"points_per_purchase": amount}}})

    # then
    kept = versions(campaign)
    assert [version.number for version in kept] == [1, 2, 3]
    paid = [version.rules["levels"]["level1"]["points_per_purchase"] for version in kept]
    assert paid == [10, 20, 30]
    assert sorted(version.valid_from for version in kept) == [version.valid_from for version in kept]
    assert {version.created_by for version in kept} == {"tests"}


@pytest.mark.parametrize("changes", [{"name": "Other"}, {"status": "paused"}, {"reward_rules": RULES}])
def test_a_change_of_something_else_makes_no_version(changes):
    campaign = CampaignFactory()

    update(campaign, **changes)

    assert len(versions(campaign)) == 1


def test_the_same_rules_in_another_spelling_make_no_version():
    campaign = CampaignFactory(reward_rules={"levels": {"level1": {"g2a_per_purchase": "1.50"}}})

    update(campaign, reward_rules={"levels": {"level1": {"g2a_per_purchase": Decimal("1.5")}}})

    assert len(versions(campaign)) == 1
    assert campaign.reward_rules == {"levels": {"level1": {"g2a_per_purchase": "1.5"}}}


def test_a_refused_change_leaves_no_version_and_changes_nothing():
    campaign = CampaignFactory()
    rules = {"levels": {"level1": {"points_per_purchase": 99}}}

    problems_of(update, campaign, reward_rules=rules, name="")

    assert len(versions(campaign)) == 1
    campaign.refresh_from_db()
    assert campaign.reward_rules == RULES


@pytest.mark.parametrize(
    "sql", ["UPDATE campaigns_ruleversion SET number = 7", "DELETE FROM campaigns_ruleversion"]
)
def test_the_database_refuses_to_change_history(sql):
    CampaignFactory()

    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)
    assert [version.number for version in RuleVersion.objects.all()] == [1]


def test_the_sums_of_a_budget_are_kept_while_there_is_one():
    campaign = CampaignFactory(reward_rules={**RULES, "limits": {"budget_points": 100}})
    SpendFactory(campaign=campaign)

    update(campaign, reward_rules={**RULES, "limits": {"budget_points": 200}})
    assert CampaignSpend.objects.filter(campaign=campaign).exists()

    update(campaign, reward_rules=RULES)
    assert not CampaignSpend.objects.filter(campaign=campaign).exists()
