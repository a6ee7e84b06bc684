"""Nothing of HTTP, pages or forms is known below the surfaces; import-linter holds the other directions."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BELOW = ("kernel", "access", "campaigns", "referral", "rewards")
# Modules of Django that belong to surfaces; of packages outside of Django import-linter sees to it.
SURFACE = (
    "django.contrib.admin",
    "django.contrib.messages",
    "django.forms",
    "django.http",
    "django.shortcuts",
    "django.template",
    "django.urls",
    "django.utils.html",
    "django.utils.safestring",
    "django.views",
)


def imported(source: str) -> Iterator[str]:
    """The dotted names that a module imports, `from package import module` included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def of_surfaces(source: str) -> list[str]:
    """Those that belong to a surface."""
    return [name for name in imported(source) if f"{name}.".startswith(tuple(f"{part}." for part in SURFACE))]


@pytest.mark.parametrize("app", BELOW)
def test_no_module_below_the_surfaces_imports_http_or_pages(app):
    found = {str(path): of_surfaces(path.read_text()) for path in (ROOT / app).rglob("*.py")}

    assert found
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "source", ["from django import forms", "import django.http", "from django.http import HttpRequest"]
)
def test_an_import_of_a_surface_is_seen(source):
    assert of_surfaces(source)
