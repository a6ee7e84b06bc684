"""Support finds out why a reward is not paid, and has it paid."""

import pytest
from playwright.sync_api import Locator, Page, expect

from rewards.models import PeerCircuit, ReferralReward, RewardTransition
from rewards.payouts.drain import pay_due_now
from tests.backoffice.world import World
from tests.helpers.api import become, buy_quest, invite
from tests.helpers.sandbox import SandboxProcess

# One browser is enough.
pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.sweep]


def headline(page: Page) -> Locator:
    return page.locator("#story-headline")


def confirm(page: Page, button: str, reason: str) -> None:
    page.get_by_role("link", name=button).click()
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name=button, exact=True).click()


def test_support_finds_why_a_reward_is_locked_and_unlocks_it(
    page: Page, world: World, sandbox: SandboxProcess
) -> None:
    PeerCircuit.objects.all().delete()
    reward = world.rewards["locked"]
    page.goto("/admin/rewards/referralreward/?status=locked")
    page.locator("#result_list a", has_text="points").first.click()

    expect(headline(page)).to_have_text("Locked: requires the role VIP, and the user’s role is “User”.")
    expect(page.locator(".story")).to_contain_text(
        "unlocks automatically when User Service reports the role VIP"
    )
    expect(page.locator(".story")).to_contain_text("Only failed rewards can be retried")
    assert page.get_by_role("link", name="Retry").count() == 0
    confirm(page, "Unlock", "the role was confirmed by phone, ticket 4711")

    expect(headline(page)).to_have_text("Pending: ready to be paid.")
    expect(page.locator(".story")).to_contain_text("by olga: “the role was confirmed by phone, ticket 4711”.")
    trail = RewardTransition.objects.get(reward=reward, to_status="pending")
    assert (trail.actor, trail.reason) == ("staff:olga", "the role was confirmed by phone, ticket 4711")


def test_support_retries_a_failed_reward_and_it_is_paid(
    page: Page, committed: None, sandbox: SandboxProcess
) -> None:
    sandbox.fault(peer="points", mode="status", status=422, body={"error": "account_closed"}, user_id="bob")
    invite("bob", "cid")
    buy_quest("cid", external_event_id="order-1")
    pay_due_now("points")
    failed = ReferralReward.objects.get(
        beneficiary_user_id="bob", referral_event__external_event_id="order-1"
    )
    page.goto(f"/admin/rewards/referralreward/?q={failed.pk}")
    page.locator("#result_list a", has_text="points").first.click()

    expect(headline(page)).to_have_text("Failed: rejected by Points Service.")
    expect(page.locator(".story")).to_contain_text("“HTTP 422 account_closed”")
    expect(page.locator(".story")).to_contain_text("support can retry it")
    sandbox.clear_faults()
    confirm(page, "Retry", "the account is open again, ticket 4712")
    expect(page.locator("body")).to_contain_text("Sent again:")
    expect(page.locator(".story")).to_contain_text("by olga: “the account is open again, ticket 4712”.")
    pay_due_now("points")
    page.reload()

    (booking,) = sandbox.ledger(str(failed.pk))["transactions"]
    expect(headline(page)).to_contain_text(f"transaction {booking['transaction_id']}.")
    assert (booking["user_id"], booking["amount"]) == ("bob", failed.points_amount)
    expect(page.locator(".story-next")).to_contain_text("a paid reward never changes")


def test_support_sees_why_an_event_earned_on_one_level_and_not_on_another(
    page: Page, committed: None
) -> None:
    invite("bob", "cid")
    buy_quest("cid", external_event_id="order-1")
    become("bob", "vip")
    page.goto("/admin/referral/referralevent/?q=order-1")
    page.locator("#result_list a").first.click()

    rows = page.locator(".story-levels tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("bob")
    expect(rows.nth(0)).to_contain_text("current role: VIP")
    expect(rows.nth(1)).to_contain_text("No one at this level.")
    rows.nth(0).get_by_role("link", name="points").click()
    expect(page.locator(".story")).to_contain_text("How the amount was calculated")
    page.locator(".story-from").get_by_role("link", name="quest_purchased").click()
    expect(rows).to_have_count(3)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_fit_a_small_screen_in_russian(page: Page, world: World, server: str, theme: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.emulate_media(color_scheme=theme)
    page.context.add_cookies([{"name": "django_language", "value": "ru", "url": server}])
    event = world.rewards["locked"].referral_event_id
    places = [f"/admin/rewards/referralreward/{reward.pk}/change/" for reward in world.rewards.values()]
    for place in [*places, f"/admin/referral/referralevent/{event}/change/"]:
        page.goto(place)
        expect(headline(page)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
