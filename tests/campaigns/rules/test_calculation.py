"""The calculation as a table: facts, rules, roles and counters in, rewards or a reason out."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from campaigns.rules.calculation import Counters, Facts, calculate
from campaigns.rules.schema import rules_parse

NOW = datetime(2025, 1, 2, 9, tzinfo=UTC)
PURCHASE = {"family": "purchase", "level1": "ann", "level2": "bob", "referred": "cat"}


def priced(levels, *, limits=None, roles=None, counters=None, **facts):
    """The calculation for rules as JSON; the event is a purchase of cat, invited by ann, invited by bob."""
    rules = rules_parse({"levels": levels, "limits": limits or {}})
    known = Facts(**{"occurred_at": NOW, **PURCHASE, **facts})
    return calculate(rules, rules.limits, known, roles or {}, Counters(**(counters or {})))


def paid(calculation):
    """Who gets what at which level."""
    return [
        (draft.level, draft.beneficiary, draft.points if draft.points is not None else f"{draft.g2a:f} G2A")
        for draft in calculation.drafts
    ]


def told(calculation):
    return calculation.reason, calculation.reason_detail


def reasons_by_level(calculation):
    return {level.name: (level.reason, level.reason_detail) for level in calculation.levels}


@pytest.mark.parametrize("family", ["registration", "purchase", "onboarding", "event"])
def test_each_family_is_paid_by_its_own_keys(family):
    others = {"registration": 1, "purchase": 2, "onboarding": 3, "event": 4}
    level = {f"points_per_{name}": amount for name, amount in others.items()}
    level |= {f"g2a_per_{name}": f"0.{amount}" for name, amount in others.items()}

    calculation = priced({"level1": level}, family=family)

    assert paid(calculation) == [(1, "ann", others[family]), (1, "ann", f"0.{others[family]}00000000 G2A")]


def test_every_level_is_paid_its_own_amount_in_the_order_of_levels():
    levels = {
        "referred": {"points_per_purchase": 1},
        "level2": {"points_per_purchase": 5},
        "level1": {"points_per_purchase": 10, "g2a_per_purchase": "0.5"},
    }

    assert paid(priced(levels)) == [
        (1, "ann", 10),
        (1, "ann", "0.500000000 G2A"),
        (2, "bob", 5),
        (None, "cat", 1),
    ]


@pytest.mark.parametrize(
    ("rule", "amount", "points"),
    [
        ({"points_percent": 5}, "1000.50", 50),
        ({"points_percent": 5}, "19.99", None),
        ({"points_percent": 5}, "20", 1),
        ({"points_percent": "0.01"}, "999999999999", 99999999),
        ({"points_percent": "33.33"}, "100", 33),
        ({"points_percent": 100}, "999999999999.999999999", 999999999999),
        ({"points_percent": "99.99"}, "0.999999999", None),
        ({"points_percent": 5, "points_per_purchase": 3}, "100", 8),
        ({"points_percent": 5, "points_per_purchase": 3}, None, 3),
        ({"points_percent": 5, "points_per_purchase": 3}, "0", 3),
        ({"points_percent": "0.5", "points_per_purchase": 3}, "199.99", 3),
        ({"points_percent": 5, "max_points_per_event": 40}, "1000", 40),
        ({"points_percent": 5, "points_per_purchase": 3, "max_points_per_event": 8}, "100", 8),
        ({"points_per_purchase": 10, "max_points_per_event": 0}, None, None),
        ({"points_per_purchase": 10, "max_points_per_event": 11}, None, 10),
    ],
)
def test_points_are_fixed_plus_percent_rounded_down_and_capped(rule, amount, points):
    calculation = priced({"level1": rule}, amount_base=amount and Decimal(amount))

    assert paid(calculation) == ([(1, "ann", points)] if points else [])


@pytest.mark.parametrize(
    ("rule", "amount", "g2a"),
    [
        ({"g2a_percent": "2.5"}, "1000.50", "25.0125"),
        ({"g2a_percent": "0.01"}, "0.00001", "1E-9"),
        ({"g2a_percent": "0.01"}, "0.000009999", None),
        ({"g2a_percent": "33.33"}, "0.000000005", "1E-9"),
        ({"g2a_percent": "99.99"}, "999999999999.999999999", "999899999999.999999999"),
        ({"g2a_percent": 1, "g2a_per_purchase": "0.000000001"}, "1", "0.010000001"),
        ({"g2a_percent": 1, "max_g2a_per_event": "0.005"}, "1", "0.005"),
        ({"g2a_per_purchase": 1, "max_g2a_per_event": 0}, None, None),
        ({"g2a_percent": 1, "g2a_per_purchase": "1.5"}, None, "1.5"),
    ],
)
def test_g2a_is_fixed_plus_percent_rounded_down_to_nine_places_and_capped(rule, amount, g2a):
    drafts = priced({"level1": rule}, amount_base=amount and Decimal(amount)).drafts

    assert [draft.g2a for draft in drafts] == ([Decimal(g2a)] if g2a else [])


@pytest.mark.parametrize(
    ("amount", "min_amount", "earns"),
    [
        ("100", 100, True),
        ("99.999999999", 100, False),
        ("0", "0.01", False),
        (None, "0.01", False),
        (None, 0, True),
        ("0", 0, True),
    ],
)
def test_an_amount_below_the_minimum_earns_nothing_and_an_absent_one_is_below_any(amount, min_amount, earns):
    levels = {"level1": {"points_per_purchase": 10, "min_amount": min_amount}}

    calculation = priced(levels, amount_base=amount and Decimal(amount))

    assert bool(calculation.drafts) is earns
    assert told(calculation) == ((None, None) if earns else ("below_min_amount", "level1.min_amount"))


@pytest.mark.parametrize(
    ("required", "role", "locked"),
    [
        (None, None, False),
        ("vip", None, True),
        ("vip", "user", True),
        ("vip", "vip", False),
        ("vip", "pro", False),
        ("pro", "user", True),
        ("pro", "vip", True),
        ("pro", "pro", False),
    ],
)
@pytest.mark.parametrize("before_role", ["lock", "skip"])
def test_before_its_role_a_level_is_locked_or_skipped(required, role, locked, before_role):
    # given
    rule = {"points_per_purchase": 5}
    if required:
        rule |= {"locked_until_role": required, "before_role": before_role}

    # when
    calculation = priced({"level2": rule}, roles={"bob": role} if role else {})

    # then
    if locked and before_role == "skip":
        assert calculation.drafts == ()
        assert reasons_by_level(calculation)["level2"] == ("role_too_low", "level2.locked_until_role")
    else:
        (draft,) = calculation.drafts
        assert (draft.locked, draft.required_min_role) == (locked, required)


def test_rewards_are_locked_by_default():
    (draft,) = priced({"level1": {"points_per_purchase": 5, "locked_until_role": "vip"}}).drafts

    assert draft.locked


@pytest.mark.parametrize("days", [0, 1, 14])
def test_hold_days_are_days_of_24_hours_after_the_event(days):
    (draft,) = priced({"level1": {"points_per_purchase": 5, "hold_days": days}}).drafts

    assert draft.available_at == NOW + timedelta(hours=24 * days)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"level1": None, "level2": None}, ("no_referrer", None)),
        (
            {"level1": None, "refusal": "self_referral", "refusal_detail": "referrer_user_id"},
            ("self_referral", "referrer_user_id"),
        ),
        (
            {"level1": None, "refusal": "circular", "refusal_detail": "referrer_user_id"},
            ("circular", "referrer_user_id"),
        ),
    ],
)
def test_without_a_referrer_nobody_earns_not_even_the_welcome_bonus(facts, reason):
    levels = {name: {"points_per_purchase": 5} for name in ("level1", "level2", "referred")}

    calculation = priced(levels, **facts)

    assert calculation.drafts == ()
    assert told(calculation) == reason
    assert set(reasons_by_level(calculation).values()) == {reason}


@pytest.mark.parametrize(
    ("limit", "counter"),
    [
        ("max_events_per_referred", "events_of_referred"),
        ("max_events_per_referrer", "events_of_referrer"),
        ("max_events_per_referrer_per_day", "events_of_referrer_that_day"),
    ],
)
@pytest.mark.parametrize(
    ("allowed", "used", "earns"), [(1, 0, True), (1, 1, False), (3, 2, True), (0, 0, False)]
)
def test_a_reached_limit_stops_every_level_and_is_named(limit, counter, allowed, used, earns):
    levels = {name: {"points_per_purchase": 5} for name in ("level1", "level2", "referred")}

    calculation = priced(levels, limits={limit: allowed}, counters={counter: used})

    assert len(calculation.drafts) == (3 if earns else 0)
    assert told(calculation) == ((None, None) if earns else ("limit_reached", limit))


def test_of_several_reached_limits_the_first_is_named():
    limits = {
        "max_events_per_referrer_per_day": 0,
        "max_events_per_referrer": 0,
        "max_events_per_referred": 0,
    }

    calculation = priced({"level1": {"points_per_purchase": 5}}, limits=limits)

    assert told(calculation) == ("limit_reached", "max_events_per_referred")


@pytest.mark.parametrize(
    ("limits", "counters", "reason"),
    [
        ({"budget_points": 15}, {"points": 0}, None),
        ({"budget_points": 14}, {"points": 0}, "budget_points"),
        ({"budget_points": 20}, {"points": 5}, None),
        ({"budget_points": 20}, {"points": 6}, "budget_points"),
        ({"budget_g2a": "0.5"}, {"g2a": Decimal(0)}, None),
        ({"budget_g2a": "0.5"}, {"g2a": Decimal("0.000000001")}, "budget_g2a"),
        ({"budget_points": 0, "budget_g2a": 0}, {}, "budget_points"),
    ],
)
def test_an_event_that_does_not_fit_the_budget_earns_nothing_at_all(limits, counters, reason):
    levels = {
        "level1": {"points_per_purchase": 10, "g2a_per_purchase": "0.5"},
        "level2": {"points_per_purchase": 5},
    }

    calculation = priced(levels, limits=limits, counters=counters)

    assert len(calculation.drafts) == (0 if reason else 3)
    assert told(calculation) == (("budget_exhausted", reason) if reason else (None, None))


def test_an_exhausted_budget_of_one_currency_does_not_stop_the_other():
    calculation = priced(
        {"level1": {"points_per_purchase": 10}}, limits={"budget_g2a": 0}, counters={"g2a": Decimal(0)}
    )

    assert paid(calculation) == [(1, "ann", 10)]


@pytest.mark.parametrize(
    ("levels", "facts", "reason"),
    [
        ({}, {}, ("no_rule", "level1.points_per_purchase")),
        ({"level1": {}}, {}, ("no_rule", "level1.points_per_purchase")),
        ({"level1": {"points_per_registration": 9}}, {}, ("no_rule", "level1.points_per_purchase")),
        ({"level1": {"points_per_purchase": 0}}, {}, ("zero_amount", "level1.points_per_purchase")),
        ({"level1": {"points_percent": 5}}, {}, ("zero_amount", "level1.points_percent")),
        (
            {"level1": {"points_percent": 5}},
            {"amount_base": Decimal(1)},
            ("zero_amount", "level1.points_percent"),
        ),
        ({"level1": {"g2a_per_purchase": 0}}, {}, ("zero_amount", "level1.g2a_per_purchase")),
        ({"level1": {"g2a_percent": 1}}, {}, ("zero_amount", "level1.g2a_percent")),
        # A level without a rule speaks only when no other has one.
        (
            {"level1": {"points_per_registration": 9}, "level2": {"points_per_purchase": 0}},
            {},
            ("zero_amount", "level2.points_per_purchase"),
        ),
        # The most telling level speaks: precedence, then the order of levels.
        (
            {"level1": {"points_per_purchase": 0}, "level2": {"points_per_purchase": 5, "min_amount": 1}},
            {},
            ("below_min_amount", "level2.min_amount"),
        ),
        (
            {
                "level1": {"points_per_purchase": 9, "min_amount": 1},
                "level2": {"points_per_purchase": 5, "locked_until_role": "pro", "before_role": "skip"},
            },
            {},
            ("role_too_low", "level2.locked_until_role"),
        ),
        (
            {
                "level1": {
                    "points_per_purchase": 9,
                    "min_amount": 1,
                    "locked_until_role": "vip",
                    "before_role": "skip",
                }
            },
            {},
            ("role_too_low", "level1.locked_until_role"),
        ),
        # A level without a beneficiary does not speak for the event.
        (
            {"level1": {"points_per_purchase": 0}, "level2": {"points_per_purchase": 5}},
            {"level2": None, "referred": None},
            ("zero_amount", "level1.points_per_purchase"),
        ),
    ],
)
def test_an_event_that_earns_nothing_says_the_first_reason_that_applies(levels, facts, reason):
    calculation = priced(levels, **facts)

    assert calculation.drafts == ()
    assert told(calculation) == reason


@pytest.mark.parametrize(
    ("limits", "counters", "reason"),
    [
        ({"max_events_per_referred": 0, "budget_points": 0}, {}, "limit_reached"),
        ({"budget_points": 5}, {}, "budget_exhausted"),
    ],
)
def test_a_limit_is_told_before_a_budget(limits, counters, reason):
    calculation = priced({"level1": {"points_per_purchase": 6}}, limits=limits, counters=counters)

    assert calculation.reason == reason


def test_a_level_that_earns_nothing_beside_others_that_earn_says_why():
    levels = {
        "level1": {"points_per_purchase": 10},
        "level2": {"points_per_purchase": 5, "min_amount": 100},
    }

    calculation = priced(levels, amount_base=Decimal(1))

    assert told(calculation) == (None, None)
    assert reasons_by_level(calculation) == {
        "level1": (None, None),
        "level2": ("below_min_amount", "level2.min_amount"),
        "referred": ("no_rule", "referred.points_per_purchase"),
    }


def test_a_missing_second_level_takes_nothing_from_the_first():
    levels = {"level1": {"points_per_purchase": 10}, "level2": {"points_per_purchase": 5}}

    calculation = priced(levels, level2=None)

    assert paid(calculation) == [(1, "ann", 10)]
    assert reasons_by_level(calculation)["level2"][0] == "no_referrer"
