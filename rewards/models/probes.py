"""Questions of people to the providers."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from rewards.models.codes import Cause


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
