"""The buttons of a campaign's life say what will happen, and do it."""

import pytest
from playwright.sync_api import Page, expect

from campaigns.models import ReferralCampaign
from campaigns.services import campaign_update
from tests.backoffice.world import draft_make
from tests.browser.campaign_pages import change_page
from tests.helpers.api import link_of

# One browser is enough.
pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.sweep]

STEPS = {"Activate", "Pause", "Archive", "Duplicate"}


def offered(page: Page) -> set[str]:
    """The steps that the page offers."""
    return {name for name in STEPS if page.get_by_role("link", name=name).count()}


def take(page: Page, name: str) -> str:
    """Press a button and confirm it; returns what the page between them said."""
    with page.expect_navigation():
        page.get_by_role("link", name=name).click()
    told = page.locator("#content").inner_text()
    with page.expect_navigation():
        page.get_by_role("button", name=name).click()
    return told


def test_only_legal_steps_are_offered_and_each_says_what_will_happen(page: Page) -> None:
    campaign = draft_make()
    page.goto(change_page(campaign))
    assert offered(page) == {"Activate", "Archive", "Duplicate"}

    assert "Events within its dates will earn rewards" in take(page, "Activate")
    assert offered(page) == {"Pause", "Archive", "Duplicate"}
    link_of("ann", "spring")
    assert "1 user link leads to it" in take(page, "Pause")
    assert offered(page) == {"Activate", "Archive", "Duplicate"}
    assert "This cannot be undone" in take(page, "Archive")
    assert offered(page) == {"Duplicate"}
    campaign.refresh_from_db()
    assert campaign.status == "archived"


def test_rules_that_pay_nothing_cannot_be_activated(page: Page) -> None:
    campaign = draft_make(reward_rules={})

    page.goto(change_page(campaign))

    assert offered(page) == {"Archive", "Duplicate"}
    expect(page.locator("#content")).to_contain_text(
        "It cannot be activated yet. No event of this campaign can earn a reward"
    )


def test_a_step_confirmed_on_an_old_page_is_refused(page: Page) -> None:
    campaign = draft_make()
    page.goto(change_page(campaign))
    page.get_by_role("link", name="Activate").click()
    campaign_update(campaign_id=campaign.pk, changes={"name": "Changed"}, by="another")

    page.get_by_role("button", name="Activate").click()

    expect(page.locator("body")).to_contain_text("Someone else changed this campaign")
    campaign.refresh_from_db()
    assert campaign.status == "draft"


def test_a_copy_is_a_draft_with_the_same_rules_and_no_window(page: Page) -> None:
    campaign = draft_make(end_at="2026-01-01T00:00:00+00:00", is_default=True)

    page.goto(change_page(campaign))
    page.get_by_role("link", name="Duplicate").click()
    page.get_by_label("Code").fill("spring")
    page.get_by_role("button", name="Duplicate").click()
    expect(page.locator("#content")).to_contain_text("Another campaign has this code")
    page.get_by_label("Code").fill("summer")
    page.get_by_role("button", name="Duplicate").click()

    expect(page.locator("body")).to_contain_text("The copy is a draft.")
    copy = ReferralCampaign.objects.get(code="summer")
    assert (copy.name, copy.status, copy.end_at, copy.is_default) == ("Spring (copy)", "draft", None, False)
    assert copy.reward_rules == campaign.reward_rules
