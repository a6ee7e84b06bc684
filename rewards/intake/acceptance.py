"""The heart of the event path: which campaign, what each event earns, all of it written.

Two ways lead there. At once: one statement, on the presumption that nothing stands in the way. Carefully:
open the batch under its locks · calculate · write. Started over when what was relied on has changed. See
docs/event-path.md, docs/adr/0002 and 0011.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

import psycopg
from django.db import DEFAULT_DB_ALIAS, IntegrityError, connection, connections, transaction
from django.utils.translation import gettext_lazy as _

from campaigns.catalog import CampaignEntry, catalog
from campaigns.locks import lock_campaign
from campaigns.models import CampaignSpend
from campaigns.rules.calculation import Counters, Facts, calculate
from campaigns.rules.families import USER_REGISTERED, family_of
from kernel.errors import (
    CampaignInactive,
    CampaignNotFound,
    DomainError,
    EventTypeNotAllowed,
    OutOfScope,
    ReferrerMismatch,
    Unavailable,
)
from rewards.intake.commands import NewEvent
from rewards.intake.fast_path import Prepared, accept_at_once, prepared
from rewards.intake.group_commit import Together
from rewards.intake.results import Accepted, first_answers
from rewards.intake.store import Batch, Candidate, Opened, open_batch, write
from rewards.models import ReferralStats, RewardStatus
from rewards.notifier import wake_for

ATTEMPTS = 10

T = TypeVar("T")


def _accept_together(events: Sequence[Prepared]) -> list[Accepted] | None:
    # What a request does for its own thread: a connection that has ended is not used any longer.
    connections[DEFAULT_DB_ALIAS].close_if_unusable_or_obsolete()
    return accept_at_once(events)


together: Together[Prepared, Accepted] = Together(_accept_together)


class StaleCatalog(Exception):
    """A campaign changed after it was cached: everything is decided again."""


class BudgetNotOpen(Exception):
    """The campaign has a budget whose sums are not kept yet."""

    def __init__(self, campaign_id: UUID) -> None:
        super().__init__(campaign_id)
        self.campaign_id = campaign_id


def campaign_for(event: NewEvent) -> CampaignEntry:
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
            raise CampaignInactive(
                _("No active campaign takes {event_type} events here at that time."),
                event_type=event.event_type,
            )
        return found
    campaign = catalog.by_code(event.campaign_code)
    if campaign is None:
        raise CampaignNotFound(_("There is no campaign {code}."), code=event.campaign_code)
    if event.event_type not in campaign.event_types:
        raise EventTypeNotAllowed(
            _("The campaign {code} does not take {event_type} events."),
            code=campaign.code,
            event_type=event.event_type,
        )
    if not campaign.takes_at(event.occurred_at):
        raise CampaignInactive(
            _("The campaign {code} takes no events of that time: it is {status}."),
            code=campaign.code,
            status=campaign.status,
        )
    metadata = {"rf_partner_id": event.partner} if event.partner else event.metadata
    if event.event_type != USER_REGISTERED and (key := campaign.scope_mismatch(event.event_type, metadata)):
        raise OutOfScope(_("The event does not match the campaign's {key}."), key=key)
    return campaign


def decide(candidates: Sequence[Candidate]) -> list[Accepted | DomainError]:
    """Accept the candidates in their order: at once, if nothing stands in the way, else carefully.

    Both ways write everything or nothing. Raises what `retrying` answers.
    """
    if not candidates:
        return []
    answers: Sequence[Accepted | DomainError] = _at_once(candidates) or _carefully(candidates)
    payable = {
        "g2a" if row.points_amount is None else "points"
        for answer in answers
        if isinstance(answer, Accepted) and not answer.duplicate
        for row in answer.rewards
        if row.status == RewardStatus.PENDING
    }
    if connections[DEFAULT_DB_ALIAS].in_atomic_block:
        transaction.on_commit(lambda: wake_for(payable))
    else:
        wake_for(payable)
    return list(answers)


def _at_once(candidates: Sequence[Candidate]) -> Sequence[Accepted] | None:
    """The short way, where it can be taken; a single event takes it together with its contemporaries."""
    campaign = candidates[0].campaign
    events = []
    for candidate in candidates:
        if candidate.campaign is not campaign or (event := prepared(candidate)) is None:
            return None
        events.append(event)
    if len(events) > 1 or connections[DEFAULT_DB_ALIAS].in_atomic_block:
        return accept_at_once(events)
    accepted = together.run((campaign.id, campaign.revision), events[0])
    return [accepted] if accepted else None


def _carefully(candidates: Sequence[Candidate]) -> list[Accepted | DomainError]:
    """One transaction: open the batch under its locks, calculate in order, write."""
    with transaction.atomic():
        rows = open_batch(candidates)
        for candidate, opened in zip(candidates, rows, strict=True):
            if opened.revision != candidate.campaign.revision:
                raise StaleCatalog
        known: dict[int, Accepted | DomainError] = {}
        if any(row.duplicate_of for row in rows):
            known = first_answers([candidate.event for candidate in candidates])
        batch = Batch()
        answers: list[Accepted | DomainError] = []
        for index, (candidate, opened) in enumerate(zip(candidates, rows, strict=True)):
            answers.append(known.get(index) or _mismatch(candidate, opened) or _add(batch, candidate, opened))
        if batch.events:
            write(batch)
    return answers


def _mismatch(candidate: Candidate, opened: Opened) -> ReferrerMismatch | None:
    named = candidate.event.referrer_named
    if opened.held is not None and named is not None and named != opened.held:
        return ReferrerMismatch(
            _("{referred} has another referrer than the one in the request."),
            {"referrer_user_id": [_("is not the recorded referrer")]},
            referred=candidate.event.referred,
        )
    return None


def _add(batch: Batch, candidate: Candidate, opened: Opened) -> Accepted:
    """Calculate one event with what the earlier ones of the batch have used up, and add it."""
    event, campaign = candidate.event, candidate.campaign
    limits = campaign.limits
    if limits.has_budget and opened.spend_points is None:
        raise BudgetNotOpen(campaign.id)
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


def retrying(work: Callable[[], T], *, one_transaction: bool = True) -> T:
    """Run `work` in a transaction; start over when what it relied on changed under it.

    Three things do that: a cached campaign that is no longer current, a budget whose sums are not kept yet,
    and a twin of the call that took the idempotency key first. Raises Unavailable when they do not cease.
    Where `work` does nothing but decide it needs no transaction around it: each way has its own.
    """
    for _attempt in range(ATTEMPTS):
        try:
            with transaction.atomic() if one_transaction else nullcontext():
                return work()
        except StaleCatalog:
            catalog.forget()
        except BudgetNotOpen as missing:
            budget_open(missing.campaign_id)
        except IntegrityError as error:
            if not isinstance(error.__cause__, psycopg.errors.UniqueViolation):
                raise
    raise Unavailable(_("The campaign changes too quickly right now; nothing was written. Try again."))


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
