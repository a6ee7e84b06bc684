"""The page that goes through the risks names tests that exist."""

import re

import pytest

from tests.helpers.processes import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text()
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)


@pytest.mark.parametrize(("file", "name"), NAMED, ids=[name for _, name in NAMED])
def test_a_test_that_the_page_names_exists(file, name):
    assert f"def {name}(" in (ROOT / file).read_text()


def test_every_one_of_the_ten_risks_has_its_tests():
    sections = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
    risks = [section for section in sections if section.startswith("API")]

    assert [risk.split(" ")[0] for risk in risks] == [f"API{number}" for number in range(1, 11)]
    assert all("`tests/" in risk for risk in risks)
