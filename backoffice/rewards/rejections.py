"""What Analytics would not take."""

from django.contrib import admin
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from backoffice.kit.base import EXACT_SEARCH, ReadOnlyAdmin, row_link
from rewards.models import AnalyticsRefusal, RewardTransition
from rewards.outbox.entries import EVENT_RECORDED, STATUS_CHANGED

ENTRIES = {
    EVENT_RECORDED: gettext_lazy("event accepted"),
    STATUS_CHANGED: gettext_lazy("reward created or its status changed"),
}


@admin.register(AnalyticsRefusal)
class RefusalAdmin(ReadOnlyAdmin):
    """What Analytics would not take."""

    list_display = ("entry", "http_status", "message", "refused_at")
    exact_lookups = ("entry_id", "pk")
    search_help_text = EXACT_SEARCH
    fields = ("entry", "about", "entry_id", "http_status", "message", "refused_at", "recorded_no", "what_now")

    def title_of(self, row: AnalyticsRefusal) -> str:
        """What was to be told."""
        return str(self.entry(row))

    @display(description=gettext_lazy("entry type"))
    def entry(self, refusal: AnalyticsRefusal) -> str:
        """What the entry is about, in words."""
        return str(ENTRIES.get(refusal.event_name, refusal.event_name))

    @display(description=gettext_lazy("subject"))
    def about(self, refusal: AnalyticsRefusal) -> str:
        """The event or the reward, leading to its page."""
        if refusal.event_name == EVENT_RECORDED:
            return row_link("referral_referralevent", refusal.entry_id, _("the event"))
        # An entry about a change has the id of the change; one about a new reward has the reward's.
        change = RewardTransition.objects.filter(pk=refusal.entry_id).first()
        return row_link(
            "rewards_referralreward", change.reward_id if change else refusal.entry_id, _("the reward")
        )

    @display(description=gettext_lazy("what to do"))
    def what_now(self, refusal: AnalyticsRefusal) -> str:
        """How it is sent again."""
        return _(
            "When the cause is fixed, send all rejected entries again with: manage.py analytics_lag "
            "--send-refused-again"
        )
