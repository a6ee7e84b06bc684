"""Rewards, their payouts and their history, and the counters that limits and pages read.

What keeps account of work in the background is in `rewards.models.jobs`.
"""

from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from campaigns.models import ReferralCampaign, amount_field
from referral.models import ID_REGEX, ReferralEvent, id_field
from rewards.models.codes import Cause, Fact, Failure, MoveReason, RunProblem, codes_known
from rewards.models.jobs import BulkRetry as BulkRetry
from rewards.models.jobs import BulkRetryItem as BulkRetryItem
from rewards.models.jobs import DailyFigures as DailyFigures
from rewards.models.jobs import DailyFiguresCursor as DailyFiguresCursor
from rewards.models.jobs import PeerProbe as PeerProbe
from rewards.models.jobs import RelationImport as RelationImport
from rewards.models.jobs import RelationImportLine as RelationImportLine


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


class PeerCircuit(models.Model):
    """Whether a peer is well. Written by workers; an open circuit lets one probe through now and then."""

    class State(models.TextChoices):
        """Closed lets calls through, open holds them back."""

        CLOSED = "closed", _("Operational")
        OPEN = "open", _("Unavailable")

    peer = models.CharField(_("provider"), primary_key=True, max_length=16)
    state = models.CharField(_("status"), max_length=8, choices=State.choices, default=State.CLOSED)
    openings = models.PositiveIntegerField(_("failed probes in a row"), default=0)
    opened_at = models.DateTimeField(_("unavailable since"), null=True, blank=True)
    probe_at = models.DateTimeField(_("next probe"), null=True, blank=True)
    last_success_at = models.DateTimeField(_("last success"), null=True, blank=True)
    last_failure_at = models.DateTimeField(_("last failure"), null=True, blank=True)
    last_error_code = models.CharField(
        _("last error"), max_length=32, choices=Cause.choices, blank=True, default="", db_default=""
    )
    last_error_params = models.JSONField(default=dict, db_default={}, editable=False)

    class Meta:
        verbose_name = _("provider")
        verbose_name_plural = _("providers")
        ordering = ("peer",)
        constraints = (
            models.CheckConstraint(
                condition=Q(state="closed") | Q(state="open", probe_at__isnull=False),
                name="circuit_open_has_probe",
            ),
            models.CheckConstraint(
                condition=Q(last_error_code__in=["", *Cause.values]),
                name="circuit_error_known",
            ),
        )

    def __str__(self) -> str:
        return f"{self.peer}: {self.state}"

    @property
    def last_failure(self) -> Failure | None:
        """What went wrong last, if anything did."""
        return Failure.of(self.last_error_code, self.last_error_params) if self.last_error_code else None


class AnalyticsRefusal(models.Model):
    """One entry that Analytics will not take: written by the sender, for a person.

    Deleted when the entry is to be sent again (`manage.py analytics_lag --send-refused-again`).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    entry_id = models.UUIDField(_("entry ID"))
    recorded_no = models.BigIntegerField(_("position in the history"))
    event_name = models.CharField(_("event name"), max_length=64)
    http_status = models.PositiveSmallIntegerField(_("HTTP status"), null=True, blank=True)
    message = models.CharField(_("message"), max_length=500, blank=True, default="")
    refused_at = models.DateTimeField(_("rejected"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("entry rejected by Analytics")
        verbose_name_plural = _("entries rejected by Analytics")
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.event_name} {self.entry_id}"


class ReconciliationRun(models.Model):
    """One comparison of our rewards with what the peers have on record. Made and closed by `reconcile`.

    `problem_list` says what could not be compared, by code (`RunProblem`) with its parameters; a run without
    `finished_at` was stopped.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    bookings = models.PositiveIntegerField(_("ledger entries read"), default=0)
    tasks = models.PositiveIntegerField(_("token tasks checked"), default=0)
    repaired = models.PositiveIntegerField(_("repaired"), default=0)
    problem_list = models.JSONField(_("problems"), default=list, db_default=[], blank=True)

    class Meta:
        verbose_name = _("reconciliation")
        verbose_name_plural = _("reconciliations")
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                condition=codes_known("problem_list", RunProblem), name="run_problems_known"
            ),
        )

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M} UTC"


class ReconciliationFinding(models.Model):
    """One disagreement between us and a peer, or a reward that does not move on.

    `open` ones need a person. Found again, an open finding stays the same row; not found again, it is closed
    by the next whole comparison as `gone`. Late confirmations are closed by people only. The facts are
    each a code of `Fact` with its parameters.
    """

    class Kind(models.TextChoices):
        """What is wrong."""

        MISSING = "missing", _("Paid by us, missing at the provider")
        EXTRA = "extra", _("Paid by the provider, unpaid in our records")
        DOUBLE = "double", _("Credited twice by the provider")
        DIFFERENT = "different", _("Credited with other details")
        STUCK = "stuck", _("Not progressing")
        LATE_CONFIRMATION = "late_confirmation", _("Token task confirmed after failing")

    class State(models.TextChoices):
        """Who has to do something."""

        OPEN = "open", _("Needs attention")
        REPAIRED = "repaired", _("Repaired")
        GONE = "gone", _("No longer found")
        CLOSED = "closed", _("Closed by staff")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.ForeignKey(
        ReconciliationRun,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="findings",
        verbose_name=_("last found by"),
    )
    kind = models.CharField(_("type"), max_length=32, choices=Kind.choices)
    state = models.CharField(_("status"), max_length=16, choices=State.choices)
    peer = models.CharField(_("provider"), max_length=16)
    external_id = models.CharField(_("ID at the provider"), max_length=200)
    reward = models.ForeignKey(
        ReferralReward,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="findings",
        verbose_name=_("reward"),
    )
    our_facts = models.JSONField(_("our records"), null=True, blank=True)
    their_facts = models.JSONField(_("provider's records"), null=True, blank=True)
    found_at = models.DateTimeField(_("found"))
    found_again_at = models.DateTimeField(_("found again"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    closed_by = models.CharField(_("closed by"), max_length=160, blank=True, default="")
    note = models.CharField(_("note"), max_length=500, blank=True, default="")

    class Meta:
        verbose_name = _("discrepancy")
        verbose_name_plural = _("discrepancies")
        ordering = ("-id",)
        constraints = (
            # Also serves "what needs a person".
            models.UniqueConstraint(
                fields=["peer", "kind", "external_id"],
                condition=Q(state="open"),
                name="finding_open_once",
            ),
            models.CheckConstraint(
                condition=Q(state="open", closed_at__isnull=True)
                | (~Q(state="open") & Q(closed_at__isnull=False)),
                name="finding_closed_has_time",
            ),
            models.CheckConstraint(condition=codes_known("our_facts", Fact), name="finding_ours_known"),
            models.CheckConstraint(condition=codes_known("their_facts", Fact), name="finding_theirs_known"),
        )

    def __str__(self) -> str:
        return f"{self.kind}: {self.external_id}"
