"""What each campaign has brought and cost, for lists: one query for the sums, one for the trend."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import F, Sum

from rewards.models import DailyFigures, ReferralStats

TREND_DAYS = 14


@dataclass(slots=True)
class Figures:
    """The sums of one campaign since it began, and its events on each of the last days, oldest first."""

    registrations: int = 0
    points_paid: int = 0
    points_waiting: int = 0
    g2a_paid: Decimal = Decimal(0)
    g2a_waiting: Decimal = Decimal(0)
    trend: list[int] = field(default_factory=lambda: [0] * TREND_DAYS)


def figures_of(campaign_ids: Iterable[UUID], now: datetime) -> dict[UUID, Figures]:
    """The figures of these campaigns; two queries, however many they are.

    Waiting is everything that is neither paid nor cancelled, locked rewards included. Days are UTC days, and
    the trend may be a moment late.
    """
    ids = list(campaign_ids)
    found = {campaign_id: Figures() for campaign_id in ids}
    sums = (
        ReferralStats.objects.filter(campaign__in=ids)
        .order_by()
        .values_list("campaign_id")
        .annotate(
            registrations=Sum("total_referred_users"),
            points_paid=Sum("points_earned"),
            points_waiting=Sum(F("points_pending") + F("points_locked")),
            g2a_paid=Sum("g2a_earned"),
            g2a_waiting=Sum(F("g2a_pending") + F("g2a_locked")),
        )
    )
    for campaign_id, *row in sums:
        found[campaign_id] = Figures(*row)
    first = now.date() - timedelta(days=TREND_DAYS - 1)
    days = DailyFigures.objects.filter(campaign__in=ids, day__range=(first, now.date()))
    for campaign_id, day, events in days.values_list("campaign_id", "day", "events"):
        found[campaign_id].trend[(day - first).days] = events
    return found
