"""CSV that a spreadsheet may open, whatever stands in its cells."""

import csv
import io

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.spreadsheets import FORMULA_STARTS, csv_lines

NO_SURROGATES = st.characters(exclude_categories=["Cs"])
TEXTS = st.text(NO_SURROGATES) | st.builds(
    str.__add__, st.sampled_from(FORMULA_STARTS), st.text(NO_SURROGATES)
)
ROWS = st.lists(st.tuples(TEXTS, st.integers(), TEXTS))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ROWS)
def test_no_cell_of_text_begins_like_a_formula_and_none_is_lost(rows):
    text = "".join(csv_lines(("name", "number", "note"), rows))

    head, *found = csv.reader(io.StringIO(text, newline=""))

    assert head == ["name", "number", "note"]
    assert len(found) == len(rows)
    for (name, number, note), (shown_name, shown_number, shown_note) in zip(rows, found, strict=True):
        assert shown_number == str(number)
        for cell, shown in ((name, shown_name), (note, shown_note)):
            assert not shown.startswith(FORMULA_STARTS)
            assert shown == (f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell)
