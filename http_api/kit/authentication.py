"""DRF's view of who calls: one authentication class for each segment of the API.

Whoever is let in is counted here, so that no view can forget it; so is whoever is not.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from access.grants import grants
from access.throttles import count_failure, count_service, count_user
from access.tokens import EndUser, Service, service_of, user_of
from kernel.errors import Forbidden, Unauthenticated

ADMIN_ROLE = "admin"
# Characters; a header may be fifty times as long, and nothing of it is worth decoding.
TOKEN_LIMIT = 8192
Caller = TypeVar("Caller", Service, EndUser)


def bearer_token(request: Request) -> str:
    """The token of the Authorization header. Raises Unauthenticated."""
    scheme, _space, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip() or len(token) > TOKEN_LIMIT:
        raise Unauthenticated(_("Send a token: Authorization: Bearer …"))
    return str(token.strip())


def proved(request: Request, prove: Callable[[str], Caller]) -> Caller:
    """Who the token of a request proves. Raises Unauthenticated, or Throttled after too many of those."""
    try:
        return prove(bearer_token(request))
    except Unauthenticated:
        count_failure(request.META)
        raise


class ServiceAuthentication(BaseAuthentication):
    """`/internal/*`: a known service by its own HS256 token."""

    def authenticate(self, request: Request) -> tuple[Any, None]:
        """The calling service. Raises Unauthenticated, Throttled."""
        service = proved(request, service_of)
        count_service(service.name)
        return service, None


class UserAuthentication(BaseAuthentication):
    """`/my/*`: any signed-in user of the platform."""

    def authenticate(self, request: Request) -> tuple[Any, None]:
        """The user. Raises Unauthenticated, Throttled."""
        user = proved(request, user_of)
        count_user(user.user_id)
        return user, None


class AdminAuthentication(UserAuthentication):
    """`/admin/*`: a user token (its role is checked later), else the session of a staff user."""

    def authenticate(self, request: Request) -> tuple[Any, None]:
        """The person. Raises Unauthenticated, Throttled; a session without CSRF token is refused by DRF."""
        if "HTTP_AUTHORIZATION" in request.META:
            return super().authenticate(request)
        signed_in = SessionAuthentication().authenticate(request)
        if signed_in is None:
            count_failure(request.META)
            raise Unauthenticated(_("Sign in to the back-office or send a token: Authorization: Bearer …"))
        # No user id has a space in it.
        count_user(f"staff {signed_in[0].pk}")
        return signed_in[0], None


class IsAdmin(BasePermission):
    """A user token with role `admin`, or a staff user with the permission that the view names.

    The view maps its actions to Django permissions in `staff_permissions`.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether this person may do this."""
        person: Any = request.user
        if isinstance(person, EndUser):
            return person.role == ADMIN_ROLE
        permission = view.staff_permissions.get(view.action)
        return bool(person.is_staff and permission and person.has_perm(permission))


def end_user(request: Request) -> EndUser:
    """The signed-in user of a request that UserAuthentication let through."""
    return cast(EndUser, request.user)


def service_allowed(request: Request, operation: str, event_type: str | None = "") -> Service:
    """The calling service, if it may call this operation for this event type. Raises Forbidden.

    None stands for an event type that could not be read: then any right to the operation lets it through to
    hear what is wrong.
    """
    service = cast(Service, request.user)
    if event_type is None:
        allowed = grants.allows_some(service.name, operation)
    else:
        allowed = grants.allows(service.name, operation, event_type)
    if not allowed:
        sentence = _("{name} may not call {operation} for {event_type}.")
        if not event_type:
            sentence = _("{name} may not call {operation}.")
        raise Forbidden(sentence, name=service.name, operation=operation, event_type=event_type)
    return service
