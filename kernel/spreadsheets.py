"""Tables as CSV that may safely be opened in a spreadsheet, sent row by row."""

import csv
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain
from typing import Any

from django.http import StreamingHttpResponse
from rest_framework.request import Request

# A cell that begins like this is a formula to a spreadsheet, and would run on the reader's machine.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


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


def csv_lines(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Generator[str]:
    """The lines of a table: first the names of its columns, then its rows, which are closed at the end."""
    writer = csv.writer(_Echo())
    with ExitStack() as at_the_end:
        if isinstance(rows, Generator):
            at_the_end.callback(rows.close)
        yield writer.writerow(columns)
        for row in rows:
            yield writer.writerow([_harmless(cell) for cell in row])


def _harmless(cell: Any) -> Any:
    """A text that looks like a formula gets the apostrophe by which spreadsheets know plain text."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell
