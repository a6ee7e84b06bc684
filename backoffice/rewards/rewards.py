"""Rewards: the list, the page of one, and the buttons of the actions."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from backoffice.kit.base import ReadOnlyAdmin
from backoffice.kit.filters import BY_CAMPAIGN
from backoffice.people.labels import user_link
from backoffice.rewards.actions import ACTIONS, CHANGE, obstacles
from backoffice.rewards.attempts import AttemptInline
from backoffice.rewards.discrepancies import FindingInline
from backoffice.rewards.labels import reward_named, reward_text, status_shown
from backoffice.rewards.page import page_context
from backoffice.rewards.status_changes import TransitionInline
from referral.models import GIVEN_ID
from rewards.models import ReferralReward, RewardStatus
from rewards.selectors import in_status
from rewards.support.explanation.error_classification import error_text


class StatusFilter(admin.SimpleListFilter):
    """By status, through the index that knows it."""

    title = gettext_lazy("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """All statuses in words."""
        return list(RewardStatus.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[ReferralReward]) -> QuerySet[ReferralReward]:
        """The rewards of the chosen status."""
        status = self.value()
        return queryset.filter(in_status(status)) if status else queryset


class CurrencyFilter(admin.SimpleListFilter):
    """By currency; what may be rare has an index."""

    title = gettext_lazy("currency")
    parameter_name = "currency"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Both."""
        return list(ReferralReward.Currency.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[ReferralReward]) -> QuerySet[ReferralReward]:
        """The rewards in the chosen currency, each of which has its own amount (a constraint sees to it)."""
        if self.value() == ReferralReward.Currency.G2A:
            return queryset.filter(g2a_amount__isnull=False)
        return queryset.filter(points_amount__isnull=False) if self.value() else queryset


@admin.register(ReferralReward)
class RewardAdmin(ReadOnlyAdmin):
    """Rewards are read here and moved by three actions, each with a reason."""

    list_display = (
        "amount",
        "beneficiary",
        "status_badge",
        "origin",
        "level",
        "next_attempt_at",
        "error",
    )
    list_filter = (StatusFilter, CurrencyFilter, "in_doubt", BY_CAMPAIGN)
    list_filter_submit = True
    list_select_related = ("campaign", "referral_event")
    exact_lookups = (
        "pk",
        "referral_event_id",
        "beneficiary_user_id",
        "external_task_id",
        "external_tx_id",
        "referral_event__idempotency_key",
    )
    exact_prefixes = {"referral_event__idempotency_key": GIVEN_ID}
    search_help_text = gettext_lazy("User, reward, event or transaction ID")
    actions = ("unlock_chosen", "retry_chosen", "cancel_chosen")
    actions_detail = ("unlock", "retry", "cancel")
    inlines = (TransitionInline, AttemptInline)
    change_form_outer_before_template = "admin/support/reward_page.html"

    class Media:
        css = {"all": ["backoffice/story.css"]}

    def title_of(self, row: ReferralReward) -> str:
        """The amount and whose it is."""
        return reward_named(row)

    @display(description=gettext_lazy("amount"))
    def amount(self, reward: ReferralReward) -> SafeString:
        """The amount with its currency."""
        return format_html('<span class="whitespace-nowrap">{}</span>', reward_text(reward))

    @display(description=gettext_lazy("recipient"))
    def beneficiary(self, reward: ReferralReward) -> SafeString:
        """Whose it is, leading to the page about that user."""
        return user_link(reward.beneficiary_user_id)

    @display(description=gettext_lazy("status"), ordering="status")
    def status_badge(self, reward: ReferralReward) -> SafeString:
        """The status in its colour, with a warning while nobody knows whether it was paid."""
        return status_shown(reward)

    @display(description=gettext_lazy("campaign and event"), ordering="campaign")
    def origin(self, reward: ReferralReward) -> SafeString:
        """The campaign, and beneath it what happened."""
        code, event_type = reward.campaign.code, reward.referral_event.event_type
        return format_html('{}<br><span class="text-subtle">{}</span>', code, event_type)

    @display(description=gettext_lazy("level"))
    def level(self, reward: ReferralReward) -> str:
        """Which level of the rules it comes from."""
        return str(reward.beneficiary_level or _("welcome bonus"))

    @display(description=gettext_lazy("error"))
    def error(self, reward: ReferralReward) -> str:
        """The beginning of what the peer said last; the rest on hovering."""
        whole = error_text(reward.last_failure)
        return format_html('<span title="{}">{}</span>', whole, Truncator(whole).chars(60)) if whole else "–"

    # --- the page of one ------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReferralReward]:
        """The page of one reward speaks of all that stands behind it."""
        rows = super().get_queryset(request)
        behind = ("campaign", "referral_event__rule_version")
        is_page = request.resolver_match and "object_id" in request.resolver_match.kwargs
        return rows.select_related(*behind) if is_page else rows

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> Any:
        """The page with what stands on it."""
        if reward := options.get("obj"):
            context |= page_context(request, reward)
        return super().render_change_form(request, context, *args, **options)

    def get_fieldsets(self, request: HttpRequest, obj: ReferralReward | None = None) -> list[Any]:
        """None: what is on record stands on the page by itself (`page_context`), made in one go."""
        return []

    def get_inlines(self, request: HttpRequest, obj: ReferralReward | None) -> list[Any]:
        """The trail, and what reconciliations found if they found anything."""
        inlines = list(super().get_inlines(request, obj))
        return [FindingInline, *inlines] if obj and obj.findings.exists() else inlines

    # --- unlock, retry, cancel ------------------------------------------------------------------------------

    def has_move_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may unlock, retry and cancel."""
        return bool(request.user.has_perm(CHANGE))

    @action(description=gettext_lazy("Unlock selected rewards"), permissions=["move"])
    def unlock_chosen(self, request: HttpRequest, chosen: QuerySet[ReferralReward]) -> HttpResponse:
        """Ask about several."""
        return self._ask(request, "unlock")

    @action(description=gettext_lazy("Retry selected rewards"), permissions=["move"])
    def retry_chosen(self, request: HttpRequest, chosen: QuerySet[ReferralReward]) -> HttpResponse:
        """Ask about several."""
        return self._ask(request, "retry")

    @action(description=gettext_lazy("Cancel selected rewards"), permissions=["move"])
    def cancel_chosen(self, request: HttpRequest, chosen: QuerySet[ReferralReward]) -> HttpResponse:
        """Ask about several."""
        return self._ask(request, "cancel")

    @action(
        description=ACTIONS["unlock"].title,
        icon="lock_open",
        variant=ActionVariant.PRIMARY,
        permissions=["move"],
        url_path="unlock",
    )
    def unlock(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask about one."""
        return self._ask(request, "unlock", object_id)

    @action(
        description=ACTIONS["retry"].title,
        icon="refresh",
        variant=ActionVariant.PRIMARY,
        permissions=["move"],
        url_path="retry",
    )
    def retry(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask about one."""
        return self._ask(request, "retry", object_id)

    @action(
        description=ACTIONS["cancel"].title,
        icon="cancel",
        variant=ActionVariant.DANGER,
        permissions=["move"],
        url_path="cancel",
    )
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask about one."""
        return self._ask(request, "cancel", object_id)

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Only what the reward's status allows."""
        reward = self.get_object(request, str(object_id))
        impossible = obstacles(reward) if reward else ACTIONS
        return [
            entry
            for entry in super().get_actions_detail(request, object_id)
            if entry.action_name.rpartition("_")[2] not in impossible
        ]

    def _ask(self, request: HttpRequest, name: str, *ids: str) -> HttpResponse:
        """Go to the page that shows the choice and asks for a reason."""
        address = reverse("admin:rewards_referralreward_moves", args=[name])
        return ACTIONS[name].asked_at(address, ids or request.POST.getlist(ACTION_CHECKBOX_NAME))

    def get_urls(self) -> list[URLPattern]:
        """The page of each action stands before the pages of single rewards."""
        view = self.admin_site.admin_view(self.action_view)
        return [path("moves/<str:name>/", view, name="rewards_referralreward_moves"), *super().get_urls()]

    def action_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """The page of one action."""
        if name not in ACTIONS:
            raise Http404
        return ACTIONS[name].page(request)
