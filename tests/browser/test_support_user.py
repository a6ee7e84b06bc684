"""From an id to the reason: how a person of support gets there, and with how many clicks."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from referral.models import ReferralEvent
from rewards.models import ReferralReward
from tests.backoffice.world import World
from tests.helpers.api import invite, link_of

# One browser is enough.
pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.sweep]

LOCKED = {
    "en": "Locked: requires the role VIP, and the user’s role is “User”.",
    "ru": "Заблокирована: нужна роль VIP",
}
BOX = "form[role=search] input[name=q]"

# Counts what a person presses with the mouse; a page that is left takes its own count along.
COUNT_CLICKS = """
    addEventListener("pointerdown", () => {
        sessionStorage.setItem("clicks", Number(sessionStorage.getItem("clicks")) + 1);
    }, true);
"""


def look_up(page: Page, text: str) -> None:
    """Into the box in the header, with the keyboard after one click."""
    page.locator(BOX).first.click()
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def measured(page: Page, text: str, reason: str, print_line: Callable[[str], None]) -> int:
    """Clicks from the first page to the reason on the screen; says also how long it took."""
    page.goto("/admin/")
    page.evaluate("sessionStorage.removeItem('clicks')")
    began = time.monotonic()
    look_up(page, text)
    expect(page.get_by_text(reason).first).to_be_in_viewport()
    seconds = time.monotonic() - began
    clicks = int(page.evaluate("sessionStorage.getItem('clicks')"))
    print_line(f"{text}: {clicks} click, {seconds:.1f} s until the reason is on the screen")
    return clicks


@pytest.mark.parametrize("language", ["en", "ru"])
def test_from_a_users_id_to_the_reason_of_a_locked_reward_is_one_click(
    page: Page, world: World, language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    owner = world.rewards["locked"].beneficiary_user_id
    page.add_init_script(COUNT_CLICKS)
    if language == "ru":
        page.goto("/admin/")
        page.get_by_role("button", name="ru", exact=True).click()

    def print_line(line: str) -> None:
        with capsys.disabled():
            print(f"\n{language}, {line}")

    assert measured(page, owner, LOCKED[language], print_line) == 1


def test_every_other_id_leads_there_with_one_click_too(
    page: Page, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    page.add_init_script(COUNT_CLICKS)
    event = ReferralEvent.objects.get(external_event_id="order-0")
    reward = ReferralReward.objects.get(referral_event=event, status="locked")

    def print_line(line: str) -> None:
        with capsys.disabled():
            print(f"\n{line}")

    for text in ("order-0", str(event.pk), str(reward.pk), link_of(reward.beneficiary_user_id).lower()):
        assert measured(page, text, LOCKED["en"], print_line) == 1


def test_a_transaction_leads_to_its_paid_reward(page: Page, world: World) -> None:
    page.goto("/admin/rewards/referralreward/")
    look_up(page, "tx-1")

    found = page.get_by_role("region", name="Found:")
    expect(found).to_contain_text("Paid: ")
    expect(found).to_contain_text("transaction tx-1")
    found.get_by_role("link").first.click()
    page.wait_for_url(f"**/admin/rewards/referralreward/{world.rewards['paid'].pk}/change/")


def test_what_nobody_has_is_said_and_can_be_corrected(page: Page, world: World) -> None:
    page.goto("/admin/")
    look_up(page, "an")

    expect(page.get_by_role("status")).to_contain_text("No results for: an")
    box = page.locator("#find")
    expect(box).to_have_value("an")
    box.fill("ann")
    box.press("Enter")
    page.wait_for_url("**/admin/support/user/?id=ann")


def test_the_tree_and_the_timeline_lead_on(page: Page, world: World) -> None:
    for number in range(12):
        invite("ann", f"friend-{number:02}")
    page.goto("/admin/support/user/?id=ann")

    tree = page.get_by_role("group", name="Users invited by ann")
    expect(tree.get_by_role("link")).to_have_count(12)
    tree.get_by_role("link", name="friend-11").click()
    page.wait_for_url("**/admin/support/user/?id=friend-11")
    page.get_by_role("link", name="ann").first.click()
    page.wait_for_url("**/admin/support/user/?id=ann")

    page.get_by_role("link", name="Older").click()
    page.wait_for_url("**/admin/support/user/?id=ann&before=*")
    expect(page.locator("#timeline")).to_contain_text("Created the link")
    page.get_by_role("link", name="Back to latest").click()
    page.wait_for_url("**/admin/support/user/?id=ann")
    tree.get_by_role("link", name="Everyone ann invited").click()
    expect(page.locator("#result_list tbody tr")).to_have_count(13)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_are_not_wider_than_a_small_screen(page: Page, world: World, theme: str) -> None:
    page.add_init_script(f"localStorage.setItem('adminTheme', JSON.stringify('{theme}'))")
    page.set_viewport_size({"width": 1280, "height": 800})
    invite("ann", "x" * 64)
    for address in ("?id=ann", f"?id={'x' * 64}", f"?id={'y' * 64}"):
        page.goto(f"/admin/support/user/{address}")
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider == 0, address
        assert page.evaluate("document.documentElement.classList.contains('dark')") == (theme == "dark")


def test_a_campaign_is_looked_up_in_the_filters(page: Page, world: World) -> None:
    page.goto("/admin/rewards/referralreward/")
    page.get_by_role("button", name="Filters").click()
    page.get_by_role("combobox", name="By campaign").click()
    page.get_by_role("searchbox", name="By campaign").fill("quest")
    page.get_by_role("option", name="quest_purchase_default").click()
    page.get_by_role("button", name="Apply Filters").click()

    page.wait_for_url("**campaign__id__exact=*")
    rows = page.locator("#result_list tbody tr")
    quests = ReferralReward.objects.filter(campaign__code="quest_purchase_default").count()
    expect(rows).to_have_count(quests)
