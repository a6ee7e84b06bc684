"""Links, relations, events and what we know of users."""

from typing import Any

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from campaigns.models import ReferralCampaign, RuleVersion, amount_field

ID_LENGTH = 64
ID_REGEX = r"^[!-~]{1,64}$"
# What an event's key begins with when the caller has given the event an id.
GIVEN_ID = "i:"


def id_field(verbose_name: Any = None, **options: Any) -> "models.CharField[Any, Any]":
    """A column for an opaque id that another service owns."""
    return models.CharField(verbose_name, max_length=ID_LENGTH, **options)


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


class ReferralRelation(models.Model):
    """ "A invited B" in a campaign. Made at registration, by a code on a purchase, by hand or by import."""

    class Source(models.TextChoices):
        """How the relation became known."""

        LINK = "link", _("Link")
        CODE = "code", _("Code")
        MANUAL = "manual", _("Manual")
        IMPORT = "import", _("Import")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    campaign = models.ForeignKey(
        ReferralCampaign,
        on_delete=models.PROTECT,
        related_name="relations",
        db_index=False,
        verbose_name=_("campaign"),
    )
    is_invitation = models.BooleanField(editable=False)
    referrer_user_id = id_field(_("referrer"))
    referred_user_id = id_field(_("invited user"))
    referral_link = models.ForeignKey(
        ReferralLink,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="relations",
        verbose_name=_("link"),
    )
    source = models.CharField(_("source"), max_length=16, choices=Source.choices)
    registered_at = models.DateTimeField(_("registered"))
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("referral")
        verbose_name_plural = _("referrals")
        ordering = ("-id",)
        constraints = (
            # Also serves every upline look-up: all relations of a referred user.
            models.UniqueConstraint(
                fields=["referred_user_id", "campaign"], name="relation_once_per_campaign_and_referred"
            ),
            models.UniqueConstraint(
                fields=["referred_user_id"], condition=Q(is_invitation=True), name="relation_invited_once"
            ),
            models.CheckConstraint(
                condition=~Q(referrer_user_id=F("referred_user_id")), name="relation_not_with_oneself"
            ),
            models.CheckConstraint(
                condition=Q(referrer_user_id__regex=ID_REGEX) & Q(referred_user_id__regex=ID_REGEX),
                name="relation_ids_shape",
            ),
            models.CheckConstraint(
                condition=Q(source__in=["link", "code", "manual", "import"]), name="relation_source_known"
            ),
        )
        indexes = (
            # "Whom has this user invited, newest first": the tree of /my/referrals and of the back-office.
            models.Index(fields=["referrer_user_id", "registered_at"], name="relation_by_referrer"),
            # "When did we hear of whom this user has invited, newest first": the timeline of a user.
            models.Index(fields=["referrer_user_id", "id"], name="relation_heard_by_referrer"),
            # "Registrations and who brought them, in this period": the dashboard, from the index alone.
            models.Index(
                fields=["registered_at"],
                include=["campaign", "referrer_user_id"],
                name="relation_by_time",
            ),
            # "The relations of this campaign", or "of this source", newest first: lists in the back-office.
            models.Index(fields=["campaign", "id"], name="relation_by_campaign"),
            models.Index(fields=["source", "id"], name="relation_by_source"),
        )

    def __str__(self) -> str:
        return f"{self.referrer_user_id} → {self.referred_user_id}"


class PartnerReferralRelation(models.Model):
    """ "A brought this business partner." Made when RF Service reports the onboarding."""

    class Status(models.TextChoices):
        """`pending_onboarding` and `rejected` are reserved."""

        PENDING_ONBOARDING = "pending_onboarding", _("Onboarding")
        ONBOARDED = "onboarded", _("Onboarded")
        REJECTED = "rejected", _("Rejected")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    campaign = models.ForeignKey(
        ReferralCampaign,
        on_delete=models.PROTECT,
        related_name="partner_relations",
        db_index=False,
        verbose_name=_("campaign"),
    )
    referrer_user_id = id_field(_("referrer"))
    business_partner_id = id_field(_("business partner"))
    referral_link = models.ForeignKey(
        ReferralLink,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="partner_relations",
        verbose_name=_("link"),
    )
    status = models.CharField(_("status"), max_length=24, choices=Status.choices, default=Status.ONBOARDED)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("partner referral")
        verbose_name_plural = _("partner referrals")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=["business_partner_id", "campaign"], name="partner_relation_once_per_campaign"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["pending_onboarding", "onboarded", "rejected"]),
                name="partner_relation_status_known",
            ),
            models.CheckConstraint(
                condition=Q(referrer_user_id__regex=ID_REGEX) & Q(business_partner_id__regex=ID_REGEX),
                name="partner_relation_ids_shape",
            ),
        )
        indexes = (
            # "Which partners has this user brought", newest first.
            models.Index(fields=["referrer_user_id", "id"], name="partner_relation_by_referrer"),
            # "The partners of this campaign", newest first: a filter of the back-office.
            models.Index(fields=["campaign", "id"], name="partner_relation_by_campaign"),
            # "Which partners are not on board", newest first; the others are everywhere.
            models.Index(
                fields=["status", "id"],
                condition=~Q(status="onboarded"),
                name="partner_relation_not_onboarded",
            ),
        )

    def __str__(self) -> str:
        return f"{self.referrer_user_id} → {self.business_partner_id}"


class ReferralEvent(models.Model):
    """Something that happened to a referred user or partner, and why it earned nothing if it did.

    Written once by `rewards.intake.acceptance`, together with its rewards; never changed (a trigger sees to
    it). `idempotency_key` is the caller's id behind `i:`, or behind `c:` the fingerprint of the content.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    campaign = models.ForeignKey(
        ReferralCampaign,
        on_delete=models.PROTECT,
        related_name="events",
        db_index=False,
        verbose_name=_("campaign"),
    )
    rule_version = models.ForeignKey(
        RuleVersion,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        verbose_name=_("rule version"),
    )
    event_type = models.CharField(_("event type"), max_length=64)
    source_service = models.CharField(_("source service"), max_length=64)
    external_event_id = models.CharField(_("external event ID"), max_length=128, null=True, blank=True)
    idempotency_key = models.CharField(max_length=140, editable=False)
    fingerprint = models.CharField(max_length=64, editable=False)
    referrer_user_id = id_field(_("referrer"), null=True, blank=True)
    referred_user_id = id_field(_("invited user"), null=True, blank=True)
    business_partner_id = id_field(_("business partner"), null=True, blank=True)
    subject_type = models.CharField(_("subject type"), max_length=64, null=True, blank=True)
    subject_id = id_field(_("subject"), null=True, blank=True)
    amount_base = amount_field(_("amount"), null=True, blank=True)
    metadata = models.JSONField(_("metadata"), null=True, blank=True)
    occurred_at = models.DateTimeField(_("occurred"))
    created_at = models.DateTimeField(_("accepted"))
    reason = models.CharField(_("why no reward"), max_length=32, null=True, blank=True)
    reason_detail = models.CharField(_("details"), max_length=128, null=True, blank=True)
    code_reason = models.CharField(_("why the code was not used"), max_length=32, null=True, blank=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ("-id",)
        constraints = (
            # D3: once per event. Serves the look-up of duplicates, and support's search for a caller's own
            # id: the key comes first, so nobody has to know which service it was.
            models.UniqueConstraint(fields=["idempotency_key", "source_service"], name="event_once_per_key"),
            # D1: one registration per user and campaign.
            models.UniqueConstraint(
                fields=["referred_user_id", "campaign"],
                condition=Q(event_type="user_registered"),
                name="event_registered_once",
            ),
            # D1: one onboarding per partner and campaign.
            models.UniqueConstraint(
                fields=["business_partner_id", "campaign"],
                condition=Q(event_type="rf_partner_onboarded"),
                name="event_onboarded_once",
            ),
            models.CheckConstraint(condition=Q(amount_base__gte=0), name="event_amount_not_negative"),
            models.CheckConstraint(
                condition=Q(referred_user_id__isnull=True) ^ Q(business_partner_id__isnull=True),
                name="event_about_user_or_partner",
            ),
        )
        indexes = (
            # "Events of a period", of all campaigns or some: reports, which need not read the table for it.
            models.Index(
                fields=["occurred_at"], include=["campaign", "referrer_user_id", "id"], name="event_by_time"
            ),
            # "What happened to this user."
            models.Index(fields=["referred_user_id", "id"], name="event_by_referred"),
            # "What this user's referrals did."
            models.Index(fields=["referrer_user_id", "id"], name="event_by_referrer"),
            # "What happened to this partner."
            models.Index(
                fields=["business_partner_id", "id"],
                condition=Q(business_partner_id__isnull=False),
                name="event_by_partner",
            ),
            # "The events of this campaign", newest first: a filter of the back-office.
            models.Index(fields=["campaign", "id"], name="event_by_campaign"),
            # "Which events earned nothing for this reason", newest first: the filter of the back-office.
            models.Index(
                fields=["reason", "id"], condition=Q(reason__isnull=False), name="event_without_reward"
            ),
        )

    def __str__(self) -> str:
        return f"{self.event_type} {self.id}"


class EventReplay(models.Model):
    """That an event which earned nothing, because nobody was known to have invited the user, earns after all.

    `original` stays as it is, `replay` tells of the same once more, now with a referrer. Written by
    `rewards.support.attach.backfill` in the transaction of `replay`; never changed (a trigger sees to it).
    Who counts what happened leaves replays out; a reversal of `original` has to reverse `replay`.
    """

    original = models.OneToOneField(
        ReferralEvent,
        on_delete=models.PROTECT,
        primary_key=True,
        related_name="replayed",
        verbose_name=_("past event"),
    )
    replay = models.OneToOneField(
        ReferralEvent, on_delete=models.PROTECT, related_name="replays", verbose_name=_("rewarded by")
    )

    class Meta:
        verbose_name = _("past event rewarded later")
        verbose_name_plural = _("past events rewarded later")
        constraints = (
            models.CheckConstraint(condition=~Q(original=F("replay")), name="replay_is_another_event"),
        )

    def __str__(self) -> str:
        return f"{self.original_id} → {self.replay_id}"


class UserRole(models.Model):
    """The latest role of a user, and since when we have known the user.

    Written by registrations and role messages; a user without a row is a `user`.
    """

    class Role(models.TextChoices):
        """user < vip < pro."""

        USER = "user", _("User")
        VIP = "vip", "VIP"
        PRO = "pro", "PRO"

    user_id = id_field(_("user"), primary_key=True)
    role = models.CharField(_("role"), max_length=8, choices=Role.choices, default=Role.USER)
    occurred_at = models.DateTimeField(_("role since"), null=True, blank=True)
    first_heard_at = models.DateTimeField(_("first seen"), db_default=Now())

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        ordering = ("user_id",)
        constraints = (
            models.CheckConstraint(condition=Q(role__in=["user", "vip", "pro"]), name="user_role_known"),
            models.CheckConstraint(condition=Q(user_id__regex=ID_REGEX), name="user_id_shape"),
        )
        indexes = (
            # "Who has this role", in the order of ids: a filter of the back-office.
            models.Index(
                fields=["role", "user_id"], condition=Q(role__in=["vip", "pro"]), name="user_by_high_role"
            ),
        )

    def __str__(self) -> str:
        return f"{self.user_id} ({self.role})"


class InstallationKey(models.Model):
    """A random key made once per installation and never changed.

    Fingerprints of events are keyed with it, so they cannot be guessed from outside, and rotating SECRET_KEY
    does not turn every repeated event into a conflict.
    """

    name = models.CharField(primary_key=True, max_length=32)
    key = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return self.name
