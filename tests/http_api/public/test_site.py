"""`/`: a small page that says what this is and where to go."""

import re

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def page(**headers):
    response = Client().get("/", headers=headers)
    assert response.status_code == 200
    return response


@pytest.mark.parametrize(
    ("accept_language", "language", "sentence"),
    [
        ("", "en", "who invited whom, calculates rewards"),
        ("en-GB,en;q=0.9", "en", "who invited whom, calculates rewards"),
        ("ru", "ru", "кто кого пригласил"),
        ("de, ru-RU;q=0.8, en;q=0.5", "ru", "кто кого пригласил"),
        ("xx;q=zzz, \x01", "en", "who invited whom, calculates rewards"),
    ],
)
def test_the_page_speaks_the_visitors_language(accept_language, language, sentence):
    response = page(**{"Accept-Language": accept_language})

    text = response.content.decode()
    assert f'<html lang="{language}">' in text
    assert sentence in text
    assert "Accept-Language" in response.headers["Vary"]


def test_the_page_leads_to_everything_by_addresses_of_our_own():
    text = page().content.decode()

    assert '<a href="/admin/">' in text
    assert '<a href="/healthz/ready">' in text
    assert "http://testserver/api/referral/v1/" in text
    hosts = set(re.findall(r"https?://([^/'\"<\s]+)", text))
    assert hosts <= {"testserver", "www.w3.org"}
    assert not re.findall(r"(?:src|href)=[\"']//", text)


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_the_page_is_only_read(method):
    response = getattr(Client(), method)("/")

    assert (response.status_code, response.json()["error"]["code"]) == (405, "method_not_allowed")
