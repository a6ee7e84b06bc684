"""`manage.py openapi`: write docs/openapi.json, or check that it is what the code makes."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from drf_spectacular.validation import validate_schema

from http_api.openapi.changes import changes_between
from http_api.openapi.document import document_text

SNAPSHOT = Path(settings.BASE_DIR) / "docs" / "openapi.json"
HOW_TO_UPDATE = "Look at the changes, then write it anew with: make openapi"


class Command(BaseCommand):
    """The committed document is what callers build on; a change of it is made on purpose."""

    help = "Writes the OpenAPI document to docs/openapi.json; --check compares instead and names what breaks."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One switch."""
        parser.add_argument("--check", action="store_true", help="fail when the file is not up to date")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError when the check fails, or when the document is not valid OpenAPI."""
        text = document_text()
        validate_schema(json.loads(text))
        known = SNAPSHOT.read_text() if SNAPSHOT.exists() else '{"paths": {}}'
        changes = changes_between(json.loads(known), json.loads(text))
        for change in changes:
            self.stdout.write(str(change))
        if not options["check"]:
            SNAPSHOT.write_text(text)
        elif known != text:
            breaking = sum(change.breaking for change in changes)
            what = f"{breaking} BREAKING changes" if breaking else "no breaking change, but it differs"
            raise CommandError(f"docs/openapi.json is not what the code makes: {what}. {HOW_TO_UPDATE}")
