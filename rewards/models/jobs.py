"""What keeps account of work beside the payouts: daily figures, imports, bulk retries, probes."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from campaigns.models import ReferralCampaign, amount_field
from referral.models import id_field
from rewards.models.codes import Cause, LineProblem, codes_known


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


class RelationImport(models.Model):
    """A file of relations that a person brings in: looked at first, then written line by line.

    Made and carried out by `rewards.imports.relations`. Its lines say what would become of each, and what
    has.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    campaign = models.ForeignKey(
        ReferralCampaign,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        verbose_name=_("campaign"),
    )
    file_name = models.CharField(_("file"), max_length=200)
    created_by = models.CharField(_("uploaded by"), max_length=160)
    created_at = models.DateTimeField(_("uploaded"), db_default=Now(), editable=False)
    total = models.PositiveIntegerField(_("lines"), default=0)
    done = models.PositiveIntegerField(_("lines processed"), default=0)
    made = models.PositiveIntegerField(_("referrals created"), default=0)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("referral import")
        verbose_name_plural = _("referral imports")
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.file_name


class RelationImportLine(models.Model):
    """One line of an imported file: what it says, what was expected of it, and what became of it.

    `problem_list` says by code (`LineProblem`) why it cannot be read.
    """

    class Outcome(models.TextChoices):
        """What becomes of a line."""

        MADE = "made", _("Referral created")
        KNOWN = "known", _("Already recorded, no change")
        ALREADY_REFERRED = "already_referred", _("The user has another referrer")
        SELF_REFERRAL = "self_referral", _("Self-referral")
        CIRCULAR = "circular", _("Circular referral")
        INVALID = "invalid", _("Invalid line")

    pk = models.CompositePrimaryKey("relation_import_id", "number")
    relation_import = models.ForeignKey(
        RelationImport, on_delete=models.CASCADE, related_name="lines", db_index=False
    )
    number = models.PositiveIntegerField()
    referrer_user_id = id_field(blank=True, default="")
    referred_user_id = id_field(blank=True, default="")
    registered_at = models.DateTimeField(null=True)
    problem_list = models.JSONField(default=list, db_default=[], blank=True)
    expected = models.CharField(max_length=16, choices=Outcome.choices)
    outcome = models.CharField(max_length=16, choices=Outcome.choices, blank=True, default="")

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=codes_known("problem_list", LineProblem), name="import_line_problems_known"
            ),
        )

    def __str__(self) -> str:
        return f"{self.relation_import_id} line {self.number}: {self.outcome or self.expected}"


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


class PeerProbe(models.Model):
    """The last question of a person to a peer whether it answers; one row a peer, asked by the worker.

    Written by `rewards.support.providers.probes`. It says nothing about rewards: whether they are paid is for
    the circuit to say.
    """

    peer = models.CharField(_("provider"), primary_key=True, max_length=16)
    asked_by = models.CharField(_("checked by"), max_length=160)
    asked_at = models.DateTimeField(_("requested"))
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    outcome = models.CharField(_("result"), max_length=16, blank=True, default="")
    cause = models.CharField(
        _("cause"), max_length=32, choices=Cause.choices, blank=True, default="", db_default=""
    )
    http_status = models.PositiveSmallIntegerField(_("HTTP status"), null=True, blank=True)
    message = models.CharField(_("message"), max_length=500, blank=True, default="")
    milliseconds = models.PositiveIntegerField(_("duration"), null=True, blank=True)

    class Meta:
        verbose_name = _("provider check")
        verbose_name_plural = _("provider checks")
        ordering = ("peer",)
        constraints = (
            models.CheckConstraint(condition=Q(cause__in=["", *Cause.values]), name="probe_cause_known"),
        )

    def __str__(self) -> str:
        return self.peer
