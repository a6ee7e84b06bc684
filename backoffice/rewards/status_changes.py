"""Every change of a reward's status: the list, and the trail on the page of a reward."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from backoffice.kit.base import EXACT_SEARCH, ReadOnlyAdmin, ReadOnlyInline, badge
from backoffice.rewards.labels import STATUS_COLORS, reward_link, reward_named
from rewards.ledger.transitions import MOVES
from rewards.models import SENT, RewardStatus, RewardTransition
from rewards.support.explanation.status_history import actor_text, reason_text


class MoveBadges:
    """The two statuses of a status change, in their colours."""

    @display(description=gettext_lazy("from"))
    def from_badge(self, transition: RewardTransition) -> SafeString:
        """The status before."""
        return badge(transition.get_from_status_display(), STATUS_COLORS.get(transition.from_status))

    @display(description=gettext_lazy("to"))
    def to_badge(self, transition: RewardTransition) -> SafeString:
        """The status after."""
        return badge(transition.get_to_status_display(), STATUS_COLORS.get(transition.to_status))

    @display(description=gettext_lazy("who"))
    def who(self, transition: RewardTransition) -> str:
        """A person by name, a worker or a service as what it is."""
        return actor_text(transition.actor)

    @display(description=gettext_lazy("reason"))
    def why(self, transition: RewardTransition) -> str:
        """The reason, in the reader's language where it is one of ours."""
        return reason_text(transition) or "–"


class TransitionInline(MoveBadges, ReadOnlyInline):
    """The way of the reward through its statuses."""

    model = RewardTransition
    fields = ("at", "from_badge", "to_badge", "who", "why")
    readonly_fields = fields


class TargetFilter(admin.SimpleListFilter):
    """By what the reward became."""

    title = gettext_lazy("to")
    parameter_name = "to_status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Those that a reward can become; that it is sent says nothing, and nearly all are."""
        reached = frozenset().union(*MOVES.values()) - set(SENT)
        return [(value, name) for value, name in RewardStatus.choices if value in reached]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[RewardTransition]
    ) -> QuerySet[RewardTransition]:
        """The changes to the chosen status."""
        return queryset.filter(to_status=self.value()) if self.value() else queryset


@admin.register(RewardTransition)
class TransitionAdmin(MoveBadges, ReadOnlyAdmin):
    """Every change of a reward's status."""

    list_display = ("reward_shown", "from_badge", "to_badge", "at", "who", "why")
    list_display_links = ("at",)
    list_filter = (TargetFilter,)
    list_select_related = ("reward",)
    exact_lookups = ("reward_id", "pk", "reward__beneficiary_user_id")
    search_help_text = EXACT_SEARCH
    fields = ("reward_shown", "from_badge", "to_badge", "at", "who", "why")

    @display(description=gettext_lazy("reward"))
    def reward_shown(self, transition: RewardTransition) -> SafeString:
        """The reward in words."""
        return reward_link(transition.reward)

    def title_of(self, row: RewardTransition) -> str:
        """The reward and what it became."""
        return f"{reward_named(row.reward)}: {row.get_to_status_display()}"
