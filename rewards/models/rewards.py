"""Rewards: one amount of one currency for one person because of one event."""

from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from campaigns.models import ReferralCampaign, amount_field
from referral.models import ID_REGEX, ReferralEvent, id_field
from rewards.models.codes import Cause, Failure


class RewardStatus(models.TextChoices):
    """Where a reward is on its way; the moves between them stand in `rewards.ledger.transitions`."""

    ON_HOLD = "on_hold", _("On hold")
    LOCKED = "locked", _("Locked")
    PENDING = "pending", _("Pending")
    SENT_TO_POINTS = "sent_to_points", _("Sent to Points Service")
    SENT_TO_TOKEN = "sent_to_token", _("Sent to Token Gateway")
    COMPLETED = "completed", _("Paid")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


SENT = (RewardStatus.SENT_TO_POINTS, RewardStatus.SENT_TO_TOKEN)


# What a worker has to look at again: exactly these have a next attempt.
WORKABLE = (RewardStatus.PENDING, *SENT)


# A running token task is asked for at least twice a minute: so many times are an hour.
SILENT_POLLS = 120


# What rewards that failed for the same cause have in common (rewards/sql/0015_error_group.sql).
ERROR_GROUP = Func(
    F("last_error_code"),
    F("last_error_params"),
    function="referral_error_group",
    output_field=models.TextField(),
)


class ReferralReward(models.Model):
    """One amount of one currency owed to one beneficiary because of one event.

    Made by `rewards.intake.acceptance` with its event; moved by `rewards.ledger.services` (people, role
    messages) and `rewards.payouts.claim` (workers). `next_attempt_at` is the queue: a worker takes what is
    due, and taking it moves the time ahead by the lease, so that a dead worker's rewards come up again by
    themselves.
    """

    class Currency(models.TextChoices):
        """What is paid; decides the peer that pays it."""

        POINTS = "points", _("Points")
        G2A = "g2a", "G2A"

    Status = RewardStatus

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    referral_event = models.ForeignKey(
        ReferralEvent,
        on_delete=models.PROTECT,
        related_name="rewards",
        db_index=False,
        verbose_name=_("event"),
    )
    campaign = models.ForeignKey(
        ReferralCampaign,
        on_delete=models.PROTECT,
        related_name="rewards",
        db_index=False,
        verbose_name=_("campaign"),
    )
    beneficiary_user_id = id_field(_("recipient"))
    beneficiary_level = models.PositiveSmallIntegerField(_("level"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=8, choices=Currency.choices)
    points_amount = models.BigIntegerField(_("points"), null=True, blank=True)
    g2a_amount = amount_field(_("G2A"), null=True, blank=True)
    status = models.CharField(_("status"), max_length=16, choices=RewardStatus.choices)
    required_min_role = models.CharField(_("required role"), max_length=8, null=True, blank=True)
    available_at = models.DateTimeField(_("payable from"))
    external_task_id = models.CharField(_("token task"), max_length=128, null=True, blank=True)
    external_tx_id = models.CharField(_("transaction"), max_length=128, null=True, blank=True)
    in_doubt = models.BooleanField(_("unconfirmed"), default=False)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    failures = models.PositiveIntegerField(_("unanswered tries"), default=0)
    first_failed_at = models.DateTimeField(_("failing since"), null=True, blank=True)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    last_error_code = models.CharField(
        _("last error"), max_length=32, choices=Cause.choices, blank=True, default="", db_default=""
    )
    last_error_params = models.JSONField(default=dict, db_default={}, editable=False)
    mint_number = models.PositiveSmallIntegerField(default=1, editable=False)
    claim_token = models.UUIDField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"))
    updated_at = models.DateTimeField(_("changed"))

    class Meta:
        verbose_name = _("reward")
        verbose_name_plural = _("rewards")
        ordering = ("-id",)
        constraints = (
            # Also serves "the rewards of this event".
            models.UniqueConstraint(
                fields=["referral_event", "beneficiary_level", "currency"],
                nulls_distinct=False,
                name="reward_once_per_event_level_currency",
            ),
            models.CheckConstraint(
                condition=Q(
                    currency="points",
                    points_amount__gt=0,
                    points_amount__isnull=False,
                    g2a_amount__isnull=True,
                )
                | Q(currency="g2a", g2a_amount__gt=0, g2a_amount__isnull=False, points_amount__isnull=True),
                name="reward_exactly_one_amount",
            ),
            models.CheckConstraint(condition=Q(status__in=RewardStatus.values), name="reward_status_known"),
            models.CheckConstraint(
                condition=Q(beneficiary_level__isnull=True) | Q(beneficiary_level__in=[1, 2]),
                name="reward_level_known",
            ),
            models.CheckConstraint(
                condition=Q(required_min_role__isnull=True) | Q(required_min_role__in=["vip", "pro"]),
                name="reward_role_known",
            ),
            models.CheckConstraint(
                condition=~Q(status="locked") | Q(required_min_role__isnull=False),
                name="reward_lock_has_a_key",
            ),
            # Nothing is stranded: what a worker must look at has a time, and nothing else has one.
            models.CheckConstraint(
                condition=Q(status__in=WORKABLE, next_attempt_at__isnull=False)
                | (~Q(status__in=WORKABLE) & Q(next_attempt_at__isnull=True)),
                name="reward_workable_has_next_attempt",
            ),
            models.CheckConstraint(
                condition=~Q(status="completed") | Q(external_tx_id__isnull=False),
                name="reward_paid_has_transaction",
            ),
            models.CheckConstraint(
                condition=Q(in_doubt=False) | Q(status__in=[*WORKABLE, RewardStatus.FAILED]),
                name="reward_doubt_only_on_the_way",
            ),
            models.CheckConstraint(
                condition=~Q(status="sent_to_points", currency="g2a")
                & ~Q(status="sent_to_token", currency="points"),
                name="reward_sent_to_its_peer",
            ),
            models.CheckConstraint(
                condition=Q(beneficiary_user_id__regex=ID_REGEX), name="reward_beneficiary_shape"
            ),
            models.CheckConstraint(
                condition=Q(last_error_code__in=["", *Cause.values]),
                name="reward_error_known",
            ),
        )
        indexes = (
            # "What is due at this peer, longest waiting first": the claim of every worker.
            models.Index(
                fields=["currency", "next_attempt_at"],
                condition=Q(next_attempt_at__isnull=False),
                name="reward_due",
            ),
            # "What a role message unlocks", and "does VIP open something of this user in this campaign".
            models.Index(
                fields=["beneficiary_user_id", "campaign", "required_min_role"],
                condition=Q(status="locked"),
                name="reward_locked_by_user",
            ),
            # "My rewards, newest first."
            models.Index(fields=["beneficiary_user_id", "id"], name="reward_by_beneficiary"),
            # "The rewards of this campaign, newest first": lists in the back-office.
            models.Index(fields=["campaign", "id"], name="reward_by_campaign"),
            # "What has been failing for longest": the dashboard. Rewards that go well never enter it.
            models.Index(
                fields=["first_failed_at"],
                condition=Q(first_failed_at__isnull=False, next_attempt_at__isnull=False),
                name="reward_failing",
            ),
            # "What needs a person, or will not be paid", newest first. What is on its way is found by its
            # next attempt, and what is locked or paid is everywhere.
            models.Index(
                fields=["status", "id"],
                condition=Q(status__in=["failed", "on_hold", "cancelled"]),
                name="reward_set_aside",
            ),
            # "What has failed, longest ago first", with the filters of the review list read off the index.
            models.Index(
                fields=["updated_at", "id", "currency", "campaign"],
                condition=Q(status="failed"),
                name="reward_failed_since",
            ),
            # "What has failed with this error, longest ago first", and which errors there are.
            models.Index(
                ERROR_GROUP, "updated_at", "id", condition=Q(status="failed"), name="reward_failed_by_error"
            ),
            # "What has been in doubt for longest, and is still asked about": the review list.
            models.Index(
                fields=["first_failed_at", "id"],
                condition=Q(in_doubt=True, next_attempt_at__isnull=False),
                name="reward_doubt_lasting",
            ),
            # "Which token tasks have been asked for again and again": the review list. Few ever enter it.
            models.Index(
                fields=["created_at", "id"],
                condition=Q(
                    status="sent_to_token", external_task_id__isnull=False, failures__gte=SILENT_POLLS
                ),
                name="reward_task_silent",
            ),
            # "What may be paid or not", newest first.
            models.Index(fields=["id"], condition=Q(in_doubt=True), name="reward_in_doubt"),
            # "What is paid in G2A", newest first: a filter of the back-office. Points are everywhere.
            # Not by its currency, or the claim of what is due would have two indexes to choose from.
            models.Index(fields=["id"], condition=Q(g2a_amount__isnull=False), name="reward_in_g2a"),
            # "Which reward did this transaction pay": support's search.
            models.Index(
                fields=["external_tx_id"],
                condition=Q(external_tx_id__isnull=False),
                name="reward_by_transaction",
            ),
            # "Which reward does this token task pay": the gateway's callback.
            models.Index(
                fields=["external_task_id"],
                condition=Q(external_task_id__isnull=False),
                name="reward_by_token_task",
            ),
        )

    def __str__(self) -> str:
        amount = f"{self.points_amount} points" if self.currency == "points" else f"{self.g2a_amount} G2A"
        return f"{amount} → {self.beneficiary_user_id}"

    @property
    def last_failure(self) -> Failure | None:
        """What went wrong last, if anything did."""
        return Failure.of(self.last_error_code, self.last_error_params) if self.last_error_code else None
