"""What browsers are told to forbid: scripts and frames from elsewhere, plain HTTP, cameras."""

from csp.constants import SELF, UNSAFE_EVAL
from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
# Alpine, with which Unfold makes its pages lively, evaluates the expressions that stand in them.
ADMIN_SCRIPTS = {"script-src": [SELF, UNSAFE_EVAL]}


class SecurityHeadersMiddleware(CSPMiddleware):
    """Adds the content policy of CONTENT_SECURITY_POLICY, and the headers that Django has no setting for."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        """The policy of the address: the back-office needs a little more than the rest."""
        parts = super().get_policy_parts(request, response, report_only)
        if request.path_info.startswith("/admin/"):
            parts.replace = {**ADMIN_SCRIPTS, **(parts.replace or {})}
        return parts

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Add what is not there yet."""
        response = super().process_response(request, response)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        if settings.SECURE_HSTS_SECONDS:
            # Not left to Django: it does so only where it sees TLS itself, which ends at the proxy.
            hsts = f"max-age={settings.SECURE_HSTS_SECONDS}"
            response.headers.setdefault("Strict-Transport-Security", hsts)
        return response
