"""Every decision says its number, status and date; the list in docs/adr/README.md is made of that."""

import re

import pytest

from dev.architecture import with_section
from tests.helpers.documents import assert_document
from tests.helpers.processes import ROOT

FOLDER = ROOT / "docs" / "adr"
PAGES = sorted(FOLDER.glob("[0-9]*.md"))
HEAD = re.compile(r"# (\d+)\. (.+)\n\nStatus: (.+)\. Date: (\d{4}-\d{2}-\d{2})\.\n\n")


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_a_decision_begins_with_its_number_status_and_date(page):
    head = HEAD.match(page.read_text())

    assert head, "it begins with: # <number>. <title>, then: Status: <status>. Date: <day>."
    assert int(head[1]) == int(page.name.partition("-")[0])


def test_numbers_go_on_without_a_gap():
    assert [int(page.name.partition("-")[0]) for page in PAGES] == list(range(1, len(PAGES) + 1))


def test_the_list_shows_every_decision():
    heads = [(page.name, HEAD.match(page.read_text())) for page in PAGES]
    rows = [f"| {head[1]} | [{head[2]}]({name}) | {head[3]} | {head[4]} |" for name, head in heads]
    table = "\n".join(["| | decision | status | date |", "|---|---|---|---|", *rows])

    page = (FOLDER / "README.md").read_text()
    assert_document(f"{FOLDER.name}/README.md", with_section(page, "decisions", table))
