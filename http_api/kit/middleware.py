"""The request id: taken from the caller or made up, echoed, logged and passed on to peers."""

import re
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from http_api.kit.envelope import domain_error_of, error_response
from kernel.database import DATABASE_AWAY
from kernel.errors import DomainError, ValidationFailed

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
# Characters of path and query; the web server itself refuses more than 64 Ki without our envelope.
ADDRESS_LIMIT = 8192


def address_too_long() -> ValidationFailed:
    """What somebody hears whose address is over ADDRESS_LIMIT."""
    return ValidationFailed(_("The address is over {limit} characters."), limit=ADDRESS_LIMIT)


class RequestIdMiddleware:
    """Gives every request an id and puts it into the answer and into every log line."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Wrap one request."""
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = given if REQUEST_ID.fullmatch(given) else str(uuid7())
        setattr(request, "request_id", request_id)  # noqa: B010 - not an attribute that Django knows
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            if len(request.path_info) + len(request.META.get("QUERY_STRING", "")) > ADDRESS_LIMIT:
                response = error_response(request, address_too_long())
            else:
                response = self.get_response(request)
        response["X-Request-Id"] = request_id
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A refusal or a database that went away outside of DRF is told in the envelope as well."""
        if isinstance(exception, (DomainError, *DATABASE_AWAY)) and (error := domain_error_of(exception)):
            return error_response(request, error)
        return None


class PlainAnswerMiddleware:
    """For calls of services: the headers of theirs that Django's middleware for people sets otherwise."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Wrap one request."""
        response = self.get_response(request)
        # Without it, a kept connection could be told only in chunks where the answer ends.
        response["Content-Length"] = str(len(response.content))
        response["X-Content-Type-Options"] = "nosniff"
        return response
