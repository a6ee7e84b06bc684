"""Which service may call what, what people have changed, and who tries to sign in."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7


class ServiceOperation(models.Model):
    """One right of one calling service. Staff add and remove rows; the service's key is configuration."""

    class Operation(models.TextChoices):
        """The operations of the internal API."""

        USER_REGISTERED = "user-registered", _("report registrations")
        USER_ROLE_UPGRADED = "user-role-upgraded", _("report roles")
        USER_ERASED = "user-erased", _("erase user data")
        PARTNER_ONBOARDED = "partner-onboarded", _("report partners")
        UPLINE = "upline", _("look up who invited a user")
        EVENT = "event", _("report events")
        EVENTS_BULK = "events/bulk", _("report events in bulk")
        EVENT_REVERSED = "event-reversed", _("reverse events")
        G2A_CALLBACK = "g2a-callback", _("confirm token tasks")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    service = models.CharField(_("service"), max_length=64)
    operation = models.CharField(_("operation"), max_length=32, choices=Operation.choices)
    event_type = models.CharField(
        _("event type"), max_length=64, blank=True, default="", help_text=_("Only for event operations.")
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


class AuditEntry(models.Model):
    """One change that a person made: who, when, what, from what to what, why, in which request.

    Written by `access.audit.audit_note` in the transaction of the change; never changed (a trigger sees to
    it).
    """

    class Verb(models.TextChoices):
        """What was done; a move of a reward is a change of its status."""

        CREATED = "created", _("created")
        CHANGED = "changed", _("changed")
        DELETED = "deleted", _("deleted")
        IMPORTED = "imported", _("imported")
        SIGNED_IN = "signed_in", _("signed in")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(_("when"), db_default=Now(), editable=False)
    actor = models.CharField(_("who"), max_length=160)
    verb = models.CharField(_("action"), max_length=16, choices=Verb.choices)
    object_type = models.CharField(_("object type"), max_length=64)
    object_id = models.CharField(_("object ID"), max_length=64)
    object_name = models.CharField(_("object"), max_length=200)
    before = models.JSONField(_("before"), null=True, blank=True, encoder=DjangoJSONEncoder)
    after = models.JSONField(_("after"), null=True, blank=True, encoder=DjangoJSONEncoder)
    reason = models.CharField(_("reason"), max_length=500, blank=True, default="")
    request_id = models.CharField(_("request ID"), max_length=128, blank=True, default="")

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(verb__in=["created", "changed", "deleted", "imported", "signed_in"]),
                name="audit_verb_known",
            ),
        )
        indexes = (
            # "What has this person done, newest first."
            models.Index(fields=["actor", "id"], name="audit_by_actor"),
            # "What was done to this object, newest first."
            models.Index(fields=["object_id", "id"], name="audit_by_object"),
        )

    def __str__(self) -> str:
        return f"{self.actor} {self.verb} {self.object_type} {self.object_name}"


class SignInTries(models.Model):
    """How often one key (an account, an address, or both) has tried to sign in since `since`.

    The key is a keyed hash. Written before the password is looked at, deleted by success or by age.
    """

    key = models.CharField(primary_key=True, max_length=64)
    tries = models.PositiveIntegerField()
    since = models.DateTimeField()

    class Meta:
        indexes = (
            # "Forget the tries that no longer count."
            models.Index(fields=["since"], name="sign_in_tries_by_age"),
        )

    def __str__(self) -> str:
        return f"{self.key}: {self.tries}"
