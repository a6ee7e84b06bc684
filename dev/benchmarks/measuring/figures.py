"""Numbers of several repetitions: medians, spreads, and ratios taken within each repetition."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some numbers, and the least and greatest of them."""

    median: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{shown(self.median)} ({shown(self.least)}–{shown(self.most)})"


def spread(numbers: Sequence[float]) -> Spread:
    """Raises ValueError when there are no numbers."""
    if not numbers:
        raise ValueError("there is nothing to take the median of")
    return Spread(median(numbers), min(numbers), max(numbers))


def ratio(numbers: Sequence[float], references: Sequence[float]) -> Spread:
    """How many times its reference each number is, repetition by repetition.

    The machine may be faster in one repetition than in another; both sides of a ratio feel it. Raises
    ValueError when the repetitions do not match.
    """
    return spread([number / reference for number, reference in zip(numbers, references, strict=True)])


def percentile(ordered: Sequence[float], share: float) -> float:
    """The number that `share` (0 to 1) of the ordered numbers do not exceed."""
    if not ordered:
        raise ValueError("there is nothing to take a percentile of")
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def shown(number: float) -> str:
    """Three meaningful digits, without an exponent."""
    if abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.1f}" if abs(number) >= 10 else f"{number:.2f}"
