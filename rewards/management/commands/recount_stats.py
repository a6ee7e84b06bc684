"""`manage.py recount_stats`: are the counters what counting gives, and if not, make them so."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from rewards.ledger.recount import PORTION_ROWS, Difference, differences, repair

SHOWN = 1000


class Command(BaseCommand):
    """List every counter that is not what counting gives; exit code 1 when some are and are not mended."""

    help = (
        "Counts statistics, limit counters and budgets again from relations, events and rewards, and lists "
        "every number that differs. Exit code 1 when there are differences and --repair is not given. "
        "Safe beside the running service; can be stopped and run again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whether to mend, and how big a portion is."""
        parser.add_argument("--repair", action="store_true", help="write what counting gives")
        parser.add_argument(
            "--portion", type=int, default=PORTION_ROWS, help="rows in one comparison (%(default)s)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Go through the portions, telling each difference as it is found."""
        found = 0
        try:
            for wrong in differences(portion_rows=max(options["portion"], 1), progress=self._progress):
                self._tell(wrong, found)
                found += len(wrong)
                if options["repair"] and wrong:
                    repair(wrong)
        except KeyboardInterrupt:
            self.stderr.write("Stopped. What was mended stays mended; run again for the rest.")
            sys.exit(130)
        self._conclude(found, repaired=options["repair"])

    def _tell(self, wrong: list[Difference], before: int) -> None:
        for difference in wrong[: max(SHOWN - before, 0)]:
            self.stdout.write(str(difference))

    def _conclude(self, found: int, *, repaired: bool) -> None:
        if found > SHOWN:
            self.stdout.write(f"… and {found - SHOWN} more")
        if not found:
            self.stdout.write("Every counter is what counting gives.")
        elif repaired:
            self.stdout.write(f"Differences: {found}, all repaired.")
        else:
            self.stdout.write(f"Differences: {found}. Run with --repair to repair them.")
            sys.exit(1)

    def _progress(self, text: str) -> None:
        self.stderr.write(text)
