"""`python -m dev.audit [--strict]`: which of our pinned packages have known vulnerabilities.

A package of which the advisory service knows nothing, or a service that cannot be reached, is told as NOT
AUDITED and never as clean. It fails the run only with --strict: a mirror without advisories must not keep a
correction from being built, but a release should insist.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

CLONE = Path(__file__).resolve().parent.parent
REQUIREMENTS = "requirements-dev.txt"
OPTIONS = ("--no-deps", "--disable-pip", "--progress-spinner=off", "--format=json", "--timeout=15")


def main() -> int:
    """Ask the advisory service and say what it knows."""
    parser = argparse.ArgumentParser(prog="dev.audit", description=__doc__)
    parser.add_argument("--strict", action="store_true", help="fail also where something was not audited")
    arguments = parser.parse_args()
    lines, code = verdict(_report(), strict=arguments.strict)
    print("\n".join(lines))
    return code


def verdict(report: dict[str, Any] | str, *, strict: bool) -> tuple[list[str], int]:
    """What to print and how to end; a text in place of a report says why there is none."""
    if isinstance(report, str):
        return [f"NOT AUDITED: no package at all. {report}"], int(strict)
    packages = report["dependencies"]
    audited = [package for package in packages if "skip_reason" not in package]
    lines = [
        f"{package['name']} {package['version']}: {advisory['id']}, mended in "
        f"{', '.join(advisory['fix_versions']) or 'no version yet'}"
        for package in audited
        for advisory in package["vulns"]
    ]
    is_vulnerable = bool(lines)
    lines.append(f"{len(audited)} of {len(packages)} packages audited, {len(lines)} known vulnerabilities.")
    missing = len(packages) - len(audited)
    if missing:
        lines.append(
            f"NOT AUDITED: {missing} packages. The advisory service knows nothing of them, "
            "or cannot be reached from here; this is no clean audit."
        )
    return lines, int(is_vulnerable or (strict and missing > 0))


def _report() -> dict[str, Any] | str:
    """What pip-audit has found, or why it has not."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", REQUIREMENTS, *OPTIONS]
    ended = subprocess.run(command, cwd=CLONE, capture_output=True, text=True, check=False)
    try:
        found: dict[str, Any] = json.loads(ended.stdout)
    except ValueError:
        return f"The audit has ended without a report: {ended.stderr.strip()[-500:]}"
    return found


if __name__ == "__main__":
    sys.exit(main())
