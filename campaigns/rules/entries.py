"""Rules as a flat table of entries: what the form edits one by one, and what two versions differ in.

An entry's name is the path of its key without the section: `level1.points_per_purchase`, `limits.budget_g2a`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from campaigns.rules.schema import LEVEL_KEYS, LEVELS, LIMIT_KEYS, LOCK

LIMITS = "limits"
SECTIONS = (*LEVELS, LIMITS)
NAMES = tuple(f"{level}.{key}" for key in LEVEL_KEYS for level in LEVELS) + tuple(
    f"{LIMITS}.{key}" for key in LIMIT_KEYS
)


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One entry that two versions of rules differ in; None stands for an absent key."""

    section: str
    key: str
    old: Any
    new: Any


def entries_of(rules: Mapping[str, Any]) -> dict[str, Any]:
    """Stored rules as entries. What only spells a default out is left out."""
    found = {
        f"{level}.{key}": value
        for level, keys in rules.get("levels", {}).items()
        for key, value in keys.items()
    }
    found |= {f"{LIMITS}.{key}": value for key, value in rules.get(LIMITS, {}).items()}
    return {name: value for name, value in found.items() if not is_default(name, value)}


def is_default(name: str, value: Any) -> bool:
    """Whether the entry says what would hold without it."""
    return name.endswith(".before_role") and value == LOCK


def rules_of(entries: Mapping[str, Any]) -> dict[str, Any]:
    """Entries as rules, without levels that say nothing."""
    rules: dict[str, Any] = {}
    for name, value in entries.items():
        section, _, key = name.partition(".")
        place = rules if section == LIMITS else rules.setdefault("levels", {})
        place.setdefault(section, {})[key] = value
    return rules


def rule_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[RuleChange]:
    """What differs between two stored versions, level by level, in the order in which the form shows it."""
    before, after = entries_of(old), entries_of(new)
    changed = [name for name in NAMES if before.get(name) != after.get(name)]
    changed.sort(key=lambda name: SECTIONS.index(name.partition(".")[0]))
    return [RuleChange(*_split(name), before.get(name), after.get(name)) for name in changed]


def _split(name: str) -> tuple[str, str]:
    section, _, key = name.partition(".")
    return section, key
