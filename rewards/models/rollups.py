"""Figures by day, kept up by the scheduler."""

from django.db import models

from campaigns.models import ReferralCampaign, amount_field


class DailyFigures(models.Model):
    """What came of the events of one campaign on one UTC day, for the dashboard and the list of campaigns.

    Counted again by `rewards.ledger.rollups` for each day of which an event or a reward has changed; nothing
    else reads it, so it may be a moment late and may be emptied at any time.
    """

    pk = models.CompositePrimaryKey("day", "campaign_id")
    day = models.DateField()
    campaign = models.ForeignKey(ReferralCampaign, on_delete=models.PROTECT, related_name="+", db_index=False)
    events = models.PositiveIntegerField(default=0)
    points_paid = models.BigIntegerField(default=0)
    points_waiting = models.BigIntegerField(default=0)
    points_locked = models.BigIntegerField(default=0)
    points_failed = models.BigIntegerField(default=0)
    g2a_paid = amount_field(default=0)
    g2a_waiting = amount_field(default=0)
    g2a_locked = amount_field(default=0)
    g2a_failed = amount_field(default=0)

    def __str__(self) -> str:
        return f"{self.campaign_id} on {self.day}: {self.events} events"


class DailyFiguresCursor(models.Model):
    """How far the daily figures are: one row; `rewards.ledger.rollups` says what its columns mean."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    seen_below = models.BigIntegerField(default=0)
    marks = models.JSONField(default=list)
    refreshed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"refreshed at {self.refreshed_at}"
