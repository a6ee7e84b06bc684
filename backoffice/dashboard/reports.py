"""The reports in the back-office: the API's own, with a form for their filters and a button for CSV."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from backoffice.dashboard.dashboard import PeriodForm, usual_period
from campaigns.models import ReferralCampaign
from http_api.kit.csv_files import report_csv
from kernel.humanize.amounts import amount_text
from rewards.reporting.campaigns import campaigns_report
from rewards.reporting.reports import Report, report_page
from rewards.reporting.users import MOST, users_report

PERMISSION = "rewards.view_referralstats"
PAGE_SIZE = 50


class UsersForm(PeriodForm):
    """The users' report has two filters more."""

    min_points_earned = forms.IntegerField(
        label=gettext_lazy("Min points earned"),
        required=False,
        min_value=0,
        max_value=MOST,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    min_referred = forms.IntegerField(
        label=gettext_lazy("Min invited users"),
        required=False,
        min_value=0,
        max_value=MOST,
        widget=UnfoldAdminIntegerFieldWidget,
    )


@dataclass(frozen=True, slots=True)
class ReportPage:
    """A report in words: its title, its form, and the columns that are shown with their headings."""

    title: Any
    about: Any
    report: Report
    form: type[PeriodForm]
    headings: dict[str, Any]


PAGES = {
    "users": ReportPage(
        title=gettext_lazy("Report: users"),
        about=gettext_lazy("Invited users and rewards of each referrer in the period."),
        report=users_report,
        form=UsersForm,
        headings={
            "user_id": gettext_lazy("User"),
            "total_referred_users": gettext_lazy("Invited users"),
            "total_events": gettext_lazy("Events"),
            "total_points_earned": gettext_lazy("Points paid"),
            "total_g2a_earned": gettext_lazy("G2A paid"),
        },
    ),
    "campaigns": ReportPage(
        title=gettext_lazy("Report: campaigns by day"),
        about=gettext_lazy("From clicks to cost: one line per campaign and UTC day."),
        report=campaigns_report,
        form=PeriodForm,
        headings={
            "day": gettext_lazy("Day"),
            "name": gettext_lazy("Campaign"),
            "clicks": gettext_lazy("Clicks"),
            "registrations": gettext_lazy("Registrations"),
            "buyers": gettext_lazy("Buyers"),
            "rewards": gettext_lazy("Rewards"),
            "cost_points": gettext_lazy("Total points"),
            "cost_g2a": gettext_lazy("Total G2A"),
            "paid_points": gettext_lazy("Points paid"),
            "paid_g2a": gettext_lazy("G2A paid"),
        },
    ),
}
# What stands left in a table; everything else is a number.
TEXTS = ("user_id", "day", "name")


def report_view(request: HttpRequest, name: str) -> HttpResponseBase:
    """The form, the page of rows that it asks for, or all rows as CSV."""
    if name not in PAGES:
        raise Http404
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    page = PAGES[name]
    campaigns = list(ReferralCampaign.objects.order_by("name", "pk"))
    usual = usual_period()
    given = {"first": usual.first.isoformat(), "last": usual.last.isoformat(), **request.GET.dict()}
    form = page.form(given, campaigns)
    asked = _asked(request, form)
    if form.is_valid() and request.GET.get("format") == "csv":
        return report_csv(page.report, asked)
    found = report_page(page.report, asked)
    return TemplateResponse(request, "admin/report.html", _context(request, page, form, found))


def _asked(request: HttpRequest, form: PeriodForm) -> dict[str, str]:
    """The same question as the API would be asked; of a form that is wrong, the usual one."""
    period = form.period()
    query = {
        "from": period.first.isoformat(),
        "to": (period.last + timedelta(days=1)).isoformat(),
        "page": _page_number(request),
        "page_size": str(PAGE_SIZE),
    }
    if period.campaign_id:
        query["campaign_id"] = str(period.campaign_id)
    for name in ("min_points_earned", "min_referred"):
        if form.is_valid() and form.cleaned_data.get(name) is not None:
            query[name] = str(form.cleaned_data[name])
    return query


def _page_number(request: HttpRequest) -> str:
    text = request.GET.get("page", "1")
    return text if text.isascii() and text.isdigit() and 1 <= len(text) <= 5 and int(text) else "1"


def _context(
    request: HttpRequest, page: ReportPage, form: PeriodForm, found: dict[str, Any]
) -> dict[str, Any]:
    query = request.GET.copy()
    last = max(1, -(-found["total"] // PAGE_SIZE))
    return {
        **admin.site.each_context(request),
        "title": page.title,
        "about": page.about,
        "form": form,
        "headings": [(heading, name not in TEXTS) for name, heading in page.headings.items()],
        "rows": [[_cell(name, item[name]) for name in page.headings] for item in found["items"]],
        "total": found["total"],
        "number": found["page"],
        "last": last,
        "csv": _with(query, format="csv", page=""),
        "earlier": _with(query, page=str(found["page"] - 1)) if found["page"] > 1 else "",
        "later": _with(query, page=str(found["page"] + 1)) if found["page"] < last else "",
        "other": [
            {"title": other.title, "page": reverse("admin_report", args=[name]), "is_chosen": other is page}
            for name, other in PAGES.items()
        ],
        "empty": _("Nothing in this period."),
    }


def _cell(name: str, value: Any) -> dict[str, Any]:
    is_number = name not in TEXTS
    return {"value": amount_text(value) if is_number else value, "is_number": is_number}


def _with(query: QueryDict, **changes: str) -> str:
    """The query string with these values; an empty one takes its name away."""
    changed = query.copy()
    for name, value in changes.items():
        changed[name] = value
        if not value:
            del changed[name]
    return changed.urlencode()
