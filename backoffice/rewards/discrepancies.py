"""The back-office pages of what does not agree with other services, and of closing it with a note."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextareaWidget

from backoffice.kit.base import EXACT_SEARCH, ReadOnlyAdmin, ReadOnlyInline, badge
from backoffice.kit.confirmed_action import ConfirmedAction
from backoffice.rewards.labels import reward_link, reward_named
from rewards.models import AnalyticsRefusal, ReconciliationFinding, ReconciliationRun, RewardTransition
from rewards.outbox.entries import EVENT_RECORDED, STATUS_CHANGED
from rewards.payouts.discrepancies import TEXT_LENGTH, State, finding_close
from rewards.provider_names import PEER_NAMES, PEERS
from rewards.support.explanation.discrepancies import fact_text, problems_text

STATE_COLORS: dict[str, str] = {State.OPEN: "danger", State.REPAIRED: "success", State.CLOSED: "info"}
ENTRIES = {
    EVENT_RECORDED: gettext_lazy("event accepted"),
    STATUS_CHANGED: gettext_lazy("reward created or its status changed"),
}


# --- findings -----------------------------------------------------------------------------------------------


class FindingColumns:
    """A finding in words."""

    @display(description=gettext_lazy("status"), ordering="state")
    def state_badge(self, finding: ReconciliationFinding) -> SafeString:
        """The state in its colour."""
        return badge(finding.get_state_display(), STATE_COLORS.get(finding.state))

    @display(description=gettext_lazy("provider"))
    def peer_shown(self, finding: ReconciliationFinding) -> str:
        """The name of the service that pays."""
        return PEER_NAMES.get(finding.peer, finding.peer)

    @display(description=gettext_lazy("on our record"))
    def our_record(self, finding: ReconciliationFinding) -> str:
        """What we have on record."""
        return fact_text(finding.our_facts) or "–"

    @display(description=gettext_lazy("on the peer's record"))
    def their_record(self, finding: ReconciliationFinding) -> str:
        """What the service has on record."""
        return fact_text(finding.their_facts) or "–"

    @display(description=gettext_lazy("reward"))
    def reward_shown(self, finding: ReconciliationFinding) -> str:
        """The reward in words, leading to its page."""
        return reward_link(finding.reward) if finding.reward else "–"


class FindingInline(FindingColumns, ReadOnlyInline):
    """What was found about a reward."""

    model = ReconciliationFinding
    fields = ("kind_link", "state_badge", "our_record", "their_record", "found_at", "note")
    readonly_fields = fields

    @display(description=gettext_lazy("type"))
    def kind_link(self, finding: ReconciliationFinding) -> SafeString:
        """What is wrong, leading to the page of the finding."""
        return _link("rewards_reconciliationfinding", finding.pk, finding.get_kind_display())


class PeerFilter(admin.SimpleListFilter):
    """By the service that pays."""

    title = gettext_lazy("provider")
    parameter_name = "peer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Both services."""
        return [(peer, PEER_NAMES[peer]) for peer in PEERS]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ReconciliationFinding]
    ) -> QuerySet[ReconciliationFinding]:
        """The findings at the chosen service."""
        return queryset.filter(peer=self.value()) if self.value() else queryset


class NoteForm(forms.Form):
    """What a person has done about findings; kept with each."""

    note = forms.CharField(
        label=gettext_lazy("Note"),
        max_length=TEXT_LENGTH,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=gettext_lazy(
            "Required. Shown to colleagues later. Example: Points Service took the second credit back, "
            "ticket 4711."
        ),
    )


class Closing(FindingColumns, ConfirmedAction[ReconciliationFinding]):
    """A person closes discrepancies with a note of what was done about them."""

    permission = "rewards.change_reconciliationfinding"
    parameter = "finding"
    template = "admin/finding_closing.html"
    form_class = NoteForm
    title = gettext_lazy("Close with a note")
    done = gettext_lazy("Closed:")

    def chosen(self, request: HttpRequest, ids: Sequence[str]) -> list[ReconciliationFinding]:
        """The discrepancies, newest first."""
        findings = ReconciliationFinding.objects.select_related("reward")
        return list(findings.filter(pk__in=ids).order_by("-id"))

    def obstacle(self, row: ReconciliationFinding) -> str | None:
        """Only open ones can be closed."""
        return None if row.state == State.OPEN else _("Already resolved: %s") % row.get_state_display()

    def named(self, row: ReconciliationFinding) -> str:
        """What is wrong, and with which payment."""
        return f"{row.get_kind_display()}: {reward_named(row.reward) if row.reward else row.external_id}"

    def carry_out(self, row: ReconciliationFinding, *, by: str, given: Mapping[str, Any]) -> None:
        """By the service of the payouts."""
        finding_close(finding_id=row.pk, by=by, note=given["note"])

    def shown(self, row: ReconciliationFinding) -> dict[str, Any]:
        """The provider and the reward."""
        return {"peer": self.peer_shown(row), "reward": self.reward_shown(row)}

    def way_back(self, request: HttpRequest, rows: Sequence[ReconciliationFinding]) -> str:
        """To the discrepancy, or to the list when there were several."""
        if len(rows) == 1:
            return reverse("admin:rewards_reconciliationfinding_change", args=[rows[0].pk])
        return reverse("admin:rewards_reconciliationfinding_changelist")


CLOSING = Closing()


@admin.register(ReconciliationFinding)
class FindingAdmin(FindingColumns, ReadOnlyAdmin):
    """What we and a service that pays disagree about; people close it with a note."""

    list_display = ("kind", "state_badge", "peer_shown", "reward_shown", "found_at")
    list_filter = ("state", "kind", PeerFilter)
    list_select_related = ("reward",)
    exact_lookups = ("reward_id", "external_id", "pk", "reward__beneficiary_user_id")
    search_help_text = gettext_lazy("User, reward or task ID")
    actions = ("close_chosen",)
    actions_detail = ("close",)
    fieldsets = (
        (None, {"fields": ("kind", "state_badge", "reward_shown", "our_record", "their_record")}),
        (
            gettext_lazy("Record"),
            {"fields": ("peer_shown", "external_id", "found_at", "found_again_at", "run_shown")},
        ),
        (gettext_lazy("Resolution"), {"fields": ("closed_at", "closed_by", "note")}),
    )

    def title_of(self, row: ReconciliationFinding) -> str:
        """What is wrong."""
        return row.get_kind_display()

    @display(description=gettext_lazy("last found by"))
    def run_shown(self, finding: ReconciliationFinding) -> str:
        """The reconciliation, leading to its page."""
        if not finding.run:
            return "–"
        return _link("rewards_reconciliationrun", finding.run_id, run_named(finding.run))

    def has_close_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may close findings."""
        return bool(request.user.has_perm(CLOSING.permission))

    @action(description=gettext_lazy("Close selected discrepancies with a note"), permissions=["close"])
    def close_chosen(self, request: HttpRequest, chosen: QuerySet[ReconciliationFinding]) -> HttpResponse:
        """Ask about several."""
        return self._ask(request.POST.getlist(ACTION_CHECKBOX_NAME))

    @action(
        description=gettext_lazy("Close the discrepancy"),
        icon="check_circle",
        variant=ActionVariant.PRIMARY,
        permissions=["close"],
        url_path="close",
    )
    def close(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask about one."""
        return self._ask([object_id])

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Closing is offered while the finding is open."""
        finding = self.get_object(request, str(object_id))
        if finding is None or CLOSING.obstacle(finding):
            return []
        return list(super().get_actions_detail(request, object_id))

    def get_urls(self) -> list[URLPattern]:
        """The confirmation stands before the pages of single findings."""
        view = self.admin_site.admin_view(CLOSING.page)
        return [path("closing/", view, name="rewards_reconciliationfinding_closing"), *super().get_urls()]

    @staticmethod
    def _ask(ids: list[str]) -> HttpResponse:
        """Go to the page that shows the choice and asks for a note."""
        return CLOSING.asked_at(reverse("admin:rewards_reconciliationfinding_closing"), ids)


# --- reconciliations ----------------------------------------------------------------------------------------


def run_named(run: ReconciliationRun) -> str:
    """When it began."""
    return date_format(localtime(run.started_at), "SHORT_DATETIME_FORMAT")


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
        address = reverse("admin:rewards_reconciliationfinding_changelist")
        text = _("show discrepancies last found by this reconciliation")
        return format_html('<a href="{}?run__id__exact={}" class="text-link">{}</a>', address, run.pk, text)


# --- Analytics ----------------------------------------------------------------------------------------------


@admin.register(AnalyticsRefusal)
class RefusalAdmin(ReadOnlyAdmin):
    """What Analytics would not take."""

    list_display = ("entry", "http_status", "message", "refused_at")
    exact_lookups = ("entry_id", "pk")
    search_help_text = EXACT_SEARCH
    fields = ("entry", "about", "entry_id", "http_status", "message", "refused_at", "recorded_no", "what_now")

    def title_of(self, row: AnalyticsRefusal) -> str:
        """What was to be told."""
        return str(self.entry(row))

    @display(description=gettext_lazy("entry type"))
    def entry(self, refusal: AnalyticsRefusal) -> str:
        """What the entry is about, in words."""
        return str(ENTRIES.get(refusal.event_name, refusal.event_name))

    @display(description=gettext_lazy("subject"))
    def about(self, refusal: AnalyticsRefusal) -> str:
        """The event or the reward, leading to its page."""
        if refusal.event_name == EVENT_RECORDED:
            return _link("referral_referralevent", refusal.entry_id, _("the event"))
        # An entry about a change has the id of the change; one about a new reward has the reward's.
        change = RewardTransition.objects.filter(pk=refusal.entry_id).first()
        return _link(
            "rewards_referralreward", change.reward_id if change else refusal.entry_id, _("the reward")
        )

    @display(description=gettext_lazy("what to do"))
    def what_now(self, refusal: AnalyticsRefusal) -> str:
        """How it is sent again."""
        return _(
            "When the cause is fixed, send all rejected entries again with: manage.py analytics_lag "
            "--send-refused-again"
        )


def _link(page: str, row_id: Any, text: str) -> SafeString:
    return format_html(
        '<a href="{}" class="text-link">{}</a>', reverse(f"admin:{page}_change", args=[row_id]), text
    )
