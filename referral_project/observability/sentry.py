"""Unexpected errors, sent to Sentry. Loaded only when configured."""

import os
from typing import Any

import sentry_sdk
import structlog

from referral_project.log_settings import TOKEN


def start() -> None:
    """Report from now on: no bodies, no headers, no local variables, no personal data."""
    sentry_sdk.init(
        dsn=os.environ["SENTRY_DSN"],
        environment=os.environ.get("SENTRY_ENVIRONMENT"),
        send_default_pii=False,
        max_request_body_size="never",
        include_local_variables=False,
        max_breadcrumbs=0,
        before_send=_strip,
    )


def _strip(event: Any, hint: Any) -> Any:
    """Take out what may hold secrets, and add the id under which the error is logged."""
    request = event.get("request", {})
    for name in ("headers", "cookies", "data", "query_string", "env"):
        request.pop(name, None)
    for entry in event.get("exception", {}).get("values", ()):
        entry["value"] = TOKEN.sub("[token]", entry.get("value") or "")
    # What a line was formatted from may be anything.
    event.get("logentry", {}).pop("params", None)
    if request_id := structlog.contextvars.get_contextvars().get("request_id"):
        event.setdefault("tags", {})["request_id"] = request_id
    return event
