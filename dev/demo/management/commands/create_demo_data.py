"""`manage.py create_demo_data`: users, purchases and payouts of months, to look at."""

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from dev.demo.campaigns import demo_campaigns_ensure
from dev.demo.story import story
from dev.demo.writing import Writer, story_window
from kernel.errors import DomainError

MOST_USERS = 100_000
MOST_DAYS = 730


class Command(BaseCommand):
    """Make users who invite each other, buy things and become VIP; running it again adds nothing twice."""

    help = "Fills the demo with months of users, purchases and roles, through the same code as the API."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How much of it."""
        parser.add_argument("--users", type=int, default=3000, help=f"2 to {MOST_USERS}; default 3000")
        parser.add_argument("--days", type=int, default=120, help=f"1 to {MOST_DAYS} past days; default 120")

    def handle(self, *args: Any, **options: Any) -> None:
        """The same numbers tell the same story; what is made of it already is found and kept."""
        if not settings.DEMO:
            raise CommandError("Demo data is for the demo only.")
        users, days = options["users"], options["days"]
        if not 2 <= users <= MOST_USERS or not 1 <= days <= MOST_DAYS:
            raise CommandError(f"--users takes 2 to {MOST_USERS}, --days takes 1 to {MOST_DAYS}.")
        began = time.monotonic()
        demo_campaigns_ensure()
        start, end = story_window(users, days)
        self.stdout.write(f"{users} users from {start:%Y-%m-%d} to {end:%Y-%m-%d}")
        self.told = 0
        try:
            Writer(story(users=users, start=start, end=end)).write(self._progress)
        except DomainError as refusal:
            raise CommandError(f"The demo data cannot be completed: {refusal.message}") from None
        self.stdout.write(f"Done in {time.monotonic() - began:.0f} seconds.")
        self.stdout.write("The rewards are paid by the worker of `make run`; look at /admin/.")

    def _progress(self, done: int, total: int) -> None:
        """A line for every tenth."""
        tenth = 10 * done // total
        if tenth > self.told:
            self.told = tenth
            self.stdout.write(f"{done} of {total} things have happened")
