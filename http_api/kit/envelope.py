"""One place that turns every failure into the contract's error envelope."""

import logging
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import get_language_from_request, override
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions as drf
from rest_framework.response import Response

from kernel import errors
from kernel.database import DATABASE_AWAY
from kernel.rendering import dumps

logger = logging.getLogger(__name__)


def error_body(error: errors.DomainError, request_id: str) -> dict[str, Any]:
    """The envelope of errors (docs/http-api.md, Errors) in the language of this moment."""
    said = {"code": error.code, "http_status": error.http_status, **error.as_json()}
    return {"error": said, "request_id": request_id}


def body_for(request: HttpRequest, error: errors.DomainError) -> dict[str, Any]:
    """The envelope in the language of the caller."""
    with language_of(request):
        return error_body(error, getattr(request, "request_id", ""))


def language_of(request: HttpRequest) -> override:
    """The language that a caller's Accept-Language asks for; looked at only when something has to be said."""
    return override(get_language_from_request(request))


def domain_error_of(exception: Exception) -> errors.DomainError | None:
    """Our word for a failure of the framework or the database; None for one that nobody expected."""
    if isinstance(exception, errors.DomainError):
        return exception
    if isinstance(exception, DATABASE_AWAY):
        return errors.Unavailable(
            _("The database is not available right now; nothing was written. Try again.")
        )
    if isinstance(exception, drf.ValidationError):
        return _validation_failed(exception.detail)
    if isinstance(exception, drf.AuthenticationFailed | drf.NotAuthenticated):
        return errors.Unauthenticated(str(exception.detail))
    if isinstance(exception, drf.MethodNotAllowed):
        return errors.MethodNotAllowed(_("This method is not allowed here."))
    if isinstance(exception, drf.PermissionDenied | PermissionDenied):
        return _forbidden(exception)
    if isinstance(exception, Http404 | drf.NotFound):
        return errors.NotFound(_("There is nothing at this address."))
    if isinstance(exception, drf.UnsupportedMediaType):
        return errors.UnsupportedMediaType(str(exception.detail))
    if isinstance(exception, drf.Throttled):
        return errors.Throttled(str(exception.detail), int(getattr(exception, "wait", None) or 1) + 1)
    if isinstance(exception, drf.ParseError):
        return errors.InvalidJson(str(exception.detail))
    return None


def _forbidden(exception: Exception) -> errors.Forbidden:
    """DRF tells a missing CSRF token of a session by its text alone."""
    if str(exception).startswith("CSRF Failed"):
        return errors.Forbidden(_("Send the session's CSRF token in X-CSRFToken."))
    return errors.Forbidden(_("You are not allowed to do this."))


def _validation_failed(detail: Any) -> errors.ValidationFailed:
    details = dict(_flatten(detail, "")) or {"body": ["invalid"]}
    return errors.ValidationFailed.of_fields(details)


def _flatten(detail: Any, path: str) -> list[tuple[str, list[str]]]:
    """DRF's nested error details as field paths."""
    if isinstance(detail, Mapping):
        found = []
        for key, inner in detail.items():
            step = "" if key == "non_field_errors" else str(key)
            found += _flatten(inner, f"{path}.{step}".strip(".") if step else path)
        return found
    if isinstance(detail, list) and any(isinstance(entry, Mapping | list) for entry in detail):
        return [pair for index, entry in enumerate(detail) for pair in _flatten(entry, f"{path}[{index}]")]
    entries = detail if isinstance(detail, list) else [detail]
    return [(path or "body", [str(entry) for entry in entries])]


def exception_handler(exception: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's hook: the envelope for what is understood; the rest goes on to Django's 500."""
    error = domain_error_of(exception)
    if error is None:
        return None
    headers = {}
    if error.http_status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    allow = getattr(context["view"], "allowed_methods", None)
    if error.http_status == 405 and allow:
        headers["Allow"] = ", ".join(allow)
    return Response(body_for(context["request"]._request, error), status=error.http_status, headers=headers)


def error_response(request: HttpRequest, error: errors.DomainError) -> HttpResponse:
    """The envelope outside of DRF: unknown addresses, refused hosts, crashes."""
    response = HttpResponse(
        dumps(body_for(request, error)),
        status=error.http_status,
        content_type="application/json",
    )
    if error.retry_after_seconds is not None:
        response["Retry-After"] = str(error.retry_after_seconds)
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400."""
    return error_response(request, errors.ValidationFailed(_("The request could not be understood.")))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    return error_response(request, errors.Forbidden(_("You are not allowed to do this.")))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404."""
    return error_response(request, errors.NotFound(_("There is nothing at this address.")))


def crashed(request: HttpRequest) -> HttpResponse:
    """Django's handler500: no trace and no SQL ever leaves the process."""
    return error_response(request, errors.InternalError(_("Something went wrong on our side; it is logged.")))
