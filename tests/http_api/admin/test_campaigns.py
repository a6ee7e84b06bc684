"""`/admin/campaigns`: campaigns for marketing tools."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from campaigns.models import ReferralCampaign, RuleVersion
from tests.factories import RULES, CampaignFactory
from tests.helpers.api import BASE, admin, user

pytestmark = pytest.mark.django_db

NOWHERE = "00000000-0000-7000-8000-000000000000"
NEW = {"code": "spring", "name": "Spring", "campaign_type": "purchase", "reward_rules": RULES}
FIELDS = {
    "id",
    "code",
    "name",
    "description",
    "campaign_type",
    "event_types",
    "scope",
    "reward_rules",
    "is_default",
    "status",
    "start_at",
    "end_at",
    "created_at",
    "updated_at",
}


def create(**changes):
    return admin().post("/admin/campaigns", {**NEW, **changes})


def patch(campaign, body, **headers):
    return admin().patch(f"/admin/campaigns/{campaign.id}", body, **headers)


def assert_refused(answer, *fields):
    assert (answer.status, answer.code) == (400, "validation_error")
    assert set(answer.body["error"]["details"]) == set(fields)


def test_a_campaign_is_made_in_draft():
    answer = create(
        description="Ten points.",
        scope={"module": "quest"},
        start_at="2025-01-01T03:00:00+03:00",
        end_at="2025-02-01T00:00:00Z",
        is_default=True,
    )

    assert answer.status == 201
    assert set(answer.body) >= FIELDS
    assert answer.body["status"] == "draft"
    assert answer.body["event_types"] == ["quest_purchased"]
    assert answer.body["start_at"] == "2025-01-01T00:00:00Z"
    campaign = ReferralCampaign.objects.get()
    assert answer.body["id"] == str(campaign.id)
    assert (campaign.start_at, campaign.is_default) == (datetime(2025, 1, 1, tzinfo=UTC), True)
    assert RuleVersion.objects.get().created_by == "admin:the-admin"


def test_a_campaign_may_be_made_active():
    assert create(status="active").body["status"] == "active"


@pytest.mark.parametrize("status", ["paused", "archived", "live", ""])
def test_a_campaign_is_made_in_no_other_status(status):
    assert_refused(create(status=status), "status")


def test_all_problems_are_told_at_once_with_their_paths():
    answer = create(
        code="X",
        scope={"town": "1"},
        reward_rules={
            "levels": {"level1": {"points_per_purchase": -1, "typo": 1}},
            "limits": {"budget_g2a": "x"},
        },
    )

    assert_refused(
        answer,
        "code",
        "scope.town",
        "reward_rules.levels.level1.points_per_purchase",
        "reward_rules.levels.level1.typo",
        "reward_rules.limits.budget_g2a",
    )
    assert not ReferralCampaign.objects.exists()


@pytest.mark.parametrize(
    ("key", "raw", "stored"),
    [
        ("g2a_per_purchase", "0.1", "0.1"),
        ("g2a_per_purchase", "1.123456789", "1.123456789"),
        ("g2a_per_purchase", "12345678.123456789", "12345678.123456789"),
        ("g2a_per_purchase", '"1.50"', "1.5"),
        ("g2a_per_purchase", "1e2", "100"),
        ("points_percent", "33.33", "33.33"),
        ("points_percent", "5", "5"),
        ("min_amount", "999999999999", "999999999999"),
    ],
)
def test_decimals_in_rules_are_exact_from_the_wire_to_the_row(key, raw, stored):
    body = json.dumps({**NEW, "reward_rules": {"levels": {"level1": {key: "RAW"}}}}).replace('"RAW"', raw)

    answer = admin().post("/admin/campaigns", body.encode())

    assert answer.status == 201
    assert answer.body["reward_rules"] == {"levels": {"level1": {key: stored}}}
    assert RuleVersion.objects.get().rules == answer.body["reward_rules"]


@pytest.mark.parametrize(
    "raw", ["1e400", "1e99999999999999999999", "-1", "true", "null", '"NaN"', "0.0000000001", "[]"]
)
def test_a_bad_number_in_rules_is_refused_with_its_path(raw):
    body = json.dumps({**NEW, "reward_rules": {"levels": {"level1": {"g2a_per_purchase": "RAW"}}}})

    answer = admin().post("/admin/campaigns", body.replace('"RAW"', raw).encode())

    assert_refused(answer, "reward_rules.levels.level1.g2a_per_purchase")


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("code", [5, [], True]),
        ("name", [5, "", "x" * 201]),
        ("description", [5, []]),
        ("campaign_type", [5, "game"]),
        ("event_types", ["x", {}, [5]]),
        ("scope", [[], "x", None]),
        ("reward_rules", [[], "x", None]),
        ("is_default", ["yes", 1, None]),
        ("status", [5, None]),
        ("start_at", [5, "soon", "2025-01-01T00:00:00"]),
        ("end_at", [5, "0001-01-01T00:00:00+05:00"]),
    ],
)
def test_a_field_of_the_wrong_shape_is_named(field, values):
    for value in values:
        answer = create(**{field: value})
        assert (answer.status, answer.code) == (400, "validation_error"), value
        assert any(path.startswith(field) for path in answer.body["error"]["details"]), answer.body


def test_a_code_is_given_once():
    create()

    assert_refused(create(), "code")


def test_a_campaign_is_read_with_an_etag():
    campaign = CampaignFactory()

    answer = admin().get(f"/admin/campaigns/{campaign.id}")

    assert answer.status == 200
    assert (answer.body["code"], answer.headers["ETag"]) == (campaign.code, '"1"')


def test_an_unknown_campaign_is_not_found():
    for answer in (
        admin().get(f"/admin/campaigns/{NOWHERE}"),
        admin().patch(f"/admin/campaigns/{NOWHERE}", {"name": "x"}),
    ):
        assert (answer.status, answer.code) == (404, "not_found")


def test_campaigns_are_listed_newest_first_by_pages_and_filters():
    # given
    for number in range(3):
        CampaignFactory(code=f"quest_{number}")
    CampaignFactory(code="draft", status="draft")
    CampaignFactory(code="custom", campaign_type="custom", event_types=["won"], status="draft")

    def codes(**query):
        answer = admin().get("/admin/campaigns", **query)
        return [item["code"] for item in answer.body["items"]], answer.body["total"]

    # then
    assert codes() == (["custom", "draft", "quest_2", "quest_1", "quest_0"], 5)
    assert codes(page=2, page_size=2) == (["quest_2", "quest_1"], 5)
    assert codes(page=9) == ([], 5)
    assert codes(status="draft") == (["custom", "draft"], 2)
    assert codes(campaign_type="custom") == (["custom"], 1)
    assert codes(status="active", campaign_type="custom") == ([], 0)


def test_fields_and_status_change_together():
    campaign = CampaignFactory(status="draft")

    answer = patch(campaign, {"name": "Summer", "status": "active", "end_at": "2999-01-01T00:00:00Z"})

    assert answer.status == 200
    assert (answer.body["name"], answer.body["status"]) == ("Summer", "active")
    assert patch(campaign, {"end_at": None}).body["end_at"] is None
    assert patch(campaign, {}).body["name"] == "Summer"


@pytest.mark.parametrize(
    ("status", "target"),
    [("active", "draft"), ("archived", "active"), ("archived", "paused"), ("draft", "paused")],
)
def test_a_status_against_the_life_cycle_is_an_illegal_transition(status, target):
    campaign = CampaignFactory(status="draft" if status != "active" else "active")
    if status == "archived":
        patch(campaign, {"status": "archived"})

    answer = patch(campaign, {"status": target, "name": "Never"})

    assert (answer.status, answer.code) == (409, "illegal_transition")
    campaign.refresh_from_db()
    assert (campaign.status, campaign.name) == (status, "A campaign")


def test_activation_needs_rules_that_can_pay():
    campaign = CampaignFactory(status="draft", reward_rules={})

    assert_refused(patch(campaign, {"status": "active"}), "reward_rules")
    assert patch(campaign, {"status": "active", "reward_rules": RULES}).status == 200


@pytest.mark.parametrize(("field", "value"), [("code", "other"), ("campaign_type", "custom")])
def test_code_and_type_are_fixed_after_draft(field, value):
    assert_refused(patch(CampaignFactory(), {field: value}), field)
    assert patch(CampaignFactory(status="draft"), {field: value, "event_types": _types(value)}).status == 200


def _types(value):
    return ["game_won"] if value == "custom" else []


@pytest.mark.parametrize(
    ("if_match", "status"),
    [
        ('"1"', 200),
        ("1", 200),
        ('W/"1"', 200),
        ("*", 200),
        ('"2"', 409),
        ('"0"', 409),
        ("x", 400),
        ('"-1"', 400),
    ],
)
def test_if_match_keeps_two_editors_apart(if_match, status):
    answer = patch(CampaignFactory(), {"name": "Mine"}, If_Match=if_match)

    assert answer.status == status
    assert status == 200 or answer.code == {409: "edit_conflict", 400: "validation_error"}[status]


def test_every_change_has_a_new_etag():
    campaign = CampaignFactory()
    first = patch(campaign, {"name": "One"}, If_Match='"1"')

    assert patch(campaign, {"name": "Two"}, If_Match='"1"').code == "edit_conflict"
    assert patch(campaign, {"name": "Two"}, If_Match=first.headers["ETag"]).body["name"] == "Two"


def test_changed_rules_are_a_new_version():
    campaign = CampaignFactory()
    rules = {"levels": {"level1": {"g2a_per_purchase": "0.000000001"}}}

    patch(campaign, {"reward_rules": rules})

    newest = RuleVersion.objects.filter(campaign=campaign).order_by("-number").first()
    assert (newest.number, newest.rules, newest.created_by) == (2, rules, "admin:the-admin")
    assert Decimal(newest.rules["levels"]["level1"]["g2a_per_purchase"]) == Decimal("1e-9")


# --- who --------------------------------------------------------------------------------------------


def signed_in(django_user_model, *permissions, is_staff=True):
    person = django_user_model.objects.create_user("jane", is_staff=is_staff)
    person.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(person)
    return client


@pytest.mark.parametrize(
    ("permissions", "is_staff", "status"),
    [
        (["view_referralcampaign"], True, 200),
        (["change_referralcampaign"], True, 403),
        ([], True, 403),
        (["view_referralcampaign"], False, 403),
    ],
)
def test_signed_in_staff_need_the_permission(django_user_model, permissions, is_staff, status):
    client = signed_in(django_user_model, *permissions, is_staff=is_staff)

    response = client.get(f"{BASE}/admin/campaigns")

    assert response.status_code == status
    assert status == 200 or response.json()["error"]["code"] == "forbidden"


def test_signed_in_staff_change_in_their_own_name(django_user_model):
    client = signed_in(django_user_model, "add_referralcampaign")

    response = client.post(f"{BASE}/admin/campaigns", json.dumps(NEW), content_type="application/json")

    assert response.status_code == 201
    assert RuleVersion.objects.get().created_by == "staff:jane"


def test_others_are_not_let_in():
    assert user("user-a").post("/admin/campaigns", NEW).status == 403
    assert Client().get(f"{BASE}/admin/campaigns").status_code == 401
