"""A check that is switched off for a line says why beside it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SWITCHED_OFF = re.compile(r"#\s*(?:noqa|type:\s*ignore)[^#\n]*")
WITH_REASON = re.compile(r"#\s*(?:noqa: [A-Z0-9, ]+ - \S|type: ignore\[[a-z-]+\]  ?(?:- |# )?\S)")
FOLDERS = (
    "access",
    "backoffice",
    "campaigns",
    "dev",
    "http_api",
    "kernel",
    "referral",
    "referral_project",
    "rewards",
    "tests",
)


def without_reason(text: str) -> list[str]:
    """The lines of a module that switch a check off and do not say why, here or in the comment above them."""
    lines = text.splitlines()
    return [
        line.strip()
        for above, line in zip(["", *lines], lines, strict=False)
        if SWITCHED_OFF.search(line) and not WITH_REASON.search(line) and not above.lstrip().startswith("#")
    ]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_switched_off_check_has_its_reason(folder):
    modules = [path for path in (ROOT / folder).rglob("*.py") if path != Path(__file__)]

    assert modules
    found = {str(path.relative_to(ROOT)): without_reason(path.read_text()) for path in modules}
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize("line", ["x = 1  # noqa: S101", "x = 1  # noqa", "x = 1  # type: ignore[misc]"])
def test_one_without_a_reason_is_seen(line):
    assert without_reason(line) == [line]
