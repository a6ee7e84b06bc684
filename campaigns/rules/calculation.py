"""What an event earns: a pure function of rules, facts, roles and counters.

No database, no clock, no settings. The live path, the simulator and replays call this same function.
Source: docs/rules.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Context, Decimal

from campaigns.rules.roles import USER, reaches
from campaigns.rules.schema import LEVEL_NUMBERS, LEVELS, SKIP, LevelRule, Limits, Rules

NO_REFERRER = "no_referrer"
SELF_REFERRAL = "self_referral"
CIRCULAR = "circular"
LIMIT_REACHED = "limit_reached"
BUDGET_EXHAUSTED = "budget_exhausted"
ROLE_TOO_LOW = "role_too_low"
BELOW_MIN_AMOUNT = "below_min_amount"
NO_RULE = "no_rule"
ZERO_AMOUNT = "zero_amount"
# The first that applies is told.
REASONS = (
    NO_REFERRER,
    SELF_REFERRAL,
    CIRCULAR,
    LIMIT_REACHED,
    BUDGET_EXHAUSTED,
    ROLE_TOO_LOW,
    BELOW_MIN_AMOUNT,
    NO_RULE,
    ZERO_AMOUNT,
)

_FINEST_G2A = Decimal("1e-9")
# 12 + 9 digits of amount times 5 of percent need more than the default 28.
_WIDE = Context(prec=60, rounding=ROUND_DOWN)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an event when it is priced.

    `refusal` is why there is no acceptable referrer (`self_referral` or `circular`) and `refusal_detail` whom
    the caller named; a plain missing referrer needs neither.
    """

    family: str
    occurred_at: datetime
    amount_base: Decimal | None = None
    level1: str | None = None
    level2: str | None = None
    referred: str | None = None
    refusal: str | None = None
    refusal_detail: str | None = None


@dataclass(frozen=True, slots=True)
class Counters:
    """What earlier events have used up: counted events, and amounts reserved of the budget."""

    events_of_referred: int = 0
    events_of_referrer: int = 0
    events_of_referrer_that_day: int = 0
    points: int = 0
    g2a: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Draft:
    """One reward to be: exactly one of `points` and `g2a` is set."""

    level: int | None
    beneficiary: str
    points: int | None
    g2a: Decimal | None
    locked: bool
    required_min_role: str | None
    available_at: datetime


@dataclass(frozen=True, slots=True)
class LevelOutcome:
    """What one level earns, or why it earns nothing (`reason` is None when it earns)."""

    name: str
    beneficiary: str | None
    drafts: tuple[Draft, ...] = ()
    reason: str | None = None
    reason_detail: str | None = None


@dataclass(frozen=True, slots=True)
class Calculation:
    """What a whole event earns. `reason` is None when at least one level earns."""

    levels: tuple[LevelOutcome, ...]
    reason: str | None
    reason_detail: str | None

    @property
    def drafts(self) -> tuple[Draft, ...]:
        """The rewards of all levels, in the order of the levels."""
        return tuple(draft for level in self.levels for draft in level.drafts)


def calculate(
    rules: Rules, limits: Limits, facts: Facts, roles: Mapping[str, str], counters: Counters
) -> Calculation:
    """Decide what an event earns at every level.

    `rules` is the version in force when the event happened, `limits` those of the newest version; `roles`
    holds the role of each beneficiary (absent means `user`).
    """
    beneficiaries = {"level1": facts.level1, "level2": facts.level2, "referred": facts.referred}
    if facts.level1 is None:
        return _nothing(beneficiaries, facts.refusal or NO_REFERRER, facts.refusal_detail)
    if reached := _limit_reached(limits, counters):
        return _nothing(beneficiaries, LIMIT_REACHED, reached)
    levels = tuple(_level(name, rules.levels.get(name), beneficiaries[name], facts, roles) for name in LEVELS)
    if exhausted := _budget_exhausted(limits, counters, levels):
        return _nothing(beneficiaries, BUDGET_EXHAUSTED, exhausted)
    if any(level.drafts for level in levels):
        return Calculation(levels, None, None)
    silent = [level for level in levels if level.beneficiary is not None]
    # A level without a rule speaks for the event only when no other has one.
    ruled = [level for level in silent if level.reason != NO_RULE]
    first = min(ruled or silent, key=lambda level: REASONS.index(level.reason or ZERO_AMOUNT))
    return Calculation(levels, first.reason, first.reason_detail)


def _nothing(beneficiaries: Mapping[str, str | None], reason: str, detail: str | None) -> Calculation:
    levels = tuple(LevelOutcome(name, beneficiaries[name], (), reason, detail) for name in LEVELS)
    return Calculation(levels, reason, detail)


def _limit_reached(limits: Limits, counters: Counters) -> str | None:
    """The key of the first limit that leaves no room for one more event."""
    checks = (
        ("max_events_per_referred", limits.max_events_per_referred, counters.events_of_referred),
        ("max_events_per_referrer", limits.max_events_per_referrer, counters.events_of_referrer),
        (
            "max_events_per_referrer_per_day",
            limits.max_events_per_referrer_per_day,
            counters.events_of_referrer_that_day,
        ),
    )
    return next((key for key, limit, used in checks if limit is not None and used >= limit), None)


def _budget_exhausted(limits: Limits, counters: Counters, levels: tuple[LevelOutcome, ...]) -> str | None:
    """The key of the first budget that the event's rewards do not fit into."""
    drafts = [draft for level in levels for draft in level.drafts]
    points = sum(draft.points or 0 for draft in drafts)
    g2a = sum((draft.g2a or Decimal(0) for draft in drafts), Decimal(0))
    if points and limits.budget_points is not None and counters.points + points > limits.budget_points:
        return "budget_points"
    if g2a and limits.budget_g2a is not None and counters.g2a + g2a > limits.budget_g2a:
        return "budget_g2a"
    return None


def _level(
    name: str, rule: LevelRule | None, beneficiary: str | None, facts: Facts, roles: Mapping[str, str]
) -> LevelOutcome:
    if beneficiary is None:
        return LevelOutcome(name, None, (), NO_REFERRER, name)
    if rule is None:
        return _no_rule(name, beneficiary, facts)
    role_reached = reaches(roles.get(beneficiary, USER), rule.locked_until_role)
    if rule.before_role == SKIP and not role_reached:
        return LevelOutcome(name, beneficiary, (), ROLE_TOO_LOW, f"{name}.locked_until_role")
    if rule.min_amount and (facts.amount_base is None or facts.amount_base < rule.min_amount):
        return LevelOutcome(name, beneficiary, (), BELOW_MIN_AMOUNT, f"{name}.min_amount")
    drafts = tuple(
        Draft(
            level=LEVEL_NUMBERS[name],
            beneficiary=beneficiary,
            points=points,
            g2a=g2a,
            locked=not role_reached,
            required_min_role=rule.locked_until_role,
            available_at=facts.occurred_at + timedelta(hours=24 * rule.hold_days),
        )
        for points, g2a in _amounts(rule, facts)
    )
    if drafts:
        return LevelOutcome(name, beneficiary, drafts)
    if price_key := rule.price_key(facts.family):
        return LevelOutcome(name, beneficiary, (), ZERO_AMOUNT, f"{name}.{price_key}")
    return _no_rule(name, beneficiary, facts)


def _no_rule(name: str, beneficiary: str, facts: Facts) -> LevelOutcome:
    return LevelOutcome(name, beneficiary, (), NO_RULE, f"{name}.points_per_{facts.family}")


def _amounts(rule: LevelRule, facts: Facts) -> list[tuple[int | None, Decimal | None]]:
    """The level's points and G2A, capped and rounded down; a zero makes no reward."""
    points = rule.points.get(facts.family, 0) + int(share_of(facts.amount_base, rule.points_percent))
    g2a = rule.g2a.get(facts.family, Decimal(0)) + share_of(facts.amount_base, rule.g2a_percent).quantize(
        _FINEST_G2A, context=_WIDE
    )
    if rule.max_points_per_event is not None:
        points = min(points, rule.max_points_per_event)
    if rule.max_g2a_per_event is not None:
        g2a = min(g2a, rule.max_g2a_per_event)
    amounts: list[tuple[int | None, Decimal | None]] = []
    if points > 0:
        amounts.append((points, None))
    if g2a > 0:
        amounts.append((None, g2a))
    return amounts


def share_of(amount: Decimal | None, percent: Decimal | None) -> Decimal:
    """So many percent of an amount, exact."""
    if amount is None or percent is None:
        return Decimal(0)
    return _WIDE.divide(_WIDE.multiply(amount, percent), Decimal(100))
