"""Run a command with secrets that protect nothing: `python -m launcher.throwaway COMMAND...`.

Static checks load the settings, and the settings refuse to load without secrets and a database.
"""

import os
import sys
from collections.abc import Mapping

from launcher.demo_secrets import missing_secrets

UNREACHABLE = "postgresql://nobody@127.0.0.1:1/nothing"


def throwaway_environment(given: Mapping[str, str]) -> dict[str, str]:
    """The variables that let the settings load and are not given."""
    return missing_secrets(given) | {"REFERRAL_DEMO": given.get("REFERRAL_DEMO") or "1"}


def main(command: list[str]) -> None:
    """Become the command."""
    os.environ.update(throwaway_environment(os.environ))
    os.environ.setdefault("DATABASE_URL", UNREACHABLE)
    os.execvp(command[0], command)  # noqa: S606 - the command comes from the Makefile


if __name__ == "__main__":
    main(sys.argv[1:])
