"""A person makes and changes campaigns by the form."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from playwright.sync_api import BrowserContext, Page, expect

from campaigns.models import ReferralCampaign, RuleVersion
from campaigns.services import campaign_update
from rewards.ledger.rollups import daily_figures_refresh
from rewards.models import ReferralReward
from tests.backoffice.world import draft_make
from tests.browser.campaign_pages import ADD, LIST, as_json, beside, change_page, problem, rule, save
from tests.helpers.api import amounts_of, buy, invite
from tests.helpers.rewards import pay_until
from tests.helpers.sandbox import SandboxProcess

# One browser is enough.
pytestmark = pytest.mark.xdist_group("browser")

GOOD = '{"levels": {"level1": {"points_per_registration": 100, "g2a_per_registration": 0.10}}}'
BAD = '{"levels": {"level1": {"points_per_registration": 1.5, "bogus": 1}}}'


def test_a_campaign_made_by_the_form_pays(page: Page, sandbox: SandboxProcess) -> None:
    # given: a campaign typed into the form and activated by its button
    page.goto(ADD)
    page.fill("#id_name", "Vouchers in spring")
    page.fill("#id_code", "spring")
    page.select_option("#id_campaign_type", "purchase")
    page.get_by_label("Module").select_option("voucher")
    page.get_by_label("Country ID").fill("ru")
    expect(rule(page, "level1.points_per_purchase")).to_be_visible()
    rule(page, "level1.points_per_purchase").fill("10")
    rule(page, "level1.points_percent").fill("5")
    rule(page, "level1.max_points_per_event").fill("30")
    rule(page, "level2.g2a_per_purchase").fill("0.25")
    rule(page, "level2.locked_until_role").select_option("vip")
    rule(page, "limits.budget_points").fill("50 000")
    save(page, "_continue")
    page.get_by_role("link", name="Activate").click()
    expect(page.locator("#content")).to_contain_text("It is running and has no end date.")
    page.get_by_role("button", name="Activate").click()
    expect(page.locator("body")).to_contain_text("The campaign “Vouchers in spring” is active.")

    # when: ann invited bob, who invited cid, and cid buys
    invite("ann", "bob")
    invite("bob", "cid")
    answer = buy("voucher_premium_purchased", "cid", amount_base=500, metadata={"country_id": "ru"})

    # then: it earns by what was typed, and is paid
    assert amounts_of(answer) == [("bob", 1, 30, "pending"), ("ann", 2, "0.250000000", "locked")]
    campaign = ReferralCampaign.objects.get(code="spring")
    assert campaign.scope == {"module": "voucher", "country_id": "ru"}
    assert campaign.reward_rules == {
        "levels": {
            "level1": {"points_per_purchase": 10, "points_percent": "5", "max_points_per_event": 30},
            "level2": {"g2a_per_purchase": "0.25", "locked_until_role": "vip"},
        },
        "limits": {"budget_points": 50000},
    }
    assert RuleVersion.objects.get(campaign=campaign).created_by == "staff:olga"
    reward = ReferralReward.objects.get(campaign=campaign, beneficiary_level=1)
    pay_until(lambda: ReferralReward.objects.filter(pk=reward.pk, status="completed").exists())

    # and: the list says so, and the form no longer lets the code be changed
    daily_figures_refresh()
    page.goto(LIST)
    row = page.get_by_role("row").filter(has_text="spring")
    expect(row).to_contain_text("30 of 50,000 points")
    expect(row).to_contain_text("30 of 30 points")
    expect(row.get_by_role("img")).to_have_attribute(
        "aria-label", "Events per day, last 14 days: 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1"
    )
    page.goto(change_page(campaign))
    expect(page.locator("#id_code")).to_have_count(0)


def test_every_problem_is_told_beside_its_field_and_nothing_is_lost(page: Page) -> None:
    page.goto(ADD)
    page.fill("#id_name", "Spring")
    page.fill("#id_code", "X!")
    page.fill("#id_description", "Two weeks")
    page.get_by_label("City ID").fill("два слова")
    rule(page, "level1.points_per_registration").fill("1.5")
    rule(page, "level2.g2a_per_registration").fill("1,5")
    rule(page, "referred.before_role").select_option("skip")
    rule(page, "limits.budget_points").fill("-1")
    save(page)

    assert problem(page, "level1.points_per_registration") == "Enter a whole number"
    assert problem(page, "level2.g2a_per_registration") == "Enter a number, e.g. 1.5"
    assert problem(page, "referred.before_role") == "Choose the role above first."
    assert problem(page, "limits.budget_points") == "Enter a number from 0 to 1000000000000000"
    assert problem(page, "level1.g2a_per_registration") == ""
    assert "City ID: Enter 1 to 64 printable characters" in beside(page, "scope")
    assert "Enter 3 to 64 characters" in beside(page, "code")
    expect(rule(page, "level1.points_per_registration")).to_have_attribute("aria-invalid", "true")
    expect(rule(page, "level1.points_per_registration")).to_have_value("1.5")
    expect(page.locator("#id_description")).to_have_value("Two weeks")
    expect(page.get_by_label("City ID")).to_have_value("два слова")
    assert not ReferralCampaign.objects.filter(name="Spring").exists()

    page.fill("#id_name", "")
    save(page)
    assert "This field is required" in beside(page, "name")
    assert problem(page, "level1.points_per_registration") == "Enter a whole number"


def test_a_comma_is_a_decimal_point_in_russian(page: Page) -> None:
    campaign = draft_make()
    page.goto(change_page(campaign))
    page.get_by_role("button", name="ru", exact=True).click()

    rule(page, "level1.g2a_per_registration").fill("0,25")
    save(page)

    campaign.refresh_from_db()
    assert campaign.reward_rules["levels"]["level1"]["g2a_per_registration"] == "0.25"


def test_only_what_fits_the_type_is_shown_unless_it_is_asked_for(page: Page) -> None:
    page.goto(ADD)
    expect(rule(page, "level1.points_per_registration")).to_be_visible()
    expect(rule(page, "level1.points_per_purchase")).to_be_hidden()
    expect(rule(page, "level1.points_percent")).to_be_hidden()
    expect(page.locator("#id_event_types")).to_be_hidden()

    page.select_option("#id_campaign_type", "partner_onboarding")
    expect(rule(page, "level1.points_per_onboarding")).to_be_visible()
    expect(rule(page, "level1.points_per_registration")).to_be_hidden()
    expect(rule(page, "referred.hold_days")).to_be_hidden()

    page.get_by_label("Show unused fields").check()
    expect(rule(page, "level1.points_per_purchase")).to_be_visible()


def test_the_table_is_filled_by_keyboard_and_nothing_covers_the_focus(page: Page) -> None:
    page.goto(ADD)
    rule(page, "level1.points_per_registration").focus()
    for text in ("100", "50", "20", "0.5"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")

    expect(rule(page, "level2.points_per_registration")).to_have_value("50")
    expect(rule(page, "referred.points_per_registration")).to_have_value("20")
    expect(rule(page, "level1.g2a_per_registration")).to_have_value("0.5")
    expect(rule(page, "level2.g2a_per_registration")).to_be_focused()
    for _ in range(22):  # To the last of the limits.
        page.keyboard.press("Tab")
        covered = page.evaluate(
            """() => {
                const box = document.activeElement.getBoundingClientRect();
                const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
                return !document.activeElement.contains(top);
            }"""
        )
        assert not covered, page.evaluate("document.activeElement.outerHTML")
    expect(rule(page, "limits.budget_g2a")).to_be_focused()


def test_a_custom_campaign_names_its_own_events(page: Page) -> None:
    page.goto(ADD)
    page.select_option("#id_campaign_type", "custom")
    page.fill("#id_event_types", "lesson_finished, review_written")
    page.fill("#id_name", "Lessons")
    page.fill("#id_code", "lessons")
    rule(page, "level1.points_per_event").fill("5")
    save(page)

    expect(page.locator("#result_list")).to_contain_text("lessons")
    campaign = ReferralCampaign.objects.get(code="lessons")
    assert campaign.event_types == ["lesson_finished", "review_written"]
    assert campaign.reward_rules == {"levels": {"level1": {"points_per_event": 5}}}


def test_experts_type_json_which_the_table_follows(page: Page) -> None:
    page.goto(ADD)
    page.fill("#id_name", "Spring")
    page.fill("#id_code", "spring")
    as_json(page, GOOD)
    expect(rule(page, "level1.g2a_per_registration")).to_have_value("0.10")
    expect(rule(page, "level1.g2a_per_registration")).to_be_disabled()
    save(page, "_continue")

    assert ReferralCampaign.objects.get(code="spring").reward_rules["levels"]["level1"] == {
        "points_per_registration": 100,
        "g2a_per_registration": "0.1",
    }
    as_json(page, BAD)
    save(page)
    told = page.locator(".campaign-json").inner_text()
    assert "levels.level1.points_per_registration: Enter a whole number" in told
    assert "levels.level1.bogus: Unknown key" in told
    expect(page.locator("#id_reward_rules")).to_have_value(BAD)


def test_the_second_editor_is_told_and_loses_nothing(page: Page, context: BrowserContext) -> None:
    # given: both have opened the form, and the other has saved
    campaign = draft_make()
    page.goto(change_page(campaign))
    page.fill("#id_name", "Mine")
    page.fill("#id_description", "Also mine")
    rule(page, "level2.points_per_registration").fill("7")
    other = context.new_page()
    other.goto(change_page(campaign))
    other.fill("#id_name", "Theirs")
    rule(other, "level1.points_per_registration").fill("150")
    rule(other, "level1.hold_days").fill("14")
    save(other)

    # when
    save(page)

    # then: what only they changed is taken over, what both changed is shown, nothing is saved
    expect(page.locator("body")).to_contain_text("Someone else changed this campaign")
    assert "Saved value: Theirs" in beside(page, "name")
    note = page.locator(".campaign-note").inner_text()
    assert "Level 1 – Points per registration: 100 → 150" in note
    assert "Level 1 – Hold period (days): empty → 14" in note
    expect(page.locator("[data-preview]")).to_contain_text("150 points paid after 14 days")
    expect(page.locator("#id_name")).to_have_value("Mine")
    expect(rule(page, "level1.points_per_registration")).to_have_value("150")
    expect(rule(page, "level2.points_per_registration")).to_have_value("7")
    campaign.refresh_from_db()
    assert campaign.name == "Theirs"

    # and: saved again, both persons' work stands
    save(page)
    campaign.refresh_from_db()
    assert (campaign.name, campaign.description) == ("Mine", "Also mine")
    assert campaign.reward_rules["levels"] == {
        "level1": {"points_per_registration": 150, "g2a_per_registration": "0.1", "hold_days": 14},
        "level2": {"points_per_registration": 7},
    }


def test_a_third_change_while_the_second_looks_is_told_again(page: Page) -> None:
    campaign = draft_make()
    page.goto(change_page(campaign))
    page.fill("#id_name", "Mine")
    campaign_update(campaign_id=campaign.pk, changes={"name": "Theirs"}, by="another")
    save(page)
    campaign_update(campaign_id=campaign.pk, changes={"name": "Of a third"}, by="a third")

    save(page)

    assert "Saved value: Of a third" in beside(page, "name")
    campaign.refresh_from_db()
    assert campaign.name == "Of a third"


def test_who_may_only_look_sees_the_rules_and_tries_them(context: BrowserContext, server: str) -> None:
    viewer = get_user_model().objects.create_user("vera", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_referralcampaign"))
    client = Client()
    client.force_login(viewer)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": server}])
    page = context.new_page()
    campaign = draft_make()

    page.goto(change_page(campaign))
    expect(page.locator(".campaign-rules input[type=text]")).to_have_count(0)
    expect(page.get_by_role("row", name="Points per registration")).to_contain_text("100")
    page.get_by_label("Level 1 referrer", exact=True).select_option("nobody")

    expect(page.locator("[data-preview]")).to_contain_text(
        "This person has no referrer, so no one earns a reward."
    )
    expect(page.get_by_role("link", name="Activate")).to_have_count(0)
    expect(page.get_by_role("link", name="Duplicate")).to_have_count(0)
