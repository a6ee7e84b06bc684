"""Django's own tables in the clothes of the back-office."""

from http import HTTPStatus

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django_dramatiq.models import Task
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from access.audit import Verb, audit_note
from access.people import person_name
from backoffice.staff.audit_log import AuditedAdmin
from backoffice.staff.sign_in import SignInForm

# The status of a reward is in the reward; this table stays empty.
admin.site.unregister(Task)
admin.site.unregister(User)
admin.site.unregister(Group)


admin.site.login_form = SignInForm


@admin.register(User)
class StaffUserAdmin(AuditedAdmin, DjangoUserAdmin, ModelAdmin):
    """People who may sign in to the back-office."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class StaffGroupAdmin(AuditedAdmin, DjangoGroupAdmin, ModelAdmin):
    """Sets of rights for staff."""


def own_password_change(request: HttpRequest) -> HttpResponse:
    """The page on which people change their own password; the audit log hears of it."""
    with transaction.atomic():
        answer = admin.site.password_change(request)
        if request.method == "POST" and answer.status_code == HTTPStatus.FOUND:
            audit_note(
                by=person_name(request.user),
                verb=Verb.CHANGED,
                target=User.objects.get(username=request.user.get_username()),
                after={"password": "changed"},
            )
    return answer
