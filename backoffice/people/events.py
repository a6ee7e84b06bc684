"""Events: the list, and the page of one, which begins with what it earned at each level, or why nothing."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from backoffice.kit.base import EXACT_SEARCH, ReadOnlyAdmin, badge, json_block, row_link, text_link
from backoffice.kit.filters import BY_CAMPAIGN
from backoffice.people.labels import REASONS, user_link, why_nothing
from backoffice.rewards.labels import STATUS_COLORS, reward_amount_link
from campaigns.rules.wording import ROLES
from kernel.humanize.amounts import amount_text
from referral.models import GIVEN_ID, ReferralEvent
from rewards.models import ReferralReward
from rewards.support.explanation.event_record import recorded
from rewards.support.explanation.levels import LevelStory, event_story


class EarnedFilter(admin.SimpleListFilter):
    """By what came of the event."""

    title = gettext_lazy("result")
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Something, or nothing and why."""
        return [("earned", gettext_lazy("rewards earned")), *REASONS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ReferralEvent]) -> QuerySet[ReferralEvent]:
        """The events of the chosen kind."""
        if self.value() == "earned":
            return queryset.filter(reason__isnull=True)
        return queryset.filter(reason=self.value()) if self.value() else queryset


@admin.register(ReferralEvent)
class EventAdmin(ReadOnlyAdmin):
    """What happened, and what it earned at each level, or why nothing."""

    change_form_outer_before_template = "admin/support/event_page.html"
    list_display = ("event_type", "about", "referrer_user_id", "campaign", "amount", "why", "occurred_at")
    list_filter = (EarnedFilter, BY_CAMPAIGN)
    list_filter_submit = True
    list_select_related = ("campaign",)
    exact_lookups = ("pk", "referred_user_id", "referrer_user_id", "business_partner_id", "idempotency_key")
    exact_prefixes = {"idempotency_key": GIVEN_ID}
    search_help_text = EXACT_SEARCH
    fieldsets = (
        (None, {"fields": ("event_type", "about", "subject_type", "subject_id", "amount", "occurred_at")}),
        (gettext_lazy("Result"), {"fields": ("referrer_user_id", "why", "rewards", "code_reason")}),
        (gettext_lazy("Campaign and source"), {"fields": ("campaign", "version", "source_service")}),
        (gettext_lazy("Record"), {"fields": ("id", "external_event_id", "created_at", "metadata_shown")}),
    )

    class Media:
        css = {"all": ["backoffice/story.css"]}

    @display(description=gettext_lazy("user"))
    def about(self, event: ReferralEvent) -> str:
        """The referred user, or the partner."""
        return event.referred_user_id or event.business_partner_id or "–"

    @display(description=gettext_lazy("amount"))
    def amount(self, event: ReferralEvent) -> str:
        """What the user paid."""
        return "–" if event.amount_base is None else amount_text(event.amount_base)

    @display(description=gettext_lazy("why no reward"))
    def why(self, event: ReferralEvent) -> str:
        """The reason in words, with the limit or rule that it names."""
        return why_nothing(event) if event.reason else "–"

    @display(description=gettext_lazy("metadata"))
    def metadata_shown(self, event: ReferralEvent) -> str:
        """What else the caller said, as JSON."""
        return json_block(event.metadata) if event.metadata else "–"

    @display(description=gettext_lazy("rule version"))
    def version(self, event: ReferralEvent) -> SafeString:
        """The rules that priced it."""
        return row_link("campaigns_ruleversion", event.rule_version_id, event.rule_version.number)

    @display(description=gettext_lazy("rewards"))
    def rewards(self, event: ReferralEvent) -> SafeString:
        """The list of rewards that it earned."""
        return text_link(
            f"{reverse('admin:rewards_referralreward_changelist')}?q={event.pk}", _("Show rewards")
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReferralEvent]:
        """The page of one event speaks of its campaign and rules."""
        rows = super().get_queryset(request)
        is_page = request.resolver_match and "object_id" in request.resolver_match.kwargs
        return rows.select_related("campaign", "rule_version", "replayed", "replays") if is_page else rows

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> Any:
        """The page with its levels."""
        event = options.get("obj")
        if event and request.user.has_perm("rewards.view_referralreward"):
            tale = event_story(recorded(event))
            context |= {
                "story": tale,
                "levels": [_level(level) for level in tale.levels],
                "told_again": _told_again(event),
            }
        return super().render_change_form(request, context, *args, **options)


def _told_again(event: ReferralEvent) -> SafeString | str:
    """That the event was rewarded later by another one, or rewards a past one itself."""
    if replayed := getattr(event, "replayed", None):
        text, other = _("The referrer was added later; the reward was earned by"), replayed.replay_id
    elif replays := getattr(event, "replays", None):
        text, other = (
            _("The referrer was added later; this event rewards the past event"),
            replays.original_id,
        )
    else:
        return ""
    return format_html("{} {}.", text, row_link("referral_referralevent", other, str(other)))


def _level(level: LevelStory) -> dict[str, Any]:
    return {
        "story": level,
        "person": user_link(level.person) if level.person else "",
        "rewards": [_earned(reward) for reward in level.rewards],
    }


def _earned(reward: ReferralReward) -> dict[str, Any]:
    role = reward.required_min_role
    return {
        "link": reward_amount_link(reward),
        "status": badge(reward.get_status_display(), STATUS_COLORS.get(reward.status)),
        "lock": _("requires the role %s") % ROLES[role] if role else "",
    }
