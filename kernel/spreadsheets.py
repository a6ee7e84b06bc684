"""Tables as CSV that may safely be opened in a spreadsheet, made row by row."""

import csv
from collections.abc import Generator, Iterable, Sequence
from contextlib import ExitStack
from typing import Any

# A cell that begins like this is a formula to a spreadsheet, and would run on the reader's machine.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


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
