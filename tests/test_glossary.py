"""The glossary names each term once, in both languages, and only modules and models that exist."""

import re
from importlib import import_module

from tests.helpers.sandbox import ROOT

GLOSSARY = ROOT / "docs" / "glossary.md"


def rows() -> list[list[str]]:
    """The cells of every term; headings of parts have no Russian word and are left out."""
    lines = [line for line in GLOSSARY.read_text().splitlines() if line.startswith("| ")][1:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if not row[0].startswith("**")]


def test_each_term_stands_once_and_says_everything() -> None:
    terms = [row[0] for row in rows()]

    assert len(terms) > 50
    assert len(terms) == len(set(terms))
    assert [row for row in rows() if len(row) != 4 or not all(row)] == []


def test_every_module_that_it_names_exists() -> None:
    paths = [path for row in rows() for path in re.findall(r"`(\w+/[\w/.]*)`", row[3])]

    assert len(paths) > 40
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_model_that_it_names_exists() -> None:
    names = [name for row in rows() for name in re.findall(r"`(\w+\.models(?:\.\w+)+)`", row[3])]

    assert len(names) > 30
    for name in names:
        app, _models, *attributes = name.split(".")
        found = import_module(f"{app}.models")
        for attribute in attributes:
            found = getattr(found, attribute)
