"""`/metrics`, for who has the token."""

import secrets

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from prometheus_client import CONTENT_TYPE_LATEST

from http_api.public.site import only_safe
from kernel.errors import NotFound, Unauthenticated
from referral_project.observability.exposition import exposition


@only_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Counts, times and the state of the work, in the text form of Prometheus.

    Raises NotFound where no METRICS_TOKEN is configured, Unauthenticated without the right one.
    """
    if not settings.METRICS_TOKEN:
        raise NotFound(_("There is nothing at this address."))
    if not secrets.compare_digest(_token_of(request).encode(), settings.METRICS_TOKEN.encode()):
        raise Unauthenticated(_("Send a token: Authorization: Bearer …"))
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)


def _token_of(request: HttpRequest) -> str:
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
