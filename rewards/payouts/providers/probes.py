"""Asking a peer whether it answers, by a question that changes nothing there.

None of the contract's calls is made for this, so lists and tasks are asked for, and the bulk address of
Analytics without a body: a peer that knows the address in another way only (404, 405) has answered all the
same. That tells whether it can be reached and lets us in; whether it pays is another question
(`rewards.payouts.circuit_breaker`).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import quote

from django.conf import settings
from uuid_utils.compat import uuid7

from rewards.models.codes import Failure
from rewards.payouts.providers import analytics as analytics_peer
from rewards.payouts.providers import bookings, points, tokens
from rewards.payouts.providers.base import MESSAGE_LENGTH
from rewards.payouts.providers.failures import CallFailed, NeverSent
from rewards.payouts.providers.transport import Reply, Transport
from rewards.provider_names import POINTS, TOKENS

# Nobody waits longer for an answer that only tells how a peer is.
PATIENCE_SECONDS = 5.0
# A task that no gateway has; asked for where we know of none.
NO_TASK = "referral-service-asks-whether-you-answer"


class Heard(StrEnum):
    """What a question came to."""

    ANSWERS = "answers"
    NO_ACCESS = "no_access"  # it answers, and does not let us in
    TROUBLE = "trouble"  # it answers that it cannot work now
    UNREACHABLE = "unreachable"  # no connection comes about
    SILENT = "silent"  # connected, and no readable answer in time
    NO_ADDRESS = "no_address"  # it is not configured


@dataclass(frozen=True, slots=True)
class Report:
    """What was heard, and how long it took; without an answer its cause (`Cause`)."""

    heard: Heard
    cause: str = ""
    http_status: int | None = None
    message: str = ""
    milliseconds: int | None = None


def ask(peer: str, *, known_task: str | None = None) -> Report:
    """Ask one of points, tokens, analytics. Never raises for anything the peer does."""
    url, audience, path = _questions(known_task)[peer]
    if not url:
        return Report(Heard.NO_ADDRESS)
    patience = min(settings.PAYOUT_TIMEOUT_SECONDS, PATIENCE_SECONDS)
    transport = Transport(base_url=url, audience=audience, timeout_seconds=patience)
    return _report(lambda: transport.call("GET", path, request_id=str(uuid7())))


def _questions(known_task: str | None) -> dict[str, tuple[str, str, str]]:
    """By peer: its address, for whom our token is, and what is asked for."""
    return {
        POINTS: (settings.POINTS_SERVICE_URL, points.AUDIENCE, f"{bookings.TRANSACTIONS}?limit=1"),
        TOKENS: (
            settings.TOKEN_GATEWAY_URL,
            tokens.AUDIENCE,
            tokens.TASK + quote(known_task or NO_TASK, safe=""),
        ),
        analytics_peer.NAME: (settings.ANALYTICS_URL, analytics_peer.AUDIENCE, analytics_peer.BULK),
    }


def _report(call: Callable[[], Reply]) -> Report:
    started = time.monotonic()
    try:
        reply = call()
    except NeverSent as error:
        report = _unanswered(Heard.UNREACHABLE, error.failure)
    except CallFailed as error:
        report = _unanswered(Heard.SILENT, error.failure)
    else:
        report = Report(_heard(reply.status), http_status=reply.status)
    return replace(report, milliseconds=round((time.monotonic() - started) * 1000))


def _unanswered(heard: Heard, failure: Failure) -> Report:
    return Report(heard, failure.cause, message=failure.message.replace("\x00", "")[:MESSAGE_LENGTH])


def _heard(status: int) -> Heard:
    if status in (401, 403):
        return Heard.NO_ACCESS
    if status in (408, 425, 429) or status >= 500 or status < 200 or 300 <= status < 400:
        return Heard.TROUBLE
    return Heard.ANSWERS
