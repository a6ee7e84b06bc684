"""Campaigns: the list with what each has brought and cost, and what the form shows, tries and saves."""

from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from access.people import person_name
from backoffice.campaigns.figures import rewarded_lines, sparkline
from backoffice.campaigns.forms import CampaignForm, taken_over
from backoffice.campaigns.lifecycle import LifeCyclePages
from backoffice.campaigns.preview import SampleForm, preview_answer, useful_rows
from backoffice.campaigns.versions import VersionPages, versions_page
from backoffice.kit.base import StaffAdmin, badge
from campaigns.models import CampaignSpend, ReferralCampaign
from campaigns.services import CampaignContent, activation_obstacle, campaign_create, campaign_update
from kernel.errors import DomainError
from kernel.humanize.amounts import amount_text, g2a_text, points_text
from rewards.reporting.campaign_figures import figures_of

Status = ReferralCampaign.Status
STATUS_COLORS: dict[str, str] = {Status.DRAFT: "info", Status.ACTIVE: "success", Status.PAUSED: "warning"}


@admin.register(ReferralCampaign)
class CampaignAdmin(LifeCyclePages, VersionPages, StaffAdmin):
    """Campaigns: every save goes through the services, so the form and the API know the same rules."""

    form = CampaignForm
    list_display = ("title", "status_badge", "window", "spent", "registrations", "rewarded", "trend")
    list_display_links = ("title",)
    list_filter = ("status", "campaign_type")
    list_select_related = ("spend",)
    search_fields = ("code", "name")
    actions_detail = ("duplicate", "activate", "pause", "archive")
    fieldsets = (
        (None, {"fields": ("name", "code", "campaign_type", "description", "is_default", "state", "spent")}),
        (gettext_lazy("Events"), {"fields": ("takes", "event_types", "scope", "start_at", "end_at")}),
    )

    class Media:
        css = {"all": ("backoffice/campaign.css",)}
        js = ("backoffice/campaign.js",)

    def get_fieldsets(self, request: HttpRequest, obj: ReferralCampaign | None = None) -> Any:
        """What a new campaign does not have yet is left out."""
        hidden = set()
        if obj is None:
            hidden = {"state", "takes", "spent"}
        elif obj.status != Status.DRAFT:
            hidden = {"takes"} if obj.campaign_type == ReferralCampaign.Type.CUSTOM else {"event_types"}
        return [
            (title, {"fields": [name for name in options["fields"] if name not in hidden]})
            for title, options in self.fieldsets
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: ReferralCampaign | None = None) -> Any:
        """Code and type are fixed once a campaign has left draft."""
        shown = ("state", "takes", "spent")
        return shown if obj is None or obj.status == Status.DRAFT else (*shown, "code", "campaign_type")

    # --- what a row says ------------------------------------------------------------------------------------

    @display(description=gettext_lazy("campaign"), ordering="code")
    def title(self, campaign: ReferralCampaign) -> SafeString:
        """What people call it, what services call it, and its type."""
        return format_html(
            '{}<span class="campaign-hint">{}</span><span class="campaign-hint">{}</span>',
            campaign.name,
            campaign.code,
            campaign.get_campaign_type_display(),
        )

    @display(description=gettext_lazy("status"), ordering="status")
    def status_badge(self, campaign: ReferralCampaign) -> SafeString:
        """The status in its colour."""
        return badge(campaign.get_status_display(), STATUS_COLORS.get(campaign.status))

    @display(description=gettext_lazy("status"))
    def state(self, campaign: ReferralCampaign) -> SafeString:
        """The status, how it is changed, and what stands in the way of activating it."""
        words = [_("To change it, use the buttons at the top of the page.")]
        if campaign.status in (Status.DRAFT, Status.PAUSED) and (obstacle := activation_obstacle(campaign)):
            words = [_("It cannot be activated yet. %s.") % obstacle]
        return format_html("{} {}", self.status_badge(campaign), words[0])

    @display(description=gettext_lazy("event types"))
    def takes(self, campaign: ReferralCampaign) -> str:
        """The event types that the campaign's type has decided."""
        return ", ".join(campaign.event_types) or "–"

    @display(description=gettext_lazy("dates (UTC)"), ordering="start_at")
    def window(self, campaign: ReferralCampaign) -> str:
        """From when till when it takes events."""
        if not campaign.start_at and not campaign.end_at:
            return _("always")
        moments = [
            (f"{moment:%Y-%m-%d %H:%M}" if moment else "…",)
            for moment in (campaign.start_at, campaign.end_at)
        ]
        return format_html_join(" – ", '<span class="whitespace-nowrap">{}</span>', moments)

    @display(description=gettext_lazy("budget"))
    def spent(self, campaign: ReferralCampaign) -> str:
        """How much of each budget the rewards have reserved, with a bar."""
        limits = campaign.reward_rules.get("limits", {})
        spend = getattr(campaign, "spend", None) or CampaignSpend()
        parts = []
        if "budget_points" in limits:
            budget = limits["budget_points"]
            parts.append((amount_text(spend.points), points_text(budget), _percent(spend.points, budget)))
        if "budget_g2a" in limits:
            budget = limits["budget_g2a"]
            parts.append((amount_text(spend.g2a), g2a_text(budget), _percent(spend.g2a, budget)))
        lines = [
            (_("%(spent)s of %(budget)s") % {"spent": spent, "budget": budget}, percent)
            for spent, budget, percent in parts
        ]
        return (
            format_html_join(
                "",
                '<span class="campaign-spend">{}'
                '<progress max="100" value="{}" aria-hidden="true"></progress></span>',
                lines,
            )
            or "–"
        )

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list, each row with its figures."""
        changelist = super().get_changelist_instance(request)
        rows = list(changelist.result_list)
        figures = figures_of([row.pk for row in rows], timezone.now())
        for row in rows:
            row.figures = figures[row.pk]
        changelist.result_list = rows
        return changelist

    @display(description=gettext_lazy("registrations"))
    def registrations(self, campaign: Any) -> str:
        """How many users were invited in it."""
        return amount_text(campaign.figures.registrations)

    @display(description=gettext_lazy("paid"))
    def rewarded(self, campaign: Any) -> str:
        """How much of what was earned has been paid; the rest waits or is locked."""
        return rewarded_lines(campaign.figures) or "–"

    @display(description=gettext_lazy("14 days"))
    def trend(self, campaign: Any) -> SafeString:
        """The events of the last days as a line."""
        return sparkline(campaign.figures.trend)

    # --- the form -------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        """The pages of Django, and the preview that the form asks for."""
        preview = self.admin_site.admin_view(self.preview_view)
        return [
            path("preview/", preview, name="campaigns_referralcampaign_preview_new"),
            path("<uuid:campaign_id>/preview/", preview, name="campaigns_referralcampaign_preview"),
            *super().get_urls(),
        ]

    def preview_view(self, request: HttpRequest, campaign_id: Any = None) -> HttpResponse:
        """What a sample event would earn by what is typed in the form; writes nothing."""
        campaign = self.get_object(request, str(campaign_id)) if campaign_id else None
        if campaign_id and campaign is None:
            raise Http404
        allowed = (
            self.has_view_permission(request, campaign) if campaign else self.has_add_permission(request)
        )
        if not allowed:
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        form_class = self.get_form(request, campaign, change=campaign is not None)
        form = form_class(request.POST, instance=campaign or ReferralCampaign())
        return JsonResponse(preview_answer(form, SampleForm(request.POST)))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        """The form with its rules, and a preview of what they pay."""
        form, campaign = context["adminform"].form, options.get("obj")
        sample = SampleForm(request.POST) if "try-level1" in request.POST else SampleForm.begun()
        preview = preview_answer(form, sample)
        name = "admin:campaigns_referralcampaign_preview"
        context |= {
            "sample": sample,
            "preview": preview,
            "preview_state": {name: value for name, value in preview.items() if name != "html"},
            "started_from": request.GET.get("version") if form.start_rules is not None else None,
            "takes_welcome": preview["welcome"],
            "useful_rows": useful_rows(form.families),
            "versions_url": versions_page(campaign) if campaign else None,
            "preview_url": reverse(name, args=[campaign.pk]) if campaign else reverse(f"{name}_new"),
        }
        return super().render_change_form(request, context, *args, **options)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The form; what the service refuses is shown in it, with everything that was typed."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except DomainError as refusal:
            # Nothing was written: the transaction around the first pass is rolled back.
            # The request carries it to the page.
            request.refusal = refusal  # type: ignore[attr-defined]
            return super().changeform_view(request, object_id, form_url, extra_context)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        """The form, with the refusal of the first pass in it, or with the rules of an earlier version."""
        form = super().get_form(request, obj, change, **options)
        form.refusal = getattr(request, "refusal", None)
        if request.method == "GET" and obj and self.has_change_permission(request, obj):
            form.start_rules = self.rules_to_start_with(request, obj)
        return form

    def save_model(self, request: HttpRequest, obj: Model, form: CampaignForm, change: bool) -> None:
        """Write by the service. Raises DomainError, which `changeform_view` turns into a form's errors."""
        by, changes = person_name(request.user), form.changes()
        if not change:
            content = CampaignContent(code="", name="", campaign_type="")
            for name, value in changes.items():
                setattr(content, name, value)
            taken_over(obj, campaign_create(content=content, by=by))
        elif changes:
            saved = campaign_update(
                campaign_id=obj.pk, changes=changes, by=by, expected_revision=form.opened_revision
            )
            taken_over(obj, saved)


def _percent(spent: Any, budget: Any) -> int:
    whole = Decimal(budget)
    return min(int(100 * Decimal(spent) / whole), 100) if whole else 100
