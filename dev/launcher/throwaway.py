"""`python -m dev.launcher.throwaway COMMAND...`: with a database and secrets that protect nothing.

Static checks load the settings, and the settings refuse to load without them.
"""

import os
import subprocess
import sys
from collections.abc import Mapping

from dev.launcher.database.temporary import start_temporary
from dev.launcher.demo.secrets import missing_secrets


def throwaway_environment(given: Mapping[str, str]) -> dict[str, str]:
    """The variables that let the settings load and are not given."""
    return missing_secrets(given) | {"REFERRAL_DEMO": given.get("REFERRAL_DEMO") or "1"}


def main(command: list[str]) -> int:
    """Run the command and hand on how it ended."""
    environment = {**os.environ, **throwaway_environment(os.environ)}
    if environment.get("DATABASE_URL"):
        return subprocess.run(command, env=environment, check=False).returncode
    postgres = start_temporary()
    try:
        return subprocess.run(
            command, env=environment | {"DATABASE_URL": postgres.url}, check=False
        ).returncode
    finally:
        postgres.remove()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
