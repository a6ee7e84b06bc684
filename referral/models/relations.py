"""Who invited whom, and who brought which partner."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from campaigns.models import ReferralCampaign
from referral.models.fields import ID_REGEX, id_field
from referral.models.links import ReferralLink


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
