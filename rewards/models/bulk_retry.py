"""Orders to send many rewards again."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from campaigns.models import ReferralCampaign, amount_field


class BulkRetry(models.Model):
    """An order by a person to send all rewards again that failed with one error, carried out by the worker.

    Made, stopped and continued by `rewards.support.review.bulk_retry`. Which rewards it takes is fixed when
    it is ordered (its items), so that what fails later is not taken along. `claimed_until` keeps other
    workers off while one is at it, and lets them take over from one that has died.
    """

    class State(models.TextChoices):
        """Who has to do something: a worker, a person, nobody."""

        RUNNING = "running", _("In progress")
        STOPPED = "stopped", _("Stopped")
        FINISHED = "finished", _("Finished")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    error = models.CharField(_("error"), max_length=200)
    campaign = models.ForeignKey(
        ReferralCampaign,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("campaign only"),
    )
    currency = models.CharField(_("currency only"), max_length=8, blank=True, default="")
    failed_before = models.DateTimeField(_("failed before"))
    reason = models.CharField(_("reason"), max_length=500)
    created_by = models.CharField(_("started by"), max_length=160)
    created_at = models.DateTimeField(_("started"), db_default=Now())
    run_by = models.CharField(_("started or resumed by"), max_length=160)
    state = models.CharField(_("status"), max_length=16, choices=State.choices, default=State.RUNNING)
    total = models.PositiveIntegerField(_("rewards"), default=0)
    points = models.BigIntegerField(_("points"), default=0)
    g2a = amount_field(_("G2A"), default=0)
    retried = models.PositiveIntegerField(_("sent again"), default=0)
    refused = models.PositiveIntegerField(_("not sent again"), default=0)
    claim_token = models.UUIDField(null=True, blank=True, editable=False)
    claimed_until = models.DateTimeField(null=True, blank=True, editable=False)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("bulk retry")
        verbose_name_plural = _("bulk retries")
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(state="finished", finished_at__isnull=False)
                | (~Q(state="finished") & Q(finished_at__isnull=True)),
                name="bulk_retry_finished_has_time",
            ),
        )
        indexes = (
            # "What is there for a worker to carry on": the sweep.
            models.Index(fields=["id"], condition=Q(state="running"), name="bulk_retry_running"),
        )

    def __str__(self) -> str:
        return self.error

    @property
    def done(self) -> int:
        """How many of its rewards have been dealt with."""
        return self.retried + self.refused


class BulkRetryItem(models.Model):
    """One reward of a bulk retry, and what became of it; its outcome is written with the reward's move."""

    class Outcome(models.TextChoices):
        """What became of it. `failed_in_us` is a refusal by our own database, for those who look after it."""

        RETRIED = "retried", _("Sent again")
        MOVED = "moved", _("No longer failed: changed by someone else meanwhile")
        FAILED_IN_US = "failed_in_us", _("Refused by our database")

    pk = models.CompositePrimaryKey("bulk_retry_id", "reward_id")
    bulk_retry = models.ForeignKey(BulkRetry, on_delete=models.CASCADE, related_name="items", db_index=False)
    reward = models.ForeignKey(
        "rewards.ReferralReward", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    outcome = models.CharField(max_length=16, choices=Outcome.choices, blank=True, default="")
    problem = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        indexes = (
            # "What is left to do", and "what was not sent again", each in the order of the rewards.
            models.Index(
                fields=["bulk_retry", "outcome", "reward"],
                condition=~Q(outcome="retried"),
                name="bulk_retry_item_open",
            ),
        )

    def __str__(self) -> str:
        return f"{self.reward_id}: {self.outcome or 'to do'}"
