"""How the amount of a reward came about, line by line: the rule of its level, applied again to its event.

The amounts come from the calculation of the live path with the recorded rule version; here they are only put
into words (docs/rules.md). Where the calculation does not give what is on record, that is said.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from campaigns.rules.calculation import Facts, LevelOutcome, share_of
from campaigns.rules.schema import LevelRule
from campaigns.rules.wording import KEYS, ROLES, SECTIONS, Words, days_text
from kernel.humanize.amounts import amount_text, g2a_text, points_text
from kernel.humanize.moments import moment_text
from rewards.models import ReferralReward, RewardStatus
from rewards.support.explanation.recalculation import (
    LEVEL_NAMES,
    amount_in,
    amount_of,
    facts_alone,
    level_alone,
    rules_of,
)


@dataclass(frozen=True, slots=True)
class Line:
    """One step: which entry of the rules, what it does here, and what it comes to."""

    entry: Any
    how: str
    result: str = ""


@dataclass(frozen=True, slots=True)
class Derivation:
    """The way to an amount, and what keeps it from being paid at once.

    `problem` says where the calculation does not lead to what is on record.
    """

    level: Words
    lines: tuple[Line, ...]
    conditions: tuple[Line, ...]
    amount: str
    problem: str = ""


def derivation(reward: ReferralReward, *, was_locked: bool) -> Derivation:
    """The calculation of a reward that comes with its event and rule version.

    `was_locked` is whether the reward was made as locked, which its status changes show.
    """
    event, level = reward.referral_event, LEVEL_NAMES[reward.beneficiary_level]
    words, amount = SECTIONS[level], amount_of(reward)
    recorded = _text(reward, amount)
    rules = rules_of(event.rule_version)
    if rules is None:
        problem = _("This version of the rules cannot be read, so the amount cannot be recalculated.")
        return Derivation(words, (), (), recorded, problem)
    rule = rules.levels.get(level, LevelRule())
    facts = facts_alone(event)
    lines = _amount_lines(reward, rule, facts, level)
    conditions = _conditions(reward, rule, was_locked=was_locked)
    problem = _problem(reward, amount, level_alone(rule, facts, level))
    return Derivation(words, tuple(lines), tuple(conditions), recorded, problem)


def made_locked(reward: ReferralReward) -> bool:
    """Whether the reward was made as locked: nothing ever becomes it later."""
    locked = RewardStatus.LOCKED
    return reward.status == locked or reward.transitions.filter(from_status=locked).exists()


def _text(reward: ReferralReward, amount: Decimal) -> str:
    return points_text(int(amount)) if _is_points(reward) else g2a_text(amount)


def _is_points(reward: ReferralReward) -> bool:
    return reward.currency == ReferralReward.Currency.POINTS


def _problem(reward: ReferralReward, recorded: Decimal, outcome: LevelOutcome) -> str:
    """What the calculation gives now and what is on record, where they differ."""
    calculated = amount_in(outcome, reward.currency)
    if calculated != recorded:
        return _(
            "The calculation now gives %(calculated)s, but %(recorded)s is recorded and counts. Contact the "
            "on-call engineer."
        ) % {"calculated": _text(reward, calculated), "recorded": _text(reward, recorded)}
    draft = outcome.drafts[0]
    if (draft.required_min_role, draft.available_at) != (reward.required_min_role, reward.available_at):
        return _(
            "The amount matches, but the role or the date in the calculation differs from the recorded one, "
            "which counts. Contact the on-call engineer."
        )
    return ""


# --- the amount ---------------------------------------------------------------------------------------------


def _amount_lines(reward: ReferralReward, rule: LevelRule, facts: Facts, level: str) -> list[Line]:
    """Minimum, fixed amount, share, cap: those that the rule has."""
    event, unit = reward.referral_event, "points" if _is_points(reward) else "g2a"
    fixed_key, percent_key, cap_key = (
        f"{unit}_per_{facts.family}",
        f"{unit}_percent",
        f"max_{unit}_per_event",
    )
    fixed = replace(rule, points_percent=None, g2a_percent=None, **_NO_CAPS)
    share = replace(rule, points={}, g2a={}, **_NO_CAPS)

    def part(of: LevelRule) -> Decimal:
        return amount_in(level_alone(of, facts, level), reward.currency)

    lines = []
    if rule.min_amount is not None:
        lines.append(Line(KEYS["min_amount"].label, _minimum(event.amount_base, rule.min_amount)))
    if amount := part(fixed):
        lines.append(Line(KEYS[fixed_key].label, _("fixed amount"), _text(reward, amount)))
    percent = getattr(rule, percent_key)
    if percent is not None:
        rounded = part(share)
        how = _share(event.amount_base, percent, rounded)
        lines.append(Line(KEYS[percent_key].label, how, _text(reward, rounded)))
    cap = getattr(rule, cap_key)
    if cap is not None:
        lines.append(_cap(reward, cap_key, Decimal(cap), part(replace(rule, **_NO_CAPS))))
    return lines


_NO_CAPS: dict[str, Any] = {"max_points_per_event": None, "max_g2a_per_event": None}


def _minimum(amount: Decimal | None, least: Decimal) -> str:
    if not least or amount is None:
        return _("%s: any event qualifies") % amount_text(least)
    return _("%(amount)s is at least %(least)s") % {
        "amount": amount_text(amount),
        "least": amount_text(least),
    }


def _share(amount: Decimal | None, percent: Decimal, rounded: Decimal) -> str:
    if amount is None:
        return _("%s %% of the amount, but the event has none") % amount_text(percent)
    exact = share_of(amount, percent)
    values = {
        "percent": amount_text(percent),
        "amount": amount_text(amount),
        "exact": amount_text(exact),
        "rounded": amount_text(rounded),
    }
    if exact == rounded:
        return _("%(percent)s %% of %(amount)s = %(exact)s") % values
    return _("%(percent)s %% of %(amount)s = %(exact)s, rounded down to %(rounded)s") % values


def _cap(reward: ReferralReward, key: str, cap: Decimal, before: Decimal) -> Line:
    if before > cap:
        how = _("%s is over the maximum, so it is reduced") % _text(reward, before)
        return Line(KEYS[key].label, how, _text(reward, cap))
    return Line(KEYS[key].label, _("%s is within the maximum") % _text(reward, before), _text(reward, cap))


# --- when it is paid ----------------------------------------------------------------------------------------


def _conditions(reward: ReferralReward, rule: LevelRule, *, was_locked: bool) -> list[Line]:
    lines = []
    if role := reward.required_min_role:
        how = (
            _("the user did not have it when the event was accepted, so the reward was locked")
            if was_locked
            else _("the user had it when the event was accepted, so the reward was not locked")
        )
        lines.append(Line(KEYS["locked_until_role"].label, how, str(ROLES[role])))
    if rule.hold_days:
        how = _("payable from %s") % moment_text(reward.available_at)
        lines.append(Line(KEYS["hold_days"].label, how, days_text(rule.hold_days)))
    return lines
