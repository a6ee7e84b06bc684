"""`manage.py service_token NAME`: a token to try the internal API with."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from access.tokens import SERVICE_TOKEN_SECONDS, service_token


class Command(BaseCommand):
    """Print a token of a configured service, valid for ten minutes at most."""

    help = "Prints a service token, as that service would sign it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The service's name."""
        parser.add_argument("name", help="a service of SERVICE_JWT_KEYS, such as quest_service")
        parser.add_argument("--seconds", type=int, default=SERVICE_TOKEN_SECONDS, help="how long it lives")

    def handle(self, *args: Any, **options: Any) -> None:
        """Sign and print it."""
        if options["name"] not in settings.SERVICE_JWT_KEYS:
            known = ", ".join(sorted(settings.SERVICE_JWT_KEYS))
            raise CommandError(f"There is no key for {options['name']}; there are keys for {known}.")
        self.stdout.write(service_token(options["name"], seconds=options["seconds"]))
