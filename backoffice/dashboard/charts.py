"""Bar charts as SVG: shapes computed here, drawn by templates/admin/chart.html, no script needed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.formats import date_format

from kernel.humanize.amounts import amount_text

WIDTH, HEIGHT = 600, 150
# Beyond so many days a bar is a week.
MOST_BARS = 124
DAYS_OF_A_WEEK = 7
LABELS = 5


@dataclass(frozen=True, slots=True)
class Bar:
    """One coloured piece of a column, from the top left corner."""

    x: float
    y: float
    width: float
    height: float
    series: int
    title: str


@dataclass(frozen=True, slots=True)
class Row:
    """A column in words, for those who do not see it."""

    when: str
    values: list[str]


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart; `series` are the names of the colours, lowest first."""

    title: str
    total: str
    highest: str
    series: Sequence[str]
    bars: list[Bar]
    labels: list[str]
    rows: list[Row]
    width: int = WIDTH
    height: int = HEIGHT


def chart(title: Any, by_day: Mapping[date, Sequence[Any]], series: Sequence[Any]) -> Chart:
    """Columns of one or more values a day; of long periods, a week."""
    columns = list(_columns(by_day))
    most = max((sum(values) for _, _, values in columns), default=0)
    step = WIDTH / max(len(columns), 1)
    bars: list[Bar] = []
    for number, (first, last, values) in enumerate(columns):
        when, top = _when(first, last), float(HEIGHT)
        for place, value in enumerate(values):
            height = float(value / most * HEIGHT) if most else 0.0
            top -= height
            if height:
                name = f", {series[place]}" if len(series) > 1 else ""
                text = f"{when}{name}: {amount_text(value)}"
                bars.append(
                    Bar(
                        round(number * step + step * 0.1, 2),
                        round(top, 2),
                        round(step * 0.8, 2),
                        round(height, 2),
                        place,
                        text,
                    )
                )
    return Chart(
        title=str(title),
        total=amount_text(sum(sum(values) for _, _, values in columns)),
        highest=amount_text(most),
        series=[str(name) for name in series],
        bars=bars,
        labels=_labels([first for first, _, _ in columns]),
        rows=[
            Row(_when(first, last), [amount_text(value) for value in values])
            for first, last, values in columns
        ],
    )


def _columns(by_day: Mapping[date, Sequence[Any]]) -> Any:
    """First day, last day and values of each column."""
    days = list(by_day)
    size = 1 if len(days) <= MOST_BARS else DAYS_OF_A_WEEK
    for start in range(0, len(days), size):
        group = days[start : start + size]
        yield (
            group[0],
            group[-1],
            [sum(values) for values in zip(*(by_day[day] for day in group), strict=True)],
        )


def _when(first: date, last: date) -> str:
    if first == last:
        return date_format(first, "DATE_FORMAT")
    return f"{date_format(first, 'DATE_FORMAT')} – {date_format(last, 'DATE_FORMAT')}"


def _labels(days: list[date]) -> list[str]:
    """A few dates at even distances, from the first to the last."""
    count = min(LABELS, len(days))
    places = sorted({round(number * (len(days) - 1) / max(count - 1, 1)) for number in range(count)})
    return [date_format(days[place], "MONTH_DAY_FORMAT") for place in places]
