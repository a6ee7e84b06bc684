"""The preview follows what is typed, before anything is saved."""

import pytest
from playwright.sync_api import Page, expect

from campaigns.models import CampaignSpend, ReferralCampaign
from tests.backoffice.world import draft_make
from tests.browser.campaign_pages import ADD, change_page, rule

# One browser is enough.
pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.sweep]


def shown(page: Page, level: str) -> list[str]:
    """What the preview says of one level: what is earned, and why."""
    row = page.locator("[data-preview] tbody tr").filter(has=page.get_by_role("rowheader", name=level))
    return [cell.inner_text().strip() for cell in row.locator("td").all()]


def test_a_purchase_of_500_by_somebody_whom_a_vip_invited_whom_a_user_invited(page: Page) -> None:
    page.goto(ADD)
    page.select_option("#id_campaign_type", "purchase")
    expect(page.locator("#id_try-family")).to_have_value("purchase")
    rule(page, "level1.points_per_purchase").fill("10")
    rule(page, "level1.points_percent").fill("5")
    rule(page, "level1.max_points_per_event").fill("30")
    rule(page, "level2.points_per_purchase").fill("5")
    rule(page, "level2.locked_until_role").select_option("vip")
    rule(page, "level2.hold_days").fill("14")

    expect(page.locator("[data-preview]")).to_contain_text("Purchase, 500. Total cost: 35 points.")
    assert shown(page, "Level 1") == [
        "30 points paid immediately",
        "10 points + 5 % of 500 (rounded down), max 30 points",
    ]
    assert shown(page, "Level 2") == [
        "5 points locked until the role VIP, paid no sooner than 14 days after the event",
        "5 points",
    ]
    assert shown(page, "Welcome bonus") == [
        "nothing",
        "The rules set no reward for this level (event: purchase).",
    ]
    expect(page.locator("[data-summary]")).to_contain_text("Level 1: 30 points (paid immediately)")
    assert not ReferralCampaign.objects.filter(code="spring").exists()

    page.get_by_label("Level 2 referrer").select_option("vip")
    expect(page.locator("[data-preview]")).to_contain_text("5 points paid after 14 days")
    rule(page, "level2.before_role").select_option("skip")
    page.get_by_label("Level 2 referrer").select_option("user")
    expect(page.locator("[data-preview]")).to_contain_text("This level requires the role VIP.")
    rule(page, "level1.min_amount").fill("600")
    expect(page.locator("[data-preview]")).to_contain_text("500 is below the minimum amount of 600.")
    rule(page, "level1.min_amount").fill("many")
    expect(page.locator("[data-preview]")).to_contain_text("Level 1 – Minimum amount: Enter a number")


def test_limits_and_what_the_budget_has_left_are_told(page: Page) -> None:
    limits = {"budget_points": 1000, "max_events_per_referred": 2}
    campaign = draft_make(
        reward_rules={"levels": {"level1": {"points_per_registration": 100}}, "limits": limits}
    )
    CampaignSpend.objects.create(campaign=campaign, points=950)

    page.goto(change_page(campaign))
    expect(page.locator("[data-preview]")).to_contain_text(
        "Budget exceeded: 950 of 1,000 points already used."
    )
    page.get_by_text("Earlier events, for the limits").click()
    page.get_by_label("Earlier rewarded events of this person").fill("2")
    expect(page.locator("[data-preview]")).to_contain_text(
        "Limit reached: max rewarded events per invited person – 2."
    )
