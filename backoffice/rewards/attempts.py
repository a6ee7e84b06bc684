"""The calls to the services that pay: the list, and those of one reward on its page."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from backoffice.kit.base import EXACT_SEARCH, ReadOnlyAdmin, ReadOnlyInline, badge
from backoffice.rewards.labels import OUTCOME_COLORS, OUTCOMES, reward_link, reward_named
from rewards.models import PayoutAttempt
from rewards.support.explanation.error_classification import error_text


class OutcomeBadge:
    """What a call came to, in its colour."""

    @display(description=gettext_lazy("result"))
    def outcome_badge(self, attempt: PayoutAttempt) -> SafeString:
        """The outcome in its colour."""
        return badge(OUTCOMES.get(attempt.outcome, attempt.outcome), OUTCOME_COLORS.get(attempt.outcome))

    @display(description=gettext_lazy("duration"))
    def took(self, attempt: PayoutAttempt) -> str:
        """How long the call lasted."""
        seconds = (attempt.finished_at - attempt.started_at).total_seconds()
        if seconds < 1:
            return _("%d ms") % round(seconds * 1000)
        return _("%s s") % number_format(round(seconds, 1), decimal_pos=1)

    @display(description=gettext_lazy("provider's response"))
    def said(self, attempt: PayoutAttempt) -> str:
        """HTTP status, error code and message in one, or what kept it from saying anything."""
        if attempt.failure:
            return error_text(attempt.failure)
        return f"HTTP {attempt.http_status}" if attempt.http_status else "–"


class AttemptInline(OutcomeBadge, ReadOnlyInline):
    """The calls to the peer."""

    model = PayoutAttempt
    fields = ("number", "started_at", "took", "outcome_badge", "said", "peer_reference")
    readonly_fields = fields


class OutcomeFilter(admin.SimpleListFilter):
    """By what the call came to."""

    title = gettext_lazy("result")
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """All outcomes in words."""
        return list(OUTCOMES.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[PayoutAttempt]) -> QuerySet[PayoutAttempt]:
        """The attempts of the chosen outcome."""
        return queryset.filter(outcome=self.value()) if self.value() else queryset


@admin.register(PayoutAttempt)
class AttemptAdmin(OutcomeBadge, ReadOnlyAdmin):
    """Every call to a peer."""

    list_display = ("reward_shown", "number", "outcome_badge", "http_status", "error_code", "started_at")
    # The first column leads to the reward itself, and a link cannot stand in another.
    list_display_links = ("number",)
    list_filter = (OutcomeFilter,)
    list_select_related = ("reward",)
    exact_lookups = ("reward_id", "pk", "reward__beneficiary_user_id")
    search_help_text = EXACT_SEARCH
    fields = (
        "reward_shown",
        "number",
        "outcome_badge",
        "http_status",
        "error_code",
        "said",
        "peer_reference",
        "request_id",
        "started_at",
        "finished_at",
    )

    @display(description=gettext_lazy("reward"))
    def reward_shown(self, attempt: PayoutAttempt) -> SafeString:
        """The reward in words."""
        return reward_link(attempt.reward)

    def title_of(self, row: PayoutAttempt) -> str:
        """The reward and the number."""
        return f"{reward_named(row.reward)} #{row.number}"
