"""The two languages, and the switch between them."""

import pytest
from playwright.sync_api import Page, expect

# One browser is enough.
pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.sweep]


def test_the_first_page_speaks_both_languages(page: Page) -> None:
    page.goto("/")
    expect(page.locator("h1")).to_have_text("Referral Service")

    page.get_by_role("button", name="Русский").click()
    expect(page.locator("h1")).to_have_text("Реферальный сервис")

    page.get_by_role("button", name="English").click()
    expect(page.locator("h1")).to_have_text("Referral Service")


def test_the_switch_in_the_header_keeps_the_page(page: Page) -> None:
    page.goto("/admin/rewards/referralreward/?status=failed")

    page.get_by_role("button", name="ru", exact=True).click()

    assert page.url.endswith("/admin/rewards/referralreward/?status=failed")
    expect(page.locator("#nav-sidebar-apps")).to_contain_text("Награды")
    page.goto("/admin/campaigns/referralcampaign/add/")
    expect(page.locator("#content-main")).to_contain_text("Правила начисления")
