"""What texts of the repository refer to is there: files, modules, invariants, decisions, links, commands."""

from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.staticfiles import finders
from django.core.management import get_commands
from django.template import TemplateDoesNotExist
from django.template.loader import get_template

from rewards.payouts.providers.points import REASONS
from tests.helpers.processes import ROOT
from tests.helpers.references import Tree, repository, stale_references

HERE = Path(__file__).relative_to(ROOT).as_posix()


def found_elsewhere(name):
    """Templates and static files, ours and of packages; permissions and models by Django's names; reasons."""
    if name in REASONS.values():
        return True
    if name.endswith(".html"):
        try:
            return bool(get_template(name))
        except TemplateDoesNotExist:
            return False
    if name.endswith((".css", ".js", ".svg", ".png")):
        return bool(finders.find(name))
    label, _, codename = name.partition(".")
    return any(
        codename in permissions_of(model) for model in apps.get_models() if model._meta.app_label == label
    )


def permissions_of(model):
    """The codenames of a model's permissions, and its name by which other apps refer to it."""
    meta = model._meta
    ordinary = {f"{action}_{meta.model_name}" for action in meta.default_permissions}
    return ordinary | {codename for codename, _ in meta.permissions} | {meta.object_name}


def test_nothing_refers_to_what_is_not_there():
    tree = repository(ROOT, commands=frozenset(get_commands()), found_elsewhere=found_elsewhere)

    stale = stale_references(tree, exempt=frozenset({HERE}))
    assert not stale, "\n".join(stale)


# --- the finder ---------------------------------------------------------------------------------------------

FILES = {
    "Makefile": "run: ## start\n",
    "manage.py": "",
    "README.md": "",
    "docs/invariants.md": "## D1 One referrer\n",
    "docs/page.md": "# How it is kept\n",
    "docs/adr/0001-rows.md": "# 1. Rows\n",
    "rewards/__init__.py": "",
    "rewards/claim.py": "LIMIT = 1\ndef claim(): ...\n",
    "tests/test_claim.py": "def test_a_claim(): ...\n",
}
COMMANDS = frozenset({"recount"})


def stale_in(file, text):
    """What is found in one more file of a small tree."""
    texts = {**FILES, file: text}
    return stale_references(Tree(frozenset(texts), texts, COMMANDS))


@pytest.mark.parametrize(
    ("good", "stale"),
    [
        ("see rewards/claim.py.", "see rewards/claims.py."),
        ("see docs/page.md", "see contract/domain.md"),
        ("see claim.py", "see claims.py"),
        ("what is in rewards/ only", "what is in rewards/payouts only"),
        ("`rewards/`", "`api/`"),
        ("`tests/test_claim.py::test_a_claim`", "`tests/test_claim.py::test_another_claim`"),
        ("`rewards.claim.claim` and `rewards.claim`", "`rewards.claim.record`"),
        ("python -m rewards.claim", "python -m rewards.payouts"),
        ("holds (D1)", "holds (D2)"),
        ("why: docs/adr/0001", "why: docs/adr/0002"),
        ("[page](page.md)", "[page](pages.md)"),
        ("[kept](page.md#how-it-is-kept)", "[kept](page.md#how-it-was-kept)"),
        ("`make run`", "`make walk`"),
        ("`manage.py recount`", "`manage.py count`"),
    ],
)
def test_a_stale_reference_is_found_where_a_good_one_is_not(good, stale):
    assert stale_in("docs/new.md", good) == []
    (found,) = stale_in("docs/new.md", f"a first line\n{stale}")
    assert found.startswith("docs/new.md:2: ")


def test_code_is_read_like_pages():
    assert stale_in("rewards/new.py", "# Source: contract/peers.md, D8.\n") == [
        "rewards/new.py:1: contract/peers.md",
        "rewards/new.py:1: D8",
    ]


def test_addresses_of_the_web_and_of_the_api_are_no_references():
    assert stale_in("docs/new.md", "https://example.org/a/b.py, `/admin/rewards/{id}/retry`, /my/links") == []
