"""Rules as a flat table, and what two versions differ in."""

from campaigns.rules.entries import RuleChange, entries_of, rule_changes, rules_of
from campaigns.rules.schema import LEVEL_KEYS, LIMIT_KEYS
from campaigns.rules.wording import KEYS, change_text

RULES = {
    "levels": {"level1": {"points_per_purchase": 10, "hold_days": 1}, "referred": {"g2a_per_event": "0.5"}},
    "limits": {"budget_points": 5},
}


def test_entries_and_rules_are_two_forms_of_the_same() -> None:
    assert rules_of(entries_of(RULES)) == RULES
    assert entries_of(RULES)["limits.budget_points"] == 5


def test_what_only_spells_a_default_out_is_no_difference() -> None:
    spelled = {"levels": {"level1": {"before_role": "lock"}, "level2": {}}, "limits": {}}

    assert rule_changes({}, spelled) == []


def test_differences_come_level_by_level_and_in_words() -> None:
    newer = {
        "levels": {"level1": {"points_per_purchase": 15}, "level2": {"locked_until_role": "vip"}},
        "limits": {"budget_points": 5},
    }

    changes = rule_changes(RULES, newer)

    assert changes[0] == RuleChange("level1", "points_per_purchase", 10, 15)
    assert [change_text(change) for change in changes] == [
        "Level 1 – Points per purchase: 10 → 15",
        "Level 1 – Hold period (days): 1 day, removed",
        "Level 2 – Required role: set to VIP",
        "Welcome bonus – G2A per event: 0.5, removed",
    ]


def test_every_key_of_the_rules_has_words() -> None:
    assert set(KEYS) == set(LEVEL_KEYS) | set(LIMIT_KEYS)
