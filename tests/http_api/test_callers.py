"""Every route of the API by every kind of caller: who is let in, and what the others hear.

A route without a row here fails, so that nobody can add an endpoint without saying who may call it. The
same answers are written down as docs/callers.md.
"""

import json
import time
from dataclasses import dataclass

import jwt
import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from access.models import ServiceOperation
from access.tokens import service_token, user_token
from http_api.urls import urlpatterns
from rewards.models import ReferralReward
from tests.helpers.api import BASE, Caller, invite, now_text, service, user
from tests.helpers.documents import assert_document

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("campaigns")]

OTHER_KEY = "another-key-that-nobody-has-ever-configured-here"
NO_OPERATION = "a_service_without_operations"


@dataclass(frozen=True)
class Row:
    """Who may call a route: services with the operation, staff with the permission; or one owner."""

    operation: str = ""
    permission: str = ""
    owned: bool = False


CAMPAIGNS, REWARDS = "campaigns.%s_referralcampaign", "rewards.%s_referralreward"
ROWS = {
    "GET my/links": Row(),
    "POST my/links": Row(),
    "PATCH my/links/<uuid:link_id>": Row(owned=True),
    "GET my/links/<uuid:link_id>/qr.svg": Row(owned=True),
    "GET my/links/<uuid:link_id>/qr.png": Row(owned=True),
    "GET my/stats": Row(),
    "GET my/referrals": Row(),
    "GET my/rewards": Row(),
    "POST my/claim": Row(),
    "POST public/track-click/<str:code>": Row(),
    "POST internal/user-registered": Row("user-registered"),
    "POST internal/partner-onboarded": Row("partner-onboarded"),
    "POST internal/event": Row("event"),
    "POST internal/events/bulk": Row("events/bulk"),
    "POST internal/user-role-upgraded": Row("user-role-upgraded"),
    "POST internal/g2a-callback": Row("g2a-callback"),
    "GET internal/users/<str:user_id>/upline": Row("upline"),
    "GET admin/campaigns": Row(permission=CAMPAIGNS % "view"),
    "POST admin/campaigns": Row(permission=CAMPAIGNS % "add"),
    "GET admin/campaigns/<uuid:campaign_id>": Row(permission=CAMPAIGNS % "view"),
    "PATCH admin/campaigns/<uuid:campaign_id>": Row(permission=CAMPAIGNS % "change"),
    "POST admin/campaigns/<uuid:campaign_id>/simulate": Row(permission=CAMPAIGNS % "view"),
    "GET admin/rewards": Row(permission=REWARDS % "view"),
    "POST admin/rewards/<uuid:reward_id>/unlock": Row(permission=REWARDS % "change"),
    "POST admin/rewards/<uuid:reward_id>/retry": Row(permission=REWARDS % "change"),
    "POST admin/rewards/<uuid:reward_id>/cancel": Row(permission=REWARDS % "change"),
    "GET admin/reports/users": Row(permission="rewards.view_referralstats"),
    "GET admin/reports/campaigns": Row(permission="rewards.view_referralstats"),
}
EVENTS = ("event", "events/bulk", "event-reversed")
SEGMENTS = ("my", "public", "internal", "admin")


def routes():
    """Every method of every address of the API, as in `GET my/links`."""
    return [
        f"{method.upper()} {pattern.pattern}"
        for pattern in urlpatterns
        for method in pattern.callback.actions
        if method != "head"  # DRF answers it as GET, once it has answered anything.
    ]


def test_every_route_has_its_row():
    assert sorted(routes()) == sorted(ROWS)


# --- callers ----------------------------------------------------------------------------------------------


def tokens(settings, segment):
    """What is wrong with a token, by the words of the table; each is of the kind that the segment takes."""
    now = int(time.time())
    if segment == "internal":
        key, good = settings.SERVICE_JWT_KEYS["quest_service"][0], {"iss": "quest_service"}
    else:
        key, good = settings.USER_JWT_KEY, {"sub": "owner", "role": "admin"}
    good |= {"aud": "referral-service" if segment == "internal" else "platform", "exp": now + 60}
    return {
        "no token": None,
        "wrong key": jwt.encode(good, OTHER_KEY, "HS256"),
        "expired": jwt.encode(good | {"exp": now - 1}, key, "HS256"),
        "alg none": jwt.encode(good, None, "none"),
        "wrong aud": jwt.encode(good | {"aud": "elsewhere"}, key, "HS256"),
        "other kind": user_token("owner", role="admin")
        if segment == "internal"
        else service_token("quest_service"),
    }


class StaffCaller:
    """A staff member who is signed in to the back-office, with or without one permission."""

    def __init__(self, users, permission, *, csrf=True):
        staff = users.objects.create_user(f"staff-{time.monotonic_ns()}", is_staff=True)
        if permission:
            app, codename = permission.split(".")
            staff.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
        self._client = Client(enforce_csrf_checks=not csrf, raise_request_exception=False)
        self._client.force_login(staff)

    def call(self, method, path, body):
        data = json.dumps(body)
        return self._client.generic(method, BASE + path, data, content_type="application/json").status_code


class TokenCaller:
    """A caller with this token, or with none."""

    def __init__(self, token):
        self._caller = Caller(token)

    def call(self, method, path, body):
        return self._caller.call(method, path, body).status


def callers(settings, users, route, row):
    """Everybody who tries this route: the words of the table, and the caller."""
    segment = route.split(" ")[1].split("/")[0]
    found = {words: TokenCaller(token) for words, token in tokens(settings, segment).items()}
    if segment == "internal":
        allowed = ServiceOperation.objects.filter(operation=row.operation).first()
        found["another service"] = TokenCaller(service_token(NO_OPERATION))
        if row.operation in EVENTS:
            found["another event type"] = TokenCaller(service_token("rielt_service"))
            allowed = ServiceOperation.objects.get(operation=row.operation, service="quest_service")
        found["right"] = TokenCaller(service_token(allowed.service))
    if segment == "my":
        if row.owned:
            found["another user"] = TokenCaller(user_token("stranger"))
        found["right"] = TokenCaller(user_token("owner"))
    if segment == "admin":
        found["no admin"] = TokenCaller(user_token("owner"))
        found["staff without permission"] = StaffCaller(users, None)
        if not route.startswith("GET"):
            found["staff without CSRF token"] = StaffCaller(users, row.permission, csrf=False)
        found["staff"] = StaffCaller(users, row.permission)
        found["right"] = TokenCaller(user_token("root", role="admin"))
    return found


def expected(segment, words):
    """What a caller must hear: a status, or None for one who is let in."""
    if segment == "public" or words in ("right", "staff"):
        return None
    if words == "another user":
        return 404
    refused = ("another service", "another event type", "no admin")
    return 403 if words in refused or words.startswith("staff without") else 401


# --- the table --------------------------------------------------------------------------------------------

BODY = {
    "event_type": "quest_purchased",
    "referred_user_id": "friend",
    "occurred_at": now_text(),
    "is_active": True,
    "reason": "x",
}


@pytest.fixture
def objects(settings):
    """What the addresses name: a link of the owner, a campaign, a reward."""
    settings.SERVICE_JWT_KEYS = settings.SERVICE_JWT_KEYS | {NO_OPERATION: ["n" * 40]}
    settings.USER_JWT_AUDIENCE = "platform"
    invite("owner", "friend")
    link = user("owner").get("/my/links").body["items"][0]
    reward = ReferralReward.objects.first()
    return {
        "<uuid:link_id>": link["id"],
        "<str:code>": link["code"],
        "<str:user_id>": "owner",
        "<uuid:campaign_id>": str(reward.campaign_id),
        "<uuid:reward_id>": str(reward.id),
    }


def answers(settings, users, objects):
    """The status that each caller gets on each route."""
    table = {}
    for route, row in ROWS.items():
        method, path = route.split(" ")
        for name, value in objects.items():
            path = path.replace(name, value)
        body = {"items": [BODY]} if path.endswith("bulk") else BODY
        table[route] = {
            words: caller.call(method, f"/{path}", body)
            for words, caller in callers(settings, users, route, row).items()
        }
    return table


def page_of(table):
    """The table as a page of the documentation."""
    lines = [
        "# Who may call what\n",
        "Written by `tests/http_api/test_callers.py`, which tries every route as every caller; a route",
        "without a row there fails. `in` is a caller who was let in, whatever the answer to the body was. In",
        "a bulk call each event of another type is `forbidden` by itself.\n",
    ]
    for segment in SEGMENTS:
        rows = {route: row for route, row in table.items() if route.split(" ")[1].split("/")[0] == segment}
        columns = list(dict.fromkeys(words for row in rows.values() for words in row))
        columns.sort(key=lambda words: words == "right")
        lines += [f"## /{segment}\n", f"| route | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
        for route, row in rows.items():
            cells = ["–" if words not in row else told(row[words]) for words in columns]
            lines.append(f"| `{route.replace('<uuid:', '<').replace('<str:', '<')}` | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def told(status):
    return str(status) if status in (401, 403, 404) else "in"


def test_everybody_hears_what_the_contract_says_on_every_route(settings, django_user_model, objects):
    table = answers(settings, django_user_model, objects)

    wrong = {
        (route, words): status
        for route, row in table.items()
        for words, status in row.items()
        if not is_right(route, words, status)
    }
    assert wrong == {}
    assert_document("callers.md", page_of(table))


def is_right(route, words, status):
    segment = route.split(" ")[1].split("/")[0]
    wanted = expected(segment, words)
    if (route, words) == ("POST internal/events/bulk", "another event type"):
        return status == 200  # The event inside is refused; test_tokens.py looks at it.
    return status == wanted if wanted else status not in (401, 403, 404, 405) and status < 500


def test_an_unknown_task_is_not_found_for_the_gateway_itself():
    """Only the body's task is unknown: the gateway was let in."""
    body = {"task_id": "nobody-knows", "status": "failed"}

    assert service("token_gateway").post("/internal/g2a-callback", body).status == 404
