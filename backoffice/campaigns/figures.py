"""What a campaign has brought and cost, as the list of campaigns draws it."""

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from kernel.humanize.amounts import amount_text, g2a_text, points_text
from rewards.reporting.campaign_figures import TREND_DAYS, Figures

WIDTH, HEIGHT, MARGIN = 96, 28, 3


def rewarded_lines(figures: Figures) -> SafeString:
    """How much of what was earned has been paid, a line a currency; the rest waits or is locked."""
    lines = []
    if points := figures.points_paid + figures.points_waiting:
        lines.append((amount_text(figures.points_paid), points_text(points)))
    if g2a := figures.g2a_paid + figures.g2a_waiting:
        lines.append((amount_text(figures.g2a_paid), g2a_text(g2a)))
    texts = [(_("%(paid)s of %(all)s") % {"paid": paid, "all": whole},) for paid, whole in lines]
    return format_html_join("", '<span class="campaign-line">{}</span>', texts)


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
