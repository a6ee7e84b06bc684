"""Every level says in words what it earns, or why nothing: of the calculation itself, without a database."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from campaigns.rules.calculation import Counters
from campaigns.rules.preview import Sample, preview
from campaigns.rules.schema import rules_parse

NOW = datetime(2025, 6, 1, tzinfo=UTC)


def said(
    level: dict[str, Any], *, limits: Any = None, counters: Counters | None = None, **sample: Any
) -> Any:
    """What the preview says of level 1: earnings, and why."""
    sample = {"family": "purchase", "amount": Decimal(500), **sample}
    roles = {"referred": "user", "level1": "user", "level2": None, **sample.pop("roles", {})}
    rules = rules_parse({"levels": {"level1": level}, "limits": limits or {}})
    shown = preview(rules, Sample(**sample, roles=roles, counters=counters or Counters()), NOW)
    line = shown.lines[0]
    return [(earning.amount, earning.when) for earning in line.earnings], line.why


@pytest.mark.parametrize(
    ("level", "earnings", "why"),
    [
        ({"points_per_purchase": 10}, [("10 points", "paid immediately")], "10 points"),
        ({"points_percent": "2.5"}, [("12 points", "paid immediately")], "2.5 % of 500 (rounded down)"),
        (
            {"points_per_purchase": 10, "g2a_per_purchase": "0.5", "g2a_percent": 1, "max_g2a_per_event": 4},
            [("10 points", "paid immediately"), ("4 G2A", "paid immediately")],
            "10 points; 0.5 G2A + 1 % of 500, max 4 G2A",
        ),
        ({"points_per_purchase": 1, "hold_days": 1}, [("1 point", "paid after 1 day")], "1 point"),
        (
            {"points_per_purchase": 1, "locked_until_role": "pro"},
            [("1 point", "locked until the role PRO")],
            "1 point",
        ),
        (
            {"points_per_purchase": 1, "locked_until_role": "vip", "before_role": "skip"},
            [],
            "This level requires the role VIP.",
        ),
        ({"points_per_purchase": 1, "min_amount": 501}, [], "500 is below the minimum amount of 501."),
        ({"points_per_registration": 1}, [], "The rules set no reward for this level (event: purchase)."),
        ({"points_per_purchase": 0}, [], "The reward comes to 0."),
        ({"points_per_purchase": 5, "max_points_per_event": 0}, [], "The maximum for this level is 0."),
    ],
)
def test_a_level_says_what_it_earns_or_why_nothing(level: Any, earnings: Any, why: str) -> None:
    assert said(level) == (earnings, why)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"roles": {"level1": None}}, "This person has no referrer, so no one earns a reward."),
        (
            {"limits": {"max_events_per_referred": 1}, "counters": Counters(events_of_referred=1)},
            "Limit reached: max rewarded events per invited person – 1. "
            "The event earns nothing at any level.",
        ),
        (
            {"limits": {"budget_points": 15}, "counters": Counters(points=6)},
            "Budget exceeded: 6 of 15 points already used. The event earns nothing.",
        ),
    ],
)
def test_what_holds_for_the_whole_event_is_told_at_every_level(options: Any, why: str) -> None:
    assert said({"points_per_purchase": 10}, **options) == ([], why)


def test_a_share_of_an_event_without_amount_is_explained() -> None:
    why = "The reward is a percentage of the amount, and the event has no amount."
    assert said({"points_percent": 5}, family="registration", amount=None) == ([], why)
    least = "The event has no amount; this level requires at least 100."
    assert said({"points_percent": 5, "min_amount": 100}, amount=None) == ([], least)
