"""The history of a campaign's rules."""

import pytest
from playwright.sync_api import Page, expect

from campaigns.models import ReferralCampaign, RuleVersion
from campaigns.services import campaign_update
from tests.backoffice.world import draft_make
from tests.browser.campaign_pages import change_page, rule, save

# One browser is enough.
pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.sweep]


@pytest.fixture
def campaign(committed: None) -> ReferralCampaign:
    """A campaign whose rules have changed twice."""
    campaign = draft_make(reward_rules={"levels": {"level1": {"points_per_registration": 100}}})
    second = {"levels": {"level1": {"points_per_registration": 150, "hold_days": 14}}}
    third = {"levels": {"level1": {"points_per_registration": 150}}, "limits": {"budget_points": 5000}}
    campaign_update(campaign_id=campaign.pk, changes={"reward_rules": second}, by="staff:olga")
    campaign_update(campaign_id=campaign.pk, changes={"reward_rules": third}, by="admin:ivan")
    return campaign


def test_versions_stand_side_by_side_with_who_changed_what(page: Page, campaign: ReferralCampaign) -> None:
    page.goto(change_page(campaign))
    page.get_by_role("link", name="Rule history").click()

    history = page.locator(".campaign-history tbody tr").all()
    assert [row.get_by_role("rowheader").inner_text() for row in history] == ["3", "2", "1"]
    assert "admin:ivan" in history[0].inner_text()
    assert [line.inner_text() for line in history[0].get_by_role("listitem").all()] == [
        "Level 1 – Hold period (days): 14 days, removed",
        "Limits and budgets – Budget, points: set to 5,000",
    ]
    assert "Level 1 – Points per registration: 100 → 150" in history[1].inner_text()

    page.get_by_label("This version").select_option("1")
    page.get_by_role("button", name="Compare").click()
    compared = page.locator("table").first
    points = compared.get_by_role("row", name="Points per registration")
    assert [cell.inner_text() for cell in points.get_by_role("cell").all()] == ["100", "150", "changed"]
    expect(compared.get_by_role("row", name="Hold period (days)")).to_have_count(0)


def test_an_earlier_version_is_the_start_of_a_new_one(page: Page, campaign: ReferralCampaign) -> None:
    page.goto(f"/admin/campaigns/referralcampaign/{campaign.pk}/versions/")
    page.get_by_role("link", name="Restore version 2").click()

    expect(page.locator(".campaign-note")).to_contain_text("These are the rules of version 2.")
    expect(rule(page, "level1.hold_days")).to_have_value("14")
    expect(rule(page, "limits.budget_points")).to_have_value("")
    rule(page, "level1.points_per_registration").fill("160")
    save(page)

    newest = RuleVersion.objects.filter(campaign=campaign).order_by("-number").first()
    assert (newest.number, newest.created_by) == (4, "staff:olga")
    assert newest.rules == {"levels": {"level1": {"points_per_registration": 160, "hold_days": 14}}}
