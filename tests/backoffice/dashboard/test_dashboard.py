"""The first page: the right numbers of a period and a campaign, in a fixed number of queries."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from campaigns.models import ReferralCampaign
from referral.models import ReferralRelation
from rewards.intake.events import event_accept
from rewards.ledger.rollups import daily_figures_refresh
from rewards.models import DailyFiguresCursor, ReferralReward
from rewards.reporting.dashboard import Period, dashboard, oldest_waiting
from tests.backoffice.conftest import staff_with
from tests.backoffice.world import World
from tests.helpers.api import buy_quest, invite
from tests.helpers.rewards import campaign_of, done, earn

INDEX = reverse("admin:index")


def shown_for(period: Period):
    daily_figures_refresh()
    return dashboard(period, list(ReferralCampaign.objects.all()))


def today() -> Period:
    return Period(timezone.now().date() - timedelta(days=1), timezone.now().date())


def test_the_numbers_of_a_period_are_those_of_its_rows(world: World) -> None:
    shown = shown_for(today())

    rewards = ReferralReward.objects.filter(currency="points").exclude(status="cancelled")
    assert shown.total.clicks == 7
    assert shown.total.registrations == ReferralRelation.objects.count() == 2
    assert shown.buyers == 2  # Cid, and the partner whom Ann has brought.
    assert shown.total.points == sum(reward.points_amount for reward in rewards)
    assert shown.total.money["points_paid"] == world.rewards["paid"].points_amount
    assert sum(row.events for row in shown.by_day.values()) == shown.total.events == 7
    assert [(row.user_id, row.registrations) for row in shown.referrers] == [("ann", 1), ("bob", 1)]


def test_a_campaign_has_its_own_numbers_and_the_buyers_whom_it_brought(world: World) -> None:
    campaign = ReferralCampaign.objects.get(code="user_invite_default")

    period = today()
    shown = shown_for(Period(period.first, period.last, campaign.pk))

    assert (shown.total.registrations, shown.total.events, shown.buyers) == (2, 2, 1)
    assert [cost.campaign.code for cost in shown.costs] == ["user_invite_default"]
    assert shown.costs[0].points_each == Decimal(shown.total.points) / 2


def test_what_happened_on_other_days_is_left_out(campaigns: None) -> None:
    campaign_of("days", {"level1": {"points_per_event": 10}})
    for day in (1, 2, 3):
        event_accept(done("days", "ann", occurred_at=datetime(2026, 3, day, 12, tzinfo=UTC)))

    shown = shown_for(Period(date(2026, 3, 2), date(2026, 3, 2)))

    assert (shown.total.events, shown.total.points) == (1, 10)
    assert list(shown.by_day) == [date(2026, 3, 2)]


def test_campaigns_stand_by_the_cost_of_a_registration(campaigns: None) -> None:
    invite("ann", "bob")
    buy_quest("bob", external_event_id="order-1")

    costs = shown_for(today()).costs

    assert [cost.campaign.code for cost in costs] == ["user_invite_default", "quest_purchase_default"]
    assert costs[0].points_each == 120
    assert costs[1].points_each is None


def test_the_page_needs_the_same_queries_however_much_there_is(
    boss: Client, world: World, django_assert_num_queries: object
) -> None:
    daily_figures_refresh()
    boss.get(INDEX)
    with django_assert_num_queries(15):
        boss.get(INDEX)
    for number in range(10, 20):
        buy_quest("cid", external_event_id=f"order-{number}")
        invite(f"host-{number}", f"guest-{number}")
    daily_figures_refresh()

    with django_assert_num_queries(15):
        page = boss.get(INDEX, {"first": "2025-01-01", "last": "2026-12-31"})

    assert page.context["shown"].total.registrations == 12


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"first": "yesterday"}, "Enter a valid date"),
        ({"first": "2026-03-02", "last": "2026-03-01"}, "The period must not end before it starts"),
        ({"first": "2001-01-01", "last": "2026-03-01"}, "Choose a period of at most 732 days"),
        ({"campaign": "none-such"}, "Select a valid choice"),
        ({"first": "0001-01-01", "last": "0001-01-01"}, "greater than or equal to"),
        ({"first": "9999-12-31", "last": "9999-12-31"}, "less than or equal to"),
        ({"first": "\x00", "campaign": "\x00"}, "Enter a valid date"),
    ],
)
def test_a_period_that_cannot_be_is_told_beside_its_field(
    boss: Client, campaigns: None, query: dict[str, str], problem: str
) -> None:
    page = boss.get(INDEX, query)

    assert page.status_code == 200
    assert problem in page.content.decode()


def test_who_may_not_look_at_rewards_sees_a_menu_only(world: World) -> None:
    page = staff_with("campaigns.view_referralcampaign").get(INDEX)

    assert page.status_code == 200
    assert "dashboard-card" not in page.content.decode()
    assert "shown" not in page.context


def test_figures_that_nobody_adds_up_are_told(boss: Client, world: World) -> None:
    assert "have not been updated yet" in boss.get(INDEX).content.decode()
    daily_figures_refresh()
    assert "Check that the scheduler is running" not in boss.get(INDEX).content.decode()

    DailyFiguresCursor.objects.update(refreshed_at=timezone.now() - timedelta(minutes=6))

    assert "Check that the scheduler is running" in boss.get(INDEX).content.decode()


def test_the_payout_that_waits_longest_is_found_among_new_and_failing_ones(db: None) -> None:
    campaign_of(
        "waits", {"level1": {"points_per_event": 10}, "level2": {"g2a_per_event": "1", "hold_days": 3}}
    )
    now = timezone.now()
    failing = earn("waits", "ann", occurred_at=now - timedelta(days=2))
    fresh = earn("waits", "ann", occurred_at=now - timedelta(days=1))
    assert oldest_waiting() == failing

    # Its next try is in the future, but it waits since it was due.
    ReferralReward.objects.filter(pk=failing.pk).update(
        next_attempt_at=now + timedelta(minutes=5), first_failed_at=now - timedelta(hours=1), failures=3
    )
    assert oldest_waiting() == failing
    ReferralReward.objects.filter(pk=failing.pk).update(
        first_failed_at=None, next_attempt_at=None, status="cancelled"
    )
    assert oldest_waiting() == fresh


def test_what_is_held_back_does_not_wait(db: None) -> None:
    campaign_of("holds", {"level1": {"points_per_event": 10, "hold_days": 3}})
    earn("holds", "ann")

    assert oldest_waiting() is None


def test_the_page_speaks_russian(boss: Client, world: World) -> None:
    daily_figures_refresh()
    boss.cookies["django_language"] = "ru"

    page = boss.get(INDEX).content.decode()

    for text in (
        "Обзор",
        "Регистрации",
        "Лучшие рефереры",
        "Кампании по стоимости регистрации",
        "Самая давняя из ожидающих",
    ):
        assert text in page
