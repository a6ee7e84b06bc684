"""A person unlocks, retries and cancels rewards."""

import pytest
from playwright.sync_api import Page, expect

from rewards.models import ReferralReward, RewardTransition
from tests.backoffice.world import World

# One browser is enough.
pytestmark = pytest.mark.xdist_group("browser")


def detail(reward: ReferralReward) -> str:
    return f"/admin/rewards/referralreward/{reward.pk}/change/"


def confirm(page: Page, button: str, reason: str) -> None:
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name=button, exact=True).click()


def test_a_reward_is_moved_from_its_page_with_a_reason(page: Page, world: World) -> None:
    for kind, button, status in (
        ("locked", "Unlock", "pending"),
        ("failed", "Retry", "pending"),
        ("waiting", "Cancel the reward", "cancelled"),
    ):
        reward = world.rewards[kind]
        page.goto(detail(reward))

        page.get_by_role("link", name=button).click()
        confirm(page, button, "ticket 4711")

        page.wait_for_url(f"**{detail(reward)}")
        reward.refresh_from_db()
        assert reward.status == status
        trail = RewardTransition.objects.filter(reward=reward).latest("at")
        assert (trail.actor, trail.reason, trail.to_status) == ("staff:olga", "ticket 4711", status)


def test_without_a_reason_nothing_happens(page: Page, world: World) -> None:
    reward = world.rewards["locked"]
    page.goto(detail(reward))
    page.get_by_role("link", name="Unlock").click()

    confirm(page, "Unlock", "   ")

    expect(page.locator("form").filter(has_text="Reason")).to_contain_text("required")
    reward.refresh_from_db()
    assert reward.status == "locked"


def test_only_legal_moves_are_offered(page: Page, world: World) -> None:
    legal = {
        "locked": ["Unlock", "Cancel the reward"],
        "failed": ["Retry", "Cancel the reward"],
        "waiting": ["Cancel the reward"],
        "paid": [],
        "doubtful": [],
    }
    for kind, buttons in legal.items():
        page.goto(detail(world.rewards[kind]))
        expect(page.locator("#content-main")).to_be_visible()

        assert [name for name in ("Unlock", "Retry", "Cancel the reward") if offers(page, name)] == buttons


def offers(page: Page, button: str) -> bool:
    return page.get_by_role("link", name=button).count() > 0


def test_several_are_moved_at_once_and_the_others_are_named(page: Page, world: World) -> None:
    page.goto("/admin/rewards/referralreward/")
    for kind in ("failed", "paid", "locked"):
        page.locator(f"input.action-select[value='{world.rewards[kind].pk}']").check()
    page.select_option("select[name=action]", "retry_chosen")
    page.get_by_role("button", name="Run").click()

    rows = page.locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.filter(has_text="Paid")).to_contain_text("Only failed rewards can be retried")
    confirm(page, "Retry", "the account is open again")

    expect(page.locator("body")).to_contain_text("Sent again:")
    statuses = {kind: ReferralReward.objects.get(pk=world.rewards[kind].pk).status for kind in world.rewards}
    assert (statuses["failed"], statuses["paid"], statuses["locked"]) == ("pending", "completed", "locked")


def test_what_became_illegal_meanwhile_is_reported(page: Page, world: World) -> None:
    reward = world.rewards["waiting"]
    page.goto(detail(reward))
    page.get_by_role("link", name="Cancel the reward").click()
    ReferralReward.objects.filter(pk=reward.pk).update(status="sent_to_points")

    confirm(page, "Cancel the reward", "asked for by the user")

    expect(page.locator("body")).to_contain_text("Not changed:")
    reward.refresh_from_db()
    assert reward.status == "sent_to_points"
