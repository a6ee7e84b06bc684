"""What was measured, repetition by repetition, and the ratios that are made of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dev.benchmarks.measuring.figures import Spread, ratio, spread


@dataclass(slots=True)
class Measures:
    """Numbers by name; every repetition adds one to each name that it measures."""

    numbers: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, number: float) -> None:
        """One repetition's number."""
        self.numbers.setdefault(name, []).append(number)

    def has(self, *names: str) -> bool:
        """Whether all of them were measured."""
        return all(name in self.numbers for name in names)

    def of(self, name: str) -> Spread:
        """Over all repetitions. Raises KeyError for what was not measured."""
        return spread(self.numbers[name])

    def ratio(self, name: str, reference: str) -> Spread:
        """The one in units of the other, repetition by repetition."""
        return ratio(self.numbers[name], self.numbers[reference])


@dataclass(frozen=True, slots=True)
class Goal:
    """A ratio that we want: at least, or at most; neither for what is only told; both for a band."""

    text: str
    name: str
    reference: str
    least: float | None = None
    most: float | None = None

    def reached(self, found: Spread) -> bool | None:
        """By the median, in a band by every number; None where nothing is asked."""
        if self.least is not None and self.most is not None:
            return self.least <= found.least and found.most <= self.most
        if self.least is not None:
            return found.median >= self.least
        return found.median <= self.most if self.most is not None else None

    @property
    def asked(self) -> str:
        """The goal as a person reads it."""
        if self.least is not None and self.most is not None:
            return f"{self.least:g}–{self.most:g}"
        if self.least is not None:
            return f"≥ {self.least:g}"
        return f"≤ {self.most:g}" if self.most is not None else ""

    def row(self, measures: Measures) -> dict[str, Any]:
        """For the table and the result file."""
        found = measures.ratio(self.name, self.reference)
        return {
            "goal": self.text,
            "asked": self.asked,
            "median": found.median,
            "least": found.least,
            "most": found.most,
            "reached": self.reached(found),
        }


Say = Callable[[str], object]
