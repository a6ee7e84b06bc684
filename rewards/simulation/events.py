"""The events of a simulation, samples or on record, as the calculation takes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import msgspec
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from campaigns.catalog import CampaignEntry
from campaigns.rules.calculation import CIRCULAR, NO_REFERRER, SELF_REFERRAL, Facts
from campaigns.rules.families import RF_PARTNER_ONBOARDED, family_of
from campaigns.rules.roles import RANKS, USER
from campaigns.rules.schema import RewardRules
from kernel.decoding import EventType, Identifier, amount_of, decoder, moment_of
from kernel.errors import ValidationFailed
from kernel.schemas import Amount, Moment
from referral.models import ReferralEvent, ReferralRelation, UserRole

MOST = 100
COUNT_LIMIT = 10**9

Role = Annotated[str, msgspec.Meta(extra_json_schema={"enum": list(RANKS)})]
Count = Annotated[int, msgspec.Meta(ge=0, le=COUNT_LIMIT)]


class Person(msgspec.Struct):
    """Somebody in a sample event; without an id, the same stranger in every event."""

    user_id: Identifier | None = None
    role: Role = USER


def _somebody() -> Person:
    return Person()


class SampleEvent(msgspec.Struct):
    """An event that has not happened: `null` for level 1 or 2 says that there is nobody."""

    event_type: EventType
    amount_base: Amount = None
    occurred_at: Moment | None = None
    referred: Person = msgspec.field(default_factory=_somebody)
    level1: Person | None = msgspec.field(default_factory=_somebody)
    level2: Person | None = msgspec.field(default_factory=_somebody)


class Used(msgspec.Struct):
    """What the campaign's rewards have taken of its budgets before the first event."""

    points: Annotated[int, msgspec.Meta(ge=0, le=10**15)] = 0
    g2a: Amount = None


class Simulation(msgspec.Struct):
    """Rules (the campaign's own when absent), and either sample events or the ids of events on record."""

    reward_rules: RewardRules | msgspec.UnsetType = msgspec.UNSET
    events: Annotated[list[SampleEvent], msgspec.Meta(extra_json_schema={"maxItems": MOST})] = []
    event_ids: Annotated[list[UUID], msgspec.Meta(extra_json_schema={"maxItems": MOST})] = []
    used: Used = msgspec.field(default_factory=Used)


decode_simulation = decoder(Simulation)


@dataclass(frozen=True, slots=True)
class Case:
    """One event to be played: as the calculation takes it, and whom the limits count it for."""

    event_type: str
    facts: Facts
    roles: Mapping[str, str]
    about: str
    event_id: UUID | None = None


def cases_of(campaign: CampaignEntry, asked: Simulation, now: datetime) -> list[Case]:
    """The events to be played, in their order. Raises ValidationFailed with the path of what is wrong."""
    if bool(asked.events) == bool(asked.event_ids):
        raise ValidationFailed.of("events", _("give either events or event_ids, and at least one"))
    for name, given in (("events", asked.events), ("event_ids", asked.event_ids)):
        if len(given) > MOST:
            raise ValidationFailed.of(name, _("must be at most {most}"), most=MOST)
    if asked.events:
        return [_sample(campaign, f"events[{index}]", event, now) for index, event in enumerate(asked.events)]
    return _recorded(campaign, asked.event_ids)


def _sample(campaign: CampaignEntry, path: str, event: SampleEvent, now: datetime) -> Case:
    _check_type(campaign, f"{path}.event_type", event.event_type)
    people = {"referred": event.referred, "level1": event.level1, "level2": event.level2}
    roles = {}
    ids: dict[str, str | None] = {}
    for name, person in people.items():
        ids[name] = (person.user_id or name) if person else None
        if person:
            if person.role not in RANKS:
                raise ValidationFailed.of(
                    f"{path}.{name}.role", _("must be one of: {choices}"), choices=", ".join(RANKS)
                )
            roles[str(ids[name])] = person.role
    is_partner = event.event_type == RF_PARTNER_ONBOARDED
    about = str(ids["referred"])
    facts = facts_of(
        event.event_type,
        moment_of(f"{path}.occurred_at", event.occurred_at, now=now) if event.occurred_at else now,
        amount_of(f"{path}.amount_base", event.amount_base),
        level1=ids["level1"],
        level2=ids["level2"],
        referred=None if is_partner else about,
    )
    return Case(event.event_type, facts, roles, about)


def _recorded(campaign: CampaignEntry, event_ids: Sequence[UUID]) -> list[Case]:
    """Events on record, in the order in which they were accepted, with the relations and roles of now."""
    events = {event.pk: event for event in ReferralEvent.objects.filter(pk__in=event_ids)}
    for index, event_id in enumerate(event_ids):
        if event_id not in events:
            raise ValidationFailed.of(f"event_ids[{index}]", _("there is no such event"))
        _check_type(campaign, f"event_ids[{index}]", events[event_id].event_type)
    inviters = _inviters(campaign, {event.referrer_user_id for event in events.values()} - {None})
    people = {event.referred_user_id for event in events.values()} | set(inviters) | set(inviters.values())
    people |= {event.referrer_user_id for event in events.values()}
    roles = dict(UserRole.objects.filter(user_id__in=people - {None}).values_list("user_id", "role"))
    cases = []
    for event_id in sorted(events):
        event = events[event_id]
        refused = event.reason in (NO_REFERRER, SELF_REFERRAL, CIRCULAR)
        level1 = None if refused else event.referrer_user_id
        facts = facts_of(
            event.event_type,
            event.occurred_at,
            event.amount_base,
            level1=level1,
            level2=inviters.get(level1 or ""),
            referred=event.referred_user_id,
            refusal=event.reason if refused else None,
            refusal_detail=event.reason_detail if refused else None,
        )
        about = str(event.referred_user_id or event.business_partner_id)
        cases.append(Case(event.event_type, facts, roles, about, event_id))
    return cases


def facts_of(
    event_type: str,
    occurred_at: datetime,
    amount: Decimal | None,
    *,
    level1: str | None,
    level2: str | None,
    referred: str | None,
    **refusal: Any,
) -> Facts:
    """As the live path would put them: nobody stands twice in one event, and level 2 needs a level 1."""
    return Facts(
        family=family_of(event_type),
        occurred_at=occurred_at,
        amount_base=amount,
        level1=level1,
        level2=level2 if level1 and level2 not in (referred, level1) else None,
        referred=referred,
        **refusal,
    )


def _check_type(campaign: CampaignEntry, path: str, event_type: str) -> None:
    if event_type not in campaign.event_types:
        known = ", ".join(sorted(campaign.event_types))
        raise ValidationFailed.of(
            path,
            _("the campaign takes no {event_type} events; it takes: {known}"),
            event_type=event_type,
            known=known,
        )


def _inviters(campaign: CampaignEntry, users: set[Any]) -> dict[str, str]:
    """Who invited each of these users, as far as this campaign is concerned: its own relation goes first."""
    rows = ReferralRelation.objects.filter(
        Q(campaign_id=campaign.id) | Q(is_invitation=True), referred_user_id__in=users
    ).values_list("campaign_id", "referred_user_id", "referrer_user_id")
    ordered = sorted(rows, key=lambda row: row[0] == campaign.id)
    return {referred: referrer for _campaign, referred, referrer in ordered}
