"""The reports' pages ask the API's own reports, and give all rows as CSV."""

import csv
import io

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from campaigns.models import ReferralCampaign
from tests.backoffice.world import World

USERS, CAMPAIGNS = (reverse("admin_report", args=[name]) for name in ("users", "campaigns"))


def rows_of(answer: object) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))


def shown(answer: object) -> list[list[object]]:
    return [[cell["value"] for cell in row] for row in answer.context["rows"]]


def test_users_are_shown_and_filtered(boss: Client, world: World) -> None:
    assert {row[0] for row in shown(boss.get(USERS))} >= {"ann", "bob"}

    few = boss.get(USERS, {"min_points_earned": "1"})

    paid = world.rewards["paid"]
    assert shown(few)[0][:1] == [paid.beneficiary_user_id]
    assert few.context["total"] == 1


def test_the_csv_has_the_same_rows_and_keeps_the_filters(boss: Client, world: World) -> None:
    page = boss.get(USERS, {"min_points_earned": "1"})

    rows = rows_of(boss.get(f"{USERS}?{page.context['csv']}"))

    assert [row["user_id"] for row in rows] == [row[0] for row in shown(page)]


def test_campaigns_by_day_take_a_campaign_and_a_period(boss: Client, world: World) -> None:
    campaign = ReferralCampaign.objects.get(code="user_invite_default")

    page = boss.get(CAMPAIGNS, {"campaign": campaign.pk})

    assert [row[1] for row in shown(page)] == ["Invite friends"]
    assert shown(page)[0][2:4] == ["7", "2"]
    assert shown(boss.get(CAMPAIGNS, {"first": "2026-01-01", "last": "2026-01-31"})) == []


def test_the_last_day_belongs_to_the_period(boss: Client, world: World) -> None:
    today = timezone.now().date().isoformat()

    assert shown(boss.get(USERS, {"first": today, "last": today}))


@pytest.mark.parametrize("page", [USERS, CAMPAIGNS])
@pytest.mark.parametrize("query", [{"first": "x"}, {"campaign": "x"}, {"min_referred": "-1"}, {"page": "x"}])
def test_no_query_string_breaks_a_report(boss: Client, campaigns: None, page: str, query: dict) -> None:
    assert boss.get(page, query).status_code == 200
    assert boss.get(page, {**query, "format": "csv"}).status_code == 200


def test_a_report_that_is_not_there_is_told(boss: Client, campaigns: None) -> None:
    assert boss.get(reverse("admin_report", args=["weather"])).status_code == 404


def test_pages_lead_to_each_other(boss: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backoffice.dashboard.reports.PAGE_SIZE", 1)

    first = boss.get(USERS)
    second = boss.get(f"{USERS}?{first.context['later']}")

    assert first.context["earlier"] == ""
    assert second.context["number"] == 2
    assert shown(first) != shown(second)
