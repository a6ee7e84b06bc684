"""`manage.py reconcile_payouts`: do the peers' records agree with ours."""

import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import QuerySet

from rewards.models import ReconciliationFinding
from rewards.payouts.discrepancies import State
from rewards.payouts.reconciliation import Report, reconcile
from rewards.support.explanation.discrepancies import fact_text, problem_text

SHOWN = 200


class Command(BaseCommand):
    """Compare, repair what is safe, list the rest; exit code 1 when something needs a person."""

    help = (
        "Compares rewards with what Points Service and Token Gateway have on record, completes what is "
        "proven to be paid, makes stuck rewards due and lists what needs a person (exit code 1). Never pays. "
        "Safe beside the running service; can be stopped and run again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """One run."""
        try:
            report = reconcile(progress=self.stderr.write)
        except KeyboardInterrupt:
            self.stderr.write("Stopped. What was repaired stays repaired; run again to compare everything.")
            sys.exit(130)
        self._tell(report)

    def _tell(self, report: Report) -> None:
        for sentence in report.notes + [problem_text(problem) for problem in report.problems]:
            self.stdout.write(sentence)
        self._list("repaired", report.run.findings.filter(state=State.REPAIRED))
        self._list("OPEN", ReconciliationFinding.objects.filter(state=State.OPEN))
        self.stdout.write(
            f"Ledger entries read: {report.run.bookings}. Token tasks checked: {report.run.tasks}. "
            f"Repaired: {report.run.repaired}. Need attention: {report.needs_person}."
        )
        if report.needs_person or report.problems:
            sys.exit(1)

    def _list(self, title: str, findings: QuerySet[ReconciliationFinding]) -> None:
        for finding in findings.order_by("id")[:SHOWN]:
            self.stdout.write(f"{title:<9} {_line(finding)}")
        if (count := findings.count()) > SHOWN:
            self.stdout.write(f"{title:<9} … and {count - SHOWN} more; see Discrepancies in the back-office")


def _line(finding: ReconciliationFinding) -> str:
    theirs = fact_text(finding.their_facts)
    they = f"; they: {theirs}" if theirs else ""
    return f"{finding.kind}  {finding.peer} {finding.external_id}  we: {fact_text(finding.our_facts)}{they}"
