"""Links, and the clicks on them."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from campaigns.models import ReferralCampaign
from referral.models.fields import ID_REGEX, id_field


class ReferralLink(models.Model):
    """A short code that belongs to one user in one campaign. Made by the user, who can switch it off."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    campaign = models.ForeignKey(
        ReferralCampaign,
        on_delete=models.PROTECT,
        related_name="links",
        db_index=False,
        verbose_name=_("campaign"),
    )
    owner_user_id = id_field(_("owner"))
    code = models.CharField(_("code"), max_length=32, unique=True)
    deep_link_payload = models.JSONField(_("deep link"), default=dict, blank=True)
    payload_digest = models.CharField(max_length=64, editable=False)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    updated_at = models.DateTimeField(_("changed"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("link")
        verbose_name_plural = _("links")
        # Keys are in the order of time, and indexed.
        ordering = ("-id",)
        constraints = (
            # Also serves "the links of this user".
            models.UniqueConstraint(
                fields=["owner_user_id", "campaign", "payload_digest"],
                name="link_once_per_campaign_and_payload",
            ),
            models.CheckConstraint(condition=Q(owner_user_id__regex=ID_REGEX), name="link_owner_shape"),
            models.CheckConstraint(condition=Q(code__regex=r"^[A-Z0-9]{6,32}$"), name="link_code_shape"),
        )
        indexes = (
            # "The links of this campaign", newest first: a filter of the back-office.
            models.Index(fields=["campaign", "id"], name="link_by_campaign"),
            # "Which links are switched off", newest first; the others are everywhere.
            models.Index(fields=["id"], condition=Q(is_active=False), name="link_switched_off"),
        )

    def __str__(self) -> str:
        return self.code


class LinkClicks(models.Model):
    """How often a link was opened on one UTC day, without bots and repeats. Written by the public API."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    link = models.ForeignKey(
        ReferralLink, on_delete=models.PROTECT, related_name="clicks", db_index=False, verbose_name=_("link")
    )
    day = models.DateField(_("day (UTC)"))
    clicks = models.PositiveIntegerField(_("clicks"), default=0)

    class Meta:
        verbose_name = _("daily clicks")
        verbose_name_plural = _("daily clicks")
        ordering = ("-day",)
        constraints = (
            # Also serves "the clicks of this link".
            models.UniqueConstraint(fields=["link", "day"], name="clicks_once_per_link_and_day"),
        )

        indexes = (
            # "The clicks of this period": the dashboard. Without the count, so that a click stays cheap.
            models.Index(fields=["day", "link"], name="clicks_by_day"),
        )

    def __str__(self) -> str:
        return f"{self.link_id} {self.day}: {self.clicks}"


class LinkVisit(models.Model):
    """That somebody opened a link lately: a hash under the key of the day (`VisitorKey`).

    Kept for 24 hours, only to count a visitor once in that time.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    link = models.ForeignKey(ReferralLink, on_delete=models.CASCADE, db_index=False)
    visitor_hash = models.CharField(max_length=64)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["link", "visitor_hash"], name="visit_once_per_link_and_visitor"),
        )
        indexes = (
            # "Forget the visits that are over 24 hours old."
            models.Index(fields=["seen_at"], name="visit_by_age"),
        )

    def __str__(self) -> str:
        return f"{self.link_id} {self.seen_at}"


class VisitorKey(models.Model):
    """The random key under which the visitors of one UTC day are hashed.

    Drawn by the day's first visitor, deleted when the next day is over: then its hashes are nobody's.
    """

    day = models.DateField(primary_key=True)
    key = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return str(self.day)
