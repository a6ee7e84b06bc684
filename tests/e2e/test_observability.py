"""What an operator sees of running processes: metrics summed over them, access lines, traces, errors."""

import json
import re
import secrets
import time

import pytest
import requests
from django.db import connection
from prometheus_client.parser import text_string_to_metric_families

from access.tokens import service_token
from tests.helpers.api import invite, now_text
from tests.helpers.processes import ServiceProcesses
from tests.helpers.receiver import Receiver

pytestmark = pytest.mark.xdist_group("processes")

BASE = "/api/referral/v1"
TOKEN = secrets.token_urlsafe(32)


@pytest.fixture
def receiver():
    with Receiver() as running:
        yield running


@pytest.fixture
def service(committed_campaigns, sandbox, receiver, tmp_path):
    environment = {
        "POINTS_SERVICE_URL": sandbox.points_url,
        "TOKEN_GATEWAY_URL": sandbox.tokens_url,
        "ANALYTICS_URL": sandbox.analytics_url,
        "PAYOUT_SWEEP_SECONDS": "0.3",
        "METRICS_TOKEN": TOKEN,
        "METRICS_FOLDER": str(tmp_path / "metrics"),
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{receiver.address}",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "SENTRY_DSN": f"http://key@{receiver.address}/7",
    }
    with ServiceProcesses(tmp_path, environment, web_workers=2) as processes:
        yield processes


def _scrape(service):
    answer = requests.get(f"{service.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10)
    assert answer.status_code == 200, answer.text
    families = text_string_to_metric_families(answer.text)
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


def _wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


def _answer_of(address):
    try:
        return requests.get(address, timeout=10).text
    except requests.RequestException:
        return ""


def _event(service, **changes):
    body = {
        "event_type": "quest_purchased",
        "referred_user_id": "watched-b",
        "occurred_at": now_text(),
        **changes,
    }
    return requests.post(
        f"{service.url}{BASE}/internal/event",
        json=body,
        headers={
            "Authorization": f"Bearer {service_token('quest_service')}",
            "X-Request-Id": "watched-request",
            "Connection": "close",
        },
        timeout=10,
    )


def test_an_operator_sees_what_happens_and_no_secret(service, receiver, tmp_path):
    # given payments, a refusal and a crash
    service.start("metrics")
    assert invite("watched-a", "watched-b").body["success"]
    for number in range(20):
        assert _event(service, external_event_id=f"watched-{number}").status_code == 200
    assert _event(service, occurred_at="yesterday").status_code == 400
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE referral_referralevent RENAME TO hidden")
        try:
            crashed = _event(service)
        finally:
            cursor.execute("ALTER TABLE hidden RENAME TO referral_referralevent")
    assert crashed.json()["error"]["code"] == "internal_error"

    # then the metrics tell of both web processes and of the worker, whoever answers the scrape
    route = "api/referral/v1/internal/event"
    for _ in range(4):
        seen = _scrape(service)
        assert seen["referral_http_request_seconds_count", "200", "POST", route] == 20
        assert seen["referral_http_request_seconds_count", "400", "POST", route] == 1
        assert seen["referral_http_request_seconds_count", "500", "POST", route] == 1
    _wait_for(lambda: _scrape(service)["referral_rewards_due", "points"] == 0)
    seen = _wait_for(
        lambda: (
            (found := _scrape(service)).get(("referral_peer_call_seconds_count", "booked", "points"), 0) >= 21
            and found
        )
    )
    assert seen["referral_worker_message_seconds_count", "done", "pay_due"] >= 1
    assert seen["referral_peer_circuit_open", "points"] == 0
    assert seen["referral_oldest_due_reward_seconds", "points"] == 0
    assert ("referral_analytics_unsent", "referral_event_recorded") in seen
    assert {value for key, value in seen.items() if key[0] == "referral_state_complete"} == {1.0}

    # and so does the port without a token, for hosts that have no web process
    port = f"http://127.0.0.1:{service.metrics_port}/metrics"
    on_port = _wait_for(lambda: _answer_of(port))
    assert f'route="{route}",status="400"' in on_port
    assert 'referral_rewards_due{currency="points"}' in on_port

    # and without the token there is nothing to see
    assert requests.get(f"{service.url}/metrics", timeout=5).json()["error"]["code"] == "unauthenticated"

    # and the log has one line for each request that failed, with who it was, and no token in any
    log = (tmp_path / "web.log").read_text()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    access = [line for line in lines if line["logger"] == "access" and line["route"] == route]
    assert [line["status"] for line in access] == [400, 500]
    callers = {(line["service"], line["request_id"]) for line in access}
    assert callers == {("quest_service", "watched-request")}
    assert not re.search(r"eyJ[\w-]+\.", log)
    assert "watched-b" not in log

    # and traces and the error have arrived, by the same id, without the body or the token
    _wait_for(lambda: b"watched-request" in receiver.bodies("/v1/traces"))
    spans = receiver.bodies("/v1/traces")
    errors = _wait_for(lambda: receiver.bodies("/api/7/envelope"))
    assert b"INSERT" in spans or b"SELECT" in spans
    assert b"watched-request" in errors
    assert b"UndefinedTable" in errors
    for sent in (spans, errors):
        assert not re.search(rb"eyJ[\w-]+\.", sent)
        assert b"watched-b" not in sent
