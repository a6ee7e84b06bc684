"""What each user has brought and earned in each campaign."""

from django.contrib import admin
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from backoffice.kit.base import EXACT_SEARCH, ReadOnlyAdmin
from backoffice.kit.filters import BY_CAMPAIGN
from kernel.humanize.amounts import amounts_text
from rewards.models import ReferralStats


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
