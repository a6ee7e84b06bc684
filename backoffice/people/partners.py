"""Who brought which business partner: the list."""

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from backoffice.kit.base import EXACT_SEARCH, ReadOnlyAdmin, badge
from backoffice.kit.filters import BY_CAMPAIGN
from referral.models import PartnerReferralRelation


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
