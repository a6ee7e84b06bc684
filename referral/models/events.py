"""Events, and which of them rewards an earlier one later."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from campaigns.models import ReferralCampaign, RuleVersion, amount_field
from referral.models.fields import id_field

# What an event's key begins with when the caller has given the event an id.
GIVEN_ID = "i:"


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
