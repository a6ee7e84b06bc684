"""The calls that the referral service makes, with bodies that the peers accept unless changed."""

import time
from typing import Any

import jwt
import requests

from tests.helpers.sandbox import SandboxProcess

KEY = "a-key-for-tests-that-is-long-enough-for-hs256"
PATIENCE = 5


def credit_body(**changes: Any) -> dict[str, Any]:
    return {
        "external_id": "reward-1",
        "user_id": "anna",
        "amount": 150,
        "currency": "points",
        "reason": "referral.reward_level1",
        "source_service": "referral_service",
        "source_event_id": "event-1",
        "metadata": {"campaign_code": "spring", "event_type": "user_registered", "referral_level": 1},
        **changes,
    }


def mint_body(**changes: Any) -> dict[str, Any]:
    return {
        "external_id": "reward-1",
        "user_id": "anna",
        "amount": "1.5",
        "source_service": "referral_service",
        "reason": "referral.reward_level1",
        **changes,
    }


def event(**changes: Any) -> dict[str, Any]:
    return {
        "event_name": "referral_event_recorded",
        "anonymous_user_id": "5f3c",
        "occurred_at": "2026-03-01T10:00:00+00:00",
        "payload": {"campaign_code": "spring"},
        **changes,
    }


def credit(sandbox: SandboxProcess, **changes: Any) -> requests.Response:
    return post(f"{sandbox.points_url}/api/points/v1/internal/credit", credit_body(**changes))


def debit(sandbox: SandboxProcess, **changes: Any) -> requests.Response:
    body = credit_body(**{"external_id": "reward-1:reversal", "reason": "referral.reversal", **changes})
    return post(f"{sandbox.points_url}/api/points/v1/internal/debit", body)


def transactions(sandbox: SandboxProcess, **filters: Any) -> requests.Response:
    url = f"{sandbox.points_url}/api/points/v1/internal/transactions"
    return requests.get(url, params=filters, timeout=PATIENCE)


def add(sandbox: SandboxProcess, **changes: Any) -> requests.Response:
    body = {
        "userId": "anna",
        "amount": 150,
        "action": "referral_bonus_referrer",
        "externalId": "reward-1",
        "metadata": {},
        **changes,
    }
    return post(f"{sandbox.points_url}/internal/points/add", body)


def mint(sandbox: SandboxProcess, **changes: Any) -> requests.Response:
    return post(f"{sandbox.tokens_url}/internal/blockchain/v1/g2a/mint", mint_body(**changes))


def task(sandbox: SandboxProcess, task_id: str) -> requests.Response:
    url = f"{sandbox.tokens_url}/internal/blockchain/v1/g2a/task/{task_id}"
    return requests.get(url, timeout=PATIENCE)


def finished_task(sandbox: SandboxProcess, task_id: str) -> dict[str, Any]:
    """Ask until the task has ended, as a poller does."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        progress = task(sandbox, task_id).json()
        if progress["status"] in ("confirmed", "failed"):
            return progress
        time.sleep(0.01)
    raise AssertionError(f"task {task_id} did not end")


def bulk(sandbox: SandboxProcess, *events: dict[str, Any]) -> requests.Response:
    url = f"{sandbox.analytics_url}/internal/logging-analytics/v1/analytics/events/bulk"
    return post(url, {"events": list(events)})


def post(url: str, body: Any, *, timeout: float = PATIENCE, token: str = "") -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.post(url, json=body, headers=headers, timeout=timeout, allow_redirects=False)


def service_token(*, key: str = KEY, **changes: Any) -> str:
    claims = {
        "iss": "referral_service",
        "aud": "points_service",
        "exp": int(time.time()) + 60,
        **changes,
    }
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, key, "HS256")
