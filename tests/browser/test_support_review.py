"""A person goes through what needs somebody: moves chosen rewards, and has all retried that failed alike."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from rewards.models import BulkRetry, ReferralReward, RewardTransition
from rewards.payouts.drain import pay_due_now
from rewards.support.review.bulk_retry import bulk_retries_run
from tests.helpers.processes import ServiceProcesses
from tests.helpers.rewards import campaign_of, earn, fresh
from tests.helpers.sandbox import SandboxProcess

# One browser is enough.
pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.sweep]

CLOSED = {"error": "ACCOUNT_CLOSED", "message": "the account is closed"}


@pytest.fixture
def failed(committed: None, sandbox: SandboxProcess) -> list[ReferralReward]:
    """Twelve rewards that Points Service has refused, and one that it refused for another reason."""
    campaign_of("friends", {"level1": {"points_per_event": 10}})
    fault = sandbox.fault(peer="points", mode="status", status=422, body=CLOSED)
    refused = [earn("friends", f"user-{number:02}") for number in range(12)]
    pay_due_now("points")
    sandbox.clear_fault(fault)
    sandbox.fault(peer="points", mode="status", status=409, body={"error": "OTHER_PARAMETERS"})
    earn("friends", "zoe")
    pay_due_now("points")
    sandbox.clear_faults()
    assert {fresh(reward).status for reward in refused} == {"failed"}
    return refused


@pytest.fixture
def worker(sandbox: SandboxProcess, tmp_path: Path) -> Iterator[ServiceProcesses]:
    """A place to start a worker in, as an operator would."""
    addresses = {"POINTS_SERVICE_URL": sandbox.points_url, "DRAMATIQ_BROKER_URL": ""}
    processes = ServiceProcesses(tmp_path, addresses)
    yield processes
    processes.stop()


def order(page: Page) -> None:
    """From the menu to an ordered bulk retry."""
    page.goto("/admin/")
    menu = page.locator("#nav-sidebar-apps").get_by_role("link", name="Failed")
    expect(menu).to_contain_text("13")
    menu.click()
    errors = page.locator("#review-errors tbody tr")
    expect(errors).to_have_count(2)
    expect(errors.first).to_contain_text("HTTP 422 ACCOUNT_CLOSED")
    expect(errors.first).to_contain_text("120 points")
    errors.first.get_by_role("link", name="Retry all…").click()
    expect(page.locator("#extent")).to_contain_text("12 rewards have failed with this error: 120 points")
    page.get_by_label("Reason").fill("the accounts are open again")
    page.get_by_role("button", name="Retry all").click()


def test_all_that_failed_alike_is_retried_by_the_worker_and_paid(
    page: Page, failed: list[ReferralReward], worker: ServiceProcesses, sandbox: SandboxProcess
) -> None:
    order(page)
    expect(page.locator("#retry-progress")).to_contain_text("0 of 12 rewards processed")
    worker.start("worker")

    expect(page.locator("#retry-progress")).to_contain_text("12 of 12 rewards processed", timeout=60_000)
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    expect(page.locator("#content-main")).to_contain_text("Finished")
    made = BulkRetry.objects.get()
    assert (made.retried, made.refused, made.created_by) == (12, 0, "staff:olga")
    trail = RewardTransition.objects.filter(from_status="failed", to_status="pending")
    assert set(trail.values_list("actor", "reason")) == {("staff:olga", "the accounts are open again")}
    assert trail.count() == 12
    until_paid(page, failed)
    assert len(sandbox.state()["points"]["transactions"]) == 12


def until_paid(page: Page, rewards: list[ReferralReward]) -> None:
    """Wait for the worker."""
    for _ in range(200):
        if {fresh(reward).status for reward in rewards} == {"completed"}:
            return
        page.wait_for_timeout(100)
    raise AssertionError({fresh(reward).status for reward in rewards})


def test_it_is_stopped_and_goes_on_and_says_what_was_not_sent_again(
    page: Page, failed: list[ReferralReward]
) -> None:
    order(page)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#content-main")).to_contain_text("Stopped")
    bulk_retries_run()
    assert fresh(failed[0]).status == "failed"
    ReferralReward.objects.filter(pk=failed[0].pk).update(status="cancelled")

    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    bulk_retries_run()

    expect(page.locator("#retry-progress")).to_have_text(
        "12 of 12 rewards processed, 1 of them not sent again"
    )
    refusals = page.locator("section", has_text="Not sent again").locator("tbody tr")
    expect(refusals).to_have_count(1)
    expect(refusals).to_contain_text("No longer failed")
    expect(refusals).to_contain_text("Cancelled")


def test_without_a_reason_nothing_is_ordered(page: Page, failed: list[ReferralReward]) -> None:
    page.goto("/admin/support/retry/?error=HTTP+422+ACCOUNT_CLOSED")
    page.get_by_label("Reason").fill("   ")
    page.get_by_role("button", name="Retry all").click()

    expect(page.locator("form", has_text="Reason")).to_contain_text("required")
    assert not BulkRetry.objects.exists()


def test_chosen_rewards_go_to_the_page_of_the_move(page: Page, failed: list[ReferralReward]) -> None:
    page.goto("/admin/support/review/")
    page.get_by_label("Select all on this page").check()
    boxes = page.locator("#review input[name=reward]")
    expect(boxes.first).to_be_checked()
    page.get_by_label("10 points → zoe").uncheck()

    page.get_by_role("button", name="Retry selected rewards").click()
    expect(page.locator("tbody tr")).to_have_count(12)
    page.get_by_label("Reason").fill("ticket 4711")
    page.get_by_role("button", name="Retry", exact=True).click()

    expect(page.locator("body")).to_contain_text("Sent again:")
    expect(page.locator("#review tbody tr")).to_have_count(1)
    assert {fresh(reward).status for reward in failed} == {"pending"}


def test_filters_and_tabs_narrow_the_list_and_keep_each_other(
    page: Page, failed: list[ReferralReward]
) -> None:
    then = timezone.now() - timedelta(hours=2)
    stuck = earn("friends", "late")
    ReferralReward.objects.filter(pk=stuck.pk).update(next_attempt_at=then, updated_at=then)
    page.goto("/admin/support/review/")
    expect(page.get_by_role("navigation", name="Types")).to_contain_text("All 14")

    page.get_by_role("navigation", name="Types").get_by_role("link", name="Stuck").click()
    expect(page.locator("#review tbody tr")).to_have_count(1)
    expect(page.locator("#review tbody")).to_contain_text("no worker has picked it up")
    page.get_by_label("Age", exact=True).select_option(label="for over an hour")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("#review tbody")).to_contain_text("late")
    page.get_by_role("navigation", name="Types").get_by_role("link", name="All").click()

    expect(page.locator("#review tbody tr")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
