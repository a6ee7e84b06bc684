"""The page of campaigns with what they have brought and cost: figures of what was earned."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from backoffice.campaigns.campaign_admin import CampaignAdmin
from campaigns.models import ReferralCampaign
from kernel.humanize.amounts import amount_text, g2a_text, points_text
from rewards.reporting.campaign_figures import TREND_DAYS, Figures, figures_of

WIDTH, HEIGHT, MARGIN = 96, 28, 3


@admin.register(ReferralCampaign)
class CampaignWithFiguresAdmin(CampaignAdmin):
    """The list shows what each campaign has brought."""

    list_display: tuple[str, ...] = (*CampaignAdmin.list_display, "registrations", "rewarded", "trend")

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list, each row with its figures."""
        changelist = super().get_changelist_instance(request)
        rows = list(changelist.result_list)
        figures = figures_of([row.pk for row in rows], timezone.now())
        for row in rows:
            row.figures = figures[row.pk]
        changelist.result_list = rows
        return changelist

    @display(description=gettext_lazy("registrations"))
    def registrations(self, campaign: Any) -> str:
        """How many users were invited in it."""
        return amount_text(campaign.figures.registrations)

    @display(description=gettext_lazy("paid"))
    def rewarded(self, campaign: Any) -> str:
        """How much of what was earned has been paid; the rest waits or is locked."""
        figures: Figures = campaign.figures
        lines = []
        if points := figures.points_paid + figures.points_waiting:
            lines.append((amount_text(figures.points_paid), points_text(points)))
        if g2a := figures.g2a_paid + figures.g2a_waiting:
            lines.append((amount_text(figures.g2a_paid), g2a_text(g2a)))
        texts = [(_("%(paid)s of %(all)s") % {"paid": paid, "all": whole},) for paid, whole in lines]
        return format_html_join("", '<span class="campaign-line">{}</span>', texts) or "–"

    @display(description=gettext_lazy("14 days"))
    def trend(self, campaign: Any) -> SafeString:
        """The events of the last days as a line."""
        return sparkline(campaign.figures.trend)


def sparkline(values: list[int]) -> SafeString:
    """A small line of numbers, drawn in the page itself, with the numbers in words for who cannot see it."""
    most = max(values)
    words = _("Events per day, last %(days)s days: %(numbers)s") % {
        "days": TREND_DAYS,
        "numbers": ", ".join(map(str, values)),
    }
    step = (WIDTH - 2 * MARGIN) / (len(values) - 1)
    points = [
        (MARGIN + number * step, HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * value / (most or 1))
        for number, value in enumerate(values)
    ]
    last_x, last_y = points[-1]
    return format_html(
        '<svg class="campaign-trend" viewBox="0 0 {} {}" role="img" aria-label="{}"><title>{}</title>'
        '<polyline points="{}" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round"/>'
        '<circle cx="{}" cy="{}" r="2" fill="currentColor"/></svg>',
        WIDTH,
        HEIGHT,
        words,
        words,
        " ".join(f"{x:.1f},{y:.1f}" for x, y in points),
        f"{last_x:.1f}",
        f"{last_y:.1f}",
    )
