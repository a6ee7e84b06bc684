"""A person imports relations: uploads, looks, writes, stops, goes on, and takes the result."""

import pytest
from playwright.sync_api import Page, Route, expect

from referral.models import ReferralRelation
from rewards.imports import relations
from rewards.models import RelationImport

# One browser is enough.
pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.sweep]

HEADING = "referrer_user_id,referred_user_id,registered_at\n"


def upload(page: Page, text: str) -> None:
    page.goto("/admin/rewards/relationimport/add/")
    page.get_by_label("Campaign").select_option(label="Invite friends")
    file = {"name": "old.csv", "mimeType": "text/csv", "buffer": (HEADING + text).encode()}
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Preview").click()


def test_a_file_is_looked_at_written_and_its_result_taken(page: Page) -> None:
    upload(page, "ann,bob,2026-01-31\nbob,ann,2026-01-31\nx y,cid,soon\n")
    groups = page.locator("section", has_text="Preview").get_by_role("row")
    expect(groups.filter(has_text="Referral created")).to_contain_text("1")
    expect(page.locator("section", has_text="Skipped lines")).to_contain_text("Circular referral")
    assert not ReferralRelation.objects.exists()

    page.get_by_role("button", name="Start import").click()

    expect(page.locator("#import-progress")).to_have_text("3 of 3 lines processed")
    expect(page.get_by_role("link", name="Result as CSV")).to_be_visible()
    assert ReferralRelation.objects.get().referred_user_id == "bob"
    with page.expect_download() as download:
        page.get_by_role("link", name="Result as CSV").click()
    assert "circular" in download.value.path().read_text()


def test_a_file_that_cannot_be_used_is_told_beside_its_field(page: Page) -> None:
    upload(page, "")

    expect(page.locator("form", has_text="File")).to_contain_text("No lines below the header")
    assert not RelationImport.objects.exists()


def test_it_is_stopped_between_portions_and_goes_on(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relations, "PORTION_LINES", 2)
    upload(page, "".join(f"ann,u-{number},2026-01-31\n" for number in range(6)))
    portions: list[Route] = []
    page.route("**/run/", lambda route: portions.append(route))
    page.get_by_role("button", name="Start import").click()
    page.get_by_role("button", name="Stop").click()
    for _ in range(300):
        if portions:
            break
        page.wait_for_timeout(50)
    portions.pop().continue_()

    expect(page.get_by_role("button", name="Continue")).to_be_visible()
    expect(page.locator("#import-progress")).to_have_text("2 of 6 lines processed")
    assert ReferralRelation.objects.count() == 2
    page.unroute("**/run/")
    page.get_by_role("button", name="Continue").click()

    expect(page.locator("#import-progress")).to_have_text("6 of 6 lines processed")
    assert ReferralRelation.objects.count() == 6
