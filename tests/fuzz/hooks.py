"""What schemathesis must know about us: who may call what, which times are past, and one more check."""

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any

import django
import schemathesis
from hypothesis import strategies as st

django.setup()

from django.conf import settings

from access.tokens import service_token, user_token
from kernel.decoding import EVENT_TYPE_PATTERN

SERVICE_OF = {
    "internal_user_registered": "user_service",
    "internal_user_role_upgraded": "user_service",
    "internal_user_erased": "user_service",
    "internal_partner_onboarded": "rf_service",
    "internal_g2a_callback": "token_gateway",
}
SERVICE_OF_EVENT = {
    "quest_purchased": "quest_service",
    "voucher_premium_purchased": "voucher_service",
    "rielt_booking_made": "rielt_service",
}
EVENT_TYPES = cycle((*SERVICE_OF_EVENT, None, None, None))
USERS = cycle(("alice", "bob", "carol"))
# Calls whose fields depend on each other in ways that JSON Schema cannot say.
TANGLED = {
    "admin_campaigns_create",
    "admin_campaigns_change",
    "admin_campaigns_simulate",
    "admin_reports_users",
    "my_referrals",
    "admin_reports_campaigns",
    "internal_g2a_callback",
}

# Fields of a caller's own JSON.
FREE_JSON = {"metadata", "deep_link_payload"}

# Whoever reports what lies in the future is refused. The bounds of the strategy take no time zone.
YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).replace(tzinfo=None)
schemathesis.openapi.format(
    "date-time",
    st.datetimes(YESTERDAY - timedelta(days=365 * 20), YESTERDAY, timezones=st.just(UTC)).map(
        lambda moment: moment.isoformat().replace("+00:00", "Z")
    ),
)


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:
    """Let every second event be one that somebody takes; a made-up type is refused before anything else."""
    if isinstance(body, dict) and re.fullmatch(EVENT_TYPE_PATTERN, str(body.get("event_type"))):
        event_type = next(EVENT_TYPES)
        campaign = {} if event_type is None or "campaign_code" not in body else {"campaign_code": None}
        return {**body, **campaign, "event_type": event_type or body["event_type"]}
    return body


@schemathesis.auth(refresh_interval=None)
class Callers:
    """A fresh token of the caller that the operation asks for."""

    def get(self, case: schemathesis.Case, context: schemathesis.AuthContext) -> str | None:
        """The token; None where nobody has to prove anything."""
        schemes = {name for entry in case.operation.definition.raw.get("security", []) for name in entry}
        if "ServiceToken" in schemes:
            return service_token(_service(case))
        if "AdminToken" in schemes:
            return user_token("the-admin", role="admin")
        if "MetricsToken" in schemes:
            return settings.METRICS_TOKEN
        return user_token(next(USERS)) if "UserToken" in schemes else None

    def set(self, case: schemathesis.Case, data: str | None, context: schemathesis.AuthContext) -> None:
        """Put it into the header."""
        if data:
            case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


def _service(case: schemathesis.Case) -> str:
    name = case.operation.definition.raw["operationId"]
    body = case.body if isinstance(case.body, dict) else {}
    event_type = body.get("event_type")
    if isinstance(event_type, str) and event_type in SERVICE_OF_EVENT:
        return SERVICE_OF_EVENT[event_type]
    return SERVICE_OF.get(name, "quest_service")


@schemathesis.check
def valid_data_is_understood(
    context: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """Data that obeys the schema may be refused for what it says, but never for its form."""
    if response.status_code != 400 or not case.meta or not case.meta.generation.mode.is_positive:
        return
    if case.operation.definition.raw["operationId"] in TANGLED:
        return
    error = json.loads(response.content)["error"]
    if "reaches no deeper" in error["message"]:
        # How far down a page lies depends on its size, which a schema cannot say.
        return
    if all(path.partition(".")[0] in FREE_JSON for path in error["details"]):
        # Nor can it say what PostgreSQL's jsonb cannot hold: numbers of hundreds of digits, deep nesting.
        return
    if set(error["details"]) == {"amount_base"} and _is_too_fine(case.body):
        # Nine digits are said in words: `multipleOf` is compared by floats, and 499.9 fails it.
        return
    if error["code"] in ("validation_error", "invalid_json"):
        raise AssertionError(f"refused although it obeys the schema: {error['message']}")


def _is_too_fine(body: Any) -> bool:
    """Whether the amount is a number with more than nine digits after the point."""
    amount = body["amount_base"] if isinstance(body, dict) else None
    return isinstance(amount, float) and amount != round(amount, 9)
