"""What is said about vulnerable packages, and about those of which nothing is known."""

import pytest

from dev.audit import verdict

CLEAN = {"name": "django", "version": "5.2.19", "vulns": []}
UNKNOWN = {"name": "attrs", "skip_reason": "Dependency not found on PyPI and could not be audited"}
VULNERABLE = {
    "name": "oldlib",
    "version": "1.0",
    "vulns": [{"id": "PYSEC-2025-1", "fix_versions": ["1.1"]}, {"id": "PYSEC-2025-2", "fix_versions": []}],
}


@pytest.mark.parametrize("strict", [False, True])
def test_a_known_vulnerability_fails_and_is_named(strict):
    lines, code = verdict({"dependencies": [CLEAN, VULNERABLE]}, strict=strict)

    assert code == 1
    assert lines == [
        "oldlib 1.0: PYSEC-2025-1, mended in 1.1",
        "oldlib 1.0: PYSEC-2025-2, mended in no version yet",
        "2 of 2 packages audited, 2 known vulnerabilities.",
    ]


@pytest.mark.parametrize(("strict", "expected"), [(False, 0), (True, 1)])
def test_what_was_not_audited_is_never_called_clean(strict, expected):
    lines, code = verdict({"dependencies": [CLEAN, UNKNOWN, UNKNOWN]}, strict=strict)

    assert code == expected
    assert lines[0] == "1 of 3 packages audited, 0 known vulnerabilities."
    assert lines[1].startswith("NOT AUDITED: 2 packages.")


@pytest.mark.parametrize(("strict", "expected"), [(False, 0), (True, 1)])
def test_an_audit_without_a_report_is_told_with_its_reason(strict, expected):
    lines, code = verdict("The audit has ended without a report: connection refused", strict=strict)

    assert code == expected
    assert lines == [
        "NOT AUDITED: no package at all. The audit has ended without a report: connection refused"
    ]


def test_a_clean_audit_is_just_that():
    assert verdict({"dependencies": [CLEAN]}, strict=True) == (
        ["1 of 1 packages audited, 0 known vulnerabilities."],
        0,
    )
