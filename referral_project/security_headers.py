"""What browsers are told to forbid: scripts and frames from elsewhere, plain HTTP, cameras."""

from collections.abc import Callable
from functools import lru_cache

from csp.constants import HEADER, SELF, UNSAFE_EVAL
from csp.utils import build_policy
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
# Alpine, with which Unfold makes its pages lively, evaluates the expressions that stand in them.
ADMIN_SCRIPTS = {"script-src": [SELF, UNSAFE_EVAL]}


@lru_cache(maxsize=2)
def content_policy(*, back_office: bool) -> str:
    """The policy of CONTENT_SECURITY_POLICY; the back-office needs a little more than the rest."""
    return build_policy(replace=ADMIN_SCRIPTS if back_office else None)


class SecurityHeadersMiddleware:
    """Adds the content policy, and the headers that Django has no setting for.

    In place of django-csp's own middleware, which puts the policy together twice for every answer and needs a
    third of a millisecond for it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Add what is not there yet."""
        response = self.get_response(request)
        policy = content_policy(back_office=request.path_info.startswith("/admin/"))
        response.headers.setdefault(HEADER, policy)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        if settings.SECURE_HSTS_SECONDS:
            # Not left to Django: it does so only where it sees TLS itself, which ends at the proxy.
            hsts = f"max-age={settings.SECURE_HSTS_SECONDS}"
            response.headers.setdefault("Strict-Transport-Security", hsts)
        return response
