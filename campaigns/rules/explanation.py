"""Why a level earns what it earns, or nothing, in words; of one calculation, for people.

The words follow the calculation: nothing is decided here.
"""

from decimal import Decimal

from django.utils.translation import gettext as _

from campaigns.rules import calculation as calculations
from campaigns.rules.calculation import Calculation, Counters, Facts, LevelOutcome
from campaigns.rules.schema import AMOUNTLESS, LevelRule, Limits, Rules
from campaigns.rules.wording import FAMILIES, KEYS, ROLES
from kernel.humanize.amounts import amount_text, g2a_text, points_text


def why(outcome: LevelOutcome, rules: Rules, limits: Limits, facts: Facts, counters: Counters) -> str:
    """Why one level earns what it earns, or nothing."""
    rule = rules.levels.get(outcome.name)
    if outcome.reason is None:
        return why_amounts(rule or LevelRule(), outcome, facts)
    if outcome.reason == calculations.LIMIT_REACHED:
        return _limit(outcome.reason_detail or "", limits)
    if outcome.reason == calculations.BUDGET_EXHAUSTED:
        return _budget(outcome.reason_detail or "", limits, counters)
    return _nothing(outcome, rule or LevelRule(), facts)


def why_amounts(rule: LevelRule, outcome: LevelOutcome, facts: Facts) -> str:
    """How the amounts of a level come about: "10 points + 5 % of 500 in points"."""
    texts = []
    for draft in outcome.drafts:
        if draft.points is not None:
            fixed = rule.points.get(facts.family)
            parts = [points_text(fixed)] if fixed else []
            parts += _share(rule.points_percent, facts.amount_base, _("rounded down"))
            cap = rule.max_points_per_event
            texts.append(_sum(parts, points_text(cap) if cap is not None else None))
        else:
            fixed_g2a = rule.g2a.get(facts.family)
            parts = [g2a_text(fixed_g2a)] if fixed_g2a else []
            parts += _share(rule.g2a_percent, facts.amount_base, None)
            cap_g2a = rule.max_g2a_per_event
            texts.append(_sum(parts, g2a_text(cap_g2a) if cap_g2a is not None else None))
    return "; ".join(texts)


def _share(percent: Decimal | None, amount: Decimal | None, rounding: str | None) -> list[str]:
    if not percent or not amount:
        return []
    text = _("%(percent)s %% of %(amount)s") % {
        "percent": amount_text(percent),
        "amount": amount_text(amount),
    }
    return [f"{text} ({rounding})" if rounding else text]


def _sum(parts: list[str], cap: str | None) -> str:
    text = " + ".join(parts)
    return _("%(sum)s, max %(cap)s") % {"sum": text, "cap": cap} if cap else text


def _limit(key: str, limits: Limits) -> str:
    return _("Limit reached: %(limit)s – %(number)s. The event earns nothing at any level.") % {
        "limit": str(KEYS[key].label).lower(),
        "number": amount_text(getattr(limits, key)),
    }


def _budget(key: str, limits: Limits, counters: Counters) -> str:
    in_points = key == "budget_points"
    budget = getattr(limits, key)
    return _("Budget exceeded: %(used)s of %(budget)s already used. The event earns nothing.") % {
        "used": amount_text(counters.points if in_points else counters.g2a),
        "budget": points_text(budget) if in_points else g2a_text(budget),
    }


def _nothing(outcome: LevelOutcome, rule: LevelRule, facts: Facts) -> str:
    family = FAMILIES[facts.family]
    if outcome.reason == calculations.NO_REFERRER:
        if facts.level1 is None:
            return _("This person has no referrer, so no one earns a reward.")
        return _("No one at this level.")
    if outcome.reason == calculations.SELF_REFERRAL:
        return _("The user is named as their own referrer, so no one earns a reward.")
    if outcome.reason == calculations.CIRCULAR:
        return _("Circular referral: no one earns a reward.")
    if outcome.reason == calculations.ROLE_TOO_LOW:
        return _("This level requires the role %s.") % ROLES[rule.locked_until_role or ""]
    if outcome.reason == calculations.BELOW_MIN_AMOUNT:
        if facts.amount_base is None:
            return _("The event has no amount; this level requires at least %s.") % amount_text(
                rule.min_amount
            )
        return _("%(amount)s is below the minimum amount of %(least)s.") % {
            "amount": amount_text(facts.amount_base),
            "least": amount_text(rule.min_amount),
        }
    if outcome.reason == calculations.NO_RULE:
        return _("The rules set no reward for this level (event: %s).") % family
    return _zero(rule, facts)


def _zero(rule: LevelRule, facts: Facts) -> str:
    if 0 in (rule.max_points_per_event, rule.max_g2a_per_event):
        return _("The maximum for this level is 0.")
    if facts.family in AMOUNTLESS and (rule.points_percent or rule.g2a_percent):
        return _("The reward is a percentage of the amount, and the event has no amount.")
    return _("The reward comes to 0.")


def headline(calculation: Calculation) -> str:
    """What the whole event costs, in one line."""
    points = sum(draft.points or 0 for draft in calculation.drafts)
    g2a = sum((draft.g2a or Decimal(0) for draft in calculation.drafts), Decimal(0))
    sums = ([points_text(points)] if points else []) + ([g2a_text(g2a)] if g2a else [])
    return _("Total cost: %s.") % " + ".join(sums) if sums else _("No one earns a reward.")
