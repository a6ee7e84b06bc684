"""The schema of reward rules: what is accepted, and that each refusal names the offending key."""

from decimal import Decimal

import pytest

from campaigns.rules.schema import Limits, rules_json, rules_parse
from kernel.errors import ValidationFailed

FAMILIES = ("registration", "purchase", "onboarding", "event")
POINT_KEYS = [f"points_per_{family}" for family in FAMILIES] + ["max_points_per_event"]
G2A_KEYS = [f"g2a_per_{family}" for family in FAMILIES] + ["max_g2a_per_event"]
PERCENT_KEYS = ["points_percent", "g2a_percent"]
COUNT_KEYS = ["max_events_per_referred", "max_events_per_referrer", "max_events_per_referrer_per_day"]
DECIMAL_KEYS = [*G2A_KEYS, *PERCENT_KEYS, "min_amount"]
NOT_NUMBERS = [True, False, None, "", " 5", "5 ", "1,5", "five", "NaN", "Infinity", "-Infinity", [], {}, [1]]


def level_rules(key, value, level="level1"):
    """Rules with one key at one level; `before_role` gets the role that it needs."""
    needs = {"locked_until_role": "vip"} if key == "before_role" else {}
    return {"levels": {level: {**needs, key: value}}}


def problems_of(rules, **options):
    with pytest.raises(ValidationFailed) as refused:
        rules_parse(rules, **options)
    return dict(refused.value.details)


@pytest.mark.parametrize("level", ["level1", "level2", "referred"])
@pytest.mark.parametrize(
    ("key", "value"),
    [
        *((key, value) for key in POINT_KEYS for value in (0, 1, 10**9)),
        *((key, value) for key in G2A_KEYS for value in (0, 5, "0", "1.5", "0.000000001", Decimal("2.25"))),
        *((key, value) for key in PERCENT_KEYS for value in (0, 100, "0.01", "99.99", Decimal("12.5"))),
        *(("min_amount", value) for value in (0, 1, "0.01", "999999999999")),
        *(("locked_until_role", value) for value in ("vip", "pro")),
        *(("before_role", value) for value in ("lock", "skip")),
        *(("hold_days", value) for value in (0, 1, 365)),
    ],
)
def test_every_key_of_a_level_takes_its_legal_values(level, key, value):
    rules = rules_parse(level_rules(key, value, level))

    assert list(rules.levels) == [level]


@pytest.mark.parametrize("key", [*G2A_KEYS, "min_amount"])
@pytest.mark.parametrize("value", [Decimal("1E+2"), Decimal("1.5E+1"), Decimal("5E-9")])
def test_decimals_may_be_written_with_an_exponent(key, value):
    stored = rules_json(level_rules(key, value))["levels"]["level1"][key]

    assert Decimal(stored) == value
    assert "E" not in stored


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *((key, value) for key in COUNT_KEYS for value in (0, 1, 500)),
        *(("budget_points", value) for value in (0, 1, 10**12)),
        *(("budget_g2a", value) for value in (0, 7, "0.000000001", "123456.789")),
    ],
)
def test_every_limit_takes_its_legal_values(key, value):
    limits = rules_parse({"limits": {key: value}}).limits

    assert getattr(limits, key) == Decimal(value)


@pytest.mark.parametrize("rules", [{}, {"levels": {}}, {"limits": {}}, {"levels": {"level1": {}}}])
def test_rules_may_be_empty(rules):
    assert rules_parse(rules).limits == Limits()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(
            (key, value)
            for key in [*POINT_KEYS, "hold_days"]
            for value in (*NOT_NUMBERS, -1, "5", 1.5, Decimal("1.5"), 10**9 + 1, Decimal("1e400"))
        ),
        *(
            (key, value)
            for key in DECIMAL_KEYS
            for value in (*NOT_NUMBERS, -1, "-0.5", "1e400", Decimal("1e400"), float("nan"), float("inf"))
        ),
        *((key, "1.0000000001") for key in [*G2A_KEYS, "min_amount"]),
        *((key, Decimal("1E-10")) for key in [*G2A_KEYS, "min_amount"]),
        *((key, value) for key in PERCENT_KEYS for value in ("0.001", 101, "100.01")),
        *(("locked_until_role", value) for value in ("user", "admin", "VIP", "", None, 1, True, [], {})),
        *(("before_role", value) for value in ("wait", "Lock", "", None, 0, False, [], {})),
    ],
)
def test_a_bad_value_of_a_level_is_refused_with_its_path(key, value):
    problems = problems_of(level_rules(key, value, "level2"))

    assert list(problems) == [f"reward_rules.levels.level2.{key}"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(
            (key, value)
            for key in [*COUNT_KEYS, "budget_points"]
            for value in (*NOT_NUMBERS, -1, "5", 0.5, Decimal("0.5"))
        ),
        *(("budget_g2a", value) for value in (*NOT_NUMBERS, -1, "0.0000000001", float("nan"))),
    ],
)
def test_a_bad_limit_is_refused_with_its_path(key, value):
    assert list(problems_of({"limits": {key: value}})) == [f"reward_rules.limits.{key}"]


@pytest.mark.parametrize(
    ("rules", "path"),
    [
        ({"level": {}}, "reward_rules.level"),
        ({"levels": {"level3": {}}}, "reward_rules.levels.level3"),
        ({"levels": {"level1": {"points_per_click": 1}}}, "reward_rules.levels.level1.points_per_click"),
        ({"levels": {"level1": {"budget_points": 1}}}, "reward_rules.levels.level1.budget_points"),
        ({"limits": {"max_events": 1}}, "reward_rules.limits.max_events"),
        ({"limits": {"points_per_purchase": 1}}, "reward_rules.limits.points_per_purchase"),
    ],
)
def test_an_unknown_key_is_refused_with_its_path(rules, path):
    assert list(problems_of(rules)) == [path]


@pytest.mark.parametrize("shape", [None, [], "rules", 5, True])
def test_sections_that_are_no_objects_are_refused_with_their_path(shape):
    assert list(problems_of(shape)) == ["reward_rules"]
    assert list(problems_of({"levels": shape})) == ["reward_rules.levels"]
    assert list(problems_of({"limits": shape})) == ["reward_rules.limits"]
    assert list(problems_of({"levels": {"level1": shape}})) == ["reward_rules.levels.level1"]


def test_all_problems_are_told_at_once():
    rules = {
        "levels": {
            "level1": {"points_per_purchase": -1, "g2a_percent": "1.234", "hold_days": True},
            "level2": {"before_role": "skip"},
            "level9": {},
        },
        "limits": {"max_events_per_referred": "1", "budget_g2a": "x"},
        "bonus": 1,
    }

    assert set(problems_of(rules)) == {
        "reward_rules.levels.level1.points_per_purchase",
        "reward_rules.levels.level1.g2a_percent",
        "reward_rules.levels.level1.hold_days",
        "reward_rules.levels.level2.before_role",
        "reward_rules.levels.level9",
        "reward_rules.limits.max_events_per_referred",
        "reward_rules.limits.budget_g2a",
        "reward_rules.bonus",
    }


def test_a_welcome_bonus_is_refused_where_nobody_is_welcomed():
    rules = {"levels": {"referred": {"points_per_onboarding": 1}}}

    assert list(problems_of(rules, welcome_bonus_allowed=False)) == ["reward_rules.levels.referred"]


def test_decimals_are_stored_as_plain_strings_and_whole_numbers_as_numbers():
    rules = {
        "levels": {
            "level1": {"g2a_per_purchase": Decimal("1.50"), "points_per_purchase": 10, "min_amount": 100}
        },
        "limits": {"budget_g2a": 1000, "budget_points": 5, "max_events_per_referred": 1},
    }

    assert rules_json(rules) == {
        "levels": {"level1": {"g2a_per_purchase": "1.5", "points_per_purchase": 10, "min_amount": "100"}},
        "limits": {"budget_g2a": "1000", "budget_points": 5, "max_events_per_referred": 1},
    }


def test_stored_rules_read_back_as_the_same_rules():
    rules = {
        "levels": {
            "level1": {"g2a_percent": "0.10", "g2a_per_event": "1e-9", "max_g2a_per_event": 3},
            "referred": {"locked_until_role": "pro", "before_role": "skip", "hold_days": 14},
        },
        "limits": {"budget_g2a": "10.500"},
    }

    assert rules_parse(rules_json(rules)) == rules_parse(rules)


@pytest.mark.parametrize(
    ("rules", "family", "pays"),
    [
        ({}, "purchase", False),
        ({"levels": {"level1": {"points_per_purchase": 1}}}, "purchase", True),
        ({"levels": {"level2": {"g2a_per_purchase": "0.1"}}}, "purchase", True),
        ({"levels": {"referred": {"points_percent": 1}}}, "purchase", True),
        ({"levels": {"level1": {"g2a_percent": "0.5"}}}, "event", True),
        ({"levels": {"level1": {"points_per_purchase": 0}}}, "purchase", False),
        ({"levels": {"level1": {"points_per_registration": 1}}}, "purchase", False),
        ({"levels": {"level1": {"points_per_purchase": 1, "max_points_per_event": 0}}}, "purchase", False),
        ({"levels": {"level1": {"g2a_per_purchase": 1, "max_g2a_per_event": 0}}}, "purchase", False),
        # Registrations and onboardings carry no amount.
        ({"levels": {"level1": {"points_percent": 5}}}, "registration", False),
        ({"levels": {"level1": {"g2a_percent": 5}}}, "onboarding", False),
        ({"levels": {"level1": {"points_per_registration": 5, "min_amount": 1}}}, "registration", False),
        *(
            ({"levels": {"level1": {"points_per_purchase": 1}}, "limits": {key: 0}}, "purchase", False)
            for key in [*COUNT_KEYS, "budget_points"]
        ),
        ({"levels": {"level1": {"points_per_purchase": 1}}, "limits": {"budget_g2a": 0}}, "purchase", True),
        ({"levels": {"level1": {"g2a_per_purchase": 1}}, "limits": {"budget_g2a": 0}}, "purchase", False),
    ],
)
def test_whether_rules_can_pay_something(rules, family, pays):
    assert rules_parse(rules).can_pay({family}) is pays
