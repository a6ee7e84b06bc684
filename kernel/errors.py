"""What can go wrong, in the words of the HTTP contract.

Every refusal of the service is one of these classes. Services raise them; `http_api.kit.envelope` is the one
place that turns them into HTTP answers.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise
from django.utils.text import format_lazy

# A text that is translated when it is read, by whoever reads it.
if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    Text = str | _StrPromise
else:
    Text = str | Promise
Details = Mapping[str, Sequence[Text]]


class DomainError(Exception):
    """A refusal with a stable code.

    `code` is part of the contract and never translated, `message` is one sentence for a person, `details`
    maps the path of each offending field to what is wrong with it. Texts are lazy, so that they cost nothing
    until somebody reads them in a language; `values` are what stands in braces in the message.
    """

    code = "internal_error"
    http_status = 500
    retry_after_seconds: int | None = None

    def __init__(self, message: Text, details: Details | None = None, **values: Any) -> None:
        super().__init__(message)
        self.message: Text = format_lazy(message, **values) if values else message
        self.details: Details = details or {}

    def __str__(self) -> str:
        """The sentence, in the language of this moment."""
        return str(self.message)

    def as_json(self) -> dict[str, Any]:
        """What a caller is told, in the language of this moment."""
        details = {path: [str(problem) for problem in problems] for path, problems in self.details.items()}
        return {"code": self.code, "message": str(self.message), "details": details}


class ValidationFailed(DomainError):
    """A field has the wrong shape or a value outside its limits."""

    code = "validation_error"
    http_status = 400

    @classmethod
    def of(cls, field: str, problem: Text, **values: Any) -> "ValidationFailed":
        """Refuse one field, named in message and details; `values` stand in braces in the problem."""
        return cls.of_fields({field: [format_lazy(problem, **values) if values else problem]})

    @classmethod
    def of_fields(cls, details: Details) -> "ValidationFailed":
        """Refuse several fields; the message names the first of them."""
        field, problems = next(iter(details.items()))
        return cls("{field}: {problem}", details, field=field, problem=problems[0])


class InvalidJson(DomainError):
    """The body is not JSON."""

    code = "invalid_json"
    http_status = 400


class CampaignInactive(DomainError):
    """The campaign is draft, paused, archived or outside its window, or there is none."""

    code = "campaign_inactive"
    http_status = 400


class CampaignNotFound(DomainError):
    """An internal call names a campaign that does not exist."""

    code = "campaign_not_found"
    http_status = 400


class OutOfScope(DomainError):
    """The event lies outside the campaign's scope."""

    code = "out_of_scope"
    http_status = 400


class EventTypeNotAllowed(DomainError):
    """The campaign does not take events of this type."""

    code = "event_type_not_allowed"
    http_status = 400


class Unauthenticated(DomainError):
    """No valid token of the right kind."""

    code = "unauthenticated"
    http_status = 401


class Forbidden(DomainError):
    """A valid token without the right to do this."""

    code = "forbidden"
    http_status = 403


class NotFound(DomainError):
    """No such object, or it belongs to somebody else."""

    code = "not_found"
    http_status = 404


class MethodNotAllowed(DomainError):
    """The address exists, the method does not."""

    code = "method_not_allowed"
    http_status = 405


class IdempotencyConflict(DomainError):
    """The idempotency key was used before with other content."""

    code = "idempotency_conflict"
    http_status = 409


class ReferrerMismatch(DomainError):
    """The caller names another referrer than the one on record."""

    code = "referrer_mismatch"
    http_status = 409


class IllegalTransition(DomainError):
    """The object's state does not allow this change."""

    code = "illegal_transition"
    http_status = 409


class EditConflict(DomainError):
    """Somebody else has changed the object since it was read."""

    code = "edit_conflict"
    http_status = 409


class PayloadTooLarge(DomainError):
    """The body is over the limit."""

    code = "payload_too_large"
    http_status = 413


class UnsupportedMediaType(DomainError):
    """The body is not declared as JSON."""

    code = "unsupported_media_type"
    http_status = 415


class Throttled(DomainError):
    """Too many requests."""

    code = "throttled"
    http_status = 429

    def __init__(self, message: Text, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(DomainError):
    """The database is away; nothing was written."""

    code = "unavailable"
    http_status = 503
    retry_after_seconds = 2


class InternalError(DomainError):
    """A fault of ours."""

    code = "internal_error"
    http_status = 500
