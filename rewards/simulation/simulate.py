"""What events would earn by some rules, writing nothing: samples, or events that are on record.

The events are played one after another, as if nothing had happened before them (or what `used` says), so that
limits and budgets work among them. The amounts come from the calculation of the live path. Status, window and
scope of the campaign are not looked at: a draft can be tried as well.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from campaigns.catalog import CampaignEntry, catalog
from campaigns.models import ReferralCampaign
from campaigns.rules.calculation import Calculation, Counters, LevelOutcome, calculate
from campaigns.rules.explanation import why
from campaigns.rules.families import ONBOARDING
from campaigns.rules.schema import Limits, Rules, rules_parse
from kernel.decoding import amount_of
from kernel.errors import NotFound
from rewards.models import ReferralReward, RewardStatus
from rewards.simulation.events import Case, Simulation, cases_of

# Points and G2A.
Sums = tuple[int, Decimal]


@dataclass(slots=True)
class Ledger:
    """What the events played so far have used up."""

    points: int = 0
    g2a: Decimal = Decimal(0)
    referred: Counter[str] = field(default_factory=Counter)
    referrer: Counter[str] = field(default_factory=Counter)
    days: Counter[tuple[str, str]] = field(default_factory=Counter)

    def counters(self, case: Case) -> Counters:
        """What counts for this event."""
        referrer = str(case.facts.level1)
        return Counters(
            events_of_referred=self.referred[case.about],
            events_of_referrer=self.referrer[referrer],
            events_of_referrer_that_day=self.days[referrer, _day(case)],
            points=self.points,
            g2a=self.g2a,
        )

    def add(self, case: Case, calculation: Calculation) -> None:
        """One more event, which counts if it earns."""
        if not calculation.drafts:
            return
        referrer = str(case.facts.level1)
        self.referred[case.about] += 1
        self.referrer[referrer] += 1
        self.days[referrer, _day(case)] += 1
        self.points += sum(draft.points or 0 for draft in calculation.drafts)
        self.g2a += sum((draft.g2a or Decimal(0) for draft in calculation.drafts), Decimal(0))


def _day(case: Case) -> str:
    return case.facts.occurred_at.date().isoformat()


@dataclass(frozen=True, slots=True)
class Played:
    """One event with what it would earn, by which rules and after what was used up before it."""

    case: Case
    calculation: Calculation
    rules: Rules
    limits: Limits
    counters: Counters

    @property
    def levels(self) -> list[LevelOutcome]:
        """The levels that can earn from such an event; a partner is no user and gets no welcome bonus."""
        is_partner = self.case.facts.family == ONBOARDING
        return [level for level in self.calculation.levels if level.name != "referred" or not is_partner]

    def why(self, level: LevelOutcome) -> str:
        """Why a level earns what it earns, or nothing, in the language of this moment."""
        return why(level, self.rules, self.limits, self.case.facts, self.counters)


@dataclass(frozen=True, slots=True)
class Simulated:
    """What all events together would earn; `on_record` is what those on record have earned, by event."""

    events: list[Played]
    points: int
    g2a: Decimal
    on_record: Mapping[UUID, Sums]


def simulate(campaign_id: UUID, asked: Simulation, now: datetime) -> Simulated:
    """Play the events and say what each would earn. Raises NotFound, ValidationFailed."""
    catalog.keep_current()
    campaign = catalog.by_id(campaign_id)
    if campaign is None:
        raise NotFound(_("There is no such campaign."))
    rules = _rules(campaign, asked)
    limits = rules.limits if rules else campaign.limits
    cases = cases_of(campaign, asked, now)
    ledger = Ledger(points=asked.used.points, g2a=amount_of("used.g2a", asked.used.g2a) or Decimal(0))
    start = (ledger.points, ledger.g2a)
    played = []
    for case in cases:
        in_force = rules or campaign.version_at(case.facts.occurred_at)[1]
        counters = ledger.counters(case)
        calculation = calculate(in_force, limits, case.facts, case.roles, counters)
        ledger.add(case, calculation)
        played.append(Played(case, calculation, in_force, limits, counters))
    on_record = _rewards_on_record([case.event_id for case in cases if case.event_id])
    return Simulated(played, ledger.points - start[0], ledger.g2a - start[1], on_record)


def _rules(campaign: CampaignEntry, asked: Simulation) -> Rules | None:
    if asked.reward_rules is msgspec.UNSET:
        return None
    partner = campaign.campaign_type == ReferralCampaign.Type.PARTNER_ONBOARDING
    return rules_parse(asked.reward_rules, welcome_bonus_allowed=not partner)


def _rewards_on_record(event_ids: Sequence[UUID]) -> dict[UUID, Sums]:
    """What these events have earned in truth, points and G2A, without what was cancelled."""
    found: dict[UUID, Sums] = dict.fromkeys(event_ids, (0, Decimal(0)))
    if event_ids:
        sums = (
            ReferralReward.objects.filter(referral_event__in=event_ids)
            .exclude(status=RewardStatus.CANCELLED)
            .order_by()
            .values_list("referral_event")
            .annotate(Sum("points_amount"), Sum("g2a_amount"))
        )
        for event_id, points, g2a in sums:
            found[event_id] = (points or 0, g2a or Decimal(0))
    return found
