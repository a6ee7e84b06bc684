"""`GET /ref/{code}`: a visitor is sent to the landing page, and only there."""

import pytest
from django.test import Client

from tests.support.api import link_of, user

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
