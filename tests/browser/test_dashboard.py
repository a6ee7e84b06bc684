"""A person looks at how campaigns do, and chooses a period and a campaign."""

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from campaigns.models import ReferralCampaign
from rewards.ledger.rollups import daily_figures_refresh
from tests.backoffice.world import World

# One browser is enough.
pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.sweep]


def tile(page: Page, title: str) -> str:
    """The number beneath a title."""
    return page.locator(".dashboard-card", has_text=title).locator(".dashboard-tile-value").first.inner_text()


def test_a_period_and_a_campaign_are_chosen(page: Page, world: World) -> None:
    daily_figures_refresh()
    page.goto("/admin/")
    assert [tile(page, title) for title in ("Clicks", "Registrations", "Events")] == ["7", "2", "7"]
    expect(page.locator(".dashboard-quick [aria-current]")).to_have_text("30 days")
    expect(page.get_by_role("img", name="Registrations: 2")).to_be_visible()

    page.get_by_label("Campaign", exact=True).select_option(label="Quest purchases")
    page.get_by_role("button", name="Apply").click()
    assert [tile(page, title) for title in ("Clicks", "Registrations", "Events")] == ["0", "0", "4"]

    page.get_by_role("link", name="7 days").click()
    expect(page.get_by_label("Campaign", exact=True)).to_have_value(
        str(ReferralCampaign.objects.get(code="quest_purchase_default").pk)
    )
    page.get_by_label("To", exact=True).fill("2026-01-31")
    page.get_by_label("From", exact=True).fill("2026-01-01")
    page.get_by_role("button", name="Apply").click()
    assert tile(page, "Events") == "0"
    expect(page.locator("body")).to_contain_text("Nothing in this period.")


def test_a_period_that_cannot_be_is_told_and_the_days_stay(page: Page, world: World) -> None:
    page.goto("/admin/?first=2026-03-02&last=2026-03-01")

    expect(page.get_by_role("alert")).to_have_text("The period must not end before it starts")
    expect(page.get_by_label("From", exact=True)).to_have_value("2026-03-02")


def test_the_charts_are_tables_for_those_who_do_not_see_them(page: Page, world: World) -> None:
    daily_figures_refresh()
    page.goto("/admin/")
    chart = page.locator("section[aria-label='Points']")

    chart.get_by_text("Show as table").click()

    row = chart.get_by_role("row").filter(has_text=f"{timezone.now():%Y-%m-%d}")
    expect(row).to_contain_text("100")
    expect(chart.get_by_role("columnheader")).to_have_text(["Day", "Paid", "Pending", "Locked", "Failed"])


def test_the_dashboard_leads_to_what_it_counts(page: Page, world: World) -> None:
    daily_figures_refresh()
    page.goto("/admin/")
    expect(page.locator("section", has_text="Payout status").last).to_contain_text("Points Service")

    page.locator("a.dashboard-card", has_text="Failed").click()

    expect(page.locator("#result_list")).to_contain_text("account_closed")
