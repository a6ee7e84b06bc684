"""The back-office pages of campaigns and their rule versions."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action, display

from access.admin_base import ReadOnlyAdmin, StaffAdmin, badge, json_block
from access.authentication import person_name
from api.errors import DomainError
from campaigns.admin_forms import CampaignForm, taken_over
from campaigns.admin_life import STEPS, VARIANTS, LifeStep
from campaigns.admin_problems import by_field
from campaigns.admin_texts import amount_text, g2a_text, points_text
from campaigns.models import CampaignSpend, ReferralCampaign, RuleVersion
from campaigns.services import CampaignContent, campaign_create, campaign_update

Status = ReferralCampaign.Status
STATUS_COLORS: dict[str, str] = {Status.DRAFT: "info", Status.ACTIVE: "success", Status.PAUSED: "warning"}


@admin.register(ReferralCampaign)
class CampaignAdmin(StaffAdmin):
    """Campaigns: every save goes through the services, so the form and the API know the same rules."""

    form = CampaignForm
    list_display = ("code", "name", "campaign_type", "status_badge", "window", "spent", "updated_at")
    list_display_links = ("code", "name")
    list_filter = ("status", "campaign_type")
    list_select_related = ("spend",)
    search_fields = ("code", "name")
    # The type is no input once it is fixed, and then there is nothing to compare.
    conditional_fields = {"event_types": "typeof campaign_type === 'undefined' || campaign_type === 'custom'"}
    actions_detail = ("activate", "pause", "archive")
    fieldsets = (
        (None, {"fields": ("name", "code", "campaign_type", "description", "is_default", "state")}),
        (gettext_lazy("Which events"), {"fields": ("takes", "event_types", "scope", "start_at", "end_at")}),
        (gettext_lazy("What they earn"), {"fields": ("reward_rules", "spent", "opened_revision")}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: ReferralCampaign | None = None) -> Any:
        """What a new campaign does not have yet is left out."""
        hidden = set()
        if obj is None:
            hidden = {"state", "takes", "spent"}
        elif obj.status != Status.DRAFT:
            hidden = {"takes"} if obj.campaign_type == ReferralCampaign.Type.CUSTOM else {"event_types"}
        if not self.has_change_permission(request, obj):
            hidden.add("opened_revision")
        return [
            (title, {"fields": [name for name in options["fields"] if name not in hidden]})
            for title, options in self.fieldsets
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: ReferralCampaign | None = None) -> Any:
        """Code and type are fixed once a campaign has left draft."""
        shown = ("state", "takes", "spent")
        return shown if obj is None or obj.status == Status.DRAFT else (*shown, "code", "campaign_type")

    @display(description=gettext_lazy("status"), ordering="status")
    def status_badge(self, campaign: ReferralCampaign) -> SafeString:
        """The status in its colour."""
        return badge(campaign.get_status_display(), STATUS_COLORS.get(campaign.status))

    @display(description=gettext_lazy("status"))
    def state(self, campaign: ReferralCampaign) -> SafeString:
        """The status, and how it is changed."""
        return format_html("{} {}", self.status_badge(campaign), _("The buttons above the form change it."))

    @display(description=gettext_lazy("takes events"))
    def takes(self, campaign: ReferralCampaign) -> str:
        """The event types that the campaign's type has decided."""
        return ", ".join(campaign.event_types) or "–"

    @display(description=gettext_lazy("time window (UTC)"), ordering="start_at")
    def window(self, campaign: ReferralCampaign) -> str:
        """From when till when it takes events."""
        if not campaign.start_at and not campaign.end_at:
            return _("always")
        return " – ".join(
            f"{moment:%Y-%m-%d %H:%M}" if moment else "…" for moment in (campaign.start_at, campaign.end_at)
        )

    @display(description=gettext_lazy("budget spent"))
    def spent(self, campaign: ReferralCampaign) -> str:
        """How much of each budget the rewards have reserved."""
        limits = campaign.reward_rules.get("limits", {})
        spend = getattr(campaign, "spend", None) or CampaignSpend()
        parts = []
        if "budget_points" in limits:
            parts.append((amount_text(spend.points), points_text(limits["budget_points"])))
        if "budget_g2a" in limits:
            parts.append((amount_text(spend.g2a), g2a_text(limits["budget_g2a"])))
        texts = [_("%(spent)s of %(budget)s") % {"spent": spent, "budget": budget} for spent, budget in parts]
        lines = [(text,) for text in texts]
        return format_html_join("; ", '<span class="whitespace-nowrap">{}</span>', lines) or "–"

    # --- saving ---------------------------------------------------------------------------------------------

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
        """The form, with the refusal of the first pass in it."""
        form = super().get_form(request, obj, change, **options)
        form.refusal = getattr(request, "refusal", None)
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
                campaign_id=obj.pk,
                changes=changes,
                by=by,
                expected_revision=form.cleaned_data["opened_revision"] or 0,
            )
            taken_over(obj, saved)

    # --- life cycle -----------------------------------------------------------------------------------------

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Only the steps that the campaign may take now."""
        campaign = self.get_object(request, str(object_id))
        legal = [name for name, step in STEPS.items() if campaign and step.legal_for(campaign)]
        return [
            entry
            for entry in super().get_actions_detail(request, object_id)
            if entry.action_name.rpartition("_")[2] in legal
        ]

    @action(
        description=STEPS["activate"].title,
        icon="play_arrow",
        variant=VARIANTS["activate"],
        permissions=["change"],
    )
    def activate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Let it take events."""
        return self._life_step(request, object_id, STEPS["activate"])

    @action(
        description=STEPS["pause"].title,
        icon="pause",
        variant=VARIANTS["pause"],
        permissions=["change"],
    )
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Stop it for a while."""
        return self._life_step(request, object_id, STEPS["pause"])

    @action(
        description=STEPS["archive"].title,
        icon="archive",
        variant=VARIANTS["archive"],
        permissions=["change"],
    )
    def archive(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Stop it for ever."""
        return self._life_step(request, object_id, STEPS["archive"])

    def _life_step(self, request: HttpRequest, object_id: str, step: LifeStep) -> HttpResponse:
        """Ask, and on POST do it."""
        campaign = self.get_object(request, object_id)
        if campaign is None:
            raise Http404
        page = reverse("admin:campaigns_referralcampaign_change", args=[campaign.pk])
        if not step.legal_for(campaign):
            messages.error(
                request, _("A campaign with status “%s” cannot do this.") % campaign.get_status_display()
            )
            return HttpResponseRedirect(page)
        if request.method == "POST":
            self._step_take(request, campaign.pk, step)
            return HttpResponseRedirect(page)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": step.title,
            "original": campaign,
            "step": step,
            "question": step.question % campaign.name,
            "page": page,
        }
        return TemplateResponse(request, "admin/campaign_step.html", context)

    def _step_take(self, request: HttpRequest, campaign_id: UUID, step: LifeStep) -> None:
        revision = request.POST.get("revision", "")
        try:
            campaign = campaign_update(
                campaign_id=campaign_id,
                changes={"status": step.status},
                by=person_name(request.user),
                expected_revision=int(revision) if revision.isdecimal() else 0,
            )
        except DomainError as refusal:
            problems = [text for texts in by_field(refusal.details).values() for text in texts]
            messages.error(request, "; ".join(problems) or str(refusal))
            return
        self.log_change(request, campaign, [{"changed": {"fields": [str(_("status"))]}}])
        messages.success(request, step.done % campaign.name)


@admin.register(RuleVersion)
class RuleVersionAdmin(ReadOnlyAdmin):
    """Every version of every campaign's rules."""

    list_display = ("campaign", "number", "valid_from", "created_by")
    list_filter = ("campaign",)
    list_select_related = ("campaign",)
    ordering = ("-valid_from",)
    fields = ("campaign", "number", "valid_from", "created_by", "rules_shown")

    def title_of(self, row: RuleVersion) -> str:
        """The campaign and the number."""
        return f"{row.campaign.code} #{row.number}"

    @display(description=gettext_lazy("rules"))
    def rules_shown(self, version: RuleVersion) -> SafeString:
        """The rules with their lines."""
        return json_block(version.rules)
