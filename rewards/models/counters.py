"""The counters that limits and pages read."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from campaigns.models import ReferralCampaign, amount_field
from referral.models import id_field


class ReferralStats(models.Model):
    """What a user has to show in a campaign. `total_events` is also the counter of the referrer's limit.

    Written in the same transaction as what it counts; `recount` from the rows must give the same.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user_id = id_field(_("user"))
    campaign = models.ForeignKey(
        ReferralCampaign,
        on_delete=models.PROTECT,
        related_name="stats",
        db_index=False,
        verbose_name=_("campaign"),
    )
    total_referred_users = models.PositiveIntegerField(_("invited users"), default=0)
    total_events = models.PositiveIntegerField(_("events"), default=0)
    points_earned = models.BigIntegerField(_("points paid"), default=0)
    points_pending = models.BigIntegerField(_("points pending"), default=0)
    points_locked = models.BigIntegerField(_("points locked"), default=0)
    g2a_earned = amount_field(_("G2A paid"), default=0)
    g2a_pending = amount_field(_("G2A pending"), default=0)
    g2a_locked = amount_field(_("G2A locked"), default=0)

    class Meta:
        verbose_name = _("user totals")
        verbose_name_plural = _("user totals")
        ordering = ("user_id",)
        constraints = (
            # Also serves "the statistics of this user".
            models.UniqueConstraint(fields=["user_id", "campaign"], name="stats_once_per_user_and_campaign"),
            models.CheckConstraint(
                condition=Q(points_earned__gte=0)
                & Q(points_pending__gte=0)
                & Q(points_locked__gte=0)
                & Q(g2a_earned__gte=0)
                & Q(g2a_pending__gte=0)
                & Q(g2a_locked__gte=0),
                name="stats_not_negative",
            ),
        )
        indexes = (
            # "The statistics of this campaign", in the order of users: a filter of the back-office.
            models.Index(fields=["campaign", "user_id"], name="stats_by_campaign"),
        )

    def __str__(self) -> str:
        return f"{self.user_id} in {self.campaign_id}"


class ReferredCounter(models.Model):
    """How many counted events a referred user (or partner) has in a campaign: `max_events_per_referred`."""

    pk = models.CompositePrimaryKey("campaign_id", "referred_key")
    campaign = models.ForeignKey(ReferralCampaign, on_delete=models.PROTECT, related_name="+", db_index=False)
    referred_key = id_field()
    events = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.referred_key}: {self.events}"


class ReferrerDayCounter(models.Model):
    """How many counted events a referrer has in a campaign on a UTC day."""

    pk = models.CompositePrimaryKey("campaign_id", "referrer_user_id", "day")
    campaign = models.ForeignKey(ReferralCampaign, on_delete=models.PROTECT, related_name="+", db_index=False)
    referrer_user_id = id_field()
    day = models.DateField()
    events = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.referrer_user_id} on {self.day}: {self.events}"
