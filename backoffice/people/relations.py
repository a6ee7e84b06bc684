"""Who invited whom: the list of relations."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from backoffice.kit.base import EXACT_SEARCH, ReadOnlyAdmin
from backoffice.kit.filters import BY_CAMPAIGN
from referral.models import ReferralRelation


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
