"""The providers as workers have found them."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from rewards.models.codes import Cause, Failure


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
