"""What anybody may call: counting a click, and following a link."""

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from access.addresses import address_group, client_address
from access.throttles import count_address
from http_api.kit.throttling import AddressThrottle
from referral.clicks import click_count
from referral.codes import normalize_code
from referral.models import ReferralLink
from referral.selectors import link_by_code


def valid_link(code: str) -> ReferralLink | None:
    """The link with this code as a person typed it, if it brings anything today."""
    normalized = normalize_code(code)
    link = link_by_code(normalized) if normalized.isascii() and normalized.isalnum() else None
    usable = link and link.is_active and link.campaign.takes_at(timezone.now())
    return link if usable else None


def ref_redirect(request: HttpRequest, code: str) -> HttpResponse:
    """Send a visitor on to the landing page: with the code and the link's fields, or without for a bad code.

    Only ever to the configured page, so it cannot be used to send people elsewhere.
    """
    count_address(request.META)
    link = valid_link(code)
    return HttpResponseRedirect(landing_url(link) if link else settings.LANDING_URL)


def landing_url(link: ReferralLink) -> str:
    """The landing page with the link's code and simple fields; the page's own parameters stay as they are."""
    page = urlsplit(settings.LANDING_URL)
    query = QueryDict(page.query, mutable=True)
    for name, value in link.deep_link_payload.items():
        if isinstance(value, str | int | float):
            query.setdefault(name, _in_query(value))
    query["ref"] = link.code
    return urlunsplit(page._replace(path=page.path or "/", query=query.urlencode()))


def _in_query(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class PublicViewSet(ViewSet):
    """Open to anybody."""

    authentication_classes = ()
    throttle_classes = (AddressThrottle,)

    def track_click(self, request: Request, code: str) -> Response:
        """Count a click on a link."""
        link = valid_link(code)
        if link is None:
            return Response({"code": code, "valid": False})
        click_count(
            link=link,
            address=address_group(client_address(request.META)),
            user_agent=request.META.get("HTTP_USER_AGENT", ""),
        )
        return Response({"code": link.code, "campaign_code": link.campaign.code, "valid": True})
