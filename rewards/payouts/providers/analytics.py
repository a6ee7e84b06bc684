"""Analytics: takes events in bulk, within its size limits (docs/providers.md)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rewards.payouts.providers.base import Answer, Outcome, answer_of
from rewards.payouts.providers.transport import Reply, Transport

NAME = "analytics"
AUDIENCE = "analytics"
BULK = "/internal/logging-analytics/v1/analytics/events/bulk"
BODY_LIMIT_BYTES = 32 * 1024
EMPTY_BODY_BYTES = len(json.dumps({"events": []}))


class Analytics:
    """Takes a batch as a whole or not at all; the same entry twice is the receiver's to recognize."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def send(self, events: Sequence[Mapping[str, Any]], *, request_id: str) -> Answer:
        """Hand over a batch. BOOKED when it was taken: a 2xx with JSON or without a body.

        Never raises for anything the peer does.
        """
        replies: list[Reply] = []

        def call() -> Reply:
            content = json.dumps({"events": events}).encode()
            replies.append(self._transport.call("POST", BULK, request_id=request_id, content=content))
            return replies[0]

        answer = answer_of(call, lambda body: Answer(Outcome.BOOKED))
        # A page of some proxy is no receipt; an answer that is meant to be empty is.
        return replace(answer, outcome=Outcome.BOOKED, cause="") if _says_nothing(replies) else answer


def _says_nothing(replies: Sequence[Reply]) -> bool:
    return any(
        200 <= reply.status < 300 and (reply.status == 204 or reply.headers.get("content-length") == "0")
        for reply in replies
    )


def size_of(event: Mapping[str, Any]) -> int:
    """Bytes that an event adds to a batch, at most: plain JSON with its separator, characters escaped."""
    return len(json.dumps(event)) + len(", ")
