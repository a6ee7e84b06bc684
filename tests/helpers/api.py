"""Calling the API as each of its callers would."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import RequestFactory

from access.tokens import service_token, user_token
from referral_project.wsgi import application

BASE = "/api/referral/v1"


@dataclass
class Answer:
    """Status, decoded body and headers of an answer."""

    status: int
    body: Any
    headers: dict[str, str]

    @property
    def code(self) -> str:
        """The error code of the envelope."""
        return self.body["error"]["code"]


class Caller:
    """One caller with its token; `post`, `get` and `patch` take paths below the base path.

    Every call goes through the WSGI application that production serves.
    """

    def __init__(self, token: str | None, *, address: str = "127.0.0.1") -> None:
        self._requests = RequestFactory(REMOTE_ADDR=address)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        """POST JSON; bytes are sent as they are."""
        return self.call("POST", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Answer:
        """PATCH JSON."""
        return self.call("PATCH", path, body, **headers)

    def get(self, path: str, **query: Any) -> Answer:
        """GET with a query string."""
        return _served(self._requests.get(BASE + path, query, headers=self._headers))

    def call(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json", **headers: str
    ) -> Answer:
        """Any method."""
        data = (
            body if isinstance(body, bytes) else json.dumps(body if body is not None else {}, default=_plain)
        )
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = self._requests.generic(
            method, BASE + path, data, content_type=content_type, headers={**self._headers, **named}
        )
        return _served(request)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value.isoformat()


def _served(request: Any) -> Answer:
    """The application's answer to a request, as a web server would hear it."""
    told: list[Any] = []
    # Django's request has decoded the path, which comes from a server as bytes in disguise.
    request.environ["PATH_INFO"] = request.path_info.encode().decode("latin-1")
    with _connection_kept():
        parts = application(request.environ, lambda status, headers: told.extend((status, dict(headers))))
        try:
            content = b"".join(parts)
        finally:
            getattr(parts, "close", list)()
    status, headers = told
    is_json = headers.get("Content-Type", "").startswith("application/json")
    body = json.loads(content, parse_float=Decimal) if is_json and content else None
    return Answer(int(status.partition(" ")[0]), body, headers)


@contextmanager
def _connection_kept() -> Iterator[None]:
    """The connection and the transaction on it belong to the test; Django's own client does the same."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in signals:
            signal.connect(close_old_connections)


def service(name: str) -> Caller:
    """A calling service, such as `quest_service`."""
    return Caller(service_token(name))


def user(user_id: str, role: str = "user") -> Caller:
    """A signed-in user; role `admin` opens the admin API."""
    return Caller(user_token(user_id, role=role))


def anybody(address: str = "127.0.0.1") -> Caller:
    """No token, from this address."""
    return Caller(None, address=address)


def now_text() -> str:
    """This moment, as a caller would write it."""
    return datetime.now(UTC).isoformat()


def link_of(owner: str, campaign: str = "user_invite_default") -> str:
    """The code of a user's link, made by the user API."""
    return user(owner).post("/my/links", {"campaign_code": campaign}).body["code"]


def register(new_user: str, code: str | None, **fields: Any) -> Answer:
    """Report a registration as User Service does."""
    body = {"new_user_id": new_user, "referral_code": code, "registered_at": now_text(), **fields}
    return service("user_service").post("/internal/user-registered", body)


def invite(referrer: str, referred: str, campaign: str = "user_invite_default") -> Answer:
    """`referred` signs up with the link of `referrer`."""
    return register(referred, link_of(referrer, campaign))


def buy_quest(user_id: str, **fields: Any) -> Answer:
    """Report a quest purchase as Quest Service does."""
    body = {
        "event_type": "quest_purchased",
        "campaign_code": "quest_purchase_default",
        "referred_user_id": user_id,
        "occurred_at": now_text(),
        **fields,
    }
    return service("quest_service").post("/internal/event", body)


def become(user_id: str, role: str, occurred_at: str | None = None) -> Answer:
    """Report a role as User Service does."""
    body = {"user_id": user_id, "new_role": role, "occurred_at": occurred_at or now_text()}
    return service("user_service").post("/internal/user-role-upgraded", body)


def buy(event_type: str, user_id: str, **fields: Any) -> Answer:
    """Report a purchase as the service of its module does, without naming a campaign."""
    name = {"quest_purchased": "quest", "voucher_premium_purchased": "voucher", "rielt_booking_made": "rielt"}
    body = {"event_type": event_type, "referred_user_id": user_id, "occurred_at": now_text(), **fields}
    return service(f"{name[event_type]}_service").post("/internal/event", body)


def onboard(partner_id: str, by: str, **fields: Any) -> Answer:
    """Report an onboarded partner as RF Service does."""
    body = {
        "business_partner_id": partner_id,
        "onboarding_user_id": by,
        "campaign_code": "partner_onboarding_default",
        "occurred_at": now_text(),
        **fields,
    }
    return service("rf_service").post("/internal/partner-onboarded", body)


def admin() -> Caller:
    """An administrator by token."""
    return user("the-admin", role="admin")


def amounts_of(answer: Answer) -> list[tuple[str, int | None, int | str, str]]:
    """Who earns how much and in which state: beneficiary, level, points or G2A, status."""
    return [
        (
            reward["beneficiary_user_id"],
            reward["beneficiary_level"],
            reward["points_amount"] or reward["g2a_amount"],
            reward["status"],
        )
        for reward in answer.body["rewards"]
    ]


def change_rules(code: str, rules: dict[str, Any]) -> Answer:
    """Give a campaign other rules by the admin API."""
    answer = change_campaign(code, reward_rules=rules)
    assert answer.status == 200, answer.body
    return answer


def change_campaign(code: str, **changes: Any) -> Answer:
    """Change a campaign by the admin API."""
    found = [
        row for row in admin().get("/admin/campaigns", page_size=100).body["items"] if row["code"] == code
    ]
    return admin().patch(f"/admin/campaigns/{found[0]['id']}", changes)
