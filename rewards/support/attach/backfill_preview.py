"""What rewarding a user's past would earn whom, and why; nothing is written and no lock is taken.

The calculation is that of the live path, on the counters and roles of this moment, one event after another:
the answer is what rewarding gives, unless something is written in between.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import F, Sum
from django.utils.translation import gettext as _

from campaigns.catalog import CampaignEntry, catalog
from campaigns.models import CampaignSpend, ReferralCampaign
from campaigns.rules.calculation import BUDGET_EXHAUSTED, LIMIT_REACHED, Calculation, Counters, calculate
from campaigns.rules.explanation import why
from campaigns.rules.preview import Earning, earning
from campaigns.rules.roles import USER
from campaigns.rules.schema import Rules
from campaigns.rules.wording import ROLES, SECTIONS
from kernel.errors import DomainError
from referral.models import ReferralEvent, ReferralRelation, UserRole
from rewards.intake.acceptance import campaign_for
from rewards.intake.commands import NewEvent
from rewards.models import ReferralStats, ReferredCounter, ReferrerDayCounter
from rewards.simulation.events import Case, facts_of
from rewards.simulation.simulate import Ledger
from rewards.support.attach.backfill import PastRegistration, repeated


@dataclass(frozen=True, slots=True)
class Line:
    """One level of an event: who earns what and when, or why nothing."""

    level: Any
    user_id: str | None
    role: Any
    earnings: list[Earning]
    why: str


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What one event would earn; with an obstacle it cannot be rewarded now. A registration has no id."""

    event_id: UUID | None
    event_type: str
    occurred_at: datetime
    amount: Decimal | None
    campaign: str
    lines: list[Line] = field(default_factory=list)
    obstacle: str = ""


@dataclass(slots=True)
class Total:
    """What all of it would bring one person, and how much of that would wait for a role."""

    points: int = 0
    g2a: Decimal = Decimal(0)
    points_locked: int = 0
    g2a_locked: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Foresight:
    """The whole answer, in the order in which it would be done."""

    items: list[Foreseen]
    totals: dict[str, Total]

    @property
    def possible(self) -> list[Foreseen]:
        """What can be rewarded now, if only with nothing."""
        return [item for item in self.items if not item.obstacle]


@dataclass(frozen=True, slots=True)
class _Past:
    """One thing to be rewarded: as the event path takes it, and its campaign."""

    event: NewEvent
    campaign: CampaignEntry
    event_id: UUID | None = None


def foresee(
    *,
    referrer: str,
    registration: PastRegistration | None,
    events: Sequence[ReferralEvent],
) -> Foresight:
    """What rewarding these would earn if the referrer had invited the user. In a fixed number of queries."""
    catalog.keep_current()
    pasts = list(_pasts(referrer, registration, events))
    level2 = inviters(referrer, {past.campaign.id for past in pasts})
    roles = _roles(referrer, pasts, level2.values())
    ledgers = _ledgers(referrer, pasts)
    names = dict(ReferralCampaign.objects.filter(pk__in=ledgers).values_list("pk", "name"))
    totals: dict[str, Total] = defaultdict(Total)
    items = []
    for past in pasts:
        lines: list[Line] = []
        obstacle = _obstacle(past)
        if not obstacle:
            case = _case(past, referrer, level2.get(past.campaign.id), roles)
            lines = _play(case, past.campaign, ledgers[past.campaign.id], totals)
        items.append(_foreseen(past, names[past.campaign.id], lines, obstacle))
    return Foresight(items, dict(totals))


def _pasts(
    referrer: str, registration: PastRegistration | None, events: Sequence[ReferralEvent]
) -> Iterable[_Past]:
    if registration and registration.event:
        campaign = catalog.by_code(str(registration.event.campaign_code))
        if campaign:
            yield _Past(registration.event, campaign)
    for original in events:
        campaign = catalog.by_id(original.campaign_id)
        if campaign:
            yield _Past(repeated(original, referrer), campaign, original.pk)


def _obstacle(past: _Past) -> str:
    try:
        campaign_for(past.event)
    except DomainError as refusal:
        return str(refusal)
    return ""


def _foreseen(past: _Past, campaign: str, lines: list[Line], obstacle: str) -> Foreseen:
    event = past.event
    return Foreseen(
        past.event_id, event.event_type, event.occurred_at, event.amount_base, campaign, lines, obstacle
    )


# --- the calculation ----------------------------------------------------------------------------------------


def _case(past: _Past, referrer: str, level2: str | None, roles: Mapping[str, str]) -> Case:
    event = past.event
    facts = facts_of(
        event.event_type,
        event.occurred_at,
        event.amount_base,
        level1=referrer,
        level2=level2,
        referred=event.referred,
    )
    return Case(event.event_type, facts, roles, str(event.referred))


def _play(case: Case, campaign: CampaignEntry, ledger: Ledger, totals: dict[str, Total]) -> list[Line]:
    """Calculate one event after the earlier ones, and add it to what they have used up."""
    _version, rules = campaign.version_at(case.facts.occurred_at)
    counters = ledger.counters(case)
    calculation = calculate(rules, campaign.limits, case.facts, case.roles, counters)
    ledger.add(case, calculation)
    for draft in calculation.drafts:
        total = totals[draft.beneficiary]
        total.points += draft.points or 0
        total.g2a += draft.g2a or Decimal(0)
        if draft.locked:
            total.points_locked += draft.points or 0
            total.g2a_locked += draft.g2a or Decimal(0)
    return _lines(calculation, case, campaign, rules, counters)


def _lines(
    calculation: Calculation, case: Case, campaign: CampaignEntry, rules: Rules, counters: Counters
) -> list[Line]:
    """A line a level; one for all where the whole event is refused."""
    if calculation.reason in (LIMIT_REACHED, BUDGET_EXHAUSTED):
        first = calculation.levels[0]
        text = why(first, rules, campaign.limits, case.facts, counters)
        return [Line(_("All levels"), None, "", [], text)]
    return [
        Line(
            level=SECTIONS[outcome.name].label,
            user_id=outcome.beneficiary,
            role=ROLES[case.roles.get(outcome.beneficiary, USER)] if outcome.beneficiary else "",
            earnings=[earning(draft, rules) for draft in outcome.drafts],
            why=why(outcome, rules, campaign.limits, case.facts, counters),
        )
        for outcome in calculation.levels
        # Rules without a welcome bonus need not say so of every event.
        if outcome.name != "referred" or "referred" in rules.levels
    ]


# --- what it needs to know ----------------------------------------------------------------------------------


def inviters(user_id: str, campaigns: Iterable[UUID]) -> dict[UUID, str]:
    """Who invited this user as far as each campaign is concerned: its own relation, else the invitation."""
    rows = ReferralRelation.objects.filter(referred_user_id=user_id)
    by_campaign, invited_by = {}, None
    for campaign_id, referrer, is_invitation in rows.values_list(
        "campaign_id", "referrer_user_id", "is_invitation"
    ):
        by_campaign[campaign_id] = referrer
        invited_by = referrer if is_invitation else invited_by
    found = {campaign_id: by_campaign.get(campaign_id, invited_by) for campaign_id in campaigns}
    return {campaign_id: referrer for campaign_id, referrer in found.items() if referrer}


def _roles(referrer: str, pasts: Sequence[_Past], others: Iterable[str]) -> dict[str, str]:
    people = {referrer, *others, *(str(past.event.referred) for past in pasts)}
    return dict(UserRole.objects.filter(pk__in=people).values_list("user_id", "role"))


def _ledgers(referrer: str, pasts: Sequence[_Past]) -> dict[UUID, Ledger]:
    """What earlier events have used up in each campaign, as the event path reads it."""
    campaigns = {past.campaign.id: past.campaign for past in pasts}
    ledgers = {campaign_id: Ledger() for campaign_id in campaigns}
    referred = {str(past.event.referred) for past in pasts}
    days = {past.event.occurred_at.date() for past in pasts}
    counted = ReferredCounter.objects.filter(campaign__in=campaigns, referred_key__in=referred)
    for campaign_id, about, number in counted.values_list("campaign_id", "referred_key", "events"):
        ledgers[campaign_id].referred = Counter({about: number})
    stats = ReferralStats.objects.filter(user_id=referrer, campaign__in=campaigns)
    for campaign_id, number in stats.values_list("campaign_id", "total_events"):
        ledgers[campaign_id].referrer = Counter({referrer: number})
    by_day = ReferrerDayCounter.objects.filter(
        campaign__in=campaigns, referrer_user_id=referrer, day__in=days
    )
    for campaign_id, day, number in by_day.values_list("campaign_id", "day", "events"):
        ledgers[campaign_id].days[referrer, day.isoformat()] = number
    budgeted = [campaign.id for campaign in campaigns.values() if campaign.limits.has_budget]
    for campaign_id, points, g2a in _spent(budgeted):
        ledgers[campaign_id].points, ledgers[campaign_id].g2a = points, g2a
    return ledgers


def _spent(campaigns: Sequence[UUID]) -> Iterable[tuple[UUID, int, Decimal]]:
    """What is taken of the budgets; where nobody has kept it yet, what `budget_open` would begin with."""
    kept = list(CampaignSpend.objects.filter(pk__in=campaigns).values_list("campaign_id", "points", "g2a"))
    missing = set(campaigns) - {campaign_id for campaign_id, *_sums in kept}
    if missing:
        sums = (
            ReferralStats.objects.filter(campaign__in=missing)
            .order_by()
            .values_list("campaign_id")
            .annotate(
                points=Sum(F("points_earned") + F("points_pending") + F("points_locked")),
                g2a=Sum(F("g2a_earned") + F("g2a_pending") + F("g2a_locked")),
            )
        )
        kept += list(sums)
    return kept
