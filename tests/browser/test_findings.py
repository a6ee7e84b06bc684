"""A person closes findings with a note."""

import pytest
from playwright.sync_api import Page, expect

from tests.backoffice.world import World

# One browser is enough.
pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.sweep]

TEXT = "taken back, ticket 4711"


def test_a_finding_is_closed_from_its_page(page: Page, world: World) -> None:
    finding = world.findings["missing"]
    address = f"/admin/rewards/reconciliationfinding/{finding.pk}/change/"
    page.goto(address)

    page.get_by_role("link", name="Close the discrepancy").click()
    page.get_by_label("Note").fill("   ")
    page.get_by_role("button", name="Close with a note").click()
    expect(page.locator("form").filter(has_text="Note")).to_contain_text("required")
    page.get_by_label("Note").fill(TEXT)
    page.get_by_role("button", name="Close with a note").click()

    page.wait_for_url(f"**{address}")
    expect(page.locator("#content-main")).to_contain_text(TEXT)
    expect(page.get_by_role("link", name="Close the discrepancy")).to_have_count(0)
    finding.refresh_from_db()
    assert (finding.state, finding.closed_by, finding.note) == ("closed", "staff:olga", TEXT)


def test_several_are_closed_at_once_and_the_others_are_named(page: Page, world: World) -> None:
    page.goto("/admin/rewards/reconciliationfinding/")
    for finding in world.findings.values():
        page.locator(f"input.action-select[value='{finding.pk}']").check()
    page.select_option("select[name=action]", "close_chosen")
    page.get_by_role("button", name="Run").click()

    rows = page.locator("tbody tr")
    expect(rows).to_have_count(4)
    expect(rows.filter(has_text="Not progressing")).to_contain_text("Already resolved")
    page.get_by_label("Note").fill(TEXT)
    page.get_by_role("button", name="Close with a note").click()

    expect(page.locator("body")).to_contain_text("Closed:")
    for finding in world.findings.values():
        finding.refresh_from_db()
    states = {kind: finding.state for kind, finding in world.findings.items()}
    assert states == {
        "missing": "closed",
        "extra": "closed",
        "late_confirmation": "closed",
        "stuck": "repaired",
    }
