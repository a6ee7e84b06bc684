"""The request id: taken from the caller or made up, echoed, logged and passed on to peers."""

import re
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse
from uuid_utils.compat import uuid7

from api.envelope import DATABASE_AWAY, domain_error_of, error_response
from api.errors import DomainError

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


class RequestIdMiddleware:
    """Gives every request an id and puts it into the answer and into every log line."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Wrap one request."""
        given = request.headers.get("X-Request-Id", "")
        request_id = given if REQUEST_ID.fullmatch(given) else str(uuid7())
        setattr(request, "request_id", request_id)  # noqa: B010 - not an attribute that Django knows
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
        response["X-Request-Id"] = request_id
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A refusal or a database that went away outside of DRF is told in the envelope as well."""
        if isinstance(exception, (DomainError, *DATABASE_AWAY)) and (error := domain_error_of(exception)):
            return error_response(request, error)
        return None
