"""An event calculated again, by the function of the live path and the rule version that it records.

What was known at acceptance is known now, too: versions, events and relations are never changed. Two things
are not kept: how much of the limits and budgets was taken, and which role somebody had. So the replay asks
what a level earns with room in the limits and the role reached; the rewards on record say the rest.
"""

from dataclasses import replace
from decimal import Decimal

from campaigns.models import RuleVersion
from campaigns.rules.calculation import Counters, Facts, LevelOutcome, calculate
from campaigns.rules.families import family_of
from campaigns.rules.roles import PRO
from campaigns.rules.schema import LEVEL_NUMBERS, LevelRule, Limits, Rules, rules_parse
from kernel.errors import ValidationFailed
from referral.models import ReferralEvent
from rewards.models import ReferralReward

LEVEL_NAMES = {number: name for name, number in LEVEL_NUMBERS.items()}
SOMEBODY = "?"


def rules_of(version: RuleVersion) -> Rules | None:
    """The rules of a version; None when the present program cannot read them."""
    try:
        return rules_parse(version.rules)
    except ValidationFailed:
        return None


def facts_of(event: ReferralEvent, *, level1: str | None, level2: str | None) -> Facts:
    """The event as the calculation takes it, with the people of its levels."""
    return Facts(
        family=family_of(event.event_type),
        occurred_at=event.occurred_at,
        amount_base=event.amount_base,
        level1=level1,
        level2=level2 if level1 else None,
        referred=event.referred_user_id,
    )


def outcomes(rules: Rules, facts: Facts) -> dict[str, LevelOutcome]:
    """What each level earns, by its name, with room in every limit and every role reached."""
    roles = {person: PRO for person in (facts.level1, facts.level2, facts.referred) if person}
    calculation = calculate(rules, Limits(), facts, roles, Counters())
    return {outcome.name: outcome for outcome in calculation.levels}


def facts_alone(event: ReferralEvent) -> Facts:
    """The event with somebody at every level, whoever that is."""
    facts = facts_of(event, level1=SOMEBODY, level2=f"{SOMEBODY}{SOMEBODY}")
    return replace(facts, referred=f"{SOMEBODY}0")


def level_alone(rule: LevelRule, facts: Facts, level: str) -> LevelOutcome:
    """What one level earns by a rule of its own."""
    return outcomes(Rules(levels={level: rule}), facts)[level]


def amount_in(outcome: LevelOutcome, currency: str) -> Decimal:
    """How much an outcome comes to in one currency."""
    for draft in outcome.drafts:
        amount = draft.points if currency == ReferralReward.Currency.POINTS else draft.g2a
        if amount is not None:
            return Decimal(amount)
    return Decimal(0)


def amount_of(reward: ReferralReward) -> Decimal:
    """The amount on record."""
    return Decimal(reward.points_amount or 0) or Decimal(reward.g2a_amount or 0)
