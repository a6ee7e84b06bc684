"""People who see, hear or move differently use every page of the back-office, in both themes."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.urls import get_resolver, reverse
from playwright.sync_api import Browser, Locator, Page, expect

from campaigns.models import ReferralCampaign
from campaigns.services import campaign_update
from tests.backoffice.conftest import signed_in
from tests.backoffice.staff.test_groups import address, pages
from tests.backoffice.world import World, draft_make, lost_referrers_make
from tests.browser.campaign_pages import ADD, LIST, change_page, rule, save
from tests.helpers.api import buy_quest

# One browser is enough.
pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.sweep]

APPS = sorted({model._meta.app_label for model in admin.site._registry})
SERIOUS = ["serious", "critical"]
# Pages of the back-office that belong to no table, by the name of their address.
OF_NO_TABLE = {
    "index": ["/admin/"],
    "login": ["/admin/login/"],
    "password_change": ["/admin/password_change/"],
    "password_change_done": ["/admin/password_change/done/"],
}
# Pages that Django draws for every table from one template; those of one table stand for all.
SAME_FOR_ALL = ("_history", "_delete")
STANDS_FOR_ALL = "auth_group"
# What stands beside Django's own addresses below /admin/.
BESIDE = {"admin_report": ["users", "campaigns"]}


@pytest.fixture
def page(browser: Browser, server: str, committed: None) -> Iterator[Page]:
    """A page of somebody who may do everything; the checker gets into it despite the policy."""
    client = signed_in(get_user_model().objects.create_superuser("olga", password="unused"))
    context = browser.new_context(
        base_url=server, bypass_csp=True, locale="en", viewport={"width": 1400, "height": 1000}
    )
    context.set_default_timeout(15_000)
    context.add_init_script(Axe().axe_script)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": server}])
    yield context.new_page()
    context.close()


# Runs the checker in the light theme, and what depends on colours once more in the dark one.
FAULTS = """async (impacts) => {
    const still = document.createElement("style");
    still.textContent = "* { transition: none !important; animation: none !important; }";
    document.head.append(still);
    const options = { resultTypes: ["violations"], preload: false };
    const told = (theme, found) => found.violations
        .filter((fault) => impacts.includes(fault.impact))
        .flatMap((fault) => fault.nodes.map(
            (node) => `${theme}, ${fault.id}: ${node.html.slice(0, 160)} ${node.any[0]?.message ?? ""}`
        ));
    // A checker that hangs is told with its page.
    const ends = new Promise((_, fail) => setTimeout(fail, 30_000, new Error("the checker did not finish")));
    const run = (chosen) => Promise.race([axe.run(chosen), ends]);
    const light = told("light", await run(options));
    document.documentElement.classList.add("dark");
    return light.concat(told("dark", await run({ ...options, runOnly: ["color-contrast"] })));
}"""


def faults(page: Page) -> list[str]:
    """What is seriously wrong with the page as it stands, in both themes."""
    found: list[str] = page.evaluate(FAULTS, SERIOUS)
    return found


def of_tables(app: str) -> Iterator[str]:
    """Every page of an application's tables."""
    for name, (label, _) in sorted(pages().items()):
        is_double = name.endswith(SAME_FOR_ALL) and not name.startswith(STANDS_FOR_ALL)
        if label.startswith(f"{app}.") and not is_double:
            yield address(name, label)


def of_no_table() -> Iterator[str]:
    """Every other page below /admin/."""
    for found in OF_NO_TABLE.values():
        yield from found
    for pattern in get_resolver().url_patterns:
        name = getattr(pattern, "name", None)
        if str(pattern.pattern).startswith("admin/") and name:
            yield from (reverse(name, args=[word]) for word in BESIDE[name])


def is_page(place: str) -> bool:
    """Whether the address shows something to a person who may do everything."""
    answer = signed_in(get_user_model().objects.get(username="olga")).get(place)
    return answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("app", APPS)
def test_no_page_of_a_table_has_a_serious_fault(page: Page, world: World, app: str) -> None:
    assert looked_at(page, of_tables(app)) == {}


def test_no_other_page_has_a_serious_fault(page: Page, world: World) -> None:
    assert looked_at(page, of_no_table()) == {}


def looked_at(page: Page, places: Iterator[str]) -> dict[str, list[str]]:
    """The faults of those pages that have any."""
    draft_make()
    lost_referrers_make()
    wrong = {}
    for place in filter(is_page, places):
        page.goto(place)
        if found := faults(page):
            wrong[place] = found
    return wrong


def test_the_checker_finds_what_is_wrong_in_either_theme(page: Page) -> None:
    page.goto("/admin/login/")
    page.evaluate(
        """() => document.body.insertAdjacentHTML("beforeend",
            '<button></button><p id="faint">a word</p><style>'
            + '#faint { position: fixed; inset: 0; z-index: 99; color: #222; background: #fff; }'
            + '.dark #faint { background: #111; }</style>')"""
    )

    found = faults(page)

    assert [fault.partition(":")[0] for fault in found] == ["light, button-name", "dark, color-contrast"]


def test_what_pages_answer_has_no_serious_fault_either(page: Page, world: World) -> None:
    """Problems beside fields, a second editor's note, rows before they are moved, and words in Russian."""
    campaign = draft_make()
    page.goto(ADD)
    rule(page, "level1.points_per_registration").fill("1.5")
    save(page)
    assert faults(page) == []

    page.goto(change_page(campaign))
    page.fill("#id_name", "Mine")
    campaign_update(campaign_id=campaign.pk, changes={"name": "Theirs"}, by="another")
    save(page)
    assert faults(page) == []

    page.goto("/admin/rewards/referralreward/")
    page.locator(f"input.action-select[value='{world.rewards['failed'].pk}']").check()
    page.select_option("select[name=action]", "retry_chosen")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_label("Reason")).to_be_visible()
    assert faults(page) == []

    page.get_by_role("button", name="ru", exact=True).click()
    for place in ("/admin/", change_page(campaign), "/admin/reports/users/"):
        page.goto(place)
        assert faults(page) == []


def test_what_is_found_and_looked_up_has_no_serious_fault(page: Page, world: World) -> None:
    """Pages of users with all their parts, several hits, a list's filters with the campaigns open."""
    buy_quest("cid", external_event_id="bob")
    reward = world.rewards["failed"]
    for place in ("user/?id=ann", f"user/?id=ann&found=reward:{reward.pk}", "user/?id=x", "search/?q=bob"):
        page.goto(f"/admin/support/{place}")
        assert faults(page) == []

    page.goto("/admin/rewards/referralreward/")
    page.get_by_role("button", name="Filters").click()
    assert faults(page) == []
    page.evaluate("document.documentElement.classList.remove('dark')")
    page.get_by_role("combobox", name="By campaign").click()
    expect(page.get_by_role("option").first).to_be_visible()
    assert faults(page) == []


def test_a_campaign_is_made_and_activated_by_keyboard_alone(page: Page) -> None:
    page.goto(LIST)
    press(page, page.locator(f"a[href^='{ADD}']").first)
    fill(page, page.locator("#id_name"), "Spring")
    fill(page, page.locator("#id_code"), "spring")
    fill(page, rule(page, "level1.points_per_registration"), "100")
    press(page, page.locator("button[name=_continue]"))
    press(page, page.get_by_role("link", name="Activate"))
    press(page, page.get_by_role("button", name="Activate"))

    expect(page.locator("body")).to_contain_text("The campaign “Spring” is active.")
    campaign = ReferralCampaign.objects.get(code="spring")
    assert campaign.status == "active"
    assert campaign.reward_rules == {"levels": {"level1": {"points_per_registration": 100}}}


def test_a_reward_is_unlocked_by_keyboard_alone(page: Page, world: World) -> None:
    reward = world.rewards["locked"]
    place = f"/admin/rewards/referralreward/{reward.pk}/change/"
    page.goto("/admin/rewards/referralreward/")
    press(page, page.locator(f"#result_list a[href^='{place}']"))
    press(page, page.get_by_role("link", name="Unlock"))
    fill(page, page.get_by_label("Reason"), "ticket 4711")
    press(page, page.get_by_role("button", name="Unlock", exact=True))

    page.wait_for_url(f"**{place}")
    reward.refresh_from_db()
    assert reward.status == "pending"


def test_what_the_theme_made_for_the_mouse_is_reached_by_keyboard(page: Page, world: World) -> None:
    page.goto("/admin/rewards/referralreward/")
    press(page, page.get_by_role("button", name="Filters"), leads_on=False)
    expect(page.locator("#changelist-filter")).to_be_visible()

    page.reload()
    press(page, page.get_by_role("button", name="olga"), leads_on=False)
    press(page, page.get_by_role("button", name="Dark"), leads_on=False)
    expect(page.locator("html")).to_have_class("dark")


def reach(page: Page, element: Locator) -> None:
    """Go on with the Tab key until the element has the focus, and see that it shows it."""
    for _ in range(150):
        page.keyboard.press("Tab")
        if element.evaluate("element => element === document.activeElement"):
            shown = element.evaluate(
                """element => {
                    const style = getComputedStyle(element);
                    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
                }"""
            )
            assert shown, f"nobody sees that the focus is on {element}"
            return
    raise AssertionError(f"the keyboard does not reach {element}")


def press(page: Page, element: Locator, *, leads_on: bool = True) -> None:
    """Press a link or a button with the Enter key."""
    reach(page, element)
    if leads_on:
        with page.expect_navigation():
            page.keyboard.press("Enter")
    else:
        page.keyboard.press("Enter")


def fill(page: Page, element: Locator, text: str) -> None:
    """Type into a field."""
    reach(page, element)
    page.keyboard.type(text)
