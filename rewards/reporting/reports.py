"""How a report is answered: by pages as JSON, or whole as CSV."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.http import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response

from kernel.decoding import time_of
from kernel.errors import ValidationFailed
from kernel.paging import window_of
from kernel.spreadsheets import csv_response, wants_csv

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
    read: Callable[[Request], Mapping[str, Any]]
    item: Callable[[Row], dict[str, Any]]


def report_answer(report: Report, request: Request) -> HttpResponseBase:
    """A page as JSON, or all rows as CSV for who asks for `text/csv`. Raises ValidationFailed."""
    wanted = report_csv if wants_csv(request) else _report_json
    answer = wanted(report, request)
    answer["Vary"] = "Accept"
    return answer


def _report_json(report: Report, request: Request) -> HttpResponseBase:
    return Response(report_page(report, request))


def report_csv(report: Report, request: Request) -> HttpResponseBase:
    """All rows as CSV. Raises ValidationFailed."""
    rows = (tuple(report.item(row).values()) for row in _stream(report, report.read(request)))
    return csv_response(f"{report.name}-{timezone.now():%Y-%m-%d}.csv", report.columns, rows)


def report_page(report: Report, request: Request) -> dict[str, Any]:
    """The page that the query string asks for. Raises ValidationFailed."""
    return _page(report, request, report.read(request))


def _page(report: Report, request: Request, parameters: Mapping[str, Any]) -> dict[str, Any]:
    window = window_of(request)
    page = {**parameters, "limit": window.end - window.start, "offset": window.start}
    # Almost all of the work is adding up, so the rows of the page and their number come of one run.
    rows = _rows(
        f"SELECT report.*, count(*) OVER () FROM ({report.select}) report"  # noqa: S608 - our text
        f" ORDER BY {report.order} LIMIT %(limit)s OFFSET %(offset)s",
        page,
    )
    answer = window.answer(rows, lambda: rows[0][-1] if rows else _count(report, parameters))
    answer["items"] = [report.item(row[:-1]) for row in answer["items"]]
    return answer


def _count(report: Report, parameters: Mapping[str, Any]) -> int:
    return int(_rows(f"SELECT count(*) FROM ({report.select}) report", parameters)[0][0])  # noqa: S608 - ours


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


def period_of(request: Request) -> tuple[datetime, datetime]:
    """`from` and `to`, a day or a time each: the period that begins with the one and ends before the other.

    Raises ValidationFailed.
    """
    since, until = (_bound(request, name) or ever for name, ever in zip(("from", "to"), EVER, strict=True))
    if since >= until:
        raise ValidationFailed.of("to", _("must be later than from"))
    return since, until


def _bound(request: Request, name: str) -> datetime | None:
    """A day or a time from the query string, where a `+` arrives as a space."""
    text = request.query_params.get(name, "").replace(" ", "+")
    return time_of(name, f"{text}T00:00:00Z" if len(text) == 10 else text) if text else None
