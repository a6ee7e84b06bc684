"""`/admin/campaigns`: campaigns by API."""

from typing import Any
from uuid import UUID

import msgspec
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from access.people import person_name
from campaigns.models import ReferralCampaign
from campaigns.rules.schema import RewardRules
from campaigns.services import CampaignContent, campaign_create, campaign_update
from http_api.kit.authentication import AdminAuthentication, IsAdmin
from http_api.kit.bodies import body_of
from http_api.schemas.campaigns import (
    Campaign,
    CampaignCodeText,
    CampaignName,
    CampaignStatus,
    CampaignType,
    EventTypes,
    Scope,
)
from kernel.decoding import decoder, time_of
from kernel.errors import NotFound, ValidationFailed
from kernel.paging import one_of, page_of
from kernel.schemas import Moment

Unset = msgspec.UnsetType


class CampaignBody(msgspec.Struct, omit_defaults=True):
    """What a person sends about a campaign; a new one needs code, name and type."""

    code: CampaignCodeText | Unset = msgspec.UNSET
    name: CampaignName | Unset = msgspec.UNSET
    description: str | Unset = msgspec.UNSET
    campaign_type: CampaignType | Unset = msgspec.UNSET
    event_types: EventTypes | Unset = msgspec.UNSET
    scope: Scope | Unset = msgspec.UNSET
    reward_rules: RewardRules | Unset = msgspec.UNSET
    is_default: bool | Unset = msgspec.UNSET
    status: CampaignStatus | Unset = msgspec.UNSET
    start_at: Moment | Unset | None = msgspec.UNSET
    end_at: Moment | Unset | None = msgspec.UNSET


decode_campaign = decoder(CampaignBody)


def _changes(body: CampaignBody) -> dict[str, Any]:
    """The fields that were sent, with times read. Raises ValidationFailed."""
    sent = {name: getattr(body, name) for name in body.__struct_fields__}
    changes = {name: value for name, value in sent.items() if value is not msgspec.UNSET}
    for name in ("start_at", "end_at"):
        if changes.get(name) is not None:
            changes[name] = time_of(name, changes[name])
    if "status" in changes and changes["status"] not in ReferralCampaign.Status.values:
        raise ValidationFailed.of(
            "status", _("must be one of: {choices}"), choices=", ".join(ReferralCampaign.Status.values)
        )
    return changes


def campaign_json(campaign: ReferralCampaign) -> Campaign:
    """A campaign with everything that can be edited; `revision` is what If-Match wants back."""
    return {
        "id": campaign.id,
        "code": campaign.code,
        "name": campaign.name,
        "description": campaign.description,
        "campaign_type": campaign.campaign_type,
        "event_types": campaign.event_types,
        "scope": campaign.scope,
        "reward_rules": campaign.reward_rules,
        "is_default": campaign.is_default,
        "status": campaign.status,
        "start_at": campaign.start_at,
        "end_at": campaign.end_at,
        "revision": campaign.revision,
        "created_at": campaign.created_at,
        "updated_at": campaign.updated_at,
    }


def _answer(campaign: ReferralCampaign, status: int = 200) -> Response:
    return Response(campaign_json(campaign), status=status, headers={"ETag": f'"{campaign.revision}"'})


class AdminCampaignsViewSet(ViewSet):
    """Campaigns for marketing tools."""

    authentication_classes = (AdminAuthentication,)
    permission_classes = (IsAdmin,)
    staff_permissions = {
        "list": "campaigns.view_referralcampaign",
        "retrieve": "campaigns.view_referralcampaign",
        "create": "campaigns.add_referralcampaign",
        "partial_update": "campaigns.change_referralcampaign",
    }

    def list(self, request: Request) -> Response:
        """A page of campaigns, newest first; `status` and `campaign_type` filter."""
        rows = ReferralCampaign.objects.order_by("-created_at", "-id")
        for name, choices in (
            ("status", ReferralCampaign.Status.values),
            ("campaign_type", ReferralCampaign.Type.values),
        ):
            if value := one_of(request.query_params, name, choices):
                rows = rows.filter(**{name: value})
        page = page_of(request.query_params, rows)
        page["items"] = [campaign_json(campaign) for campaign in page["items"]]
        return Response(page)

    def retrieve(self, request: Request, campaign_id: UUID) -> Response:
        """One campaign; its ETag goes into If-Match of a change."""
        campaign = ReferralCampaign.objects.filter(pk=campaign_id).first()
        if campaign is None:
            raise NotFound(_("There is no such campaign."))
        return _answer(campaign)

    def create(self, request: Request) -> Response:
        """A new campaign, in draft unless `status` is `active`."""
        changes = _changes(decode_campaign(body_of(request)))
        missing = [name for name in ("code", "name", "campaign_type") if name not in changes]
        if missing:
            raise ValidationFailed.of_fields({name: [_("is required")] for name in missing})
        status = changes.pop("status", ReferralCampaign.Status.DRAFT)
        campaign = campaign_create(
            content=CampaignContent(**changes), by=person_name(request.user), status=status
        )
        return _answer(campaign, 201)

    def partial_update(self, request: Request, campaign_id: UUID) -> Response:
        """Change fields or the status; with If-Match only if nobody else has in the meantime."""
        campaign = campaign_update(
            campaign_id=campaign_id,
            changes=_changes(decode_campaign(body_of(request))),
            by=person_name(request.user),
            expected_revision=_if_match(request),
        )
        return _answer(campaign)


def _if_match(request: Request) -> int | None:
    text = request.META.get("HTTP_IF_MATCH", "").strip()
    if text in ("", "*"):
        return None
    number = text.removeprefix("W/").strip('"')
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise ValidationFailed.of("If-Match", _("must be the ETag of the campaign as it was read"))
    return int(number)
