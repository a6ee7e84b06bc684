"""Shapes of what other services send, and one form for all of it.

Each struct is a body of a call in docs/http-api.md, Calls. Unknown fields are ignored. What differs
between the calls ends here: the event path knows only `NewEvent`.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec

from campaigns.rules.families import RF_PARTNER_ONBOARDED, USER_REGISTERED
from kernel.decoding import (
    EVENT_TYPE_PATTERN,
    CampaignCode,
    EventType,
    ExternalEventId,
    Identifier,
    ReferralCode,
    amount_of,
    decoder,
    metadata_of,
    moment_of,
)
from kernel.errors import ValidationFailed
from kernel.schemas import Amount, Metadata, Moment
from referral.keys import FINGERPRINT, keyed_hash
from referral.models import GIVEN_ID

BULK_LIMIT = 500
BULK_LIMIT_BYTES = 8 * 1024 * 1024


class UserRegistered(msgspec.Struct):
    """A new user, perhaps with the code that brought them."""

    new_user_id: Identifier
    registered_at: Moment
    referral_code: ReferralCode | None = None
    campaign_code: CampaignCode | None = None
    external_event_id: ExternalEventId | None = None


class PartnerOnboarded(msgspec.Struct):
    """A business partner, brought by a user."""

    business_partner_id: Identifier
    onboarding_user_id: Identifier
    campaign_code: CampaignCode
    occurred_at: Moment
    external_event_id: ExternalEventId | None = None


class EventReported(msgspec.Struct):
    """A purchase, or an event of a custom campaign."""

    event_type: EventType
    referred_user_id: Identifier
    occurred_at: Moment
    campaign_code: CampaignCode | None = None
    referrer_user_id: Identifier | None = None
    referral_code: ReferralCode | None = None
    subject_type: Identifier | None = None
    subject_id: Identifier | None = None
    amount_base: Amount = None
    metadata: Metadata = msgspec.field(default_factory=msgspec.Raw)
    external_event_id: ExternalEventId | None = None


class RoleUpgraded(msgspec.Struct):
    """The role that a user has now."""

    user_id: Identifier
    new_role: Literal["user", "vip", "pro"]
    occurred_at: Moment
    old_role: Literal["user", "vip", "pro"] | None = None


EventItem = Annotated[
    msgspec.Raw,
    msgspec.Meta(
        extra_json_schema={
            "anyOf": [
                {"$ref": "#/components/schemas/EventReported"},
                {"description": "Anything else is answered with its own error."},
            ]
        }
    ),
]


class EventsReported(msgspec.Struct):
    """Many events in one call, each still undecoded, so that a bad one spoils only itself."""

    items: Annotated[list[EventItem], msgspec.Meta(extra_json_schema={"maxItems": BULK_LIMIT})]


class EventTypeOnly(msgspec.Struct):
    """The part of an event that decides who may report it."""

    event_type: Any = None


decode_event_type = decoder(EventTypeOnly)
decode_events = decoder(EventsReported, later="items")
decode_user_registered = decoder(UserRegistered)
decode_partner_onboarded = decoder(PartnerOnboarded)
decode_event = decoder(EventReported)
decode_role_upgraded = decoder(RoleUpgraded)


def event_type_of(body: bytes) -> str | None:
    """The event type that a body names, before its shape is checked; None when it cannot be read.

    Raises InvalidJson.
    """
    try:
        event_type = decode_event_type(body).event_type
    except ValidationFailed:
        return None
    return (
        event_type if isinstance(event_type, str) and re.fullmatch(EVENT_TYPE_PATTERN, event_type) else None
    )


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event as reported, checked and normalized; nothing has been looked up yet.

    `key` makes it once per event (D3): the caller's id behind `i:`, or behind `c:` the fingerprint.
    """

    service: str
    event_type: str
    key: str
    fingerprint: str
    occurred_at: datetime
    external_event_id: str | None = None
    campaign_code: str | None = None
    referrer_named: str | None = None
    referred: str | None = None
    partner: str | None = None
    referral_code: str | None = None
    subject_type: str | None = None
    subject_id: str | None = None
    amount_base: Decimal | None = None
    metadata: dict[str, Any] | None = None
    metadata_json: bytes = field(default=b"null", repr=False)


def _key(external_event_id: str | None, fingerprint: str) -> str:
    return f"{GIVEN_ID}{external_event_id}" if external_event_id else f"c:{fingerprint}"


def event_of(service: str, body: EventReported, *, now: datetime) -> NewEvent:
    """A reported event. Raises ValidationFailed."""
    occurred_at = moment_of("occurred_at", body.occurred_at, now=now)
    amount = amount_of("amount_base", body.amount_base)
    metadata = metadata_of("metadata", body.metadata)
    fingerprint = keyed_hash(
        FINGERPRINT,
        body.event_type,
        body.campaign_code,
        body.referrer_user_id,
        body.referral_code,
        body.referred_user_id,
        body.subject_type,
        body.subject_id,
        amount,
        occurred_at.isoformat(),
        metadata,
    )
    return NewEvent(
        service=service,
        event_type=body.event_type,
        key=_key(body.external_event_id, fingerprint),
        fingerprint=fingerprint,
        occurred_at=occurred_at,
        external_event_id=body.external_event_id,
        campaign_code=body.campaign_code,
        referrer_named=body.referrer_user_id,
        referred=body.referred_user_id,
        referral_code=body.referral_code,
        subject_type=body.subject_type,
        subject_id=body.subject_id,
        amount_base=amount,
        metadata=metadata,
        metadata_json=bytes(body.metadata) if metadata is not None else b"null",
    )


def registration_of(
    service: str, body: UserRegistered, *, campaign_code: str, referrer: str, now: datetime
) -> NewEvent:
    """A registration through the code of `referrer`; who and through whom is all of its content (D1)."""
    fingerprint = keyed_hash(FINGERPRINT, USER_REGISTERED, campaign_code, body.new_user_id, referrer)
    return NewEvent(
        service=service,
        event_type=USER_REGISTERED,
        key=_key(body.external_event_id, fingerprint),
        fingerprint=fingerprint,
        occurred_at=moment_of("registered_at", body.registered_at, now=now),
        external_event_id=body.external_event_id,
        campaign_code=campaign_code,
        referred=body.new_user_id,
    )


def onboarding_of(service: str, body: PartnerOnboarded, *, now: datetime) -> NewEvent:
    """An onboarded partner; who and by whom is all of its content (D1)."""
    fingerprint = keyed_hash(
        FINGERPRINT,
        RF_PARTNER_ONBOARDED,
        body.campaign_code,
        body.business_partner_id,
        body.onboarding_user_id,
    )
    return NewEvent(
        service=service,
        event_type=RF_PARTNER_ONBOARDED,
        key=_key(body.external_event_id, fingerprint),
        fingerprint=fingerprint,
        occurred_at=moment_of("occurred_at", body.occurred_at, now=now),
        external_event_id=body.external_event_id,
        campaign_code=body.campaign_code,
        referrer_named=body.onboarding_user_id,
        partner=body.business_partner_id,
    )
