"""Reports as CSV: for whom they are, that they are whole, streamed, and harmless in a spreadsheet."""

import csv
import io

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from campaigns.models import ReferralCampaign
from tests.factories import CampaignFactory, RelationFactory
from tests.helpers.api import BASE, admin, anybody, invite, user

pytestmark = pytest.mark.django_db

USERS, CAMPAIGNS = "users", "campaigns"
USERS_COLUMNS = ["user_id", "total_referred_users", "total_events", "total_points_earned", "total_g2a_earned"]


def ask(report, accept="text/csv", caller=None, **query):
    headers = {**(caller or admin())._headers, **({"Accept": accept} if accept is not None else {})}
    return Client().get(f"{BASE}/admin/reports/{report}", query, headers=headers)


def table(report, **query):
    """The rows of a CSV answer, each by its column."""
    response = ask(report, **query)
    assert response.status_code == 200
    return list(csv.DictReader(io.StringIO(response.getvalue().decode(), newline="")))


@pytest.mark.usefixtures("campaigns")
@pytest.mark.parametrize("report", [USERS, CAMPAIGNS])
def test_the_table_holds_what_the_pages_hold(report):
    # given
    for referrer, referred in ("ab", "ac", "bd", "xy"):
        invite(f"user-{referrer}", f"user-{referred}")

    # then
    items = admin().get(f"/admin/reports/{report}", page_size=100).body["items"]
    rows = table(report)
    assert rows == [{name: str(value) for name, value in item.items()} for item in items]
    assert len(rows) >= 1


@pytest.mark.usefixtures("campaigns")
@pytest.mark.parametrize(
    ("report", "empty"), [(USERS, {"min_referred": 99}), (CAMPAIGNS, {"from": "2999-01-01"})]
)
def test_an_empty_table_has_its_head(report, empty):
    response = ask(report, **empty)

    (head,) = csv.reader(io.StringIO(response.getvalue().decode(), newline=""))
    assert head[0] == {"users": "user_id", "campaigns": "day"}[report]
    assert len(head) == {"users": 5, "campaigns": 13}[report]


@pytest.mark.usefixtures("campaigns")
def test_filters_hold_and_pages_do_not():
    for number in range(30):
        RelationFactory(
            campaign=ReferralCampaign.objects.get(code="user_invite_default"),
            referrer_user_id=f"user-{number % 5}",
            referred_user_id=f"friend-{number}",
        )

    assert len(table(USERS, page=2, page_size=1)) == 5
    assert len(table(USERS, min_referred=7)) == 0
    assert len(table(USERS, to="2025-01-01")) == 0


def test_the_answer_is_a_file_of_its_own_kind():
    response = ask(USERS)

    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"].startswith('attachment; filename="users-')
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.getvalue().endswith(b"\r\n")


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "json"),
        ("", "json"),
        ("*/*", "json"),
        ("application/json", "json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "json"),
        ("application/xml", "json"),
        ("text/csv", "csv"),
        ("TEXT/CSV", "csv"),
        ("text/*", "csv"),
        ("text/csv; charset=utf-8", "csv"),
        ("text/csv, */*;q=0.1", "csv"),
        ("application/json;q=0.5, text/csv", "csv"),
        ("text/csv;q=0.5, application/json", "json"),
        ("text/csv;q=0", "json"),
        ("text/csv;q=nan, x/y;q=inf, ;;;,/,*", "csv"),
    ],
)
@pytest.mark.parametrize("report", [USERS, CAMPAIGNS])
def test_who_prefers_csv_gets_csv(report, accept, kind):
    response = ask(report, accept)

    assert response.status_code == 200
    assert kind in response.headers["Content-Type"]
    assert "Accept" in response.headers["Vary"].split(", ")


def test_an_absurd_accept_header_is_not_our_fault():
    assert ask(USERS, "text/csv;" + "x=y;" * 20_000).status_code < 500


@pytest.mark.parametrize("report", [USERS, CAMPAIGNS])
def test_refusals_are_json_whatever_is_preferred(report):
    for response, status, code in (
        (ask(report, **{"from": "soon"}), 400, "validation_error"),
        (ask(report, **{"campaign_id": "x"}), 400, "validation_error"),
        (ask(report, caller=user("user-a")), 403, "forbidden"),
        (ask(report, caller=anybody()), 401, "unauthenticated"),
    ):
        assert (response.status_code, response.json()["error"]["code"]) == (status, code)
        assert response.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("permission", "status"), [("view_referralstats", 200), ("view_referralreward", 403)]
)
@pytest.mark.parametrize("report", [USERS, CAMPAIGNS])
def test_signed_in_staff_need_the_permission(django_user_model, report, permission, status):
    person = django_user_model.objects.create_user("jane", is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename=permission))
    client = Client()
    client.force_login(person)

    response = client.get(f"{BASE}/admin/reports/{report}", headers={"Accept": "text/csv"})

    assert response.status_code == status


# --- in a spreadsheet -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "user_id",
    [
        "=cmd|'/C_calc'!A0",
        "+1+1",
        "-2+3",
        "@SUM(A1)",
        '=HYPERLINK("http://evil.example","x")',
        "-",
        "=,=",
        "'=1",
    ],
)
def test_an_id_that_looks_like_a_formula_is_text(user_id):
    RelationFactory(campaign=CampaignFactory(), referrer_user_id=user_id, referred_user_id="friend")

    (row,) = table(USERS)

    assert row["user_id"] == (user_id if user_id.startswith("'") else f"'{user_id}")
    assert row["total_referred_users"] == "1"


@pytest.mark.parametrize(
    "name", ["=1+1", "\t=1+1", "\r=1+1", "\n=1+1", "@x", 'Весна, "лето"\nосень', "a\r\n=b", "-5 %"]
)
def test_the_name_of_a_campaign_is_text(name):
    campaign = CampaignFactory(name=name, code="-code")
    RelationFactory(campaign=campaign)

    (row,) = table(CAMPAIGNS)

    harmless = name if name[0] in "Вa" else f"'{name}"
    assert (row["name"], row["campaign_code"]) == (harmless, "'-code")
    assert row["day"] == "2025-01-01"
