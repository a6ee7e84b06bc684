"""What the API answers about links and relations: types without behaviour, for the OpenAPI document."""

from typing import Annotated, Any, Literal, TypedDict
from uuid import UUID

import msgspec

from http_api.schemas.campaigns import CampaignType
from kernel.schemas import Page, Time


class Link(TypedDict):
    """A link as its owner sees it."""

    id: UUID
    campaign_id: UUID
    campaign_code: str
    campaign_type: CampaignType
    code: Annotated[str, msgspec.Meta(examples=["K7QMWX2P"])]
    url: Annotated[str, msgspec.Meta(description="What the owner shares.")]
    deep_link_payload: dict[str, Any]
    created_at: Time
    is_active: bool
    clicks: Annotated[int, msgspec.Meta(ge=0, description="Without bots and repeats.")]
    registrations: Annotated[int, msgspec.Meta(ge=0)]


class LinkPage(Page):
    """A page of a user's links, oldest first."""

    items: list[Link]


class Upline(TypedDict):
    """Who invited a user, and who invited that one."""

    user_id: str
    level1: str | None
    level2: str | None


class CountedClick(TypedDict):
    """A click on a link that brings something today."""

    code: str
    campaign_code: str
    valid: Literal[True]


class IdleClick(TypedDict):
    """A click on a code that nobody has, or that brings nothing today."""

    code: str
    valid: Literal[False]
