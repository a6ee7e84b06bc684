"""The handbooks say the same in both languages, in the words of the pages, with pictures that exist."""

import ast
import re
from functools import cache

import pytest

from tests.helpers.sandbox import ROOT
from tests.screenshots.__main__ import HANDBOOK, READERS

MOST_BYTES = 3_500_000
CATALOGUE = ROOT / "locale" / "ru" / "LC_MESSAGES" / "django.po"
ENDINGS = {"en": ".md", "ru": ".ru.md"}
# What is set in bold and is no name of a page, a field or a button, but a term or the beginning of a part.
TERMS = {
    "en": {"Several at once:"},
    "ru": {"заблокированной", "Несколько сразу:"},
}
# Django translates these itself.
DJANGO_NAMES = {"en": {"Save and continue editing"}, "ru": {"Сохранить и продолжить редактирование"}}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")


def handbook(reader: str, language: str) -> str:
    return (ROOT / "docs" / f"handbook-{reader}{ENDINGS[language]}").read_text()


def pictures(text: str) -> list[str]:
    return re.findall(r"!\[.+?\]\(images/handbook/(.+?)\)", text)


def headings(text: str) -> list[int]:
    return [len(marks) for marks in re.findall(r"^(#+) \S", text, re.MULTILINE)]


def rows(text: str) -> list[int]:
    """How many cells each row of each table has."""
    return [line.count("|") for line in text.splitlines() if line.startswith("|")]


def quoted(text: str, marks: str) -> list[str]:
    """What stands between marks of so many asterisks."""
    asterisks = re.escape(marks)
    found = re.findall(rf"(?<!\*){asterisks}([^*]+?){asterisks}(?!\*)", text)
    return [" ".join(words.split()) for words in found]


@cache
def texts(language: str) -> tuple[str, ...]:
    """Every text of the back-office in one language."""
    entries = CATALOGUE.read_text().split("\n\n")[1:]
    names = {"en": r"msgid(?:_plural)?", "ru": r"msgstr(?:\[\d\])?"}
    found = []
    for entry in entries:
        for literals in re.findall(rf'^{names[language]} ((?:"(?:[^"\\]|\\.)*"\n?)+)', entry, re.MULTILINE):
            found.append(str(ast.literal_eval(f"({literals})")))
    return tuple(text for text in found if text)


def is_name(words: str, language: str) -> bool:
    """Whether a page, a field or a button is called so, whatever stands for its placeholders."""
    for text in texts(language):
        parts = (re.escape(part) for part in PLACEHOLDER.split(text.removesuffix(":")))
        if PLACEHOLDER.sub("", text).strip() and re.fullmatch(
            ".+".join(parts), words.removesuffix(":"), re.IGNORECASE
        ):
            return True
    return False


def is_said(words: str, language: str) -> bool:
    """Whether a page says so; an ellipsis stands for what differs."""
    wanted = re.compile(".*".join(re.escape(part.strip()) for part in words.split("…")), re.IGNORECASE)
    return any(wanted.search(text) for text in texts(language))


@pytest.mark.parametrize("reader", READERS)
def test_both_languages_have_the_same_parts_tables_and_pictures(reader: str) -> None:
    english, russian = handbook(reader, "en"), handbook(reader, "ru")

    assert headings(english) == headings(russian)
    assert rows(english) == rows(russian)
    assert [name.replace(".png", ".ru.png") for name in pictures(english)] == pictures(russian)


def test_every_picture_exists_and_none_is_left_over() -> None:
    named = {
        name for reader in READERS for language in ENDINGS for name in pictures(handbook(reader, language))
    }

    assert named == {file.name for file in HANDBOOK.iterdir()}
    assert sum(file.stat().st_size for file in HANDBOOK.iterdir()) < MOST_BYTES


@pytest.mark.parametrize("language", ENDINGS)
@pytest.mark.parametrize("reader", READERS)
def test_what_is_named_is_called_so_on_the_pages(reader: str, language: str) -> None:
    named = set(quoted(handbook(reader, language), "**")) - TERMS[language] - DJANGO_NAMES[language]

    assert len(named) > 30
    assert [name for name in sorted(named) if not is_name(name, language)] == []


@pytest.mark.parametrize("language", ENDINGS)
@pytest.mark.parametrize("reader", READERS)
def test_what_is_quoted_is_said_by_the_pages(reader: str, language: str) -> None:
    assert [words for words in quoted(handbook(reader, language), "*") if not is_said(words, language)] == []
