"""What holds for every rule and every event, whatever the numbers."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from math import floor

from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.rules.calculation import REASONS, Counters, Facts, calculate
from campaigns.rules.schema import LevelRule, Limits, Rules, rules_json, rules_parse

NOW = datetime(2025, 1, 2, 9, tzinfo=UTC)
FAMILIES = ("registration", "purchase", "onboarding", "event")
NANO = Fraction(1, 10**9)

examples = settings(max_examples=100, deadline=None)


def decimals(most, places):
    return st.integers(0, most * 10**places).map(lambda units: Decimal(units).scaleb(-places))


amounts = decimals(10**12 - 1, 9)
percents = decimals(100, 2)
points = st.integers(0, 10**9)
g2a = decimals(10**6, 9)
roles = st.sampled_from(["user", "vip", "pro"])
people = st.one_of(st.none(), st.sampled_from(["ann", "bob", "cat"]))
families = st.sampled_from(FAMILIES)

level_data = st.fixed_dictionaries(
    {},
    optional={
        **{f"points_per_{family}": points for family in FAMILIES},
        **{f"g2a_per_{family}": g2a for family in FAMILIES},
        "points_percent": percents,
        "g2a_percent": percents,
        "min_amount": decimals(10**6, 2),
        "max_points_per_event": points,
        "max_g2a_per_event": g2a,
        "locked_until_role": st.sampled_from(["vip", "pro"]),
        "hold_days": st.integers(0, 365),
    },
)
rules_data = st.builds(
    lambda levels, limits: {"levels": levels, "limits": limits},
    st.fixed_dictionaries({}, optional=dict.fromkeys(("level1", "level2", "referred"), level_data)),
    st.fixed_dictionaries(
        {},
        optional={
            "max_events_per_referred": st.integers(0, 3),
            "max_events_per_referrer": st.integers(0, 3),
            "max_events_per_referrer_per_day": st.integers(0, 3),
            "budget_points": st.integers(0, 10**10),
            "budget_g2a": g2a,
        },
    ),
)
facts = st.builds(
    Facts,
    family=families,
    occurred_at=st.just(NOW),
    amount_base=st.one_of(st.none(), amounts),
    level1=people,
    level2=people,
    referred=people,
)
counters = st.builds(
    Counters,
    events_of_referred=st.integers(0, 3),
    events_of_referrer=st.integers(0, 3),
    events_of_referrer_that_day=st.integers(0, 3),
    points=st.integers(0, 10**9),
    g2a=g2a,
)
known_roles = st.dictionaries(st.sampled_from(["ann", "bob", "cat"]), roles)


@examples
@given(rules_data, facts, known_roles, counters)
def test_whatever_the_rules_rewards_are_positive_capped_and_within_the_budget(data, event, known, used):
    rules = rules_parse(data)

    calculation = calculate(rules, rules.limits, event, known, used)

    for level in calculation.levels:
        rule = rules.levels.get(level.name)
        for draft in level.drafts:
            assert (draft.points is None) != (draft.g2a is None)
            assert (draft.points or draft.g2a) > 0
            if draft.points is not None:
                assert isinstance(draft.points, int)
                assert rule.max_points_per_event is None or draft.points <= rule.max_points_per_event
            else:
                assert draft.g2a == round(draft.g2a, 9)
                assert rule.max_g2a_per_event is None or draft.g2a <= rule.max_g2a_per_event
    new_points = sum(draft.points or 0 for draft in calculation.drafts)
    new_g2a = sum((Fraction(draft.g2a or 0) for draft in calculation.drafts), Fraction(0))
    if new_points and rules.limits.budget_points is not None:
        assert used.points + new_points <= rules.limits.budget_points
    if new_g2a and rules.limits.budget_g2a is not None:
        assert Fraction(used.g2a) + new_g2a <= Fraction(rules.limits.budget_g2a)


@examples
@given(rules_data, facts, known_roles, counters)
def test_there_is_a_reason_exactly_where_nothing_is_earned(data, event, known, used):
    rules = rules_parse(data)

    calculation = calculate(rules, rules.limits, event, known, used)

    assert (calculation.reason is None) == bool(calculation.drafts)
    assert calculation.reason is None or calculation.reason in REASONS
    assert [level.name for level in calculation.levels] == ["level1", "level2", "referred"]
    for level in calculation.levels:
        assert (level.reason is None) == bool(level.drafts)
        assert level.reason is None or level.reason in REASONS


@examples
@given(rules_data, facts, known_roles, counters)
def test_the_calculation_is_a_pure_function(data, event, known, used):
    rules = rules_parse(data)

    first = calculate(rules, rules.limits, event, known, used)

    assert calculate(rules_parse(rules_json(data)), rules.limits, event, dict(known), used) == first


def sums(rule, family, amount):
    """What one level pays, summed by currency."""
    event = Facts(family=family, occurred_at=NOW, amount_base=amount, level1="ann", referred="cat")
    drafts = calculate(Rules(levels={"level1": rule}), Limits(), event, {}, Counters()).drafts
    return (
        sum(draft.points or 0 for draft in drafts),
        sum((Fraction(draft.g2a or 0) for draft in drafts), Fraction(0)),
    )


level_rules = st.builds(
    LevelRule,
    points=st.dictionaries(st.just("purchase"), points),
    g2a=st.dictionaries(st.just("purchase"), g2a),
    points_percent=st.one_of(st.none(), percents),
    g2a_percent=st.one_of(st.none(), percents),
    min_amount=st.one_of(st.none(), decimals(10**6, 2)),
    max_points_per_event=st.one_of(st.none(), points),
    max_g2a_per_event=st.one_of(st.none(), g2a),
)


@examples
@given(level_rules, amounts, amounts)
def test_a_larger_amount_never_earns_less_with_caps_and_without(rule, one, other):
    small, large = sorted((one, other))
    bare = replace(rule, min_amount=None, max_points_per_event=None, max_g2a_per_event=None)

    for tried in (rule, bare):
        less, more = sums(tried, "purchase", small), sums(tried, "purchase", large)
        assert less[0] <= more[0]
        assert less[1] <= more[1]


@examples
@given(level_rules, st.one_of(st.none(), amounts))
def test_amounts_are_exact_to_the_last_digit(rule, amount):
    base = Fraction(amount or 0)
    below = bool(rule.min_amount) and (amount is None or base < Fraction(rule.min_amount))
    wanted_points = rule.points.get("purchase", 0) + floor(base * Fraction(rule.points_percent or 0) / 100)
    share = floor(base * Fraction(rule.g2a_percent or 0) / 100 / NANO) * NANO
    wanted_g2a = Fraction(rule.g2a.get("purchase", 0)) + share
    if rule.max_points_per_event is not None:
        wanted_points = min(wanted_points, rule.max_points_per_event)
    if rule.max_g2a_per_event is not None:
        wanted_g2a = min(wanted_g2a, Fraction(rule.max_g2a_per_event))

    assert sums(rule, "purchase", amount) == ((0, 0) if below else (wanted_points, wanted_g2a))


@examples
@given(
    st.lists(st.tuples(points, g2a), min_size=1, max_size=20),
    st.integers(0, 10**10),
    decimals(10**7, 9),
)
def test_a_history_of_events_never_overspends_its_budgets(prices, budget_points, budget_g2a):
    # given
    limits = Limits(budget_points=budget_points, budget_g2a=budget_g2a)
    event = Facts(family="purchase", occurred_at=NOW, level1="ann", level2="bob", referred="cat")
    used = Counters()

    # when each event is calculated with what the earlier ones have used up
    for fixed_points, fixed_g2a in prices:
        rule = LevelRule(points={"purchase": fixed_points}, g2a={"purchase": fixed_g2a})
        rules = Rules(levels={"level1": rule, "level2": rule})
        drafts = calculate(rules, limits, event, {}, used).drafts
        used = replace(
            used,
            points=used.points + sum(draft.points or 0 for draft in drafts),
            g2a=used.g2a + sum((draft.g2a or Decimal(0) for draft in drafts), Decimal(0)),
        )

        # then
        assert used.points <= budget_points
        assert used.g2a <= budget_g2a
