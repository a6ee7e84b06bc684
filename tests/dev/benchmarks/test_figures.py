"""Medians, spreads and ratios."""

import pytest

from dev.benchmarks.measuring.clock import Clock
from dev.benchmarks.measuring.figures import Spread, percentile, ratio, shown, spread
from dev.benchmarks.measuring.measures import Goal, Measures


def test_a_ratio_is_taken_within_each_repetition():
    # given a machine that is three times slower in the second repetition
    rates, references = [200.0, 60.0, 190.0], [400.0, 120.0, 400.0]

    # then the ratio does not feel it
    assert ratio(rates, references) == Spread(median=0.5, least=0.475, most=0.5)


def test_repetitions_must_match():
    with pytest.raises(ValueError, match="shorter"):
        ratio([1.0, 2.0], [1.0])


def test_nothing_has_no_median():
    with pytest.raises(ValueError, match="nothing"):
        spread([])


@pytest.mark.parametrize(("share", "expected"), [(0.5, 51), (0.99, 100), (1.0, 100), (0.0, 1)])
def test_a_percentile_is_one_of_the_numbers(share, expected):
    assert percentile(range(1, 101), share) == expected


@pytest.mark.parametrize(
    ("number", "expected"), [(0.123, "0.12"), (12.34, "12.3"), (1234.5, "1,234"), (0, "0.00")]
)
def test_numbers_are_shown_with_three_meaningful_digits(number, expected):
    assert shown(number) == expected


@pytest.mark.parametrize(
    ("bounds", "ratios", "expected"),
    [
        ({"least": 0.7}, [0.6, 0.7, 0.9], True),
        ({"least": 0.7}, [0.6, 0.69, 0.9], False),
        ({"most": 4}, [3, 4, 9], True),
        ({"most": 4}, [3, 4.1, 9], False),
        ({"least": 0.9, "most": 1.1}, [0.9, 1, 1.1], True),
        ({"least": 0.9, "most": 1.1}, [1, 1, 1.2], False),
        ({}, [1], None),
    ],
)
def test_a_goal_is_reached_by_the_median_and_a_band_by_every_number(bounds, ratios, expected):
    measures = Measures()
    for number in ratios:
        measures.add("ours", number)
        measures.add("theirs", 1)

    assert Goal("a goal", "ours", "theirs", **bounds).row(measures)["reached"] is expected


def test_a_run_without_time_still_measures_once():
    assert list(Clock(minutes=0).repetitions(5)) == [1]


def test_a_run_with_time_repeats_as_often_as_wanted():
    assert list(Clock(minutes=1).repetitions(5, share=0.5)) == [1, 2, 3, 4, 5]
