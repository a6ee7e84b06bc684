"""The search for any id, and the page about one user."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from backoffice.people.labels import user_page as address_of
from backoffice.support.search_results import hit_line, user_page_with
from backoffice.support.timeline import lines_of
from backoffice.support.user_page import found_context, page_context
from rewards.support.user.page import user_page
from rewards.support.user.search import LONGEST, MayView, asked_for, find, found_again, is_known
from rewards.support.user.timeline import timeline

PEOPLE = "referral.view_userrole"


def search_view(request: HttpRequest) -> HttpResponse:
    """What the typed id belongs to: one thing leads on to its user, several are listed."""
    may_view = _may_view(request)
    asked = asked_for(request.GET.get("q", ""))
    hits = find(asked, may_view)
    if len(hits) == 1 and hits[0].user_id:
        return HttpResponseRedirect(user_page_with(hits[0]))
    context = {
        **admin.site.each_context(request),
        "title": _("Find"),
        "asked": asked[: LONGEST + 1],
        "hits": [hit_line(hit) for hit in hits],
    }
    return TemplateResponse(request, "admin/support/search.html", context)


def user_view(request: HttpRequest) -> HttpResponse:
    """All that is known of one user; with `before`, only what happened earlier."""
    may_view = _may_view(request)
    user_id = request.GET.get("id", "").strip().replace("\x00", "")[:LONGEST]
    before = _key(request.GET.get("before", ""))
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": _("User %s") % user_id if user_id else _("User"),
        "user_id": user_id,
        "user_page": address_of(user_id),
        "is_known": is_known(user_id, may_view),
        "is_earlier": before is not None,
    }
    if context["is_known"]:
        happened = timeline(user_id, may_view, before)
        context |= {"lines": list(lines_of(happened)), "before": happened.before}
        if before is None:
            context |= page_context(user_page(user_id, may_view), may_view)
    hit = found_again(request.GET.get("found", ""), may_view)
    if hit and hit.user_id == user_id:
        context["found"] = found_context(hit, may_view)
    return TemplateResponse(request, "admin/support/user.html", context)


def _may_view(request: HttpRequest) -> MayView:
    """Which rows the person may look at. Raises PermissionDenied for those who may not look at users."""
    if not request.user.has_perm(PEOPLE):
        raise PermissionDenied

    def may_view(model: type[Model]) -> bool:
        options = model._meta
        return request.user.has_perm(f"{options.app_label}.view_{options.model_name}")

    return may_view


def _key(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
