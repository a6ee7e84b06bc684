"""Comparisons with the providers, and what they found."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from rewards.models.codes import Fact, RunProblem, codes_known
from rewards.models.rewards import ReferralReward


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
