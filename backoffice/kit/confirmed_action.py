"""What staff do to rows: choose, look at what will happen, give a reason, hear what became of it.

Each row is changed by the domain's service in a transaction of its own, so that one which cannot be changed
stops no other; the service notes the change in the audit log. A new action is a class that says what is
particular:

    class Release(ConfirmedAction[ReferralReward]):
        permission = "rewards.change_referralreward"
        parameter = "reward"
        title, effect = gettext_lazy("Release"), gettext_lazy("The reward is paid after its hold period.")
        done = gettext_lazy("Released:")
        headings = (gettext_lazy("Reward"), gettext_lazy("Status"))

        def chosen(self, request, ids): return list(ReferralReward.objects.filter(pk__in=ids))
        def obstacle(self, reward): return None if reward.status == "on_hold" else _("Only rewards on hold")
        def named(self, reward): return reward_named(reward)
        def cells(self, reward): return (reward_link(reward), reward.get_status_display())
        def carry_out(self, reward, *, by, given): reward_release(reward_id=reward.pk, by=by, **given)
        def way_back(self, request, rewards): return reward_page(rewards[0].pk)

and an address that leads to its `page`. Where a list of rows with their cells is not what the person has to
see, `template` names another page that extends `admin/confirm.html`, and `facts` hands it what it shows.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextareaWidget

from access.people import person_name
from kernel.errors import DomainError
from rewards.ledger.services import REASON_LENGTH

MOST_AT_ONCE = 100
Row = TypeVar("Row")


class ReasonForm(forms.Form):
    """Why a person changes something; kept with each change."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=REASON_LENGTH,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=gettext_lazy(
            "Required. Shown to colleagues in the reward's history. Example: role confirmed by phone, ticket "
            "4711."
        ),
    )


class ConfirmedAction(Generic[Row]):
    """One thing that staff do to rows, with the page that asks first. See the head of this module."""

    permission: str
    # The name under which the page is told, and tells back, which rows are meant.
    parameter: str
    template = "admin/chosen_rows.html"
    form_class: type[forms.Form] = ReasonForm
    title: Any = ""
    # What the button that confirms says, where that is not the title.
    button: Any = ""
    effect: Any = ""
    # Above the columns of `cells`, and in their place when there are no rows.
    headings: Sequence[Any] = ()
    nothing_chosen: Any = ""
    done: Any = ""
    is_final = False
    # Whether somebody for whom nothing is possible is sent back at once instead of being shown why.
    only_if_possible = False

    # --- what is particular ---------------------------------------------------------------------------------

    def chosen(self, request: HttpRequest, ids: Sequence[str]) -> list[Row]:
        """What the page is about: the rows with these ids. Raises DomainError where there can be no page."""
        raise NotImplementedError

    def key(self, row: Row) -> str:
        """By what the page tells back that a row was on it."""
        return str(row.pk) if isinstance(row, Model) else ""

    def obstacle(self, row: Row) -> str | None:
        """Why it cannot be done to this row; None when it can."""
        return None

    def named(self, row: Row) -> str:
        """What the row is called when the person hears what became of it."""
        return str(row)

    def carry_out(self, row: Row, *, by: str, given: Mapping[str, Any]) -> Any:
        """Do it by the domain's service, with what the form has `given`. Raises DomainError."""
        raise NotImplementedError

    def cells(self, row: Row) -> Sequence[Any]:
        """What the page shows of a row, beneath `headings`."""
        return ()

    def facts(self, rows: Sequence[Row]) -> dict[str, Any]:
        """What the template says besides."""
        return {}

    def way_back(self, request: HttpRequest, rows: Sequence[Row]) -> str:
        """The address to go to when the person thinks better of it, or afterwards."""
        raise NotImplementedError

    def way_on(self, request: HttpRequest, rows: Sequence[Row], answers: Sequence[Any]) -> str:
        """The address to go to afterwards; `answers` are those of what was done."""
        return self.way_back(request, rows)

    def tell(
        self, request: HttpRequest, done: Sequence[Row], refused: Sequence[tuple[Row, DomainError]]
    ) -> None:
        """Say what was done, and what was not with the reason."""
        if done:
            names = ((self.named(row),) for row in done)
            messages.success(request, _listed(self.done, format_html_join("", "<li>{}</li>", names)))
        if refused:
            reasons = [(self.named(row), self._why_not(row, refusal)) for row, refusal in refused]
            lines = format_html_join("", "<li>{} – {}</li>", reasons)
            messages.error(request, _listed(_("Not changed:"), lines))

    # --- the same for all -----------------------------------------------------------------------------------

    def page(self, request: HttpRequest, ids: Sequence[str] | None = None) -> HttpResponse:
        """Show what was chosen and for which it is possible; when confirmed, do it.

        The rows are those with `ids`, else those that the address names.
        """
        if not request.user.has_perm(self.permission):
            raise PermissionDenied
        try:
            rows = self.chosen(request, ids or valid_ids(request.GET.getlist(self.parameter)))
        except DomainError as refusal:
            return self._sent_back(request, [], refusal)
        obstacles = [self.obstacle(row) for row in rows]
        if self.only_if_possible and None not in obstacles:
            return self._sent_back(request, rows, *obstacles)
        form = self.form_class(request.POST or None)
        if request.method == "POST" and form.is_valid():
            # What was not on the page was not agreed to.
            agreed = set(request.POST.getlist(self.parameter))
            confirmed = [row for row in rows if self.key(row) in agreed]
            if not confirmed:
                return self._sent_back(request, rows, _("Nothing was selected, so nothing was changed."))
            answers = self._do_all(request, confirmed, form.cleaned_data)
            return HttpResponseRedirect(self.way_on(request, rows, answers))
        return TemplateResponse(request, self.template, self._context(request, rows, obstacles, form))

    def asked_at(self, address: str, ids: Sequence[str]) -> HttpResponse:
        """Send the person to the page at this address, about these rows."""
        return HttpResponseRedirect(f"{address}?{urlencode({self.parameter: ids}, doseq=True)}")

    def _sent_back(self, request: HttpRequest, rows: Sequence[Row], *reasons: Any) -> HttpResponse:
        for reason in reasons:
            messages.error(request, str(reason))
        return HttpResponseRedirect(self.way_back(request, rows))

    def _do_all(self, request: HttpRequest, rows: Sequence[Row], given: Mapping[str, Any]) -> list[Any]:
        done: list[Row] = []
        refused: list[tuple[Row, DomainError]] = []
        answers = []
        for row in rows:
            try:
                answers.append(self.carry_out(row, by=person_name(request.user), given=given))
            except DomainError as refusal:
                refused.append((row, refusal))
            else:
                done.append(row)
        self.tell(request, done, refused)
        return answers

    def _why_not(self, row: Row, refusal: DomainError) -> str:
        """In this action's words where the row as it is now says why; else in the service's."""
        if isinstance(row, Model):
            row.refresh_from_db()
        return self.obstacle(row) or str(refusal)

    def _context(
        self, request: HttpRequest, rows: Sequence[Row], obstacles: Sequence[str | None], form: forms.Form
    ) -> dict[str, Any]:
        return {
            **admin.site.each_context(request),
            "title": self.title,
            "action": self,
            "rows": [
                {"key": self.key(row), "cells": self.cells(row), "obstacle": obstacle}
                for row, obstacle in zip(rows, obstacles, strict=True)
            ],
            "possible": obstacles.count(None),
            "form": form,
            "page": self.way_back(request, rows),
            **self.facts(rows),
        }


def valid_ids(texts: Sequence[str], *, most: int = MOST_AT_ONCE) -> list[str]:
    """Those that are ids, up to so many."""
    return [text for text in texts if _is_uuid(text)][:most]


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _listed(heading: Any, lines: SafeString) -> SafeString:
    """A heading and a list beneath it."""
    return format_html("{} <ul>{}</ul>", heading, lines)
