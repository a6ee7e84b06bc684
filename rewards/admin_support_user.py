"""The search box for any id, and the page about one user."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from referral.models import UserRole

PEOPLE = "referral.view_userrole"


def search_view(request: HttpRequest) -> HttpResponse:
    """What the typed id belongs to."""
    _need_people(request)
    context = {**admin.site.each_context(request), "title": _("Find")}
    return TemplateResponse(request, "admin/support/search.html", context)


def user_view(request: HttpRequest) -> HttpResponse:
    """All that is known of one user."""
    _need_people(request)
    user_id = request.GET.get("id", "")
    role = None if "\x00" in user_id else UserRole.objects.filter(pk=user_id).first()
    context = {**admin.site.each_context(request), "title": user_id, "user_id": user_id, "role": role}
    return TemplateResponse(request, "admin/support/user.html", context)


def _need_people(request: HttpRequest) -> None:
    if not request.user.has_perm(PEOPLE):
        raise PermissionDenied
