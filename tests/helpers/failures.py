"""Failures as rows keep them."""

from typing import Any

from rewards.models.codes import Cause, Failure

ACCOUNT_CLOSED = Failure(Cause.HTTP_STATUS, 422, "account_closed", "the account is closed")
REFUSED_CONNECTION = Failure(Cause.CONNECTION_REFUSED, message="[Errno 111] Connection refused")
TIMEOUT = Failure(Cause.TIMEOUT, message="the answer did not end in time")


def http(status: int, code: str = "", message: str = "") -> Failure:
    """What a peer's answer of this status leaves behind."""
    return Failure(Cause.HTTP_STATUS, status, code, message)


def kept(failure: Failure) -> dict[str, Any]:
    """The fields of a reward or a circuit whose last failure it was."""
    return {"last_error_code": str(failure.cause), "last_error_params": failure.params}
