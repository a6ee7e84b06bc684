"""A person looks at how the services are, and asks one that refuses connections."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from rewards.models import ReferralReward
from rewards.payouts.drain import pay_due_now
from rewards.support.providers.probes import peers_ask
from tests.helpers.rewards import campaign_of, earn, fresh
from tests.helpers.sandbox import SandboxProcess

# One browser is enough.
pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.sweep]


@pytest.fixture
def sick(committed: None, sandbox: SandboxProcess, settings: Any) -> list[ReferralReward]:
    """Rewards that wait for Points Service, which refuses connections and is left alone for three minutes."""
    settings.PAYOUT_RETRY_BASE_SECONDS = 180
    settings.PAYOUT_RETRY_MAX_SECONDS = 900
    campaign_of("friends", {"level1": {"points_per_event": 10}})
    sandbox.fault(peer="points", mode="refuse", seconds=600)
    rewards = [earn("friends", f"user-{number}") for number in range(3)]
    pay_due_now("points")
    return [*rewards, *(earn("friends", f"later-{number}") for number in range(4))]


def test_a_peer_that_refuses_is_told_asked_and_found_well_again(
    page: Page, sick: list[ReferralReward], sandbox: SandboxProcess
) -> None:
    # what is told
    page.goto("/admin/")
    page.locator("#nav-sidebar-apps").get_by_role("link", name="Service status").click()
    points = page.locator("section", has=page.locator("#points"))
    expect(points).to_contain_text("it refuses the connection")
    expect(points).to_contain_text("Next attempt: in 3 minutes")
    expect(points).to_contain_text("Rewards: 4, 40 points")
    expect(points.locator("tbody tr")).to_contain_text("not paid, will retry")

    # it is asked while it still refuses
    points.get_by_role("button", name="Check Points Service now").click()
    expect(points).to_contain_text("no result from the worker yet")
    peers_ask()
    expect(points).to_contain_text("no connection")

    # the pause between two questions is told
    points.get_by_role("button", name="Check Points Service now").click()
    expect(page.locator("body")).to_contain_text("It was checked a moment ago")

    # the circuit's next try was brought forward, so the peer that is back is found well and pays
    sandbox.clear_faults()
    pay_due_now("points")
    page.reload()
    expect(points).to_contain_text("Points Service is operational")
    expect(points).to_contain_text("No pending rewards.")
    assert {fresh(reward).status for reward in sick[3:]} == {"completed"}


def test_the_list_of_circuits_leads_to_the_page(page: Page, sick: list[ReferralReward]) -> None:
    page.goto("/admin/rewards/peercircuit/")
    page.get_by_role("link", name="Service status").last.click()

    expect(page.locator("#points")).to_be_visible()
    page.set_viewport_size({"width": 1280, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
