"""Pages of docs/ that tests write and keep true."""

import os

from tests.helpers.processes import ROOT

UPDATE = "UPDATE_DOCS"


def assert_document(name: str, text: str) -> None:
    """The page says exactly this; with UPDATE_DOCS=1 in the environment it is made to."""
    page = ROOT / "docs" / name
    if os.environ.get(UPDATE):
        page.write_text(text)
    assert page.read_text() == text, f"docs/{name} is not what was seen; {UPDATE}=1 writes it anew"
