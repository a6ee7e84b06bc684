"""The Points Service's own record of what it has booked, page by page, oldest first.

The same address in both dialects. A deployment without it answers 404 or 405.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from rewards.models.codes import Cause, Failure
from rewards.payouts.providers.base import REFERENCE_LENGTH, retry_after
from rewards.payouts.providers.failures import CallFailed
from rewards.payouts.providers.transport import Reply, Transport

TRANSACTIONS = "/api/points/v1/internal/transactions"
# Answers are read up to 64 KB; a booking takes less than 600 bytes.
PAGE = 100
TRIES = 5
PAUSE_LIMIT_SECONDS = 30.0


class RecordUnreadable(Exception):
    """The record, or the rest of it, could not be read; `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


class NoRecord(RecordUnreadable):
    """The peer keeps no such list."""


@dataclass(frozen=True, slots=True)
class Booking:
    """One transaction as the peer shows it. `amount` is in points; `kind` is `credit` or `debit`."""

    transaction_id: str
    external_id: str
    user_id: str
    amount: int
    kind: str
    reason: str

    @property
    def is_reward(self) -> bool:
        """Whether a reward of ours was paid with it; the peer serves others too."""
        return self.kind == "credit" and (not self.reason or self.reason.startswith("referral"))


class PointsRecord:
    """Reads the list; asks again patiently when the peer is busy or stumbles."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def pages(self, *, request_id: str) -> Iterator[list[Booking]]:
        """Everything that was booked when the last page was read. Raises NoRecord, RecordUnreadable."""
        after, first = "", None
        while True:
            page = [_booking(entry) for entry in self._page(after, request_id)]
            if not page:
                return
            if page[0].transaction_id == first:
                raise RecordUnreadable(Failure(Cause.LIST_BEGINS_AGAIN))
            first = first or page[0].transaction_id
            yield page
            after = page[-1].transaction_id

    def _page(self, after: str, request_id: str) -> list[Any]:
        path = f"{TRANSACTIONS}?{urlencode({'limit': PAGE, **({'after': after} if after else {})})}"
        failure = Failure(Cause.OTHER)
        for number in range(TRIES):
            pause = min(settings.PAYOUT_RETRY_BASE_SECONDS * 2.0**number, PAUSE_LIMIT_SECONDS)
            try:
                reply = self._transport.call("GET", path, request_id=request_id)
            except CallFailed as error:
                failure = error.failure
            else:
                if reply.status not in (408, 425, 429) and reply.status < 500:
                    return _entries(reply)
                failure = _status(reply)
                pause = min(retry_after(reply.headers) or pause, PAUSE_LIMIT_SECONDS)
            if number < TRIES - 1:
                time.sleep(pause)
        raise RecordUnreadable(failure)


def _entries(reply: Reply) -> list[Any]:
    if reply.status in (404, 405):
        raise NoRecord(_status(reply))
    if reply.status != 200:
        raise RecordUnreadable(_status(reply))
    if not isinstance(reply.body, list):
        raise RecordUnreadable(Failure(Cause.UNPROMISED_ANSWER))
    return reply.body


def _status(reply: Reply) -> Failure:
    return Failure(Cause.HTTP_STATUS, reply.status)


def _booking(entry: Any) -> Booking:
    """Raises RecordUnreadable when it is not what was promised."""
    values = entry if isinstance(entry, dict) else {}
    texts = [values.get(name) for name in ("transaction_id", "external_id", "user_id", "kind")]
    amount = values.get("amount")
    shaped = all(isinstance(text, str) and text and "\x00" not in text for text in texts)
    if not shaped or len(str(texts[0])) > REFERENCE_LENGTH or type(amount) is not int:
        raise RecordUnreadable(Failure(Cause.UNPROMISED_ANSWER))
    transaction_id, external_id, user_id, kind = map(str, texts)
    return Booking(transaction_id, external_id, user_id, amount, kind, str(values.get("reason") or ""))
