"""The cached campaigns: window, version in force, scope, and the choice of a campaign for an event."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from campaigns.catalog import catalog
from campaigns.models import ReferralCampaign
from campaigns.services import campaign_update
from tests.factories import CampaignFactory, CampaignRowFactory, RuleVersionFactory

pytestmark = pytest.mark.django_db

START = datetime(2025, 1, 1, tzinfo=UTC)
END = datetime(2025, 2, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("start_at", "end_at", "moment", "taken"),
    [
        (None, None, START, True),
        (START, None, START, True),
        (START, None, START - TICK, False),
        (None, END, END - TICK, True),
        (None, END, END, False),
        (START, END, START + timedelta(days=3), True),
    ],
)
def test_a_campaign_takes_events_of_its_window(start_at, end_at, moment, taken):
    campaign = CampaignFactory(start_at=start_at, end_at=end_at)

    assert catalog.by_code(campaign.code).takes_at(moment) is taken
    assert (campaign in ReferralCampaign.objects.active_at(moment)) is taken


@pytest.mark.parametrize("status", ["draft", "paused", "archived"])
def test_a_campaign_that_is_not_active_takes_none(status):
    campaign = CampaignRowFactory(status=status)
    RuleVersionFactory(campaign=campaign)

    assert not catalog.by_code(campaign.code).takes_at(timezone.now())
    assert campaign not in ReferralCampaign.objects.active_at(timezone.now())


def test_the_version_in_force_is_the_last_that_had_begun():
    # given versions of the first of January, March and May
    campaign = CampaignRowFactory()
    begins = [datetime(2025, month, 1, tzinfo=UTC) for month in (1, 3, 5)]
    ids = [
        RuleVersionFactory(
            campaign=campaign,
            number=number,
            valid_from=moment,
            rules={
                "levels": {"level1": {"points_per_purchase": number}},
                "limits": {"max_events_per_referred": number},
            },
        ).id
        for number, moment in enumerate(begins, 1)
    ]

    # when
    entry = catalog.by_code(campaign.code)

    # then
    expected = {
        begins[0] - timedelta(days=365): 1,
        begins[0]: 1,
        begins[1] - TICK: 1,
        begins[1]: 2,
        begins[2] - TICK: 2,
        begins[2]: 3,
        begins[2] + timedelta(days=365): 3,
    }
    for moment, number in expected.items():
        version_id, rules = entry.version_at(moment)
        assert version_id == ids[number - 1]
        assert rules.levels["level1"].points == {"purchase": number}
    assert entry.limits.max_events_per_referred == 3


@pytest.mark.parametrize(
    ("scope", "event_type", "metadata", "mismatch"),
    [
        ({}, "quest_purchased", None, None),
        ({"module": "quest"}, "quest_purchased", None, None),
        ({"module": "quest"}, "rielt_booking_made", None, "module"),
        ({"city_id": "7"}, "quest_purchased", {"city_id": "7"}, None),
        ({"city_id": "7"}, "quest_purchased", {"city_id": 7}, None),
        ({"city_id": 7}, "quest_purchased", {"city_id": "7"}, None),
        ({"city_id": "7"}, "quest_purchased", {"city_id": "8"}, "city_id"),
        ({"city_id": "7"}, "quest_purchased", {"city_id": None}, "city_id"),
        ({"city_id": "7"}, "quest_purchased", {"country_id": "7"}, "city_id"),
        ({"city_id": "7"}, "quest_purchased", {}, "city_id"),
        ({"city_id": "7"}, "quest_purchased", None, "city_id"),
        ({"rf_partner_id": "p"}, "quest_purchased", {"rf_partner_id": "p", "more": 1}, None),
    ],
)
def test_every_key_of_the_scope_must_be_met(scope, event_type, metadata, mismatch):
    campaign = CampaignFactory(scope=scope)

    assert catalog.by_code(campaign.code).scope_mismatch(event_type, metadata) == mismatch


def best(event_type="quest_purchased", metadata=None, moment=None):
    found = catalog.best_for(event_type, metadata, moment or timezone.now())
    return found and found.code


def test_most_scope_keys_win_then_the_newest():
    # given
    CampaignFactory(code="city_and_country", scope={"country_id": "ru", "city_id": "7"})
    CampaignFactory(code="wide_old")
    CampaignFactory(code="wide_new")
    CampaignFactory(code="quest_old", scope={"module": "quest"})
    CampaignFactory(code="quest_new", scope={"module": "quest"})
    CampaignFactory(code="rielt", scope={"module": "rielt"})

    # then
    assert best(metadata={"country_id": "ru", "city_id": "7"}) == "city_and_country"
    assert best(metadata={"country_id": "ru", "city_id": "8"}) == "quest_new"
    assert best() == "quest_new"
    assert best("voucher_premium_purchased") == "wide_new"
    assert best("rielt_booking_made") == "rielt"


def test_only_active_campaigns_that_take_type_and_time_are_chosen():
    CampaignFactory(code="ended", end_at=END)
    CampaignFactory(code="draft", status="draft")
    CampaignFactory(
        code="custom",
        campaign_type="custom",
        event_types=["game_won"],
        reward_rules={"levels": {"level1": {"points_per_event": 1}}},
    )

    assert best() is None
    assert best(moment=END - TICK) == "ended"
    assert best("game_won") == "custom"


def test_a_change_by_the_service_is_seen_at_once():
    campaign = CampaignFactory(name="Old")
    assert catalog.by_code(campaign.code).status == "active"

    campaign_update(campaign_id=campaign.id, changes={"status": "paused"}, by="tests")

    assert catalog.by_code(campaign.code).status == "paused"
    assert catalog.by_id(campaign.id).status == "paused"


def test_a_change_by_another_process_is_seen_after_forgetting():
    # given
    campaign = CampaignFactory()
    assert catalog.by_code(campaign.code).revision == 1

    # when
    ReferralCampaign.objects.filter(pk=campaign.pk).update(status="paused", revision=2)

    # then
    assert catalog.by_code(campaign.code).status == "active"
    catalog.forget()
    assert catalog.by_code(campaign.code).status == "paused"


def test_a_campaign_made_by_another_process_is_found_by_its_id():
    assert catalog.by_code("nothing") is None

    campaign = CampaignRowFactory()
    RuleVersionFactory(campaign=campaign)

    assert catalog.by_id(campaign.id).code == campaign.code


def test_looking_up_known_campaigns_asks_the_database_for_nothing(django_assert_num_queries):
    campaign = CampaignFactory()
    assert catalog.by_code(campaign.code)

    with django_assert_num_queries(0):
        assert catalog.by_code(campaign.code)
        assert catalog.by_id(campaign.id)
        assert best() == campaign.code


def test_campaigns_that_did_not_change_are_not_parsed_again(django_assert_num_queries):
    known = CampaignFactory()
    entry = catalog.by_code(known.code)

    catalog.forget()

    with django_assert_num_queries(1):
        assert catalog.by_code(known.code) is entry
