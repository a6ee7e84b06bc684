"""The handbook says the same in both languages, with pictures that exist."""

import re

from tests.screenshots.__main__ import HANDBOOK
from tests.support.sandbox import ROOT

ENGLISH = (ROOT / "docs" / "handbook-marketing.md").read_text()
RUSSIAN = (ROOT / "docs" / "handbook-marketing.ru.md").read_text()
MOST_BYTES = 3_000_000


def pictures(handbook: str) -> list[str]:
    return re.findall(r"!\[.+?\]\(images/handbook/(.+?)\)", handbook)


def headings(handbook: str) -> list[int]:
    return [len(marks) for marks in re.findall(r"^(#+) \S", handbook, re.MULTILINE)]


def test_both_languages_have_the_same_parts_and_pictures() -> None:
    assert headings(ENGLISH) == headings(RUSSIAN)
    assert [name.replace(".png", ".ru.png") for name in pictures(ENGLISH)] == pictures(RUSSIAN)


def test_every_picture_exists_and_none_is_left_over() -> None:
    named = {*pictures(ENGLISH), *pictures(RUSSIAN)}

    assert named == {file.name for file in HANDBOOK.iterdir()}
    assert sum(file.stat().st_size for file in HANDBOOK.iterdir()) < MOST_BYTES
