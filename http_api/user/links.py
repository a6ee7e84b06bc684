"""`/my/links`: a user's own links and their QR codes."""

from io import BytesIO
from typing import Any
from uuid import UUID

import msgspec
import segno
from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from campaigns.models import ReferralCampaign
from http_api.kit.authentication import UserAuthentication, end_user
from http_api.kit.bodies import body_of
from http_api.schemas.referral import Link
from kernel.decoding import CampaignCode, decoder, metadata_of
from kernel.paging import one_of, page_of
from kernel.schemas import Metadata
from referral.models import ReferralLink
from referral.selectors import links_with_counts, own_link
from referral.services import LINKS_PER_USER, default_links_ensure, link_create, link_switch

# What goes into the address of a redirect must fit into a header on its way through any proxy.
PAYLOAD_LIMIT_BYTES = 1024


class NewLink(msgspec.Struct):
    """Which link a user wants."""

    campaign_code: CampaignCode
    deep_link_payload: Metadata = msgspec.field(default_factory=msgspec.Raw)


class LinkChange(msgspec.Struct):
    """What a user may change about a link."""

    is_active: bool


decode_new_link = decoder(NewLink)
decode_link_change = decoder(LinkChange)


def link_url(link: ReferralLink) -> str:
    """What a link's owner hands out."""
    return f"{settings.PUBLIC_BASE_URL}/ref/{link.code}"


def link_json(link: Any) -> Link:
    """A link as its owner sees it; needs campaign and counts loaded."""
    return {
        "id": link.id,
        "campaign_id": link.campaign_id,
        "campaign_code": link.campaign.code,
        "campaign_type": link.campaign.campaign_type,
        "code": link.code,
        "url": link_url(link),
        "deep_link_payload": link.deep_link_payload,
        "created_at": link.created_at,
        "is_active": link.is_active,
        "clicks": link.clicked,
        "registrations": link.registered,
    }


def _one(link_id: UUID) -> Link:
    return link_json(links_with_counts(ReferralLink.objects.filter(pk=link_id)).get())


class MyLinksViewSet(ViewSet):
    """A user's own links."""

    authentication_classes = (UserAuthentication,)

    def list(self, request: Request) -> Response:
        """All links, oldest first; makes those of default campaigns that are missing."""
        user_id = end_user(request).user_id
        default_links_ensure(owner_user_id=user_id)
        links = ReferralLink.objects.filter(owner_user_id=user_id)
        if campaign_type := one_of(request.query_params, "campaign_type", ReferralCampaign.Type.values):
            links = links.filter(campaign__campaign_type=campaign_type)
        rows = links_with_counts(links).order_by("created_at", "id")
        page = page_of(request.query_params, rows, page_size=LINKS_PER_USER)
        page["items"] = [link_json(link) for link in page["items"]]
        return Response(page)

    def create(self, request: Request) -> Response:
        """A link in a campaign; the same again answers the same link."""
        body = decode_new_link(body_of(request))
        link, created = link_create(
            owner_user_id=end_user(request).user_id,
            campaign_code=body.campaign_code,
            deep_link_payload=metadata_of(
                "deep_link_payload", body.deep_link_payload, limit_bytes=PAYLOAD_LIMIT_BYTES
            ),
        )
        return Response(_one(link.id), status=201 if created else 200)

    def partial_update(self, request: Request, link_id: UUID) -> Response:
        """Switch a link on or off."""
        body = decode_link_change(body_of(request))
        link_switch(owner_user_id=end_user(request).user_id, link_id=link_id, is_active=body.is_active)
        return Response(_one(link_id))

    def qr_svg(self, request: Request, link_id: UUID) -> HttpResponse:
        """The link's address as a QR code, to be printed in any size."""
        return self._qr(request, link_id, "svg", "image/svg+xml")

    def qr_png(self, request: Request, link_id: UUID) -> HttpResponse:
        """The link's address as a QR code, for a screen."""
        return self._qr(request, link_id, "png", "image/png")

    @staticmethod
    def _qr(request: Request, link_id: UUID, kind: str, content_type: str) -> HttpResponse:
        link = own_link(owner_user_id=end_user(request).user_id, link_id=link_id)
        image = BytesIO()
        segno.make_qr(link_url(link), error="m").save(image, kind=kind, scale=10, light="white")
        return HttpResponse(image.getvalue(), content_type=content_type)
