"""`manage.py user_token USER_ID --role vip`: a user's token to try the user and admin APIs with."""

import re
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from access.tokens import user_token
from kernel.decoding import ID_PATTERN


class Command(BaseCommand):
    """Print a user's token signed with the HS256 key."""

    help = "Prints a user's token (only where USER_JWT_ALGORITHM is HS256)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Who, in what role, for how long."""
        parser.add_argument("user_id")
        parser.add_argument(
            "--role",
            default="user",
            choices=("user", "vip", "pro", "admin"),
            help="admin opens the admin API",
        )
        parser.add_argument("--seconds", type=int, default=3600, help="how long it lives")

    def handle(self, *args: Any, **options: Any) -> None:
        """Sign and print it."""
        if not re.fullmatch(ID_PATTERN, options["user_id"]):
            raise CommandError("A user id is 1 to 64 printable ASCII characters without spaces.")
        if settings.USER_JWT_ALGORITHM != "HS256":
            raise CommandError("User tokens are signed by your sign-in service here; only it can make them.")
        self.stdout.write(user_token(options["user_id"], role=options["role"], seconds=options["seconds"]))
