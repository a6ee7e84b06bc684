"""What rows say by code: why a call failed, why a reward changed its status, what a comparison noted.

A code and its parameters are kept; words are made where people read, in the reader's language, by
`rewards.support.explanation`. A person's own words, and those of a peer, stay the text that they are.
The vocabularies are closed: constraints in the database refuse any other code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import BooleanField, F, Func, Q, TextChoices, Value


class Cause(TextChoices):
    """Why a call to a peer, or what stands for one, ended as it did.

    Where the peer gave an HTTP answer that means trouble it is HTTP_STATUS, with the status, the peer's own
    code and its message beside it.
    """

    HTTP_STATUS = "http_status"
    CONNECTION_REFUSED = "connection_refused"
    DNS = "dns"
    TLS = "tls"
    TIMEOUT = "timeout"
    CONNECTION_RESET = "connection_reset"
    NETWORK = "network"  # any other error of the network
    UNSENDABLE = "unsendable"  # no such call can be made: an address that is none
    UNREADABLE_ANSWER = "unreadable_answer"  # not HTTP
    ANSWER_TOO_LARGE = "answer_too_large"
    UNPROMISED_ANSWER = "unpromised_answer"  # HTTP, but not what the contract promises
    LIST_BEGINS_AGAIN = "list_begins_again"  # the peer's record repeats itself instead of going on
    TASK_UNKNOWN = "task_unknown"
    TASK_FAILED = "task_failed"
    MANY_REFUSALS = "many_refusals"  # entry after entry, `message` of them
    INTERNAL = "internal"  # a fault of our own
    NOT_RECORDABLE = "not_recordable"  # our own database refused the answer
    CALLED_BACK = "called_back"  # no call: the gateway reported by itself
    ON_RECORD = "on_record"  # no call: the peer's record shows it
    OTHER = "other"  # kept as a text by a release that knew no codes, and not recognized


class MoveReason(TextChoices):
    """Why a reward changed its status, where the statuses and who it was do not say it."""

    ROLE_UPGRADED = "role_upgraded"  # {"role"}
    UNLOCKED_BY_PERSON = "unlocked_by_person"
    RETRIED_BY_PERSON = "retried_by_person"
    CANCELLED_BY_PERSON = "cancelled_by_person"
    RETURNED_UNASKED = "returned_unasked"
    TRY_FAILED = "try_failed"  # {"error"}
    PAYOUT_FAILED = "payout_failed"  # {"error"}
    GIVEN_UP = "given_up"  # {"error"}
    CALLBACK_CONFIRMED = "callback_confirmed"
    CALLBACK_FAILED = "callback_failed"
    LEDGER_SHOWS_BOOKING = "ledger_shows_booking"
    TASK_ENDED = "task_ended"
    OTHER = "other"


class RunProblem(TextChoices):
    """What kept a comparison with the peers from being whole."""

    RECORD_UNREADABLE = "record_unreadable"  # {"error"}
    GATEWAY_SILENT = "gateway_silent"  # {"error"}
    TOO_MANY_FINDINGS = "too_many_findings"  # {"kind", "most"}
    OTHER = "other"  # {"text"}


class Fact(TextChoices):
    """What a comparison noted of a reward, on our record or on the peer's."""

    REWARD = "reward"  # {"status", "points" or "g2a", "user_id", "transaction", "task", "in_doubt", …}
    NO_REWARD = "no_reward"
    NO_BOOKING = "no_booking"
    BOOKING = "booking"  # {"points", "user_id", "transaction"}
    TWO_BOOKINGS = "two_bookings"  # the same, and {"first"}: the other transaction
    TASK = "task"  # {"task", "outcome", "reference"}
    OTHER = "other"  # {"text"}


class LineProblem(TextChoices):
    """Why a line of an imported file cannot be used."""

    BAD_REFERRER = "bad_referrer"
    BAD_REFERRED = "bad_referred"
    NOT_A_TIME = "not_a_time"
    NO_OFFSET = "no_offset"
    OUTSIDE_CALENDAR = "outside_calendar"
    IN_FUTURE = "in_future"
    OTHER = "other"  # {"text"}


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure: its cause, and the words of others about it. Empty parameters are not kept."""

    cause: str
    http_status: int | None = None
    peer_code: str = ""
    message: str = ""

    @property
    def params(self) -> dict[str, Any]:
        """What is kept beside the code."""
        values = {"http_status": self.http_status, "peer_code": self.peer_code, "message": self.message}
        return {name: value for name, value in values.items() if value}

    def as_json(self) -> dict[str, Any]:
        """Code and parameters in one, as they stand among the parameters of something else."""
        return {"code": str(self.cause), **self.params}

    @classmethod
    def of(cls, code: str, params: Mapping[str, Any]) -> "Failure":
        """As it was kept."""
        return cls(code, params.get("http_status"), params.get("peer_code", ""), params.get("message", ""))

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> "Failure":
        """As `as_json` made it."""
        return cls.of(kept["code"], kept)


def codes_known(column: str, vocabulary: type[TextChoices]) -> Q:
    """Whether a JSON column is empty, or has a code of the vocabulary: it itself, or each of its entries."""
    known = " || ".join(f'@.code == "{code}"' for code in vocabulary.values)
    # To JSON path an object is a list of one.
    unknown = Func(
        F(column),
        Value(f"$[*] ? (!({known}))"),
        function="jsonb_path_exists",
        output_field=BooleanField(),
    )
    return ~Q(unknown)
