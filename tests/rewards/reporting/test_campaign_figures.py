"""What each campaign has brought and cost, in lists."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from rewards.ledger.rollups import daily_figures_refresh
from rewards.reporting.campaign_figures import TREND_DAYS, Figures, figures_of
from tests.factories import CampaignFactory, EventFactory, StatsFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2025, 6, 14, 12, tzinfo=UTC)
MIDNIGHT = datetime(2025, 6, 1, tzinfo=UTC)


def test_sums_are_of_all_time_and_the_trend_is_of_the_last_days(django_assert_num_queries: Any) -> None:
    # given: a campaign with two users and events at the edges of the trend, and one with nothing
    busy, quiet = CampaignFactory(), CampaignFactory()
    StatsFactory(campaign=busy, user_id="a", total_referred_users=2, points_earned=10, points_pending=3)
    StatsFactory(campaign=busy, user_id="b", total_referred_users=1, points_locked=4, g2a_pending="0.5")
    version = busy.rule_versions.get()
    for moment in (MIDNIGHT - timedelta(microseconds=1), MIDNIGHT, NOW, NOW, NOW + timedelta(days=1)):
        EventFactory(campaign=busy, rule_version=version, occurred_at=moment)

    daily_figures_refresh()

    with django_assert_num_queries(2):
        figures = figures_of([busy.pk, quiet.pk], NOW)

    assert figures[quiet.pk] == Figures()
    assert figures[busy.pk] == Figures(
        registrations=3,
        points_paid=10,
        points_waiting=7,
        g2a_paid=Decimal(0),
        g2a_waiting=Decimal("0.5"),
        trend=[1, *[0] * (TREND_DAYS - 2), 2],
    )


def test_the_list_asks_as_much_for_one_campaign_as_for_many(
    admin_client: Client, django_assert_num_queries: Any
) -> None:
    page = reverse("admin:campaigns_referralcampaign_changelist")
    CampaignFactory()
    admin_client.get(page)

    # Session, person, count of all, count of the filtered, rows, sums, trend, and the menu's two.
    with django_assert_num_queries(9):
        admin_client.get(page)
    for _ in range(12):
        CampaignFactory()
    with django_assert_num_queries(9):
        assert admin_client.get(page).content.decode().count('class="campaign-trend"') == 13
