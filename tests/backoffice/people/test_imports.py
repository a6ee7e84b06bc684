"""The pages of imports: nothing is written before it was seen, and the result is safe to open."""

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from campaigns.models import ReferralCampaign
from referral.models import ReferralRelation
from rewards.models import RelationImport

ADD = reverse("admin:rewards_relationimport_add")
HEADING = "referrer_user_id,referred_user_id,registered_at\n"


def upload(boss: Client, text: str, campaign: str = "user_invite_default") -> object:
    file = SimpleUploadedFile("old.csv", (HEADING + text).encode(), "text/csv")
    return boss.post(ADD, {"campaign": ReferralCampaign.objects.get(code=campaign).pk, "file": file})


def page_of(name: str) -> str:
    return reverse(f"admin:rewards_relationimport_{name}", args=[RelationImport.objects.get().pk])


def test_an_upload_shows_what_would_happen_and_writes_nothing(boss: Client, campaigns: None) -> None:
    answer = upload(boss, "ann,bob,2026-01-31\nbob,bob,2026-01-31\n")

    assert answer.headers["Location"] == page_of("change")
    page = boss.get(page_of("change")).content.decode()
    assert "Self-referral" in page
    assert "Start import" in page
    assert not ReferralRelation.objects.exists()


def test_a_bad_file_is_told_beside_its_field(boss: Client, campaigns: None) -> None:
    answer = upload(boss, "")

    assert "No lines below the header" in str(answer.context["form"].errors["file"])
    assert "This field is required" in str(boss.post(ADD, {}).context["form"].errors)
    assert not RelationImport.objects.exists()


def test_without_script_a_click_writes_a_portion(boss: Client, campaigns: None) -> None:
    upload(boss, "ann,bob,2026-01-31\n")

    answer = boss.post(page_of("run"))

    assert answer.headers["Location"] == page_of("change")
    assert ReferralRelation.objects.get().source == "import"
    page = boss.get(page_of("change")).content.decode()
    assert "Result as CSV" in page
    assert "Start import" not in page


def test_the_script_hears_how_far_it_is_and_why_it_cannot_go_on(boss: Client, campaigns: None) -> None:
    upload(boss, "ann,bob,2026-01-31\n")

    answer = boss.post(page_of("run"), headers={"Accept": "application/json"})
    assert answer.json() == {"done": 1, "total": 1, "finished": True}

    RelationImport.objects.update(finished_at=None)
    ReferralCampaign.objects.filter(code="user_invite_default").update(status="archived")
    refused = boss.post(page_of("run"), headers={"Accept": "application/json"})
    assert (refused.status_code, refused.json()) == (
        400,
        {"problem": "An archived campaign takes no referrals."},
    )


@pytest.mark.parametrize("is_written", [False, True])
def test_the_result_has_every_line_and_no_formulas(boss: Client, campaigns: None, is_written: bool) -> None:
    upload(boss, "=1+1,bob,2026-01-31\nann,ann,soon\n")
    if is_written:
        boss.post(page_of("run"))

    answer = boss.get(page_of("result"))

    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [row["line"] for row in rows] == ["2", "3"]
    assert rows[0]["referrer_user_id"] == "'=1+1"
    assert [row["outcome"] for row in rows] == ["made", "invalid"]
    assert {row["state"] for row in rows} == {"done" if is_written else "expected"}
    assert rows[1]["explanation"].startswith("registered_at: ")


def test_an_import_that_is_not_there_is_told(boss: Client, campaigns: None) -> None:
    nobody = "00000000-0000-0000-0000-000000000000"

    assert boss.get(reverse("admin:rewards_relationimport_result", args=[nobody])).status_code == 404
    assert boss.get(reverse("admin:rewards_relationimport_change", args=[nobody])).status_code == 404
    assert boss.post(reverse("admin:rewards_relationimport_run", args=[nobody])).status_code == 302
