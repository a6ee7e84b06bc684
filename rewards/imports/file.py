"""Reading a CSV file of relations: what each line says, or why it cannot be read."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from kernel.decoding import ID_PATTERN, TimeRefused, moment_of
from kernel.errors import ValidationFailed
from rewards.models.codes import LineProblem

COLUMNS = ("referrer_user_id", "referred_user_id", "registered_at")
MOST_LINES = 20_000
MOST_BYTES = 4 * 1024 * 1024
SHOWN = 64
BAD_IDS = {
    "referrer_user_id": LineProblem.BAD_REFERRER,
    "referred_user_id": LineProblem.BAD_REFERRED,
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file, numbered as a text editor does; with `problems` it cannot be used."""

    number: int
    referrer: str
    referred: str
    registered_at: datetime | None
    problems: Sequence[LineProblem] = ()


def lines_read(content: bytes) -> list[Line]:
    """The lines below the heading; empty ones are left out. Raises ValidationFailed about the file."""
    if len(content) > MOST_BYTES:
        raise ValidationFailed.of(
            "file", _("File is larger than %d MB: split it") % (MOST_BYTES // 1024 // 1024)
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValidationFailed.of("file", _("File is not in UTF-8: save it as CSV UTF-8")) from None
    if "\x00" in text:
        raise ValidationFailed.of("file", _("Not a text file"))
    heading, _newline, _rest = text.partition("\n")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in heading else ",")
    try:
        places = _places(next(reader, []))
        lines = [_line(reader.line_num, row, places) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise ValidationFailed.of("file", _("Not a CSV file: see line %d") % reader.line_num) from error
    if not lines:
        raise ValidationFailed.of("file", _("No lines below the header"))
    if len(lines) > MOST_LINES:
        raise ValidationFailed.of("file", _("More than %d lines: split the file") % MOST_LINES)
    return lines


def _places(heading: list[str]) -> dict[str, int]:
    """In which column each field stands; others may stand between them."""
    names = [name.strip().lower() for name in heading]
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise ValidationFailed.of(
            "file", _("The first line must be a header; missing columns: %s") % ", ".join(missing)
        )
    return {name: names.index(name) for name in COLUMNS}


def _line(number: int, row: list[str], places: dict[str, int]) -> Line:
    cells = {name: row[place].strip() if place < len(row) else "" for name, place in places.items()}
    problems = [problem for name, problem in BAD_IDS.items() if not re.fullmatch(ID_PATTERN, cells[name])]
    registered_at = None
    try:
        registered_at = _moment(cells["registered_at"])
    except TimeRefused as refusal:
        problems.append(LineProblem(refusal.why))
    referrer, referred = (cells[name][:SHOWN] for name in COLUMNS[:2])
    return Line(number, referrer, referred, registered_at, problems)


def _moment(text: str) -> datetime:
    """A day (its first moment in UTC) or a time with its offset."""
    return moment_of("registered_at", f"{text}T00:00:00Z" if len(text) == 10 else text, now=timezone.now())
