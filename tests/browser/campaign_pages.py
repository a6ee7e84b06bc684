"""What the tests of the campaign pages share: where things are on them."""

from playwright.sync_api import Locator, Page

from campaigns.models import ReferralCampaign

LIST = "/admin/campaigns/referralcampaign/"
ADD = f"{LIST}add/"


def change_page(campaign: ReferralCampaign) -> str:
    """The form of a campaign."""
    return f"{LIST}{campaign.pk}/change/"


def rule(page: Page, entry: str) -> Locator:
    """The input of one entry of the rules, such as `level1.points_per_purchase`."""
    return page.locator(f'[name="rules-{entry}"]')


def problem(page: Page, entry: str) -> str:
    """What stands beside the input of an entry."""
    return page.locator(f'[id="problem-{entry}"]').inner_text().strip()


def beside(page: Page, field: str) -> str:
    """What stands beside another field of the form, problems included."""
    return page.locator(f".form-row .field-{field}").text_content() or ""


def save(page: Page, button: str = "_save") -> None:
    """Press one of the save buttons, and wait for the next page."""
    with page.expect_navigation():
        page.locator(f"button[name={button}]").click()


def as_json(page: Page, text: str) -> None:
    """Type the rules as JSON."""
    page.get_by_text("For experts: rules as JSON").click()
    page.check("#id_rules_as_json")
    page.fill("#id_reward_rules", text)
