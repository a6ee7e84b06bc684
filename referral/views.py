"""`/my/links`, `/internal/users/{id}/upline`, `/public/track-click`."""

import re
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings
from django.db.models import Count, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import urlencode
from django.views.decorators.csrf import csrf_exempt
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from access.authentication import ServiceAuthentication, UserAuthentication, end_user, service_allowed
from access.models import ServiceOperation
from access.throttles import AddressThrottle, count_address
from api.addresses import client_address
from api.decoding import ID_PATTERN, CampaignCode, body_of, decoder, metadata_of
from api.errors import ValidationFailed
from campaigns.models import ReferralCampaign
from referral.clicks import click_count
from referral.codes import normalize_code
from referral.models import LinkClicks, ReferralLink, ReferralRelation
from referral.selectors import link_by_code, upline_of
from referral.services import default_links_ensure, link_create, link_switch


class NewLink(msgspec.Struct):
    """Which link a user wants."""

    campaign_code: CampaignCode
    deep_link_payload: msgspec.Raw = msgspec.Raw(b"null")


class LinkChange(msgspec.Struct):
    """What a user may change about a link."""

    is_active: bool


decode_new_link = decoder(NewLink)
decode_link_change = decoder(LinkChange)


def _with_counts(links: QuerySet[ReferralLink]) -> QuerySet[ReferralLink]:
    clicks = (
        LinkClicks.objects.filter(link=OuterRef("pk")).order_by().values("link").annotate(total=Sum("clicks"))
    )
    relations = (
        ReferralRelation.objects.filter(referral_link=OuterRef("pk"))
        .order_by()
        .values("referral_link")
        .annotate(total=Count("pk"))
    )
    return links.select_related("campaign").annotate(
        clicked=Coalesce(Subquery(clicks.values("total")), 0),
        registered=Coalesce(Subquery(relations.values("total")), 0),
    )


def link_json(link: Any) -> dict[str, Any]:
    """A link as its owner sees it; needs campaign and counts loaded."""
    return {
        "id": link.id,
        "campaign_id": link.campaign_id,
        "campaign_code": link.campaign.code,
        "campaign_type": link.campaign.campaign_type,
        "code": link.code,
        "url": f"{settings.PUBLIC_BASE_URL}/ref/{link.code}",
        "deep_link_payload": link.deep_link_payload,
        "created_at": link.created_at,
        "is_active": link.is_active,
        "clicks": link.clicked,
        "registrations": link.registered,
    }


@csrf_exempt
def ref_redirect(request: HttpRequest, code: str) -> HttpResponse:
    """Send a visitor on to the landing page: with the code and the link's fields, or without for a bad code.

    Only ever to the configured page, so it cannot be used to send people elsewhere.
    """
    count_address(request)
    link = valid_link(code)
    if link is None:
        return HttpResponseRedirect(settings.LANDING_URL)
    fields = {key: value for key, value in link.deep_link_payload.items() if isinstance(value, str | int)}
    separator = "&" if "?" in settings.LANDING_URL else "?"
    return HttpResponseRedirect(f"{settings.LANDING_URL}{separator}{urlencode({**fields, 'ref': link.code})}")


def valid_link(code: str) -> ReferralLink | None:
    """The link with this code as a person typed it, if it brings anything today."""
    normalized = normalize_code(code)
    link = link_by_code(normalized) if normalized.isascii() and normalized.isalnum() else None
    usable = link and link.is_active and link.campaign.status == ReferralCampaign.Status.ACTIVE
    return link if usable else None


def _one(link_id: UUID) -> dict[str, Any]:
    return link_json(_with_counts(ReferralLink.objects.filter(pk=link_id)).get())


class MyLinksViewSet(ViewSet):
    """A user's own links."""

    authentication_classes = (UserAuthentication,)

    def list(self, request: Request) -> Response:
        """All links; a user's first call makes one in each default campaign."""
        user_id = end_user(request).user_id
        default_links_ensure(owner_user_id=user_id)
        links = ReferralLink.objects.filter(owner_user_id=user_id)
        if campaign_type := request.query_params.get("campaign_type"):
            if campaign_type not in ReferralCampaign.Type.values:
                raise ValidationFailed.of(
                    "campaign_type", f"must be one of: {', '.join(ReferralCampaign.Type.values)}"
                )
            links = links.filter(campaign__campaign_type=campaign_type)
        return Response(
            {"items": [link_json(link) for link in _with_counts(links).order_by("created_at", "id")]}
        )

    def create(self, request: Request) -> Response:
        """A link in a campaign; the same again answers the same link."""
        body = decode_new_link(body_of(request))
        link, created = link_create(
            owner_user_id=end_user(request).user_id,
            campaign_code=body.campaign_code,
            deep_link_payload=metadata_of("deep_link_payload", body.deep_link_payload),
        )
        return Response(_one(link.id), status=201 if created else 200)

    def partial_update(self, request: Request, link_id: UUID) -> Response:
        """Switch a link on or off."""
        body = decode_link_change(body_of(request))
        link_switch(owner_user_id=end_user(request).user_id, link_id=link_id, is_active=body.is_active)
        return Response(_one(link_id))


class UplineViewSet(ViewSet):
    """How other services learn whom to name as referrer."""

    authentication_classes = (ServiceAuthentication,)

    def retrieve(self, request: Request, user_id: str) -> Response:
        """Two levels up; an unknown user has none."""
        service_allowed(request, ServiceOperation.Operation.UPLINE)
        if not re.fullmatch(ID_PATTERN, user_id):
            raise ValidationFailed.of("user_id", "must be 1 to 64 printable ASCII characters without spaces")
        upline = upline_of(user_id)
        return Response({"user_id": user_id, "level1": upline.level1, "level2": upline.level2})


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
            address=client_address(request.META),
            user_agent=request.META.get("HTTP_USER_AGENT", ""),
        )
        return Response({"code": link.code, "campaign_code": link.campaign.code, "valid": True})
