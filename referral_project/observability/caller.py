"""Who makes the request that is being served, for every line that is logged meanwhile.

Loaded with the settings, so it imports nothing that needs them.
"""

from contextvars import ContextVar
from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject, empty

current_request: ContextVar[HttpRequest | None] = ContextVar("current_request", default=None)


def caller_of(request: HttpRequest) -> dict[str, str]:
    """A service, a user or a member of staff, as far as that is known already: nothing is looked up."""
    user: Any = request.__dict__.get("user")
    if type(user) is SimpleLazyObject:
        user = None if user._wrapped is empty else user._wrapped
    for attribute, field in (("user_id", "user_id"), ("pk", "staff_id"), ("name", "service")):
        if value := getattr(user, attribute, None):
            return {field: str(value)}
    return {}


def add_caller(logger: Any, method: str, entry: dict[str, Any]) -> dict[str, Any]:
    """A structlog processor: adds the caller of the current request."""
    request = current_request.get()
    return entry if request is None else entry | caller_of(request)
