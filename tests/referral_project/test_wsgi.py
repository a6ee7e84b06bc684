"""The application that web servers serve: services' calls pass by what is made for people."""

import json
from io import BytesIO

import pytest
from django.core.signals import request_started
from prometheus_client import REGISTRY

from access.tokens import service_token
from referral_project.internal_handler import InternalHandler
from referral_project.wsgi import application
from tests.helpers.api import now_text

# A request looks after the connection that an earlier one has left, whether it needs the database or not.
pytestmark = pytest.mark.usefixtures("committed_db")

ROUTE = "api/referral/v1/internal/event"


def call(path, *, method="POST", body=b"", application=application, **headers):
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        **{f"HTTP_{name}": value for name, value in headers.items()},
    }
    told = []
    answer = application(environ, lambda status, sent: told.extend((status, dict(sent))))
    try:
        content = b"".join(answer)
    finally:
        getattr(answer, "close", list)()
    return told[0], told[1], json.loads(content) if content.startswith(b"{") else content


def counted(status):
    labels = {"route": ROUTE, "method": "POST", "status": str(status)}
    return REGISTRY.get_sample_value("referral_http_request_seconds_count", labels) or 0


def test_an_internal_call_has_an_id_a_length_and_a_place_in_the_metrics(committed_campaigns):
    before = counted(200)
    event = {
        "event_type": "quest_purchased",
        "campaign_code": "quest_purchase_default",
        "referred_user_id": "user-b",
        "occurred_at": now_text(),
    }

    status, headers, answer = call(
        f"/{ROUTE}",
        body=json.dumps(event).encode(),
        AUTHORIZATION=f"Bearer {service_token('quest_service')}",
        X_REQUEST_ID="given",
    )

    assert (status, answer["success"]) == ("200 OK", True)
    assert headers["X-Request-Id"] == "given"
    assert int(headers["Content-Length"]) > 100
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in headers
    assert counted(200) == before + 1


def test_a_refused_internal_call_is_told_in_the_envelope_and_the_callers_language():
    status, headers, answer = call(f"/{ROUTE}", body=b"{}", ACCEPT_LANGUAGE="ru")

    assert status == "401 Unauthorized"
    assert answer["error"]["code"] == "unauthenticated"
    assert answer["request_id"] == headers["X-Request-Id"]
    assert not answer["error"]["message"].isascii()


def test_an_unknown_internal_address_is_told_in_the_envelope():
    status, _, answer = call("/api/referral/v1/internal/nothing")

    assert (status, answer["error"]["code"]) == ("404 Not Found", "not_found")


def test_pages_have_everything_that_is_made_for_people():
    status, headers, _ = call("/", method="GET")

    assert status == "200 OK"
    assert "Content-Security-Policy" in headers


class Watcher:
    """Middleware that an observer puts in front of all others, as OpenTelemetry does."""

    seen: list[str] = []

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        self.seen.append(request.path)
        return self.get_response(request)


def test_what_watches_requests_sees_calls_of_services_too(settings):
    settings.MIDDLEWARE = [f"{__name__}.Watcher", *settings.MIDDLEWARE]
    started = []
    request_started.connect(lambda **_: started.append(True), weak=False, dispatch_uid="watching")
    try:
        status, _, _ = call(f"/{ROUTE}", application=InternalHandler())
    finally:
        request_started.disconnect(dispatch_uid="watching")

    assert status == "401 Unauthorized"
    assert Watcher.seen == [f"/{ROUTE}"]
    assert started == [True]
