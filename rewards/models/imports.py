"""Files of relations that people bring in."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from campaigns.models import ReferralCampaign
from referral.models import id_field
from rewards.models.codes import LineProblem, codes_known


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
