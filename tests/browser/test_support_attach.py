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
    expect(page).to_have_title(re.compile("Add referrer"))
    page.get_by_role("textbox", name="User*", exact=True).fill("bob")
    page.get_by_label("Referrer").fill("ann")
    page.get_by_label("Campaign").select_option(label="Invite friends")

    press(page, "Preview")

    expect(page.locator("section", has_text="From now on")).to_contain_text(
        "pat, who invited ann, becomes level 2 for bob."
    )
    totals = page.locator("#totals tbody tr")
    expect(totals).to_have_text([r"ann 120 points –", "pat 60 points 60 points", "bob 20 points –"])
    expect(page.locator("#foreseen tbody")).to_have_count(3)
    assert not ReferralRelation.objects.filter(referred_user_id="bob").exists()

    page.get_by_label("Reason").fill("The user shows the invitation, ticket 4711.")
    press(page, "Add and reward")

    expect(page.locator("body")).to_contain_text("3 past events processed; 3 earned rewards.")
    done = page.locator("section", has_text="Rewarded later").locator("tbody tr")
    expect(done).to_have_count(3)
    expect(done.last).to_contain_text("100 points → ann")
    expect(page.locator("body")).to_contain_text("All past events are rewarded.")
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
    page.get_by_label("Referral code").fill(link_of("ann"))
    page.get_by_label("Reward the registration").uncheck()

    press(page, "Preview")
    expect(page.locator("#foreseen")).to_contain_text("Cannot be rewarded now:")
    page.get_by_label("Reason").fill("ticket 4711")
    press(page, "Add without rewards")

    expect(page.locator("body")).to_contain_text("Referrer added.")
    assert rewarded() == []
    change_campaign("voucher_premium_default", status="active")
    page.reload()
    page.get_by_label("Reward the registration").uncheck()
    press(page, "Preview")
    page.get_by_label("Reason").fill("the campaign runs again")
    press(page, "Reward past events")

    expect(page.locator("body")).to_contain_text("1 past event processed")
    assert ("ann", 30) in rewarded()
    assert "bob" not in dict(rewarded())


def test_a_refusal_stands_beside_its_field(page: Page) -> None:
    page.goto("/admin/support/attach/?user=bob")
    page.get_by_label("Referrer").fill("bob")
    page.get_by_label("Campaign").select_option(label="Invite friends")

    press(page, "Preview")

    field = page.locator(".group", has=page.get_by_label("Referrer"))
    expect(field.last).to_contain_text("Self-referral")
    expect(page.get_by_label("Reason")).to_have_count(0)
