"""What browsers are told to forbid, on every kind of answer; and what never reaches a log."""

import json
from pathlib import Path

import pytest
import requests
from django.test import Client

from access.tokens import service_token, user_token
from tests.helpers.api import now_text
from tests.helpers.processes import ServiceProcesses

PAGES = ("/", "/admin/login/", "/healthz/live", "/api/referral/v1/my/stats", "/api/referral/v1/nothing")


def policy_of(answer):
    return dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))


@pytest.mark.django_db
@pytest.mark.parametrize("path", PAGES)
def test_every_answer_forbids_frames_foreign_scripts_and_guessing_of_types(client, path):
    answer = client.get(path)

    policy = policy_of(answer)
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert "unsafe-inline" not in policy["script-src"]
    assert "http" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert "camera=()" in answer.headers["Permissions-Policy"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", PAGES)
def test_only_the_back_office_may_evaluate_expressions(client, path):
    may = "'unsafe-eval'" in policy_of(client.get(path))["script-src"]

    assert may == path.startswith("/admin/")


@pytest.mark.django_db
@pytest.mark.parametrize(("seconds", "header"), [(0, None), (31536000, "max-age=31536000")])
def test_https_is_promised_where_the_public_address_has_it(settings, seconds, header):
    settings.SECURE_HSTS_SECONDS = seconds

    assert Client().get("/").headers.get("Strict-Transport-Security") == header


@pytest.mark.django_db
def test_cookies_are_for_this_site_and_out_of_reach_of_scripts(client, django_user_model):
    django_user_model.objects.create_superuser("olga", password="correct-horse-battery")

    client.post("/admin/login/", {"username": "olga", "password": "correct-horse-battery"})

    session = client.cookies["sessionid"]
    assert session["httponly"]
    assert session["samesite"] == "Lax"


def test_no_secret_no_token_and_no_body_reaches_the_log(
    committed_campaigns, settings, tmp_path: Path
) -> None:
    # given a server that logs everything
    web = ServiceProcesses(tmp_path, {"LOG_LEVEL": "DEBUG"})
    tokens = [service_token("quest_service"), user_token("user-a", role="admin")]
    body = {
        "event_type": "quest_purchased",
        "referred_user_id": "user-b",
        "occurred_at": now_text(),
        "metadata": {"note": "a-private-note"},
    }

    # when it is called rightly, wrongly and so that it crashes
    try:
        web.start_web_alone()
        for token in (*tokens, "a-wrong-token-of-somebody"):
            headers = {"Authorization": f"Bearer {token}", "Cookie": "sessionid=a-session-of-somebody"}
            for path in ("internal/event", "my/links", "admin/campaigns"):
                address = f"{web.url}/api/referral/v1/{path}?secret=in-the-query"
                requests.post(address, json=body, headers=headers, timeout=10)
                requests.post(address, data=json.dumps(body)[:-2], headers=headers, timeout=10)
                requests.get(address, headers=headers, timeout=10)
        form = {"username": "olga", "password": "a-password-of-somebody"}
        requests.post(f"{web.url}/admin/login/", data=form, timeout=10)
    finally:
        web.stop()

    # then
    log = (tmp_path / "web.log").read_text()
    keys = [key for keys in settings.SERVICE_JWT_KEYS.values() for key in keys]
    secrets = [*tokens, *keys, settings.SECRET_KEY, settings.SERVICE_JWT_OUT_KEY, settings.USER_JWT_KEY]
    others = ["a-private-note", "a-wrong-token", "a-session-of", "a-password-of", "in-the-query"]
    assert log
    assert [secret for secret in (*secrets, *others) if secret in log] == []


@pytest.mark.django_db
def test_a_page_behind_the_proxy_knows_that_it_is_reached_by_https(client, settings):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

    page = client.get("/", headers={"Host": "localhost", "X-Forwarded-Proto": "https"}).content.decode()

    assert "https://localhost/api/referral/v1/" in page
