"""How a report is read: by pages, or whole, row by row."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from kernel.decoding import time_of
from kernel.errors import ValidationFailed
from kernel.paging import Query, window_of

ROWS_AT_ONCE = 2000
EVER = (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A query that gives one row an item.

    `select` takes the parameters that `read` makes of the query string (which raises ValidationFailed);
    `order` is complete, so that pages do not overlap; `item` names the fields of a row.
    """

    name: str
    select: str
    order: str
    columns: tuple[str, ...]
    read: Callable[[Query], Mapping[str, Any]]
    item: Callable[[Row], dict[str, Any]]


def report_rows(report: Report, query: Query) -> Iterator[Row]:
    """All rows, in constant memory; the query string is read before this returns. Raises ValidationFailed."""
    parameters = report.read(query)
    return (tuple(report.item(row).values()) for row in _stream(report, parameters))


def report_page(report: Report, query: Query) -> dict[str, Any]:
    """The page that the query string asks for. Raises ValidationFailed."""
    parameters, window = report.read(query), window_of(query)
    page = {**parameters, "limit": window.end - window.start, "offset": window.start}
    # Almost all of the work is adding up, so the rows of the page and their number come of one run.
    rows = _rows(
        f"SELECT report.*, count(*) OVER () FROM ({report.select}) report"
        f" ORDER BY {report.order} LIMIT %(limit)s OFFSET %(offset)s",
        page,
    )
    answer = window.answer(rows, lambda: rows[0][-1] if rows else _count(report, parameters))
    answer["items"] = [report.item(row[:-1]) for row in answer["items"]]
    return answer


def _count(report: Report, parameters: Mapping[str, Any]) -> int:
    return int(_rows(f"SELECT count(*) FROM ({report.select}) report", parameters)[0][0])


def _rows(sql: str, parameters: Mapping[str, Any]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def _stream(report: Report, parameters: Mapping[str, Any]) -> Iterator[Row]:
    """All rows through a cursor of the database, so that a long report is never held in memory here."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(f"{report.select} ORDER BY {report.order}", parameters)
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield from rows


def period_of(query: Query) -> tuple[datetime, datetime]:
    """`from` and `to`, a day or a time each: the period that begins with the one and ends before the other.

    Raises ValidationFailed.
    """
    since, until = (_bound(query, name) or ever for name, ever in zip(("from", "to"), EVER, strict=True))
    if since >= until:
        raise ValidationFailed.of("to", _("must be later than from"))
    return since, until


def _bound(query: Query, name: str) -> datetime | None:
    """A day or a time from the query string, where a `+` arrives as a space."""
    text = query.get(name, "").replace(" ", "+")
    return time_of(name, f"{text}T00:00:00Z" if len(text) == 10 else text) if text else None
