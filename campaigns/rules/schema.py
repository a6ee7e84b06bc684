"""The schema of a campaign's reward rules: JSON in, typed and immutable rules out.

Source: docs/rules.md. Every problem is reported with the path of the offending key, all of them
at once. Decimals are stored as strings, so that no JSON parser on the way can turn them into floats.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from campaigns.rules.families import FAMILIES, ONBOARDING, REGISTRATION
from campaigns.rules.roles import PRO, VIP
from kernel.errors import Text, ValidationFailed

LEVELS = ("level1", "level2", "referred")
LEVEL_NUMBERS: dict[str, int | None] = {"level1": 1, "level2": 2, "referred": None}
POINTS_LIMIT = 10**9
G2A_PLACES = 9
COUNT_LIMIT = 10**9
BUDGET_POINTS_LIMIT = 10**15
HOLD_DAYS_LIMIT = 3650
LOCK, SKIP = "lock", "skip"
# What these report has no amount, so that percents and minimums of it earn nothing.
AMOUNTLESS = frozenset({REGISTRATION, ONBOARDING})

Problems = dict[str, list[Text]]


@dataclass(frozen=True, slots=True)
class LevelRule:
    """What one level earns. Points are whole, G2A has nine places, percents are of `amount_base`."""

    points: Mapping[str, int] = field(default_factory=dict)
    g2a: Mapping[str, Decimal] = field(default_factory=dict)
    points_percent: Decimal | None = None
    g2a_percent: Decimal | None = None
    min_amount: Decimal | None = None
    max_points_per_event: int | None = None
    max_g2a_per_event: Decimal | None = None
    locked_until_role: str | None = None
    before_role: str = LOCK
    hold_days: int = 0

    def price_key(self, family: str) -> str | None:
        """The first key of this level that speaks of events of the family; None when none does."""
        keys = (
            (f"points_per_{family}", self.points.get(family)),
            ("points_percent", self.points_percent),
            (f"g2a_per_{family}", self.g2a.get(family)),
            ("g2a_percent", self.g2a_percent),
        )
        return next((key for key, value in keys if value is not None), None)

    def can_pay(self, family: str, limits: "Limits") -> bool:
        """Whether an event of the family could earn anything here, as far as caps and budgets go."""
        has_amount = family not in AMOUNTLESS
        if self.min_amount and not has_amount:
            return False
        points = self.points.get(family) or (has_amount and self.points_percent)
        g2a = self.g2a.get(family) or (has_amount and self.g2a_percent)
        return bool(
            (points and self.max_points_per_event != 0 and limits.budget_points != 0)
            or (g2a and self.max_g2a_per_event != 0 and limits.budget_g2a != 0)
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """How often and how much a campaign pays in all. None means unlimited, 0 means never."""

    max_events_per_referred: int | None = None
    max_events_per_referrer: int | None = None
    max_events_per_referrer_per_day: int | None = None
    budget_points: int | None = None
    budget_g2a: Decimal | None = None

    @property
    def has_budget(self) -> bool:
        """Whether the sums reserved by rewards must be kept."""
        return self.budget_points is not None or self.budget_g2a is not None


@dataclass(frozen=True, slots=True)
class Rules:
    """The reward rules of a campaign: one version."""

    levels: Mapping[str, LevelRule] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)

    def can_pay(self, families: set[str]) -> bool:
        """Whether some event of these families could earn something: what activation asks for."""
        counts = (
            self.limits.max_events_per_referred,
            self.limits.max_events_per_referrer,
            self.limits.max_events_per_referrer_per_day,
        )
        if 0 in counts:
            return False
        return any(rule.can_pay(family, self.limits) for rule in self.levels.values() for family in families)


class _Refused(Exception):
    """A value is not of its key's type; the problem says what it must be."""

    def __init__(self, problem: Text, **values: Any) -> None:
        super().__init__(problem)
        self.problem = format_lazy(problem, **values) if values else problem


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the value of one key; `shape` says as JSON Schema what it takes."""

    read: Callable[[Any], Any]
    shape: Mapping[str, Any]

    def __call__(self, value: Any) -> Any:
        """The value as rules keep it. Raises _Refused."""
        return self.read(value)


def _whole(most: int) -> Reader:
    def read(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise _Refused(_("Enter a whole number"))
        if not 0 <= value <= most:
            raise _Refused(_("Enter a number from 0 to {most}"), most=most)
        return value

    return Reader(read, {"type": "integer", "minimum": 0, "maximum": most})


def _decimal(*, places: int, most: Decimal) -> Reader:
    def read(value: Any) -> Decimal:
        text = str(value) if isinstance(value, int | float | Decimal | str) else ""
        if isinstance(value, bool) or not re.fullmatch(
            r"-?\d{1,30}(\.\d{1,30})?([eE][+-]?\d{1,2})?", text, re.ASCII
        ):
            raise _Refused(_("Enter a number, e.g. 1.5"))
        number = Decimal(text)
        if not 0 <= number <= most:
            raise _Refused(_("Enter a number from 0 to {most}"), most=most)
        if number and int(number.normalize().as_tuple().exponent) < -places:
            raise _Refused(_("Enter at most {places} decimal places"), places=places)
        return number

    text = rf"^[0-9]{{1,{most.adjusted() + 1}}}(\.[0-9]{{1,{places}}})?$"
    number_shape = {"type": "number", "minimum": 0, "maximum": int(most)}
    return Reader(read, {"anyOf": [number_shape, {"type": "string", "pattern": text}]})


def _one_of(*choices: str) -> Reader:
    def read(value: Any) -> str:
        if value not in choices or not isinstance(value, str):
            raise _Refused(_("must be one of: {choices}"), choices=", ".join(choices))
        return value

    return Reader(read, {"type": "string", "enum": list(choices)})


_POINTS = _whole(POINTS_LIMIT)
_G2A = _decimal(places=G2A_PLACES, most=Decimal(10**9))
_PERCENT = _decimal(places=2, most=Decimal(100))
_AMOUNT = _decimal(places=G2A_PLACES, most=Decimal(10**12 - 1))

LEVEL_KEYS: dict[str, Reader] = {
    **{f"points_per_{family}": _POINTS for family in FAMILIES},
    **{f"g2a_per_{family}": _G2A for family in FAMILIES},
    "points_percent": _PERCENT,
    "g2a_percent": _PERCENT,
    "min_amount": _AMOUNT,
    "max_points_per_event": _POINTS,
    "max_g2a_per_event": _G2A,
    "locked_until_role": _one_of(VIP, PRO),
    "before_role": _one_of(LOCK, SKIP),
    "hold_days": _whole(HOLD_DAYS_LIMIT),
}
LIMIT_KEYS: dict[str, Reader] = {
    "max_events_per_referred": _whole(COUNT_LIMIT),
    "max_events_per_referrer": _whole(COUNT_LIMIT),
    "max_events_per_referrer_per_day": _whole(COUNT_LIMIT),
    "budget_points": _whole(BUDGET_POINTS_LIMIT),
    "budget_g2a": _decimal(places=G2A_PLACES, most=Decimal(10**15)),
}


def rules_schema() -> dict[str, Any]:
    """What `rules_parse` takes, as JSON Schema made of the readers themselves."""

    def section(properties: Mapping[str, Any]) -> dict[str, Any]:
        return {"type": "object", "properties": properties, "additionalProperties": False}

    level = section({name: dict(reader.shape) for name, reader in LEVEL_KEYS.items()})
    limits = section({name: dict(reader.shape) for name, reader in LIMIT_KEYS.items()})
    return section({"levels": section(dict.fromkeys(LEVELS, level)), "limits": limits})


# Free JSON in a body, to be parsed by `rules_parse`.
RewardRules = Annotated[
    dict[str, Any],
    msgspec.Meta(description="The language of rules: docs/rules.md.", extra_json_schema=rules_schema()),
]


def rules_parse(data: Any, *, welcome_bonus_allowed: bool = True, path: str = "reward_rules") -> Rules:
    """Read rules from JSON.

    Raises ValidationFailed whose details name every offending key by its path, such as
    `reward_rules.levels.level1.points_per_purchase`.
    """
    problems: Problems = {}
    sections = _section(data, path, ("levels", "limits"), problems)
    level_data = _section(sections.get("levels", {}), f"{path}.levels", LEVELS, problems)
    levels = {
        name: _level(level_data[name], f"{path}.levels.{name}", problems)
        for name in LEVELS
        if name in level_data
    }
    if "referred" in levels and not welcome_bonus_allowed:
        problems[f"{path}.levels.referred"] = [
            _("A partner onboarding campaign has no invited user to get a welcome bonus")
        ]
    limits = Limits(**_values(sections.get("limits", {}), f"{path}.limits", LIMIT_KEYS, problems))
    if problems:
        raise ValidationFailed.of_fields(problems)
    return Rules(levels=levels, limits=limits)


def _level(data: Any, path: str, problems: Problems) -> LevelRule:
    values = _values(data, path, LEVEL_KEYS, problems)
    if "before_role" in values and "locked_until_role" not in values:
        problems.setdefault(f"{path}.before_role", []).append(_("Requires locked_until_role"))
    points = {family: values.pop(key) for family in FAMILIES if (key := f"points_per_{family}") in values}
    g2a = {family: values.pop(key) for family in FAMILIES if (key := f"g2a_per_{family}") in values}
    return LevelRule(points=points, g2a=g2a, **values)


def _section(data: Any, path: str, names: tuple[str, ...], problems: Problems) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        problems[path] = [_("must be an object")]
        return {}
    for key in data:
        if key not in names:
            problems[f"{path}.{key}"] = [
                format_lazy(_("Unknown key; known keys: {known}"), known=", ".join(names))
            ]
    return data


def _values(
    data: Any, path: str, readers: Mapping[str, Callable[[Any], Any]], problems: Problems
) -> dict[str, Any]:
    values = {}
    for key, value in _section(data, path, tuple(readers), problems).items():
        if key not in readers:
            continue
        try:
            values[key] = readers[key](value)
        except _Refused as refusal:
            problems[f"{path}.{key}"] = [refusal.problem]
    return values


def rules_json(data: Mapping[str, Any]) -> dict[str, Any]:
    """Valid rules in the form in which they are stored: decimals as plain strings, order kept."""
    return {
        section: {
            name: (
                {key: _stored(key, value) for key, value in inner.items()}
                if section == "levels"
                else _stored(name, inner)
            )
            for name, inner in entries.items()
        }
        for section, entries in data.items()
    }


def _stored(key: str, value: Any) -> Any:
    number = (LEVEL_KEYS | LIMIT_KEYS)[key](value)
    return f"{number.normalize():f}" if isinstance(number, Decimal) else number
