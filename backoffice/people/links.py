"""Links, which users make, and the clicks on them by day."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from backoffice.kit.base import EXACT_SEARCH, ReadOnlyAdmin, json_block
from backoffice.kit.filters import BY_CAMPAIGN
from backoffice.staff.audit_log import AuditedAdmin
from referral.codes import normalize_code
from referral.models import LinkClicks, ReferralLink
from referral.services import link_switch


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
