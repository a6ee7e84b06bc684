"""The first page of the back-office: how campaigns do in a period, and how paying goes."""

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from backoffice.dashboard.charts import Chart, chart
from backoffice.kit.choices import choices_offer
from backoffice.rewards.labels import reward_link
from campaigns.models import ReferralCampaign
from kernel.humanize.amounts import amount_text, g2a_text, points_text
from rewards.models import PeerCircuit
from rewards.provider_names import PEER_NAMES
from rewards.reporting.dashboard import KINDS, Dashboard, Period, dashboard, oldest_waiting, peers
from rewards.support.explanation.error_classification import error_text

PERMISSION = "rewards.view_referralreward"
USUAL_DAYS = 30
QUICK_DAYS = (7, 30, 90, 365)
MOST_DAYS = 2 * 366
# The figures are refreshed twice a minute; so late, nobody refreshes them.
LATE = timedelta(minutes=5)
KIND_NAMES = {
    "paid": gettext_lazy("paid"),
    "waiting": gettext_lazy("pending"),
    "locked": gettext_lazy("locked"),
    "failed": gettext_lazy("failed"),
}
KIND_STATUSES = {"paid": "completed", "waiting": "pending", "locked": "locked", "failed": "failed"}


class DayInput(UnfoldAdminTextInputWidget):
    """The browser's own calendar; it speaks ISO whatever the language."""

    input_type = "date"

    def format_value(self, value: Any) -> str | None:
        """The day as the browser wants it."""
        return value.isoformat() if isinstance(value, date) else value


def day_field(label: Any) -> forms.DateField:
    """A day within the years that can be meant."""
    within = [MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2199, 12, 31))]
    return forms.DateField(label=label, widget=DayInput, input_formats=["%Y-%m-%d"], validators=within)


class PeriodForm(forms.Form):
    """Which days, and which campaign."""

    first = day_field(gettext_lazy("From"))
    last = day_field(gettext_lazy("To"))
    campaign = forms.ChoiceField(
        label=gettext_lazy("Campaign"), required=False, widget=UnfoldAdminSelectWidget
    )

    def __init__(self, data: Any, campaigns: list[ReferralCampaign]) -> None:
        super().__init__(data)
        choices = [(str(campaign.pk), campaign.name) for campaign in campaigns]
        choices_offer(self, "campaign", [("", _("All campaigns")), *choices])

    def clean(self) -> dict[str, Any]:
        """A period that runs forward and is not endless."""
        cleaned: dict[str, Any] = super().clean() or {}
        first, last = cleaned.get("first"), cleaned.get("last")
        if first and last and first > last:
            self.add_error("last", _("The period must not end before it starts"))
        elif first and last and (last - first).days >= MOST_DAYS:
            self.add_error("last", _("Choose a period of at most %d days") % MOST_DAYS)
        return cleaned

    def period(self) -> Period:
        """What was chosen, or the usual days of all campaigns where it cannot be."""
        if not self.is_valid():
            return usual_period()
        campaign = self.cleaned_data["campaign"] or None
        return Period(self.cleaned_data["first"], self.cleaned_data["last"], campaign)


def usual_period(days: int = USUAL_DAYS) -> Period:
    """The last days, today included."""
    today = timezone.now().date()
    return Period(today - timedelta(days=days - 1), today)


def dashboard_context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What the first page shows; those who may not look at rewards get their menu only."""
    if not request.user.has_perm(PERMISSION):
        return context
    campaigns = list(ReferralCampaign.objects.order_by("name", "pk"))
    usual = usual_period()
    given = {"first": usual.first.isoformat(), "last": usual.last.isoformat(), **request.GET.dict()}
    form = PeriodForm(given, campaigns)
    shown = dashboard(form.period(), campaigns)
    return {
        **context,
        "title": _("Dashboard"),
        "form": form,
        "quick": _quick(given),
        "shown": shown,
        "tiles": _tiles(shown),
        "money": _money(shown),
        "charts": _charts(shown),
        "costs": shown.costs,
        "referrers": shown.referrers,
        "stats_page": reverse("admin:rewards_referralstats_changelist"),
        "oldest": _oldest(),
        "peers": [_peer(circuit) for circuit in peers()],
        "is_late": not shown.refreshed_at or timezone.now() - shown.refreshed_at > LATE,
    }


def _quick(given: dict[str, str]) -> list[dict[str, Any]]:
    """Links to the usual periods, with the campaign that is chosen."""
    links = []
    for days in QUICK_DAYS:
        period = usual_period(days)
        choice = {"first": period.first.isoformat(), "last": period.last.isoformat()}
        is_chosen = all(given[name] == text for name, text in choice.items())
        query = urlencode({**choice, "campaign": given.get("campaign", "")})
        links.append({"text": _("%d days") % days, "query": query, "is_chosen": is_chosen})
    return links


def _tiles(shown: Dashboard) -> list[dict[str, Any]]:
    total = shown.total
    numbers = (
        (_("Clicks"), total.clicks, "ads_click"),
        (_("Registrations"), total.registrations, "group_add"),
        (_("Buyers"), shown.buyers, "shopping_cart"),
        (_("Events"), total.events, "bolt"),
    )
    return [{"title": title, "value": amount_text(value), "icon": icon} for title, value, icon in numbers]


def _money(shown: Dashboard) -> list[dict[str, Any]]:
    """One row a kind: points and G2A, leading to the rewards."""
    page = reverse("admin:rewards_referralreward_changelist")
    return [
        {
            "kind": kind,
            "name": KIND_NAMES[kind],
            "points": points_text(shown.total.money[f"points_{kind}"]),
            "g2a": g2a_text(shown.total.money[f"g2a_{kind}"]),
            "page": f"{page}?status={KIND_STATUSES[kind]}",
        }
        for kind in KINDS
    ]


def _charts(shown: Dashboard) -> list[Chart]:
    days, names = shown.by_day, [KIND_NAMES[kind] for kind in KINDS]

    def money(currency: str) -> dict[date, list[Any]]:
        return {day: [row.money[f"{currency}_{kind}"] for kind in KINDS] for day, row in days.items()}

    return [
        chart(_("Clicks"), {day: [row.clicks] for day, row in days.items()}, [_("Clicks")]),
        chart(
            _("Registrations"),
            {day: [row.registrations] for day, row in days.items()},
            [_("Registrations")],
        ),
        chart(_("Events"), {day: [row.events] for day, row in days.items()}, [_("Events")]),
        chart(_("Points"), money("points"), names),
        chart("G2A", money("g2a"), names),
    ]


def _oldest() -> dict[str, Any] | None:
    """The reward that has waited longest for its payout."""
    reward = oldest_waiting()
    if reward is None:
        return None
    return {
        "link": reward_link(reward),
        "since": reward.available_at,
        "error": error_text(reward.last_failure),
    }


def _peer(circuit: PeerCircuit) -> dict[str, Any]:
    return {
        "name": PEER_NAMES.get(circuit.peer, circuit.peer),
        "page": f"{reverse('admin:support_peers')}#{circuit.pk}",
        "is_well": circuit.state == PeerCircuit.State.CLOSED,
        "circuit": circuit,
        "error": error_text(circuit.last_failure),
    }
