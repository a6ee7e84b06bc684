"""Users as far as we have heard of them."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from referral.models.fields import ID_REGEX, id_field


class UserRole(models.Model):
    """The latest role of a user, and since when we have known the user.

    Written by registrations and role messages; a user without a row is a `user`.
    """

    class Role(models.TextChoices):
        """user < vip < pro."""

        USER = "user", _("User")
        VIP = "vip", "VIP"
        PRO = "pro", "PRO"

    user_id = id_field(_("user"), primary_key=True)
    role = models.CharField(_("role"), max_length=8, choices=Role.choices, default=Role.USER)
    occurred_at = models.DateTimeField(_("role since"), null=True, blank=True)
    first_heard_at = models.DateTimeField(_("first seen"), db_default=Now())

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        ordering = ("user_id",)
        constraints = (
            models.CheckConstraint(condition=Q(role__in=["user", "vip", "pro"]), name="user_role_known"),
            models.CheckConstraint(condition=Q(user_id__regex=ID_REGEX), name="user_id_shape"),
        )
        indexes = (
            # "Who has this role", in the order of ids: a filter of the back-office.
            models.Index(
                fields=["role", "user_id"], condition=Q(role__in=["vip", "pro"]), name="user_by_high_role"
            ),
        )

    def __str__(self) -> str:
        return f"{self.user_id} ({self.role})"
