"""The check of the translations, on a tree with one text."""

import shutil
from pathlib import Path

import pytest

from dev import translations

pytestmark = pytest.mark.skipif(not shutil.which("xgettext"), reason="gettext is not installed")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "texts.py").write_text('name = _("Reward")\n')
    return folder


def complaints(tree: Path) -> list[str]:
    copy = translations.extracted_copy(tree, tree.parent / "copy")
    try:
        return translations.check(tree, copy)
    finally:
        shutil.rmtree(copy)


def translate(tree: Path, text: str) -> None:
    copy = translations.extracted_copy(tree, tree.parent / "copy")
    translations.update(tree, copy)
    shutil.rmtree(copy)
    catalogue = tree / translations.CATALOGUE
    catalogue.write_text(
        catalogue.read_text().replace(f'msgid "{text}"\nmsgstr ""', f'msgid "{text}"\nmsgstr "Я"')
    )


def test_without_a_catalogue_every_text_is_missing(tree: Path) -> None:
    assert complaints(tree)[1:] == ['  texts.py: "Reward"']
    assert not (tree / "locale").exists()


def test_a_translation_that_was_not_compiled_is_noticed(tree: Path) -> None:
    translate(tree, "Reward")

    assert "django.mo" in complaints(tree)[0]


def test_a_compiled_translation_is_enough(tree: Path) -> None:
    translate(tree, "Reward")
    translate(tree, "Reward")

    assert complaints(tree) == []


def test_a_changed_text_needs_a_new_translation(tree: Path) -> None:
    translate(tree, "Reward")
    (tree / "texts.py").write_text('name = _("Rewards")\n')

    assert complaints(tree)[1:] == ['  texts.py: "Rewards"']
