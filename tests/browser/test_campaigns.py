"""A person makes, changes and activates campaigns."""

import json

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from campaigns.models import ReferralCampaign, RuleVersion
from campaigns.services import campaign_update
from tests.admin.world import draft_make

# One browser is enough.
pytestmark = pytest.mark.xdist_group("browser")

GOOD = '{"levels": {"level1": {"points_per_registration": 100, "g2a_per_registration": 0.10}}}'
BAD = '{"levels": {"level1": {"points_per_registration": 1.5, "bogus": 1}}}'


def beside(page: Page, field: str) -> str:
    """What stands beside a field of the form, problems included."""
    return page.locator(f".form-row .field-{field}").text_content() or ""


def save(page: Page) -> None:
    page.locator("button[name=_save]").click()


def change_page(campaign: ReferralCampaign) -> str:
    return f"/admin/campaigns/referralcampaign/{campaign.pk}/change/"


def test_bad_rules_are_told_beside_their_field_and_nothing_is_lost(page: Page) -> None:
    page.goto("/admin/campaigns/referralcampaign/add/")
    page.fill("#id_name", "Spring")
    page.fill("#id_code", "spring")
    page.fill("#id_description", "Two weeks")
    page.fill("#id_reward_rules", BAD)
    save(page)

    assert "levels.level1.points_per_registration: must be a whole number" in beside(page, "reward_rules")
    assert "levels.level1.bogus: unknown key" in beside(page, "reward_rules")
    assert "bogus" not in beside(page, "name")
    expect(page.locator("#id_name")).to_have_value("Spring")
    expect(page.locator("#id_description")).to_have_value("Two weeks")
    expect(page.locator("#id_reward_rules")).to_have_value(BAD)
    assert not ReferralCampaign.objects.filter(code="spring").exists()


def test_a_campaign_is_made_with_exact_decimals_and_activated(page: Page) -> None:
    page.goto("/admin/campaigns/referralcampaign/add/")
    page.fill("#id_name", "Spring")
    page.fill("#id_code", "spring")
    page.fill("#id_reward_rules", GOOD)
    page.locator("button[name=_continue]").click()
    expect(page.locator("#id_reward_rules")).to_have_value(json_shown("0.1"))

    page.get_by_role("link", name="Activate").click()
    expect(page.locator("body")).to_contain_text("Activate the campaign “Spring”?")
    page.get_by_role("button", name="Activate").click()

    expect(page.locator("body")).to_contain_text("The campaign “Spring” is active.")
    campaign = ReferralCampaign.objects.get(code="spring")
    assert campaign.status == "active"
    assert campaign.reward_rules["levels"]["level1"]["g2a_per_registration"] == "0.1"
    assert RuleVersion.objects.get(campaign=campaign).created_by == "staff:olga"
    expect(page.locator("#id_code")).to_have_count(0)
    expect(page.get_by_role("link", name="Activate")).to_have_count(0)


def json_shown(g2a: str) -> str:
    rules = {"levels": {"level1": {"g2a_per_registration": g2a, "points_per_registration": 100}}}
    return json.dumps(rules, indent=2)


def test_rules_that_pay_nothing_cannot_be_activated(page: Page) -> None:
    campaign = draft_make(reward_rules={})

    page.goto(change_page(campaign))
    page.get_by_role("link", name="Activate").click()
    page.get_by_role("button", name="Activate").click()

    expect(page.locator("body")).to_contain_text("pay nothing for this campaign's events")
    campaign.refresh_from_db()
    assert campaign.status == "draft"


def test_the_second_editor_is_told_and_loses_nothing(page: Page, context: BrowserContext) -> None:
    campaign = draft_make()
    page.goto(change_page(campaign))
    page.fill("#id_name", "Mine")
    page.fill("#id_description", "Also mine")
    other = context.new_page()
    other.goto(change_page(campaign))
    other.fill("#id_name", "Theirs")
    save(other)

    save(page)

    expect(page.locator("body")).to_contain_text("Somebody else has changed this campaign")
    assert "Saved now: Theirs" in beside(page, "name")
    expect(page.locator("#id_name")).to_have_value("Mine")
    expect(page.locator("#id_description")).to_have_value("Also mine")
    campaign.refresh_from_db()
    assert campaign.name == "Theirs"

    save(page)
    campaign.refresh_from_db()
    assert (campaign.name, campaign.description) == ("Mine", "Also mine")


def test_a_step_confirmed_on_an_old_page_is_refused(page: Page) -> None:
    campaign = draft_make()
    page.goto(change_page(campaign))
    page.get_by_role("link", name="Activate").click()
    campaign_update(campaign_id=campaign.pk, changes={"name": "Changed"}, by="another")

    page.get_by_role("button", name="Activate").click()

    expect(page.locator("body")).to_contain_text("Somebody else has changed this campaign")
    campaign.refresh_from_db()
    assert campaign.status == "draft"


def test_event_types_are_asked_for_custom_campaigns_only(page: Page) -> None:
    page.goto("/admin/campaigns/referralcampaign/add/")
    expect(page.locator("#id_event_types")).to_be_hidden()

    page.select_option("#id_campaign_type", "custom")
    page.fill("#id_event_types", "lesson_finished, review_written")
    page.fill("#id_name", "Lessons")
    page.fill("#id_code", "lessons")
    save(page)

    expect(page.locator("#result_list")).to_contain_text("lessons")
    assert ReferralCampaign.objects.get(code="lessons").event_types == ["lesson_finished", "review_written"]
