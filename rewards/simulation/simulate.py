"""What events would earn by some rules, writing nothing: samples, or events that are on record.

The events are played one after another, as if nothing had happened before them (or what `used` says), so that
limits and budgets work among them. The amounts come from the calculation of the live path. Status, window and
scope of the campaign are not looked at: a draft can be tried as well.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from campaigns.catalog import CampaignEntry, catalog
from campaigns.models import ReferralCampaign
from campaigns.rules.calculation import Calculation, Counters, calculate
from campaigns.rules.explanation import why
from campaigns.rules.families import ONBOARDING
from campaigns.rules.roles import USER
from campaigns.rules.schema import LEVEL_NUMBERS, Limits, Rules, rules_parse
from http_api.schemas.rewards import Simulated, SimulatedEvent, SimulatedLevel, SimulatedReward
from kernel.decoding import amount_of
from kernel.errors import NotFound
from kernel.rendering import g2a_text
from rewards.models import ReferralReward, RewardStatus
from rewards.simulation.events import Case, Simulation, cases_of


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


def simulate(campaign_id: UUID, asked: Simulation, now: datetime) -> Simulated:
    """Play the events and say what each would earn, and why. Raises NotFound, ValidationFailed."""
    catalog.keep_current()
    campaign = catalog.by_id(campaign_id)
    if campaign is None:
        raise NotFound(_("There is no such campaign."))
    rules = _rules(campaign, asked)
    limits = rules.limits if rules else campaign.limits
    cases = cases_of(campaign, asked, now)
    ledger = Ledger(points=asked.used.points, g2a=amount_of("used.g2a", asked.used.g2a) or Decimal(0))
    was = _rewards_on_record([case.event_id for case in cases if case.event_id])
    items: list[SimulatedEvent] = []
    start = (ledger.points, ledger.g2a)
    for case in cases:
        in_force = rules or campaign.version_at(case.facts.occurred_at)[1]
        counters = ledger.counters(case)
        calculation = calculate(in_force, limits, case.facts, case.roles, counters)
        ledger.add(case, calculation)
        items.append(
            {
                "referral_event_id": case.event_id,
                "event_type": case.event_type,
                "occurred_at": case.facts.occurred_at,
                "amount_base": None if case.facts.amount_base is None else g2a_text(case.facts.amount_base),
                "reason": calculation.reason,
                "reason_detail": calculation.reason_detail,
                "levels": _levels(case, calculation, in_force, limits, counters),
                "on_record": was.get(case.event_id) if case.event_id else None,
            }
        )
    return {
        "items": items,
        "points_amount": ledger.points - start[0],
        "g2a_amount": g2a_text(ledger.g2a - start[1]),
    }


def _rules(campaign: CampaignEntry, asked: Simulation) -> Rules | None:
    if asked.reward_rules is msgspec.UNSET:
        return None
    partner = campaign.campaign_type == ReferralCampaign.Type.PARTNER_ONBOARDING
    return rules_parse(asked.reward_rules, welcome_bonus_allowed=not partner)


def _levels(
    case: Case, calculation: Calculation, rules: Rules, limits: Limits, counters: Counters
) -> list[SimulatedLevel]:
    return [
        {
            "level": LEVEL_NUMBERS[outcome.name],
            "beneficiary_user_id": outcome.beneficiary,
            "role": case.roles.get(outcome.beneficiary, USER) if outcome.beneficiary else None,
            "rewards": [
                SimulatedReward(
                    points_amount=draft.points or 0,
                    g2a_amount=g2a_text(draft.g2a),
                    status=(RewardStatus.LOCKED if draft.locked else RewardStatus.PENDING).value,
                    required_min_role=draft.required_min_role,
                    available_at=draft.available_at,
                )
                for draft in outcome.drafts
            ],
            "reason": outcome.reason,
            "reason_detail": outcome.reason_detail,
            "explanation": why(outcome, rules, limits, case.facts, counters),
        }
        for outcome in calculation.levels
        if outcome.name != "referred" or case.facts.family != ONBOARDING
    ]


def _rewards_on_record(event_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """What these events have earned in truth, without what was cancelled."""
    found = {event_id: {"points_amount": 0, "g2a_amount": g2a_text(None)} for event_id in event_ids}
    if event_ids:
        sums = (
            ReferralReward.objects.filter(referral_event__in=event_ids)
            .exclude(status=RewardStatus.CANCELLED)
            .order_by()
            .values_list("referral_event")
            .annotate(Sum("points_amount"), Sum("g2a_amount"))
        )
        for event_id, points, g2a in sums:
            found[event_id] = {"points_amount": points or 0, "g2a_amount": g2a_text(g2a)}
    return found
