"""What the document says about the API as a whole."""

from typing import Any

INTRODUCTION = """\
Who invited whom, who has earned what, and paying it exactly once.

Bodies and answers are JSON. Times are UTC, ISO 8601 with an offset; points are whole; G2A is a text with nine
places. Unknown fields of a body are ignored. No trailing slashes.

Every answer that is not 2xx has one form, the schema `Error`. Messages follow `Accept-Language` (English or
Russian), codes never change:

| code | status | when |
|---|---|---|
%ERRORS%

Repeat on 503, on 5xx, on a timeout or a broken connection: the same call with the same content, as often as
you like. After 429 wait for `Retry-After`. Do not repeat any other 4xx without a change.
"""

TAGS: list[dict[str, str]] = [
    {"name": "my", "description": "A signed-in user: links, referrals, rewards."},
    {"name": "public", "description": "Anybody."},
    {"name": "internal", "description": "Known services: what they report and ask."},
    {"name": "admin", "description": "Administrators: campaigns, rewards, reports."},
    {"name": "operations", "description": "Links in the wild, health, metrics."},
]

SECURITY_SCHEMES: dict[str, Any] = {
    "UserToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A user's token: `sub` is the user id. HS256, RS256 or ES256, as configured.",
    },
    "ServiceToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": (
            "A service's token, HS256 with that service's own key: `iss` the service, `aud` "
            "`referral-service`, `exp` at most 10 minutes ahead. Each service may call its own operations."
        ),
    },
    "AdminToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A user's token with the role `admin`.",
    },
    "StaffSession": {
        "type": "apiKey",
        "in": "cookie",
        "name": "sessionid",
        "description": "The session of a staff user of the back-office with the matching permission.",
    },
    "CsrfToken": {
        "type": "apiKey",
        "in": "header",
        "name": "X-CSRFToken",
        "description": "Beside a staff session, for calls that change something.",
    },
    "MetricsToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "The value of METRICS_TOKEN.",
    },
}
