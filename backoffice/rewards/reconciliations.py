"""Every comparison with the services that pay."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from backoffice.kit.base import ReadOnlyAdmin, badge, text_link
from kernel.humanize.moments import moment_text
from rewards.models import ReconciliationRun
from rewards.support.explanation.discrepancies import problems_text


def run_named(run: ReconciliationRun) -> str:
    """When it began."""
    return moment_text(run.started_at)


@admin.register(ReconciliationRun)
class RunAdmin(ReadOnlyAdmin):
    """Every reconciliation with the services that pay."""

    list_display = ("started_at", "outcome", "bookings", "tasks", "repaired", "problems_short")
    fields = ("started_at", "finished_at", "outcome", "bookings", "tasks", "repaired", "problems", "findings")

    def title_of(self, row: ReconciliationRun) -> str:
        """When it began."""
        return run_named(row)

    @display(description=gettext_lazy("result"))
    def outcome(self, run: ReconciliationRun) -> SafeString:
        """Whether everything could be compared."""
        if run.finished_at is None:
            return badge(_("not finished"), "warning")
        return badge(_("with problems"), "danger") if run.problem_list else badge(_("complete"), "success")

    @display(description=gettext_lazy("problems"))
    def problems_short(self, run: ReconciliationRun) -> str:
        """The beginning of what could not be compared; the rest on hovering."""
        whole = problems_text(run.problem_list)
        return format_html('<span title="{}">{}</span>', whole, Truncator(whole).chars(45)) if whole else "–"

    @display(description=gettext_lazy("problems"))
    def problems(self, run: ReconciliationRun) -> str:
        """All that could not be compared."""
        return problems_text(run.problem_list) or "–"

    @display(description=gettext_lazy("discrepancies"))
    def findings(self, run: ReconciliationRun) -> SafeString:
        """To what it found and no later one has found again."""
        page = reverse("admin:rewards_reconciliationfinding_changelist")
        text = _("show discrepancies last found by this reconciliation")
        return text_link(f"{page}?run__id__exact={run.pk}", text)
