"""Event in, rewards out: the flow that the whole service is about.

One transaction: resolve the campaigns · (make the relation) · open the batch under its locks · calculate ·
write. See docs/event-path.md and docs/adr/0002.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

import psycopg
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from api.errors import (
    CampaignInactive,
    CampaignNotFound,
    DomainError,
    EventTypeNotAllowed,
    IdempotencyConflict,
    OutOfScope,
    ReferrerMismatch,
    Unavailable,
)
from campaigns.calculations import Counters, Facts, calculate
from campaigns.catalog import CampaignEntry, catalog
from campaigns.families import RF_PARTNER_ONBOARDED, USER_REGISTERED, family_of
from campaigns.locks import lock_campaign, lock_relations
from campaigns.models import CampaignSpend
from referral.codes import normalize_code
from referral.models import PartnerReferralRelation, ReferralEvent, ReferralLink, ReferralRelation
from referral.selectors import link_by_code, relation_in
from referral.services import ALREADY_REFERRED, RelationRefused, relation_create, user_heard
from rewards.event_store import Batch, Candidate, Opened, RewardRow, open_batch, write
from rewards.incoming import NewEvent, PartnerOnboarded, UserRegistered, onboarding_of, registration_of
from rewards.models import ReferralReward, ReferralStats, RewardStatus
from rewards.wakes import wake_for

ATTEMPTS = 10

T = TypeVar("T")


@dataclass(slots=True)
class Accepted:
    """The answer to an event: the first one, or the same again (`duplicate`) with today's statuses."""

    event_id: UUID
    duplicate: bool
    reason: str | None
    reason_detail: str | None
    code_reason: str | None
    rewards: list[RewardRow] = field(default_factory=list)
    referrer_user_id: str | None = None


@dataclass(slots=True)
class Registered:
    """The answer to a registration; `reason` is set when no referral came of it."""

    reason: str | None = None
    relation_id: UUID | None = None
    accepted: Accepted | None = None


class _StaleCatalog(Exception):
    """A campaign changed after it was cached: everything is decided again."""


class _BudgetNotOpen(Exception):
    """The campaign has a budget whose sums are not kept yet."""

    def __init__(self, campaign_id: UUID) -> None:
        super().__init__(campaign_id)
        self.campaign_id = campaign_id


# --- events -------------------------------------------------------------------------------------------------


def event_accept(event: NewEvent) -> Accepted:
    """Accept one event, or answer a repeated one. Raises DomainError."""
    outcome = events_accept([event])[0]
    if isinstance(outcome, DomainError):
        raise outcome
    return outcome


def events_accept(events: Sequence[NewEvent]) -> list[Accepted | DomainError]:
    """Accept events in their order; each gets its answer or its own refusal.

    An event with a referral code may make a relation that later ones depend on, so it goes alone; runs of
    others go together.
    """
    outcomes: list[Accepted | DomainError] = []
    run: list[NewEvent] = []
    for event in events:
        if event.referral_code is None:
            run.append(event)
            continue
        outcomes += _run_accept(run)
        run = []
        outcomes += _run_accept([event])
    return outcomes + _run_accept(run)


def _run_accept(events: Sequence[NewEvent]) -> list[Accepted | DomainError]:
    """One transaction for a run of events. A key that comes twice in the run is answered from the first."""
    if not events:
        return []
    first = {(event.service, event.key): index for index, event in reversed(list(enumerate(events)))}
    fresh = [events[index] for index in sorted(first.values())]
    try:
        answers = dict(zip(sorted(first.values()), _retrying(lambda: _accept(fresh)), strict=True))
    except DomainError as error:
        if len(fresh) > 1:
            raise
        answers = {0: error}
    for index, event in enumerate(events):
        if index not in answers:
            answers[index] = _repeated(
                answers[first[event.service, event.key]], events[first[event.service, event.key]], event
            )
    return [answers[index] for index in range(len(events))]


def _repeated(answer: Accepted | DomainError, original: NewEvent, event: NewEvent) -> Accepted | DomainError:
    if isinstance(answer, DomainError):
        return answer
    if original.fingerprint != event.fingerprint:
        return _conflict(event)
    return replace(answer, duplicate=True)


def _accept(events: Sequence[NewEvent]) -> list[Accepted | DomainError]:
    """Inside the transaction: who goes where, what each earns, everything written.

    The refusal of a single event is raised, so that nothing of it stays, not even its relation.
    """
    answers: dict[int, Accepted | DomainError] = {}
    candidates: dict[int, Candidate] = {}
    for index, event in enumerate(events):
        try:
            candidates[index] = _candidate(event)
        except DomainError as error:
            known = _first_answers([event])
            answers[index] = known.get(0) or error
    opened_answers = _decide(list(candidates.values()))
    answers.update(zip(candidates, opened_answers, strict=True))
    outcome = [answers[index] for index in range(len(events))]
    if len(outcome) == 1 and isinstance(outcome[0], DomainError):
        raise outcome[0]
    return outcome


def _candidate(event: NewEvent) -> Candidate:
    """The event with its campaign and, where a code was applied to the purchase, its relation.

    Raises CampaignNotFound, EventTypeNotAllowed, CampaignInactive, OutOfScope.
    """
    campaign = _campaign_for(event)
    if event.referral_code is None or _known_key(event):
        return Candidate(event, campaign)
    referrer, code_reason = _code_apply(event, campaign)
    return Candidate(event, campaign, referrer, code_reason)


def _campaign_for(event: NewEvent) -> CampaignEntry:
    """The campaign that takes the event; nothing is refused because of what the cache does not know yet."""
    try:
        return _cached_campaign_for(event)
    except DomainError:
        catalog.forget()
        return _cached_campaign_for(event)


def _cached_campaign_for(event: NewEvent) -> CampaignEntry:
    if event.campaign_code is None:
        found = catalog.best_for(event.event_type, event.metadata, event.occurred_at)
        if found is None:
            raise CampaignInactive(f"No active campaign takes {event.event_type} events here at that time.")
        return found
    campaign = catalog.by_code(event.campaign_code)
    if campaign is None:
        raise CampaignNotFound(f"There is no campaign {event.campaign_code}.")
    if event.event_type not in campaign.event_types:
        raise EventTypeNotAllowed(f"The campaign {campaign.code} does not take {event.event_type} events.")
    if not campaign.takes_at(event.occurred_at):
        raise CampaignInactive(
            f"The campaign {campaign.code} takes no events of that time: it is {campaign.status}."
        )
    metadata = {"rf_partner_id": event.partner} if event.partner else event.metadata
    if event.event_type != USER_REGISTERED and (key := campaign.scope_mismatch(event.event_type, metadata)):
        raise OutOfScope(f"The event lies outside the campaign's {key}.")
    return campaign


def _code_apply(event: NewEvent, campaign: CampaignEntry) -> tuple[str | None, str | None]:
    """Use the code that was applied to a purchase: the referrer of a new relation, or why there is none."""
    link = link_by_code(normalize_code(event.referral_code or ""))
    if link is None:
        return None, "unknown_code"
    if link.campaign_id != campaign.id:
        return None, "campaign_mismatch"
    referred = str(event.referred)
    held = relation_in(referred, campaign.id, is_invitation=campaign.is_invitation)
    if held is not None:
        return None, None if held.referrer_user_id == link.owner_user_id else ALREADY_REFERRED
    if not link.is_active:
        return None, "inactive_code"
    try:
        _relation_of(link, campaign, event, ReferralRelation.Source.CODE)
    except RelationRefused as refusal:
        return None, refusal.reason
    return link.owner_user_id, None


def _decide(candidates: Sequence[Candidate]) -> list[Accepted | DomainError]:
    """Open, calculate in order, write."""
    if not candidates:
        return []
    rows = open_batch(candidates)
    for candidate, opened in zip(candidates, rows, strict=True):
        if opened.revision != candidate.campaign.revision:
            raise _StaleCatalog
    batch = Batch(now=timezone.now())
    known = (
        _first_answers([candidate.event for candidate in candidates])
        if any(row.duplicate_of for row in rows)
        else {}
    )
    answers: list[Accepted | DomainError] = []
    for index, (candidate, opened) in enumerate(zip(candidates, rows, strict=True)):
        answers.append(known.get(index) or _mismatch(candidate, opened) or _add(batch, candidate, opened))
    if batch.events:
        write(batch)
        payable = {reward["currency"] for reward in batch.rewards if reward["status"] == RewardStatus.PENDING}
        transaction.on_commit(lambda: wake_for(payable))
    return answers


def _mismatch(candidate: Candidate, opened: Opened) -> ReferrerMismatch | None:
    named = candidate.event.referrer_named
    if opened.held is not None and named is not None and named != opened.held:
        return ReferrerMismatch(
            f"{candidate.event.referred} was invited by somebody else than the caller names.",
            {"referrer_user_id": ["is not the referrer on record"]},
        )
    return None


def _add(batch: Batch, candidate: Candidate, opened: Opened) -> Accepted:
    """Calculate one event with what the earlier ones of the batch have used up, and add it."""
    event, campaign = candidate.event, candidate.campaign
    limits = campaign.limits
    if limits.has_budget and opened.spend_points is None:
        raise _BudgetNotOpen(campaign.id)
    version_id, rules = campaign.version_at(event.occurred_at)
    facts = Facts(
        family=family_of(event.event_type),
        occurred_at=event.occurred_at,
        amount_base=event.amount_base,
        level1=opened.level1,
        level2=opened.level2,
        referred=event.referred,
        refusal=opened.refusal,
        refusal_detail="referrer_user_id" if opened.refusal else None,
    )
    calculation = calculate(
        rules, limits, facts, opened.roles(event.referred), _counters(batch, candidate, opened)
    )
    event_id, rewards = batch.add(candidate, opened, calculation, version_id)
    return Accepted(
        event_id,
        False,
        calculation.reason,
        calculation.reason_detail,
        candidate.code_reason,
        rewards,
        opened.level1,
    )


def _counters(batch: Batch, candidate: Candidate, opened: Opened) -> Counters:
    campaign_id, event = candidate.campaign.id, candidate.event
    referrer, about = str(opened.level1), str(event.referred or event.partner)
    spent = batch.spend.get(campaign_id, [0, Decimal(0)])
    return Counters(
        events_of_referred=opened.events_of_referred + batch.referred.get((campaign_id, about), 0),
        events_of_referrer=opened.events_of_referrer
        + batch.stats.get((campaign_id, referrer), {}).get("events", 0),
        events_of_referrer_that_day=opened.events_that_day
        + batch.days.get((campaign_id, referrer, event.occurred_at.date().isoformat()), 0),
        points=(opened.spend_points or 0) + spent[0],
        g2a=(opened.spend_g2a or Decimal(0)) + spent[1],
    )


# --- registrations and partners -----------------------------------------------------------------------------


def registration_accept(service: str, body: UserRegistered) -> Registered:
    """Write who invited a new user, and pay for it; a bad referral is an answer, never an error.

    Raises ValidationFailed, and IdempotencyConflict when the key belongs to another user's registration.
    """
    probe = registration_of(service, body, campaign_code="", referrer="", now=timezone.now())
    if (
        probe.external_event_id
        and (known := _known_key(probe))
        and known.referred_user_id != body.new_user_id
    ):
        raise _conflict(probe)
    user_heard(body.new_user_id)
    return _retrying(lambda: _register(service, body, ReferralRelation.Source.LINK))


def _register(service: str, body: UserRegistered, source: str) -> Registered:
    """Inside the transaction: the first answer again, a reason, or a relation with its event."""
    if not body.referral_code or not body.referral_code.strip():
        return Registered("no_code")
    link = link_by_code(normalize_code(body.referral_code))
    if link is None:
        return Registered("unknown_code")
    held = relation_in(body.new_user_id, link.campaign_id, is_invitation=link.campaign.is_invitation)
    if held and held.referrer_user_id == link.owner_user_id and (again := _registered_again(held)):
        return again
    campaign = catalog.by_id(link.campaign_id)
    if campaign is None or campaign.revision != link.campaign.revision:
        raise _StaleCatalog
    event = registration_of(
        service, body, campaign_code=campaign.code, referrer=link.owner_user_id, now=timezone.now()
    )
    if reason := _why_not_registered(link, campaign, body, event, held):
        return Registered(reason)
    referrer = None if held else link.owner_user_id
    try:
        relation = held or _relation_of(link, campaign, event, source)
    except RelationRefused as refusal:
        again = _registered_meanwhile(body.new_user_id, link.owner_user_id, campaign)
        return again or Registered(refusal.reason)
    answer = _decide([Candidate(event, campaign, referrer)])[0]
    if isinstance(answer, DomainError):
        raise answer
    return Registered(relation_id=relation.id, accepted=answer)


def _why_not_registered(
    link: ReferralLink,
    campaign: CampaignEntry,
    body: UserRegistered,
    event: NewEvent,
    held: ReferralRelation | None,
) -> str | None:
    """Why a known code brings nothing; an imported relation in the same campaign still gets its event."""
    if not link.is_active:
        return "inactive_code"
    if body.campaign_code not in (None, campaign.code) or USER_REGISTERED not in campaign.event_types:
        return "campaign_mismatch"
    if not campaign.takes_at(event.occurred_at):
        return "campaign_inactive"
    if held and (held.referrer_user_id, held.campaign_id) != (link.owner_user_id, campaign.id):
        return ALREADY_REFERRED
    return None


def _relation_of(
    link: ReferralLink, campaign: CampaignEntry, event: NewEvent, source: str
) -> ReferralRelation:
    return relation_create(
        campaign=campaign,
        referrer=link.owner_user_id,
        referred=str(event.referred),
        source=source,
        registered_at=event.occurred_at,
        link_id=link.id,
    )


def _registered_again(relation: ReferralRelation) -> Registered | None:
    """The first answer to a registration that is on record; None when only the relation is (an import)."""
    event = ReferralEvent.objects.filter(
        campaign_id=relation.campaign_id,
        referred_user_id=relation.referred_user_id,
        event_type=USER_REGISTERED,
    ).first()
    if event is None:
        return None
    return Registered(relation_id=relation.id, accepted=_first_answer(event))


def _registered_meanwhile(user_id: str, referrer: str, campaign: CampaignEntry) -> Registered | None:
    """The twin of this very call won the lock: its answer is ours."""
    held = relation_in(user_id, campaign.id, is_invitation=campaign.is_invitation)
    return _registered_again(held) if held and held.referrer_user_id == referrer else None


def partner_accept(service: str, body: PartnerOnboarded) -> Accepted:
    """Write who brought a business partner, and pay for it.

    Raises ReferrerMismatch when somebody else brought the partner, IdempotencyConflict, and the refusals of
    an event.
    """
    event = onboarding_of(service, body, now=timezone.now())
    known = _known_key(event)
    if known is not None and known.business_partner_id != event.partner:
        raise _conflict(event)
    return _retrying(lambda: _onboard(event))


def _onboard(event: NewEvent) -> Accepted:
    campaign = catalog.by_code(str(event.campaign_code))
    if campaign is None:
        raise CampaignNotFound(f"There is no campaign {event.campaign_code}.")
    lock_relations()
    held = PartnerReferralRelation.objects.filter(
        campaign_id=campaign.id, business_partner_id=event.partner
    ).first()
    if held is not None and held.referrer_user_id != event.referrer_named:
        raise ReferrerMismatch(
            "Somebody else has brought this partner.",
            {"onboarding_user_id": ["is not the referrer on record"]},
        )
    if held is not None and (first := _onboarded_event(campaign, event)):
        return _first_answer(first)
    _campaign_for(event)
    if held is None:
        PartnerReferralRelation.objects.create(
            campaign_id=campaign.id, referrer_user_id=event.referrer_named, business_partner_id=event.partner
        )
    answer = _decide([Candidate(event, campaign)])[0]
    if isinstance(answer, DomainError):
        raise answer
    return answer


def _onboarded_event(campaign: CampaignEntry, event: NewEvent) -> ReferralEvent | None:
    return ReferralEvent.objects.filter(
        campaign_id=campaign.id, business_partner_id=event.partner, event_type=RF_PARTNER_ONBOARDED
    ).first()


# --- repeats ------------------------------------------------------------------------------------------------


def _known_key(event: NewEvent) -> ReferralEvent | None:
    return ReferralEvent.objects.filter(source_service=event.service, idempotency_key=event.key).first()


def _first_answers(events: Sequence[NewEvent]) -> dict[int, Accepted | DomainError]:
    """By index: the first answers of those events whose key is known, or the conflict about the key."""
    keys = {(event.service, event.key): index for index, event in enumerate(events)}
    rows = ReferralEvent.objects.filter(
        source_service__in={service for service, _ in keys}, idempotency_key__in=[key for _, key in keys]
    ).prefetch_related("rewards")
    answers: dict[int, Accepted | DomainError] = {}
    for row in rows:
        index = keys.get((row.source_service, row.idempotency_key))
        if index is not None:
            same = row.fingerprint == events[index].fingerprint
            answers[index] = _first_answer(row) if same else _conflict(events[index])
    return answers


def _first_answer(event: ReferralEvent) -> Accepted:
    rewards = sorted(event.rewards.all(), key=lambda reward: reward.id)
    return Accepted(
        event.id,
        True,
        event.reason,
        event.reason_detail,
        event.code_reason,
        [_reward_row(reward) for reward in rewards],
        event.referrer_user_id,
    )


def _reward_row(reward: ReferralReward) -> RewardRow:
    return RewardRow(
        reward.id,
        reward.beneficiary_user_id,
        reward.beneficiary_level,
        reward.points_amount,
        reward.g2a_amount,
        reward.status,
        reward.required_min_role,
    )


def _conflict(event: NewEvent) -> IdempotencyConflict:
    field_name = "external_event_id" if event.external_event_id else "body"
    return IdempotencyConflict(
        "This event id was used before with other content.",
        {field_name: ["was used before with other content"]},
    )


# --- trying again -------------------------------------------------------------------------------------------


def _retrying(work: Callable[[], T]) -> T:
    """Run `work` in a transaction; start over when what it relied on changed under it.

    Three things do that: a cached campaign that is no longer current, a budget whose sums are not kept yet,
    and a twin of the call that took the idempotency key first. Raises Unavailable when they do not cease.
    """
    for _ in range(ATTEMPTS):
        try:
            with transaction.atomic():
                return work()
        except _StaleCatalog:
            catalog.forget()
        except _BudgetNotOpen as missing:
            budget_open(missing.campaign_id)
        except IntegrityError as error:
            if not isinstance(error.__cause__, psycopg.errors.UniqueViolation):
                raise
    raise Unavailable("The campaign changes too quickly right now; nothing was written. Try again.")


def budget_open(campaign_id: UUID) -> None:
    """Begin to keep the sums that a campaign's rewards have reserved of its budget.

    Waits for the campaign's running events, then sums what is not cancelled from the stats rows. Does nothing
    when the campaign has lost its budget in the meantime: the sums would not be kept from then on.
    """
    with transaction.atomic():
        lock_campaign(campaign_id, shared=False)
        catalog.forget()
        campaign = catalog.by_id(campaign_id)
        if campaign is None or not campaign.limits.has_budget:
            return
        with connection.cursor() as cursor:
            cursor.execute(
                f"""
                INSERT INTO {CampaignSpend._meta.db_table} (campaign_id, points, g2a)
                SELECT %s, coalesce(sum(points_earned + points_pending + points_locked), 0),
                       coalesce(sum(g2a_earned + g2a_pending + g2a_locked), 0)
                FROM {ReferralStats._meta.db_table} WHERE campaign_id = %s
                ON CONFLICT (campaign_id) DO NOTHING
                """,  # noqa: S608 - table names are ours
                [campaign_id, campaign_id],
            )
