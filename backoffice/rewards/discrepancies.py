"""What we and a service that pays disagree about, and closing it with a note."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextareaWidget

from backoffice.kit.base import ReadOnlyAdmin, ReadOnlyInline, badge, row_link
from backoffice.kit.confirmed_action import ConfirmedAction
from backoffice.rewards.labels import reward_link, reward_named
from backoffice.rewards.reconciliations import run_named
from rewards.models import ReconciliationFinding
from rewards.payouts.discrepancies import TEXT_LENGTH, State, finding_close
from rewards.provider_names import PEER_NAMES, PEERS
from rewards.support.explanation.discrepancies import fact_text

STATE_COLORS: dict[str, str] = {State.OPEN: "danger", State.REPAIRED: "success", State.CLOSED: "info"}


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
        return row_link("rewards_reconciliationfinding", finding.pk, finding.get_kind_display())


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
    form_class = NoteForm
    title = gettext_lazy("Close with a note")
    effect = gettext_lazy(
        "Close a discrepancy when it is resolved. No reward is changed or paid. If the next reconciliation "
        "finds it again, a new discrepancy is opened."
    )
    headings = (gettext_lazy("Found"), gettext_lazy("Reward"))
    nothing_chosen = gettext_lazy("No discrepancies selected.")
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

    def cells(self, row: ReconciliationFinding) -> Sequence[Any]:
        """What was found and at which provider, and the reward."""
        words = '{}<br><span class="text-subtle">{}</span>'
        return format_html(words, row.get_kind_display(), self.peer_shown(row)), self.reward_shown(row)

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
        return row_link("rewards_reconciliationrun", finding.run_id, run_named(finding.run))

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
