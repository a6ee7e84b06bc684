"""`GET /ref/{code}`: a visitor is sent to the landing page, and only there."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client, override_settings
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from http_api.public.views import landing_url
from referral.models import ReferralLink
from tests.helpers.api import change_campaign, link_of, user

pytestmark = pytest.mark.usefixtures("campaigns")


@pytest.fixture
def landing(settings):
    settings.LANDING_URL = "https://landing.example/welcome"
    return settings.LANDING_URL


def visit(code):
    return Client().get(f"/ref/{code}")


def test_a_visitor_lands_with_the_code_however_it_is_written(landing):
    code = link_of("ref-owner")

    response = visit(code.lower())

    assert response.status_code == 302
    assert response.headers["Location"] == f"{landing}?ref={code}"


def test_the_fields_of_the_deep_link_come_along(landing):
    body = {"campaign_code": "user_invite_default", "deep_link_payload": {"module": "space", "target": "a&b"}}
    code = user("ref-owner").post("/my/links", body).body["code"]

    assert visit(code).headers["Location"] == f"{landing}?module=space&target=a%26b&ref={code}"


def test_simple_fields_come_along_and_others_stay_behind(landing):
    payload = {"n": 5, "share": 0.5, "on": True, "list": [1], "inner": {"a": 1}, "none": None, "ref": "EVIL"}
    body = {"campaign_code": "user_invite_default", "deep_link_payload": payload}
    code = user("ref-owner").post("/my/links", body).body["code"]

    query = parse_qs(urlsplit(visit(code).headers["Location"]).query)
    assert query == {"n": ["5"], "share": ["0.5"], "on": ["true"], "ref": [code]}


def test_the_parameters_of_the_landing_page_stay_as_they_are(settings):
    settings.LANDING_URL = "https://landing.example/?utm=ours&ref=none#top"
    payload = {"utm": "theirs", "module": "space"}
    body = {"campaign_code": "user_invite_default", "deep_link_payload": payload}
    code = user("ref-owner").post("/my/links", body).body["code"]

    location = urlsplit(visit(code).headers["Location"])
    assert (location.netloc, location.fragment) == ("landing.example", "top")
    assert parse_qs(location.query) == {"utm": ["ours"], "module": ["space"], "ref": [code]}


@pytest.mark.parametrize(
    "payload",
    [
        {"next": "https://evil.example", "//evil.example": "/", "@evil.example": "x"},
        {"": "x", "#": "y", "a\r\nLocation: https://evil.example": "z", "б": "код 🙂"},
    ],
)
def test_nothing_in_a_payload_leads_elsewhere(landing, payload):
    body = {"campaign_code": "user_invite_default", "deep_link_payload": payload}
    code = user("ref-owner").post("/my/links", body).body["code"]

    response = visit(code)

    location = urlsplit(response.headers["Location"])
    assert (location.scheme, location.netloc, location.path, location.fragment) == (
        "https",
        "landing.example",
        "/welcome",
        "",
    )
    assert parse_qs(location.query, keep_blank_values=True) == {
        **{name: [value] for name, value in payload.items()},
        "ref": [code],
    }


def test_the_largest_payload_fits_into_a_header(landing):
    body = '{"campaign_code": "user_invite_default", "deep_link_payload": {"t": "%s"}}' % ("я" * 507)
    answer = user("ref-owner").post("/my/links", body.encode())

    assert answer.status == 201
    assert len(visit(answer.body["code"]).headers["Location"]) < 4096


@pytest.mark.parametrize(
    "window", [{"status": "paused"}, {"end_at": "2025-01-01T00:00:00Z"}, {"start_at": "2999-01-01T00:00:00Z"}]
)
def test_a_link_whose_campaign_takes_nobody_brings_nothing(landing, window):
    code = link_of("ref-owner")
    change_campaign("user_invite_default", **window)

    assert visit(code).headers["Location"] == landing


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_a_link_is_only_followed(landing, method):
    response = getattr(Client(), method)(f"/ref/{link_of('ref-owner')}")

    assert (response.status_code, response.json()["error"]["code"]) == (405, "method_not_allowed")
    assert response.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("code", ["NOSUCH99", "%00", "https:%5C%5Cevil.example"])
def test_a_bad_code_leads_to_the_landing_page_alone(landing, code):
    response = visit(code)

    assert response.status_code == 302
    assert response.headers["Location"] == landing


def test_a_link_that_is_switched_off_brings_nothing(landing):
    owner = user("ref-owner")
    link = owner.post("/my/links", {"campaign_code": "user_invite_default"}).body
    owner.patch(f"/my/links/{link['id']}", {"is_active": False})

    assert visit(link["code"]).headers["Location"] == landing


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("page", ["https://landing.example", "https://landing.example/a?b=c#d"])
@given(payload=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), JSON, max_size=5))
@hypothesis_settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_a_payload_holds_the_landing_page_and_the_code_stay(page, payload):
    with override_settings(LANDING_URL=page):
        location = urlsplit(landing_url(ReferralLink(code="ABCDEFGH", deep_link_payload=payload)))

    ours = urlsplit(page)
    assert (location.scheme, location.netloc, location.fragment) == (ours.scheme, ours.netloc, ours.fragment)
    assert location.path == (ours.path or "/")
    assert parse_qs(location.query)["ref"] == ["ABCDEFGH"]
    assert location.geturl().isascii()
