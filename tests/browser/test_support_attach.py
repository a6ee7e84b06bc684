"""A person attaches a lost referrer: looks at what it would pay, confirms, and rewards the rest later."""

import re

import pytest
from playwright.sync_api import Page, expect

from referral.models import ReferralRelation
from rewards.models import ReferralReward
from tests.backoffice.attaching import bob_has_a_past, counters_agree
from tests.helpers.api import buy, change_campaign, link_of, register

# One browser is enough.
pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.sweep]

LIST = "/admin/referral/referralrelation/"


def press(page: Page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).click()


def rewarded() -> list[tuple[str, int | None]]:
    """Who got how many points of the past, in its order."""
    rewards = ReferralReward.objects.filter(referral_event__source_service="back_office")
    ordered = rewards.order_by("referral_event_id", "beneficiary_level")
    return [(reward.beneficiary_user_id, reward.points_amount) for reward in ordered]


def test_a_referrer_is_attached_with_past_events(page: Page) -> None:
    bob_has_a_past(2)
    page.goto(LIST)
    page.locator(f"a[href^='{LIST}add/']").first.click()
    expect(page).to_have_title(re.compile("Attach a lost referrer"))
    page.get_by_role("textbox", name="User*", exact=True).fill("bob")
    page.get_by_label("Who invited the user").fill("ann")
    page.get_by_label("Campaign").select_option(label="Invite friends")

    press(page, "See what would happen")

    expect(page.locator("section", has_text="What changes from now on")).to_contain_text(
        "pat, who invited ann, becomes level 2 for bob."
    )
    totals = page.locator("#totals tbody tr")
    expect(totals).to_have_text([r"ann 120 points –", "pat 60 points 60 points", "bob 20 points –"])
    expect(page.locator("#foreseen tbody")).to_have_count(3)
    assert not ReferralRelation.objects.filter(referred_user_id="bob").exists()

    page.get_by_label("Reason").fill("The user shows the invitation, ticket 4711.")
    press(page, "Attach and reward")

    expect(page.locator("body")).to_contain_text("3 events were rewarded later; 3 of them earned something.")
    done = page.locator("section", has_text="What was rewarded later").locator("tbody tr")
    expect(done).to_have_count(3)
    expect(done.last).to_contain_text("100 points → ann")
    expect(page.locator("body")).to_contain_text("Nothing of the past is left without reward.")
    assert rewarded() == [
        ("ann", 100),
        ("pat", 50),
        ("bob", 20),
        *[("ann", 10), ("pat", 5)] * 2,
    ]
    assert counters_agree()


def test_what_waited_for_its_campaign_is_rewarded_later(page: Page) -> None:
    register("bob", None)
    buy("voucher_premium_purchased", "bob", campaign_code="voucher_premium_default")
    change_campaign("voucher_premium_default", status="paused")
    page.goto("/admin/support/attach/?user=bob")
    page.get_by_label("Code of the invitation").fill(link_of("ann"))
    page.get_by_label("Reward the registration").uncheck()

    press(page, "See what would happen")
    expect(page.locator("#foreseen")).to_contain_text("Cannot be rewarded now:")
    page.get_by_label("Reason").fill("ticket 4711")
    press(page, "Attach without rewarding")

    expect(page.locator("body")).to_contain_text("The referrer is attached.")
    assert rewarded() == []
    change_campaign("voucher_premium_default", status="active")
    page.reload()
    page.get_by_label("Reward the registration").uncheck()
    press(page, "See what would happen")
    page.get_by_label("Reason").fill("the campaign runs again")
    press(page, "Reward the past")

    expect(page.locator("body")).to_contain_text("1 event was rewarded later")
    assert ("ann", 30) in rewarded()
    assert "bob" not in dict(rewarded())


def test_a_refusal_stands_beside_its_field(page: Page) -> None:
    page.goto("/admin/support/attach/?user=bob")
    page.get_by_label("Who invited the user").fill("bob")
    page.get_by_label("Campaign").select_option(label="Invite friends")

    press(page, "See what would happen")

    field = page.locator(".group", has=page.get_by_label("Who invited the user"))
    expect(field.last).to_contain_text("nobody can invite themselves")
    expect(page.get_by_label("Reason")).to_have_count(0)
