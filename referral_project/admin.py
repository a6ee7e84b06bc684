"""Django's own tables in the clothes of the back-office."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django_dramatiq.models import Task
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, AuthenticationForm, UserChangeForm, UserCreationForm

from access.throttles import count_sign_in
from api.errors import Throttled

# The status of a reward is in the reward; this table stays empty.
admin.site.unregister(Task)
admin.site.unregister(User)
admin.site.unregister(Group)


class SignInForm(AuthenticationForm):
    """The sign-in page: after many tries from one address a pause, even for the right password."""

    def clean(self) -> dict[str, Any]:
        """Count the try before the password is looked at."""
        try:
            count_sign_in(self.request)
        except Throttled as refusal:
            minutes = -(-(refusal.retry_after_seconds or 60) // 60)
            raise ValidationError(
                _("Too many tries to sign in from here. Try again in %(minutes)d min."),
                params={"minutes": minutes},
            ) from None
        cleaned: dict[str, Any] = super().clean()
        return cleaned


admin.site.login_form = SignInForm


@admin.register(User)
class StaffUserAdmin(DjangoUserAdmin, ModelAdmin):
    """People who may sign in to the back-office."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class StaffGroupAdmin(DjangoGroupAdmin, ModelAdmin):
    """Sets of rights for staff."""
