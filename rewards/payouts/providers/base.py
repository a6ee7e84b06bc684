"""What every peer has in common: what is asked, what an answer means, how HTTP failures are read.

Source of the meanings: docs/payout.md, What an answer means.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from rewards.models.codes import Cause, Failure
from rewards.payouts.providers.failures import CallFailed, NeverSent
from rewards.payouts.providers.transport import Reply

MESSAGE_LENGTH = 500
ERROR_CODE_LENGTH = 64
REFERENCE_LENGTH = 128
RETRY_AFTER_LIMIT_SECONDS = 3600.0


class Outcome(StrEnum):
    """What an answer means for the reward."""

    BOOKED = "booked"  # paid; the transaction is known
    ACCEPTED = "accepted"  # the peer works on it under a task
    WAITING = "waiting"  # the task is not finished
    NOT_BOOKED = "not_booked"  # surely nothing booked, may heal
    MISCONFIGURED = "misconfigured"  # surely nothing booked; our settings are wrong
    UNKNOWN = "unknown"  # booked or not: ask again with the same key
    REFUSED = "refused"  # surely nothing booked, will not heal
    TASK_FAILED = "task_failed"  # the gateway itself says that the task ended without a transfer
    TASK_LOST = "task_lost"  # the gateway does not know the task: ask again with the same key
    NOT_ASKED = "not_asked"  # the worker stopped before it made the call


TROUBLES = frozenset({Outcome.NOT_BOOKED, Outcome.MISCONFIGURED, Outcome.UNKNOWN, Outcome.TASK_LOST})


@dataclass(frozen=True, slots=True)
class Order:
    """One reward that a worker has claimed, with all that a peer must be told."""

    reward_id: UUID
    event_id: UUID
    user_id: str
    level: int | None
    points: int | None
    g2a: Decimal | None
    campaign_code: str
    event_type: str
    task_id: str | None
    mint_number: int
    request_id: str


@dataclass(frozen=True, slots=True)
class Answer:
    """How one call ended. `cause` is why (`Cause`), empty where the outcome says it all.

    `error_code` and `message` are what the peer or the network said, for support.
    """

    outcome: Outcome
    http_status: int | None = None
    error_code: str = ""
    message: str = ""
    reference: str = ""
    cause: str = ""
    retry_after_seconds: float | None = None
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    finished_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def failure(self) -> Failure:
        """What went wrong, as it is kept."""
        # That the question about a failed task was answered well says nothing of its failure.
        status = None if self.cause == Cause.TASK_FAILED else self.http_status
        cause = self.cause or (Cause.HTTP_STATUS if status else Cause.OTHER)
        return Failure(cause, status, self.error_code, self.message)


class Peer(Protocol):
    """A dialect: the only thing that the worker knows of a peer."""

    name: str
    currency: str
    sent_status: str

    def settle(self, order: Order) -> Answer:
        """Pay a reward, or ask how its payment stands. Never raises for anything the peer does."""
        ...


def answer_of(call: Callable[[], Reply], read_success: Callable[[Any], Answer | None]) -> Answer:
    """Make a call and say what its end means.

    `read_success` turns the body of a 2xx into an answer, or gives None when it is not what was promised.
    """
    started, status = datetime.now(UTC), None
    try:
        reply = call()
    except NeverSent as error:
        answer = _unanswered(Outcome.NOT_BOOKED, error.failure)
    except CallFailed as error:
        answer = _unanswered(Outcome.UNKNOWN, error.failure)
    else:
        answer, status = _reply_answer(reply, read_success), reply.status
    return replace(
        answer,
        http_status=status,
        error_code=_plain(answer.error_code)[:ERROR_CODE_LENGTH],
        message=_plain(answer.message)[:MESSAGE_LENGTH],
        started_at=started,
        finished_at=datetime.now(UTC),
    )


def _unanswered(outcome: Outcome, failure: Failure) -> Answer:
    return Answer(outcome, cause=failure.cause, message=failure.message)


def _plain(text: str) -> str:
    """The text without what the database cannot store: NUL, and halves of characters from JSON escapes."""
    return text.replace("\x00", "").encode(errors="replace").decode()


def reference_of(value: Any) -> str | None:
    """A peer's id for what it did, if it is one that can be kept and shown."""
    usable = isinstance(value, str) and 0 < len(value) <= REFERENCE_LENGTH and value.isprintable()
    return value if usable else None


def _reply_answer(reply: Reply, read_success: Callable[[Any], Answer | None]) -> Answer:
    """What the reply means; status and times are added by `answer_of`."""
    status = reply.status
    if 200 <= status < 300:
        answer = read_success(reply.body) if isinstance(reply.body, dict) else None
        return answer or Answer(Outcome.UNKNOWN, cause=Cause.UNPROMISED_ANSWER)
    code, message = _peer_error(reply.body)
    refused = Answer(Outcome.REFUSED, cause=Cause.HTTP_STATUS, error_code=code, message=message)
    if status in (425, 429):
        wait = retry_after(reply.headers)
        return replace(refused, outcome=Outcome.NOT_BOOKED, retry_after_seconds=wait)
    if 300 <= status < 400 or status in (401, 403, 404, 405):
        return replace(refused, outcome=Outcome.MISCONFIGURED)
    if status == 408 or status >= 500 or status < 200:
        wait = retry_after(reply.headers)
        return replace(refused, outcome=Outcome.UNKNOWN, retry_after_seconds=wait)
    return refused


def _peer_error(body: Any) -> tuple[str, str]:
    """The peer's error code and message, in any of the forms peers use."""
    if not isinstance(body, dict):
        return "", ""
    error = body.get("error")
    if isinstance(error, dict):
        return str(error.get("code") or ""), str(error.get("message") or "")
    return str(error or ""), str(body.get("message") or "")


def retry_after(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Seconds to wait by the Retry-After header (a number or a date), at most an hour; None without one.

    The headers' names are in lower case.
    """
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) < 12:
        return min(float(text), RETRY_AFTER_LIMIT_SECONDS)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - (now or datetime.now(UTC))).total_seconds(), 0.0), RETRY_AFTER_LIMIT_SECONDS)
