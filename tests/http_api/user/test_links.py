"""`/my/links`: a user's own links."""

import re

import pytest

from campaigns.models import ReferralCampaign
from referral.models import ReferralLink
from tests.factories import CampaignFactory, LinkFactory
from tests.helpers.api import anybody, change_campaign, link_of, register, user

pytestmark = pytest.mark.usefixtures("campaigns")

FIELDS = {
    "id",
    "campaign_id",
    "campaign_code",
    "campaign_type",
    "code",
    "url",
    "created_at",
    "is_active",
    "clicks",
    "registrations",
}
INVITE = {"campaign_code": "user_invite_default"}
INVITE_RULES = {"levels": {"level1": {"points_per_registration": 1}}}


def my_links(user_id, **query):
    answer = user(user_id).get("/my/links", **query)
    assert answer.status == 200
    return answer.body["items"]


def test_the_first_call_makes_a_link_in_each_active_default_campaign(settings):
    # given
    invitation = {"campaign_type": "user_invite", "reward_rules": INVITE_RULES}
    CampaignFactory(code="second_default", is_default=True, **invitation)
    CampaignFactory(code="no_default", is_default=False, **invitation)
    CampaignFactory(code="draft_default", is_default=True, status="draft", **invitation)
    CampaignFactory(code="other_type", is_default=True)

    # when
    items = my_links("user-a")

    # then
    assert sorted(item["campaign_code"] for item in items) == ["second_default", "user_invite_default"]
    for item in items:
        assert set(item) >= FIELDS
        assert item["campaign_type"] == "user_invite"
        assert item["url"] == f"{settings.PUBLIC_BASE_URL}/ref/{item['code']}"
        assert (item["is_active"], item["clicks"], item["registrations"]) == (True, 0, 0)
    assert my_links("user-a") == items


def test_a_default_link_is_made_for_who_has_made_another_link_before():
    link_of("user-a", "quest_purchase_default")

    assert [item["campaign_code"] for item in my_links("user-a")] == [
        "quest_purchase_default",
        "user_invite_default",
    ]


def test_somebody_without_room_for_a_default_link_still_sees_the_others():
    fill("quest_purchase_default", 50)

    assert {item["campaign_code"] for item in my_links("user-a")} == {"quest_purchase_default"}


def fill(campaign, number):
    """Links of user A in a campaign, each with a payload of its own."""
    rows = [
        {"owner_user_id": "user-a", "campaign": ReferralCampaign.objects.get(code=campaign)}
        for _ in range(number)
    ]
    return [LinkFactory(**row) for row in rows]


def test_links_come_all_at_once_or_in_pages():
    fill("user_invite_default", 30)

    body = user("user-a").get("/my/links").body
    assert (len(body["items"]), body["page"], body["page_size"], body["total"]) == (30, 1, 50, 30)
    pages = [my_links("user-a", page=page, page_size=20) for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [20, 10, 0]
    assert [item["id"] for page in pages for item in page] == [item["id"] for item in body["items"]]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"campaign_type": "game"}, "campaign_type"),
        ({"page": "0"}, "page"),
        ({"page_size": "1000"}, "page_size"),
    ],
)
def test_a_bad_parameter_is_named(query, field):
    answer = user("user-a").get("/my/links", **query)

    assert (answer.status, answer.code) == (400, "validation_error")
    assert list(answer.body["error"]["details"]) == [field]


@pytest.mark.parametrize(
    "payload",
    [{"target": "x" * 1024}, [], "space", 5, True, {"a\x00b": 1}, {"a": "b\x00"}, {"a": "\ud800"}],
)
def test_a_payload_that_no_address_can_carry_is_refused(payload):
    answer = user("user-a").post("/my/links", {**INVITE, "deep_link_payload": payload})

    assert (answer.status, answer.body["error"]["http_status"]) == (400, 400)
    assert not ReferralLink.objects.exists()


@pytest.mark.parametrize("code", [None, "No Code", 5, [], "x"])
def test_a_campaign_must_be_named(code):
    answer = user("user-a").post("/my/links", {"campaign_code": code})

    assert (answer.status, answer.code) == (400, "validation_error")
    assert list(answer.body["error"]["details"]) == ["campaign_code"]


def test_codes_are_short_readable_and_different():
    codes = [link_of(f"user-{number}") for number in range(20)]

    assert len(set(codes)) == 20
    for code in codes:
        assert re.fullmatch(r"[2-9A-HJKMNP-Z]{6,12}", code)


def test_a_link_can_be_made_in_any_active_campaign():
    answer = user("user-a").post("/my/links", {"campaign_code": "quest_purchase_default"})

    assert answer.status == 201
    assert set(answer.body) >= FIELDS
    assert (answer.body["campaign_code"], answer.body["campaign_type"]) == (
        "quest_purchase_default",
        "purchase",
    )


def test_the_same_campaign_and_payload_again_answers_the_same_link():
    payload = {"module": "space", "target": "app_home"}
    first = user("user-a").post("/my/links", {**INVITE, "deep_link_payload": payload})

    again = user("user-a").post("/my/links", {**INVITE, "deep_link_payload": dict(reversed(payload.items()))})
    bare = user("user-a").post("/my/links", INVITE)
    empty = user("user-a").post("/my/links", {**INVITE, "deep_link_payload": {}})
    other = user("user-x").post("/my/links", {**INVITE, "deep_link_payload": payload})

    assert (first.status, again.status, bare.status, empty.status, other.status) == (201, 200, 201, 200, 201)
    assert first.body["id"] == again.body["id"] != bare.body["id"] == empty.body["id"]
    assert first.body["deep_link_payload"] == payload
    assert other.body["id"] != first.body["id"]


@pytest.mark.parametrize("status", ["paused", "archived"])
def test_links_are_made_in_active_campaigns_only(status):
    change_campaign("user_invite_default", status=status)

    answer = user("user-a").post("/my/links", INVITE)

    assert (answer.status, answer.code) == (400, "campaign_inactive")
    assert my_links("user-a") == []


@pytest.mark.parametrize(
    "window",
    [{"end_at": "2025-01-01T00:00:00Z"}, {"start_at": "2999-01-01T00:00:00Z"}],
    ids=["ended", "coming"],
)
def test_links_are_made_inside_the_window_only(window):
    change_campaign("user_invite_default", **window)

    assert user("user-a").post("/my/links", INVITE).code == "campaign_inactive"


def test_an_unknown_campaign_is_not_found():
    answer = user("user-a").post("/my/links", {"campaign_code": "no_such_one"})

    assert (answer.status, answer.code) == (404, "not_found")


def test_a_user_has_fifty_links_at_most():
    caller = user("user-a")
    for number in range(50):
        assert caller.post("/my/links", {**INVITE, "deep_link_payload": {"n": number}}).status == 201

    answer = caller.post("/my/links", {**INVITE, "deep_link_payload": {"n": 50}})

    assert (answer.status, answer.code) == (400, "validation_error")
    assert caller.post("/my/links", {**INVITE, "deep_link_payload": {"n": 7}}).status == 200
    assert len(my_links("user-a")) == 50


def test_links_are_filtered_by_the_type_of_their_campaign():
    link_of("user-a", "quest_purchase_default")
    link_of("user-a")

    assert [item["campaign_type"] for item in my_links("user-a", campaign_type="purchase")] == ["purchase"]
    assert my_links("user-a", campaign_type="custom") == []


def test_a_link_counts_its_clicks_and_registrations():
    code = link_of("user-a")
    for number in range(3):
        anybody().post(
            f"/public/track-click/{code}", User_Agent=f"Mozilla/5.0 (X11; Linux x86_64) Firefox/{number}"
        )
    for number in range(2):
        register(f"user-{number}", code)

    (item,) = my_links("user-a")

    assert (item["clicks"], item["registrations"]) == (3, 2)


def test_a_link_can_be_switched_off_and_on():
    (item,) = my_links("user-a")

    for state in (False, True):
        answer = user("user-a").patch(f"/my/links/{item['id']}", {"is_active": state})
        assert (answer.status, answer.body["is_active"]) == (200, state)
        assert ReferralLink.objects.get().is_active is state


@pytest.mark.parametrize(
    "body", [{}, {"is_active": None}, {"is_active": "false"}, {"is_active": 0}, {"is_active": []}]
)
def test_a_switch_that_is_neither_on_nor_off_is_refused(body):
    (item,) = my_links("user-a")

    answer = user("user-a").patch(f"/my/links/{item['id']}", body)

    assert (answer.status, answer.code) == (400, "validation_error")
    assert list(answer.body["error"]["details"]) == ["is_active"]


def test_the_link_of_somebody_else_does_not_exist():
    (item,) = my_links("user-a")

    answer = user("user-x").patch(f"/my/links/{item['id']}", {"is_active": False})

    assert (answer.status, answer.code) == (404, "not_found")
    assert ReferralLink.objects.get(pk=item["id"]).is_active
    assert [own["id"] for own in my_links("user-x")] != [item["id"]]
