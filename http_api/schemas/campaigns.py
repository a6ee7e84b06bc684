"""What the API answers about campaigns: types without behaviour, the source of the OpenAPI document."""

from typing import Annotated, Any, TypedDict
from uuid import UUID

import msgspec

from campaigns.models import ReferralCampaign
from campaigns.services import EVENT_TYPES_LIMIT, NAME_LENGTH, SCOPE_KEYS
from kernel.decoding import CODE_PATTERN, EVENT_TYPE_PATTERN, ID_PATTERN
from kernel.schemas import Page, Time

CampaignType = Annotated[str, msgspec.Meta(extra_json_schema={"enum": ReferralCampaign.Type.values})]
CampaignStatus = Annotated[str, msgspec.Meta(extra_json_schema={"enum": ReferralCampaign.Status.values})]

# What `campaigns.services` checks; here only for those who read.
CampaignCodeText = Annotated[str, msgspec.Meta(extra_json_schema={"pattern": CODE_PATTERN})]
CampaignName = Annotated[
    str, msgspec.Meta(extra_json_schema={"minLength": 1, "maxLength": NAME_LENGTH, "pattern": r"\S"})
]
EventTypeText = Annotated[str, msgspec.Meta(extra_json_schema={"pattern": EVENT_TYPE_PATTERN})]
EventTypes = Annotated[
    list[EventTypeText],
    msgspec.Meta(
        description="For a custom campaign; otherwise they follow from type and scope.",
        examples=[["review_written"]],
        extra_json_schema={"maxItems": EVENT_TYPES_LIMIT, "uniqueItems": True},
    ),
]
Scope = Annotated[
    dict[str, Any],
    msgspec.Meta(
        description="Which events the campaign is about; those of other scopes are refused.",
        examples=[{"module": "quest", "country_id": "ID"}],
        extra_json_schema={
            "properties": {
                key: {"anyOf": [{"type": "string", "pattern": ID_PATTERN}, {"type": "integer"}]}
                for key in SCOPE_KEYS
            },
            "additionalProperties": False,
        },
    ),
]


class Campaign(TypedDict):
    """A campaign with everything that can be edited."""

    id: UUID
    code: str
    name: str
    description: str
    campaign_type: CampaignType
    event_types: list[str]
    scope: dict[str, Any]
    reward_rules: dict[str, Any]
    is_default: bool
    status: CampaignStatus
    start_at: Time | None
    end_at: Time | None
    revision: Annotated[int, msgspec.Meta(description="What If-Match of a change wants back.")]
    created_at: Time
    updated_at: Time


class CampaignPage(Page):
    """A page of campaigns."""

    items: list[Campaign]
