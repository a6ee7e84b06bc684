"""The filter by campaign: typed and looked up, because campaigns may be many."""

from unfold.contrib.filters.admin import AutocompleteSelectFilter


class CampaignFilter(AutocompleteSelectFilter):
    """Needs `list_filter_submit` in its page; whoever may not look at campaigns does not get it."""

    def has_output(self) -> bool:
        """Whether the choices may be looked up at all."""
        return bool(self.request.user.has_perm("campaigns.view_referralcampaign"))


BY_CAMPAIGN = ("campaign", CampaignFilter)
