"""Tables as CSV files, sent row by row."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone
from rest_framework.request import Request

from kernel.paging import Query
from kernel.spreadsheets import csv_lines
from rewards.reporting.reports import Report, report_rows


def wants_csv(request: Request) -> bool:
    """Whether the caller prefers CSV to JSON; JSON it is when both are equally welcome."""
    offers = ["application/json", "text/csv", "text/csv; charset=utf-8"]
    return (request._request.get_preferred_type(offers) or "").startswith("text/csv")


def csv_response(name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> StreamingHttpResponse:
    """A CSV file `name`, streamed in constant memory.

    The first row is fetched before this returns, so that a query that fails is still an error answer.
    """
    lines = csv_lines(columns, rows)
    read = [next(lines), next(lines, "")]
    response = StreamingHttpResponse(_ReadAhead(read, lines), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def report_csv(report: Report, query: Query) -> StreamingHttpResponse:
    """All rows of a report. Raises ValidationFailed."""
    name = f"{report.name}-{timezone.now():%Y-%m-%d}.csv"
    return csv_response(name, report.columns, report_rows(report, query))


class _ReadAhead:
    """Lines of which some were read before; with it ends what they come from, a database cursor perhaps.

    A cursor that nobody ends is ended by the garbage collector, and that may be in the middle of another
    statement of the same connection, for which it would wait for ever.
    """

    def __init__(self, read: list[str], rest: Generator[str]) -> None:
        self._lines = chain(read, rest)
        self._rest = rest

    def __iter__(self) -> Iterator[str]:
        return self._lines

    def close(self) -> None:
        """Read no further; called by whoever serves the response."""
        self._rest.close()
