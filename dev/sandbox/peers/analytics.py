"""The stand-in Analytics: takes events in bulk, within its size limits."""

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any

from aiohttp import web

from dev.sandbox import fields
from dev.sandbox.peers.analytics_store import AnalyticsStore
from dev.sandbox.peers.peer import RefusalError

LARGEST_BODY = 32 * 1024
LARGEST_PAYLOAD = 8 * 1024


class AnalyticsApi:
    def __init__(self, store: AnalyticsStore) -> None:
        self._store = store

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/internal/logging-analytics/v1/analytics/events/bulk", self.bulk)]

    def users_of(self, request: web.Request) -> Collection[str]:
        """Return whom the batch is about, as far as Analytics may know: keyed hashes."""
        try:
            return {event["anonymous_user_id"] for event in _events(request)}
        except RefusalError:
            return ()

    async def bulk(self, request: web.Request) -> web.Response:
        """Take the whole batch or, if anything is wrong with it, none of it."""
        if len(request["body"]) > LARGEST_BODY:
            raise RefusalError(413, "BODY_TOO_LARGE", f"the body is larger than {LARGEST_BODY} bytes")
        events = _events(request)
        self._store.add(events)
        return web.json_response({"accepted": len(events)})


def _events(request: web.Request) -> list[dict[str, Any]]:
    events = fields.json_object(request).get("events")
    if not isinstance(events, list) or not events:
        raise RefusalError(422, "VALIDATION_ERROR", "events must be a list that is not empty", field="events")
    return [_event(event) for event in events]


def _event(event: Any) -> dict[str, Any]:
    if not isinstance(event, dict):
        raise RefusalError(422, "VALIDATION_ERROR", "an event must be an object", field="events")
    return {
        "event_name": fields.text(event, "event_name"),
        "anonymous_user_id": fields.text(event, "anonymous_user_id"),
        "occurred_at": _moment(event),
        "payload": _payload(event),
    }


def _moment(event: dict[str, Any]) -> str:
    text = fields.text(event, "occurred_at")
    try:
        has_offset = datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        has_offset = False
    if not has_offset:
        message = "occurred_at must be a time with an offset"
        raise RefusalError(422, "VALIDATION_ERROR", message, field="occurred_at")
    return text


def _payload(event: dict[str, Any]) -> dict[str, Any]:
    payload = fields.optional_object(event, "payload")
    size = len(json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode())
    if size > LARGEST_PAYLOAD:
        raise RefusalError(413, "PAYLOAD_TOO_LARGE", f"a payload is larger than {LARGEST_PAYLOAD} bytes")
    return payload
