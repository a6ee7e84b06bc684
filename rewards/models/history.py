"""What happened to rewards: calls to the providers, and changes of status. Append-only."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from rewards.models.codes import Cause, Failure, MoveReason
from rewards.models.rewards import ReferralReward, RewardStatus


class PayoutAttempt(models.Model):
    """One call to a peer for one reward, written when the call has ended; never changed.

    Asking for the state of a token task leaves a row only when the answer changed something, and so does a
    callback or a comparison with the peer's record. `cause` says why it ended so, and is empty where the
    outcome says it all; `error_code` and `message` are the words of the peer, or of the network.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    reward = models.ForeignKey(
        ReferralReward, on_delete=models.PROTECT, related_name="payout_attempts", verbose_name=_("reward")
    )
    number = models.PositiveIntegerField(_("number"))
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"))
    outcome = models.CharField(_("result"), max_length=16)
    cause = models.CharField(
        _("cause"), max_length=32, choices=Cause.choices, blank=True, default="", db_default=""
    )
    http_status = models.PositiveSmallIntegerField(_("HTTP status"), null=True, blank=True)
    error_code = models.CharField(_("provider's error code"), max_length=64, blank=True, default="")
    message = models.CharField(_("message"), max_length=500, blank=True, default="")
    peer_reference = models.CharField(_("transaction or task"), max_length=128, blank=True, default="")
    request_id = models.CharField(_("request ID"), max_length=128)

    class Meta:
        verbose_name = _("payout attempt")
        verbose_name_plural = _("payout attempts")
        ordering = ("-id",)
        constraints = (
            # What went wrong has its cause.
            models.CheckConstraint(
                condition=Q(cause__in=Cause.values)
                | Q(cause="", outcome__in=["booked", "accepted"], message=""),
                name="attempt_cause_known",
            ),
        )
        indexes = (
            # "Which reward did this earlier token task pay": a callback about a task that was replaced.
            models.Index(
                fields=["peer_reference"], condition=Q(outcome="accepted"), name="attempt_by_token_task"
            ),
            # "Which calls went wrong in this way", newest first: the filter of the back-office.
            models.Index(
                fields=["outcome", "id"],
                condition=~Q(outcome__in=["booked", "accepted"]),
                name="attempt_gone_wrong",
            ),
        )

    def __str__(self) -> str:
        return f"{self.reward_id} #{self.number}: {self.outcome}"

    @property
    def failure(self) -> Failure | None:
        """What there is to say beside the outcome."""
        return Failure(self.cause, self.http_status, self.error_code, self.message) if self.cause else None


class RewardTransition(models.Model):
    """One change of a reward's status: from, to, when, who and why; never changed.

    `reason_code` says why, `reason` in a person's own words. Where the statuses and who it was say it all, as
    when a worker takes a reward up, there is no code. (Texts beside the codes of workers are from a release
    without codes.)
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    reward = models.ForeignKey(
        ReferralReward, on_delete=models.PROTECT, related_name="transitions", verbose_name=_("reward")
    )
    from_status = models.CharField(_("from"), max_length=16, choices=RewardStatus.choices)
    to_status = models.CharField(_("to"), max_length=16, choices=RewardStatus.choices)
    at = models.DateTimeField(_("when"), db_default=Now())
    actor = models.CharField(_("who"), max_length=160)
    reason_code = models.CharField(
        max_length=32, choices=MoveReason.choices, blank=True, default="", db_default=""
    )
    reason_params = models.JSONField(default=dict, db_default={}, editable=False)
    reason = models.CharField(_("reason"), max_length=500, blank=True, default="")

    class Meta:
        verbose_name = _("status change")
        verbose_name_plural = _("status history")
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(reason_code__in=MoveReason.values) | Q(reason_code="", reason=""),
                name="transition_reason_known",
            ),
        )
        indexes = (
            # "What was unlocked, sent again, failed or cancelled", newest first: a filter of the back-office.
            models.Index(
                fields=["to_status", "id"],
                condition=Q(to_status__in=["pending", "failed", "cancelled"]),
                name="transition_aside",
            ),
        )

    def __str__(self) -> str:
        return f"{self.reward_id}: {self.from_status} → {self.to_status}"
