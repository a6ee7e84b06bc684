"""Which service may call which operation: data, so that staff can add a service without a release."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7


class ServiceOperation(models.Model):
    """One right of one calling service. Staff add and remove rows; the service's key is configuration."""

    class Operation(models.TextChoices):
        """The operations of the internal API."""

        USER_REGISTERED = "user-registered", _("report registrations")
        USER_ROLE_UPGRADED = "user-role-upgraded", _("report roles")
        USER_ERASED = "user-erased", _("erase users")
        PARTNER_ONBOARDED = "partner-onboarded", _("report partners")
        UPLINE = "upline", _("ask who invited a user")
        EVENT = "event", _("report events")
        EVENTS_BULK = "events/bulk", _("report events in bulk")
        EVENT_REVERSED = "event-reversed", _("reverse events")
        G2A_CALLBACK = "g2a-callback", _("confirm token tasks")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    service = models.CharField(_("service"), max_length=64)
    operation = models.CharField(_("operation"), max_length=32, choices=Operation.choices)
    event_type = models.CharField(
        _("event type"), max_length=64, blank=True, default="", help_text=_("Only for operations on events.")
    )

    class Meta:
        verbose_name = _("service permission")
        verbose_name_plural = _("service permissions")
        ordering = ("service", "operation", "event_type")
        constraints = (
            models.UniqueConstraint(
                fields=["service", "operation", "event_type"], name="service_operation_once"
            ),
            models.CheckConstraint(
                condition=Q(operation__in=["event", "events/bulk", "event-reversed"]) ^ Q(event_type=""),
                name="service_operation_event_type_where_needed",
            ),
        )

    def __str__(self) -> str:
        return f"{self.service}: {self.operation} {self.event_type}".strip()
