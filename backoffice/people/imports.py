"""The back-office pages of imports: upload a file, look at what would happen, write it, take the result."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    JsonResponse,
)
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from access.people import person_name
from backoffice.kit.base import ReadOnlyAdmin, badge
from backoffice.kit.choices import campaigns_offer
from campaigns.models import ReferralCampaign
from http_api.kit.csv_files import csv_response
from kernel.errors import DomainError
from rewards.imports.file import COLUMNS, MOST_LINES
from rewards.imports.relations import Outcome, import_go_on, import_prepare
from rewards.imports.wording import line_problems_text
from rewards.models import RelationImport, RelationImportLine

ADD = "rewards.add_relationimport"
SHOWN_LINES = 100
COLORS: dict[str, str] = {Outcome.MADE: "success", Outcome.KNOWN: "info", Outcome.INVALID: "danger"}


class UploadForm(forms.Form):
    """Which file, into which campaign."""

    campaign = forms.ModelChoiceField(
        label=gettext_lazy("Campaign"),
        queryset=ReferralCampaign.objects.none(),
        widget=UnfoldAdminSelectWidget,
        help_text=gettext_lazy(
            "The campaign the referrals belong to. In a user invitation campaign each is the only invitation "
            "a user can have."
        ),
    )
    file = forms.FileField(
        label=gettext_lazy("File"),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,text/csv"}),
        help_text=gettext_lazy(
            "CSV in UTF-8 with commas or semicolons and this header: referrer_user_id, referred_user_id, "
            "registered_at. Enter registered_at as a day, e.g. 2026-01-31, or a time with an offset."
        ),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        campaigns = ReferralCampaign.objects.exclude(status=ReferralCampaign.Status.ARCHIVED)
        campaigns_offer(self, "campaign", campaigns)


@admin.register(RelationImport)
class RelationImportAdmin(ReadOnlyAdmin):
    """Files of relations; nothing is written before somebody has seen what would happen."""

    list_display = ("file_name", "campaign_name", "state", "made", "total", "created_by", "created_at")
    list_select_related = ("campaign",)
    exact_lookups = ("file_name", "pk", "created_by")
    search_help_text = gettext_lazy("Exact file name or who uploaded it")

    @display(description=gettext_lazy("campaign"))
    def campaign_name(self, row: RelationImport) -> str:
        """The campaign by its name."""
        return row.campaign.name

    @display(description=gettext_lazy("status"))
    def state(self, row: RelationImport) -> SafeString:
        """How far it is."""
        if row.finished_at:
            return badge(_("Finished"), "success")
        if row.started_at:
            return badge(_("Not finished"), "warning")
        return badge(_("Ready to import"), "info")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Who may import."""
        return bool(request.user.has_perm(ADD))

    def get_urls(self) -> list[URLPattern]:
        """Writing and the result stand before the pages of Django."""
        run, result = map(self.admin_site.admin_view, (self.run_view, self.result_view))
        return [
            path("<uuid:import_id>/run/", run, name="rewards_relationimport_run"),
            path("<uuid:import_id>/result/", result, name="rewards_relationimport_result"),
            *super().get_urls(),
        ]

    # --- upload ---------------------------------------------------------------------------------------------

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask for a file, and go on to what would happen."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        is_sent = request.method == "POST"
        form = UploadForm(request.POST, request.FILES) if is_sent else UploadForm()
        if is_sent and form.is_valid() and (prepared := self._prepare(request, form)):
            return HttpResponseRedirect(_page(prepared.pk))
        return TemplateResponse(
            request,
            "admin/import_upload.html",
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": _("Import referrals"),
                "form": form,
                "columns": ",".join(COLUMNS),
                "most": MOST_LINES,
                "page": reverse("admin:rewards_relationimport_changelist"),
            },
        )

    @staticmethod
    def _prepare(request: HttpRequest, form: UploadForm) -> RelationImport | None:
        file = form.cleaned_data["file"]
        try:
            return import_prepare(
                campaign=form.cleaned_data["campaign"],
                file_name=file.name,
                content=file.read(),
                by=person_name(request.user),
            )
        except DomainError as refusal:
            problems = refusal.details.get("file", [refusal.message])
            form.add_error("file", [str(problem) for problem in problems])
        return None

    # --- one import -----------------------------------------------------------------------------------------

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """What would happen, how far it is, and what has happened."""
        row = self.row_to_view(request, object_id)
        if request.method == "POST":
            raise PermissionDenied
        return TemplateResponse(
            request,
            "admin/import.html",
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": _("Import referrals"),
                "row": row,
                "state": self.state(row),
                "groups": _groups(row),
                "lines": _problem_lines(row),
                "shown": SHOWN_LINES,
                "may_run": self.has_add_permission(request) and not row.finished_at,
                "run": reverse("admin:rewards_relationimport_run", args=[row.pk]),
                "result": reverse("admin:rewards_relationimport_result", args=[row.pk]),
                "page": reverse("admin:rewards_relationimport_changelist"),
            },
        )

    def run_view(self, request: HttpRequest, import_id: UUID) -> HttpResponse:
        """Write the next portion: progress as JSON for the page's script, else the page again."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        is_script = request.headers.get("Accept", "").startswith("application/json")
        try:
            row = import_go_on(import_id=import_id, by=person_name(request.user))
        except DomainError as refusal:
            if is_script:
                return JsonResponse({"problem": str(refusal)}, status=refusal.http_status)
            messages.error(request, str(refusal))
            return HttpResponseRedirect(_page(import_id))
        if is_script:
            return JsonResponse({"done": row.done, "total": row.total, "finished": bool(row.finished_at)})
        return HttpResponseRedirect(_page(import_id))

    def result_view(self, request: HttpRequest, import_id: UUID) -> HttpResponseBase:
        """Every line with what became of it, or would become, as CSV."""
        row = self.row_to_view(request, import_id)
        columns = ("line", *COLUMNS, "state", "outcome", "explanation")
        return csv_response(f"import-{row.pk}.csv", columns, _result(row))


def _page(import_id: UUID) -> str:
    return reverse("admin:rewards_relationimport_change", args=[import_id])


def _groups(row: RelationImport) -> list[dict[str, Any]]:
    """How many lines of each outcome: expected before it is written, and what became of those done."""
    counts = {
        name: dict(row.lines.values_list(name).annotate(number=Count("number")).order_by())
        for name in ("expected", "outcome")
    }
    return [
        {
            "label": badge(Outcome(value).label, COLORS.get(value, "warning")),
            "expected": counts["expected"].get(value, 0),
            "outcome": counts["outcome"].get(value, 0),
        }
        for value in Outcome.values
    ]


def _problem_lines(row: RelationImport) -> list[dict[str, Any]]:
    """The first lines that make no relation, with the reason."""
    lines = row.lines.exclude(expected=Outcome.MADE, outcome__in=("", Outcome.MADE)).order_by("number")
    return [
        {
            "line": line,
            "label": badge(_label(line), COLORS.get(line.outcome or line.expected, "warning")),
            "problem": line_problems_text(line.problem_list),
        }
        for line in lines[:SHOWN_LINES]
    ]


def _label(line: RelationImportLine) -> str:
    return str(Outcome(line.outcome or line.expected).label)


def _result(row: RelationImport) -> Iterator[tuple[Any, ...]]:
    for line in row.lines.order_by("number").iterator(chunk_size=2000):
        yield (
            line.number,
            line.referrer_user_id,
            line.referred_user_id,
            line.registered_at.isoformat() if line.registered_at else "",
            "done" if line.outcome else "expected",
            line.outcome or line.expected,
            line_problems_text(line.problem_list) or _label(line),
        )
