"""What a sample event would earn by some rules, level by level and in words.

The amounts come from the calculation that the live path uses; nothing is written or read here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from campaigns.rules.calculation import Calculation, Counters, Draft, Facts, LevelOutcome, calculate
from campaigns.rules.explanation import headline, why
from campaigns.rules.families import ONBOARDING
from campaigns.rules.schema import LEVELS, Rules
from campaigns.rules.wording import ROLES, SECTIONS, days_text
from kernel.humanize.amounts import g2a_text, points_text


@dataclass(frozen=True, slots=True)
class Sample:
    """An event to try: what happened, and the role of each person; None where there is nobody."""

    family: str
    amount: Decimal | None = None
    roles: Mapping[str, str | None] = field(default_factory=dict)
    counters: Counters = field(default_factory=Counters)

    def facts(self, moment: datetime) -> Facts:
        """As the calculation takes them; the people are called by their levels."""
        people = {name: name if self.roles.get(name) else None for name in LEVELS}
        return Facts(
            family=self.family,
            occurred_at=moment,
            amount_base=self.amount,
            level1=people["level1"],
            level2=people["level2"] if people["level1"] else None,
            # A partner is no user, and gets no welcome bonus.
            referred=None if self.family == ONBOARDING else "referred",
        )


@dataclass(frozen=True, slots=True)
class Earning:
    """One reward to be: how much, and when it is paid."""

    amount: str
    when: str
    locked: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One level of the preview."""

    level: Any
    person: str
    earnings: list[Earning]
    why: str


@dataclass(frozen=True, slots=True)
class Preview:
    """The whole answer to "who gets what, and why"."""

    headline: str
    lines: list[Line]
    pays: bool


def preview(rules: Rules, sample: Sample, moment: datetime) -> Preview:
    """Try a sample event against rules that need not be saved."""
    facts = sample.facts(moment)
    roles = {name: role for name, role in sample.roles.items() if role}
    calculation = calculate(rules, rules.limits, facts, roles, sample.counters)
    lines = [
        Line(
            level=SECTIONS[outcome.name],
            person=_person(outcome, roles),
            earnings=[earning(draft, rules) for draft in outcome.drafts],
            why=why(outcome, rules, rules.limits, facts, sample.counters),
        )
        for outcome in calculation.levels
        if outcome.name != "referred" or sample.family != ONBOARDING
    ]
    return Preview(headline(calculation), lines, _pays(calculation))


def _pays(calculation: Calculation) -> bool:
    return bool(calculation.drafts)


def _person(outcome: LevelOutcome, roles: Mapping[str, str]) -> str:
    return str(ROLES[roles.get(outcome.name, "user")]) if outcome.beneficiary else _("None")


def earning(draft: Draft, rules: Rules) -> Earning:
    """A reward in words."""
    level = {1: "level1", 2: "level2", None: "referred"}[draft.level]
    hold_days = rules.levels[level].hold_days
    amount = points_text(draft.points) if draft.points is not None else g2a_text(draft.g2a or Decimal(0))
    return Earning(amount, _when(draft, hold_days), draft.locked)


def _when(draft: Draft, hold_days: int) -> str:
    if draft.locked and hold_days:
        return _("locked until the role %(role)s, paid no sooner than %(days)s after the event") % {
            "role": ROLES[draft.required_min_role or ""],
            "days": days_text(hold_days),
        }
    if draft.locked:
        return _("locked until the role %s") % ROLES[draft.required_min_role or ""]
    return _("paid after %s") % days_text(hold_days) if hold_days else _("paid immediately")
