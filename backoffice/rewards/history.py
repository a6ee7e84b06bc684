"""The back-office pages of what happened to rewards: payout attempts, status changes, sums, peers."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action, display

from backoffice.kit.base import EXACT_SEARCH, ReadOnlyAdmin, ReadOnlyInline, badge
from backoffice.kit.filters import BY_CAMPAIGN
from backoffice.rewards.labels import OUTCOME_COLORS, OUTCOMES, STATUS_COLORS, reward_link, reward_named
from kernel.humanize.amounts import amounts_text
from rewards.ledger.transitions import MOVES
from rewards.models import SENT, PayoutAttempt, PeerCircuit, ReferralStats, RewardStatus, RewardTransition
from rewards.provider_names import PEER_NAMES
from rewards.support.explanation.error_classification import error_text
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


@admin.register(ReferralStats)
class StatsAdmin(ReadOnlyAdmin):
    """What each user has brought and earned in each campaign."""

    list_display = (
        "user_id",
        "campaign",
        "total_referred_users",
        "total_events",
        "paid",
        "waiting",
        "locked",
    )
    list_filter = (BY_CAMPAIGN,)
    list_filter_submit = True
    list_select_related = ("campaign",)
    exact_lookups = ("user_id", "pk")
    search_help_text = EXACT_SEARCH
    fields = list_display

    def title_of(self, row: ReferralStats) -> str:
        """The user and the campaign."""
        return f"{row.user_id}, {row.campaign.code}"

    @display(description=gettext_lazy("paid"))
    def paid(self, row: ReferralStats) -> str:
        """Both currencies."""
        return amounts_text(row.points_earned, row.g2a_earned)

    @display(description=gettext_lazy("pending"))
    def waiting(self, row: ReferralStats) -> str:
        """Both currencies."""
        return amounts_text(row.points_pending, row.g2a_pending)

    @display(description=gettext_lazy("locked"))
    def locked(self, row: ReferralStats) -> str:
        """Both currencies."""
        return amounts_text(row.points_locked, row.g2a_locked)


@admin.register(PeerCircuit)
class PeerAdmin(ReadOnlyAdmin):
    """Whether the services that pay are well; the page of all of them says more."""

    sortable_by = None
    actions_list = ("health",)
    list_display = ("peer_shown", "state_badge", "opened_at", "probe_at", "last_success_at", "error")
    fields = (
        "peer_shown",
        "state_badge",
        "openings",
        "opened_at",
        "probe_at",
        "last_success_at",
        "last_failure_at",
        "error_whole",
    )

    def title_of(self, row: PeerCircuit) -> str:
        """The name of the service."""
        return PEER_NAMES.get(row.peer, row.peer)

    @action(
        description=gettext_lazy("Service status"),
        icon="ecg_heart",
        permissions=["view"],
        url_path="health",
    )
    def health(self, request: HttpRequest) -> HttpResponse:
        """To the page of all services."""
        return HttpResponseRedirect(reverse("admin:support_peers"))

    @display(description=gettext_lazy("provider"), ordering="peer")
    def peer_shown(self, peer: PeerCircuit) -> str:
        """The name of the service."""
        return self.title_of(peer)

    @display(description=gettext_lazy("status"), ordering="state")
    def state_badge(self, peer: PeerCircuit) -> SafeString:
        """The state in its colour."""
        return badge(
            peer.get_state_display(), "danger" if peer.state == PeerCircuit.State.OPEN else "success"
        )

    @display(description=gettext_lazy("last error"))
    def error(self, peer: PeerCircuit) -> str:
        """The beginning of the last error."""
        return Truncator(error_text(peer.last_failure)).chars(80) or "–"

    @display(description=gettext_lazy("last error"))
    def error_whole(self, peer: PeerCircuit) -> str:
        """The last error."""
        return error_text(peer.last_failure) or "–"
