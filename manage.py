#!/usr/bin/env python
"""Entry point of every management command."""

import os
import sys
from pathlib import Path

DEMO_ENVIRONMENT = Path(__file__).resolve().parent / ".run" / "demo.env"
# These serve other people, so they are a production start unless `make run` started them.
SERVING_COMMANDS = {"rundramatiq", "runserver", "scheduler"}


def read_demo_environment() -> None:
    """Let a command typed in a terminal find the service that `make run` started in this folder."""
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if "DATABASE_URL" in os.environ or command in SERVING_COMMANDS or not DEMO_ENVIRONMENT.exists():
        return
    for line in DEMO_ENVIRONMENT.read_text().splitlines():
        name, separator, value = line.partition("=")
        if separator and not name.startswith("#"):
            os.environ.setdefault(name.strip(), value)


def main() -> None:
    """Run the command named on the command line."""
    read_demo_environment()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "referral_project.settings")
    from django.core.management import execute_from_command_line  # noqa: PLC0415 - after the environment

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
