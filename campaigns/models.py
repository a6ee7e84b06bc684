"""Campaigns, the history of their rules, and what their budgets have reserved."""

from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7


def amount_field(verbose_name: Any = None, **options: Any) -> "models.DecimalField[Any, Any]":
    """A column for amounts: exact, nine places."""
    return models.DecimalField(verbose_name, max_digits=30, decimal_places=9, **options)


class CampaignQuerySet(models.QuerySet["ReferralCampaign"]):
    """Filters with a domain name."""

    def active_at(self, moment: datetime) -> "CampaignQuerySet":
        """Campaigns that take events which happen at `moment`."""
        started = Q(start_at__isnull=True) | Q(start_at__lte=moment)
        unfinished = Q(end_at__isnull=True) | Q(end_at__gt=moment)
        return self.filter(started, unfinished, status=ReferralCampaign.Status.ACTIVE)


class ReferralCampaign(models.Model):
    """A named set of reward rules for certain event types, with a life cycle and a time window.

    Marketing staff create and change campaigns through `campaigns.services` only: every change raises
    `revision`, every change of rules leaves a `RuleVersion`.
    """

    class Type(models.TextChoices):
        """What a campaign rewards; decides which event types it may take."""

        USER_INVITE = "user_invite", _("User invitation")
        PARTNER_ONBOARDING = "partner_onboarding", _("Partner onboarding")
        PURCHASE = "purchase", _("Purchases")
        CUSTOM = "custom", _("Custom events")

    class Status(models.TextChoices):
        """The life cycle: draft → active ⇄ paused → archived."""

        DRAFT = "draft", _("Draft")
        ACTIVE = "active", _("Active")
        PAUSED = "paused", _("Paused")
        ARCHIVED = "archived", _("Archived")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.CharField(_("code"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=200)
    description = models.TextField(_("description"), blank=True, default="")
    campaign_type = models.CharField(_("type"), max_length=32, choices=Type.choices)
    event_types = ArrayField(
        models.CharField(max_length=64), verbose_name=_("event types"), default=list, blank=True
    )
    scope = models.JSONField(_("scope"), default=dict, blank=True)
    reward_rules = models.JSONField(_("reward rules"), default=dict, blank=True)
    is_default = models.BooleanField(_("create links automatically"), default=False)
    status = models.CharField(_("status"), max_length=16, choices=Status.choices, default=Status.DRAFT)
    start_at = models.DateTimeField(_("starts"), null=True, blank=True)
    end_at = models.DateTimeField(_("ends"), null=True, blank=True)
    revision = models.PositiveIntegerField(_("revision"), default=1, editable=False)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    updated_at = models.DateTimeField(_("changed"), db_default=Now(), editable=False)

    objects = CampaignQuerySet.as_manager()

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        ordering = ("-created_at",)
        constraints = (
            models.CheckConstraint(
                condition=Q(code__regex=r"^[a-z0-9_-]{3,64}$"), name="campaign_code_shape"
            ),
            models.CheckConstraint(
                condition=Q(campaign_type__in=["user_invite", "partner_onboarding", "purchase", "custom"]),
                name="campaign_type_known",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "active", "paused", "archived"]),
                name="campaign_status_known",
            ),
            models.CheckConstraint(
                condition=Q(start_at__isnull=True) | Q(end_at__isnull=True) | Q(start_at__lt=F("end_at")),
                name="campaign_window_forward",
            ),
        )

    def __str__(self) -> str:
        return self.code

    @property
    def is_invitation(self) -> bool:
        """Whether its relations are the one invitation to the platform that a person can have."""
        return self.campaign_type == self.Type.USER_INVITE

    def takes_at(self, moment: datetime) -> bool:
        """Active, and `moment` lies inside the window; as `CampaignQuerySet.active_at`."""
        started = self.start_at is None or self.start_at <= moment
        unfinished = self.end_at is None or moment < self.end_at
        return self.status == self.Status.ACTIVE and started and unfinished


class RuleVersion(models.Model):
    """One version of a campaign's rules: numbered, dated, never changed (a trigger sees to it).

    Made by `campaigns.services` whenever the rules of a campaign change.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    campaign = models.ForeignKey(
        ReferralCampaign,
        on_delete=models.PROTECT,
        related_name="rule_versions",
        db_index=False,
        verbose_name=_("campaign"),
    )
    number = models.PositiveIntegerField(_("number"))
    rules = models.JSONField(_("rules"))
    valid_from = models.DateTimeField(_("valid from"))
    created_by = models.CharField(_("created by"), max_length=150)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("rule version")
        verbose_name_plural = _("rule versions")
        ordering = ("campaign", "-number")
        constraints = (
            # Also serves "the versions of this campaign, by number".
            models.UniqueConstraint(fields=["campaign", "number"], name="rule_version_numbered_once"),
        )

    def __str__(self) -> str:
        return f"{self.campaign_id} #{self.number}"


class CampaignSpend(models.Model):
    """What the rewards of a budgeted campaign have reserved so far.

    Made by the event path when a budget is first needed, dropped by `campaigns.services` when the rules lose
    their budget: a campaign without one must not pay for a row that all of its events would queue on.
    """

    campaign = models.OneToOneField(
        ReferralCampaign,
        on_delete=models.PROTECT,
        primary_key=True,
        related_name="spend",
        verbose_name=_("campaign"),
    )
    points = models.BigIntegerField(_("points reserved"), default=0)
    g2a = amount_field(_("G2A reserved"), default=0)

    class Meta:
        verbose_name = _("campaign spending")
        verbose_name_plural = _("campaign spending")
        constraints = (
            models.CheckConstraint(
                condition=Q(points__gte=0) & Q(g2a__gte=0), name="campaign_spend_not_negative"
            ),
        )

    def __str__(self) -> str:
        return f"{self.campaign_id}: {self.points} points, {self.g2a} G2A"
