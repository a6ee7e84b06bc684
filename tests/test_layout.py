"""The shape of the tree: every room has one reason, none is overfull, nothing lies about."""

import re
from collections import Counter

import pytest

from dev.architecture import CLONE, DJANGOS, PACKAGES, reason

MOST_MODULES = 15
MOST_OF_ONE_PREFIX = 2
# manage.py is Django's, sandbox.py is promised by docs/configuration.md.
AT_THE_TOP = {"manage.py", "sandbox.py"}

FOLDERS = sorted(
    folder.relative_to(CLONE)
    for package in PACKAGES
    for folder in {module.parent for module in (CLONE / package).rglob("*.py")}
    if "migrations" not in folder.parts
)
ROOMS = [folder for folder in FOLDERS if DJANGOS.isdisjoint(folder.parts)]


def crowding(modules):
    """What is wrong with a room that holds these modules."""
    prefixes = Counter(module.split("_")[0] for module in modules)
    found = [f"{prefix}_* is a folder" for prefix, times in prefixes.items() if times > MOST_OF_ONE_PREFIX]
    return found + ["too many modules"] * (len(modules) > MOST_MODULES)


def listed_in_readme():
    """The folders in the first column of README's table."""
    firsts = re.findall(r"^\| (`.+?/`) \|", (CLONE / "README.md").read_text(), re.MULTILINE)
    return set(re.findall(r"`(\w+)/`", " ".join(firsts)))


@pytest.mark.parametrize("folder", ROOMS, ids=str)
def test_a_room_says_for_what_it_is(folder):
    assert reason(CLONE / folder).endswith(".")


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_a_room_is_not_crowded(folder):
    modules = [module.stem for module in (CLONE / folder).glob("*.py") if module.stem != "__init__"]

    assert crowding(modules) == []


@pytest.mark.parametrize(
    ("modules", "found"),
    [
        (["user_page", "user_tree"], []),
        (["user_page", "user_tree", "user"], ["user_* is a folder"]),
        ([f"m{number}" for number in range(MOST_MODULES)], []),
        ([f"m{number}" for number in range(MOST_MODULES + 1)], ["too many modules"]),
    ],
)
def test_a_crowded_room_is_noticed(modules, found):
    assert crowding(modules) == found


def test_at_the_top_is_what_the_readme_lists():
    folders = {path.name for path in CLONE.iterdir() if path.is_dir() and path.name[0] != "."}

    assert folders - {"staticfiles"} == listed_in_readme()
    assert {path.name for path in CLONE.glob("*.py")} == AT_THE_TOP
