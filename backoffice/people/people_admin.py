"""The back-office pages of links, relations, clicks, events and users."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from backoffice.kit.base import EXACT_SEARCH, ReadOnlyAdmin, badge, json_block
from backoffice.kit.filters import BY_CAMPAIGN
from backoffice.staff.audit_log import AuditedAdmin
from kernel.humanize.amounts import amount_text
from referral.codes import normalize_code
from referral.models import (
    GIVEN_ID,
    LinkClicks,
    PartnerReferralRelation,
    ReferralEvent,
    ReferralLink,
    ReferralRelation,
    UserRole,
)
from referral.services import link_switch

REASONS = {
    "no_referrer": gettext_lazy("no referrer"),
    "self_referral": gettext_lazy("self-referral"),
    "circular": gettext_lazy("circular referral"),
    "limit_reached": gettext_lazy("campaign limit reached"),
    "budget_exhausted": gettext_lazy("budget exhausted"),
    "role_too_low": gettext_lazy("role too low"),
    "below_min_amount": gettext_lazy("amount below the minimum"),
    "no_rule": gettext_lazy("no rule for this event"),
    "zero_amount": gettext_lazy("the reward comes to 0"),
}

ROLE_COLORS = {"vip": "info", "pro": "success"}


@admin.register(ReferralLink)
class LinkAdmin(AuditedAdmin, ReadOnlyAdmin):
    """Users make links; staff can only switch them off and on."""

    list_display = ("code", "owner_user_id", "campaign", "is_active", "created_at")
    list_filter = ("is_active", BY_CAMPAIGN)
    list_filter_submit = True
    list_select_related = ("campaign",)
    exact_lookups = ("code", "owner_user_id", "pk")
    search_help_text = EXACT_SEARCH
    readonly_fields = ("code", "owner_user_id", "campaign", "deep_link", "created_at", "updated_at")
    fields = ("is_active", *readonly_fields)

    @display(description=gettext_lazy("deep link"))
    def deep_link(self, link: ReferralLink) -> str:
        """What the app opens, as JSON."""
        return json_block(link.deep_link_payload) if link.deep_link_payload else "–"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """A code may be typed in small letters."""
        by_code = queryset.filter(code=normalize_code(search_term))
        return (by_code, False) if by_code else super().get_search_results(request, queryset, search_term)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """For the switch."""
        return bool(request.user.has_perm("referral.change_referrallink"))

    def save_model(self, request: HttpRequest, obj: ReferralLink, form: Any, change: bool) -> None:
        """Switch by the service."""
        link_switch(owner_user_id=obj.owner_user_id, link_id=obj.pk, is_active=obj.is_active)


@admin.register(LinkClicks)
class LinkClicksAdmin(ReadOnlyAdmin):
    """Clicks by link and day."""

    list_display = ("link", "day", "clicks")
    list_select_related = ("link",)
    exact_lookups = ("link__code",)
    search_help_text = gettext_lazy("Exact link code")
    fields = ("link", "day", "clicks")

    def title_of(self, row: LinkClicks) -> str:
        """The link and the day."""
        return f"{row.link.code}, {date_format(row.day)}"


@admin.register(ReferralRelation)
class RelationAdmin(ReadOnlyAdmin):
    """Who invited whom. A lost referrer is attached on a page of its own."""

    list_display = ("referred_user_id", "referrer_user_id", "campaign", "source", "registered_at")
    list_filter = ("source", BY_CAMPAIGN)
    list_filter_submit = True
    list_select_related = ("campaign",)
    exact_lookups = ("referred_user_id", "referrer_user_id", "pk")
    search_help_text = EXACT_SEARCH
    fields = (
        "referred_user_id",
        "referrer_user_id",
        "campaign",
        "source",
        "referral_link",
        "registered_at",
        "created_at",
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Who may attach referrers."""
        return bool(request.user.has_perm("referral.add_referralrelation"))

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Adding one means attaching a referrer by hand."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        return HttpResponseRedirect(reverse("admin:support_attach"))


@admin.register(PartnerReferralRelation)
class PartnerRelationAdmin(ReadOnlyAdmin):
    """Who brought which business partner."""

    list_display = ("business_partner_id", "referrer_user_id", "campaign", "status_badge", "created_at")
    list_filter = ("status", BY_CAMPAIGN)
    list_filter_submit = True
    list_select_related = ("campaign",)
    exact_lookups = ("business_partner_id", "referrer_user_id", "pk")
    search_help_text = EXACT_SEARCH
    fields = (
        "business_partner_id",
        "referrer_user_id",
        "campaign",
        "status_badge",
        "referral_link",
        "created_at",
    )

    @display(description=gettext_lazy("status"))
    def status_badge(self, relation: PartnerReferralRelation) -> SafeString:
        """The status in its colour."""
        colors = {"onboarded": "success", "rejected": "danger", "pending_onboarding": "info"}
        return badge(relation.get_status_display(), colors.get(relation.status))


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


class EventAdmin(ReadOnlyAdmin):
    """What happened, and why it earned nothing if it did; the rewards app registers its page."""

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
        if not event.reason:
            return "–"
        words = str(REASONS.get(event.reason, event.reason))
        return f"{words} ({event.reason_detail})" if event.reason_detail else words

    @display(description=gettext_lazy("metadata"))
    def metadata_shown(self, event: ReferralEvent) -> str:
        """What else the caller said, as JSON."""
        return json_block(event.metadata) if event.metadata else "–"

    @display(description=gettext_lazy("rule version"))
    def version(self, event: ReferralEvent) -> SafeString:
        """The rules that priced it."""
        address = reverse("admin:campaigns_ruleversion_change", args=[event.rule_version_id])
        return format_html('<a href="{}" class="text-link">{}</a>', address, event.rule_version.number)

    @display(description=gettext_lazy("rewards"))
    def rewards(self, event: ReferralEvent) -> SafeString:
        """The list of rewards that it earned."""
        address = reverse("admin:rewards_referralreward_changelist")
        return format_html('<a href="{}?q={}" class="text-link">{}</a>', address, event.pk, _("Show rewards"))


@admin.register(UserRole)
class UserRoleAdmin(ReadOnlyAdmin):
    """What we know of the platform's users."""

    list_display = ("user_id", "role_badge", "occurred_at", "first_heard_at")
    list_filter = ("role",)
    exact_lookups = ("pk",)
    search_help_text = EXACT_SEARCH
    fields = list_display

    @display(description=gettext_lazy("role"), ordering="role")
    def role_badge(self, user: UserRole) -> SafeString:
        """The role in its colour."""
        return badge(user.get_role_display(), ROLE_COLORS.get(user.role))
