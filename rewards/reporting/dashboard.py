"""What the dashboard shows of a period: sums, days, referrers, campaigns, and how paying goes.

Money and events come from the daily figures, the rest from indexes by time: rows of the period are read,
never the whole of a table. All of it is about what happened in the period, by UTC days, with statuses of now.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from campaigns.models import ReferralCampaign
from rewards.models import DailyFiguresCursor, PeerCircuit, ReferralReward

TOP_REFERRERS = 10
KINDS = ("paid", "waiting", "locked", "failed")
MONEY = tuple(f"{currency}_{kind}" for currency in ("points", "g2a") for kind in KINDS)

FIGURES = f"""
SELECT day, campaign_id, events, {", ".join(MONEY)} FROM rewards_dailyfigures
WHERE day BETWEEN %(first)s AND %(last)s AND campaign_id = ANY(%(campaigns)s)
"""
CLICKS = """
SELECT clicks.day, link.campaign_id, sum(clicks.clicks)
FROM referral_linkclicks clicks JOIN referral_referrallink link ON link.id = clicks.link_id
WHERE clicks.day BETWEEN %(first)s AND %(last)s AND link.campaign_id = ANY(%(campaigns)s)
GROUP BY 1, 2
"""
REGISTRATIONS = """
SELECT (registered_at AT TIME ZONE 'UTC')::date, campaign_id, count(*)
FROM referral_referralrelation
WHERE registered_at >= %(since)s AND registered_at < %(until)s AND campaign_id = ANY(%(campaigns)s)
GROUP BY 1, 2
"""
# As in the campaigns' report: a buyer belongs to the campaign of the event and to those that brought them in.
# The referrer is asked for in a way that no index knows, for that of referrers would be read from end to end.
BUYERS = """
SELECT count(DISTINCT coalesce(event.referred_user_id, 'partner ' || event.business_partner_id))
FROM referral_referralevent event
WHERE event.occurred_at >= %(since)s AND event.occurred_at < %(until)s
  AND event.campaign_id = ANY(%(every)s)
  AND event.event_type <> 'user_registered' AND coalesce(event.referrer_user_id, '') <> ''
  AND (event.campaign_id = ANY(%(campaigns)s) OR EXISTS (
      SELECT FROM referral_referralrelation relation
      WHERE relation.referred_user_id = event.referred_user_id AND relation.campaign_id = ANY(%(campaigns)s)
  ))
"""
REFERRERS = """
SELECT top.user_id, top.registrations, coalesce(counted.events, 0), coalesce(earned.points, 0),
       coalesce(earned.g2a, 0)
FROM (
    SELECT referrer_user_id AS user_id, count(*) AS registrations
    FROM referral_referralrelation
    WHERE registered_at >= %(since)s AND registered_at < %(until)s AND campaign_id = ANY(%(campaigns)s)
    GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %(top)s
) top
LEFT JOIN LATERAL (
    SELECT sum(counter.events) AS events FROM rewards_referrerdaycounter counter
    WHERE counter.campaign_id = ANY(%(campaigns)s) AND counter.referrer_user_id = top.user_id
      AND counter.day BETWEEN %(first)s AND %(last)s
) counted ON true
LEFT JOIN LATERAL (
    SELECT sum(stats.points_earned) AS points, sum(stats.g2a_earned) AS g2a
    FROM rewards_referralstats stats
    WHERE stats.user_id = top.user_id AND stats.campaign_id = ANY(%(campaigns)s)
) earned ON true
ORDER BY 2 DESC, 1
"""


@dataclass(frozen=True, slots=True)
class Period:
    """From the first day to the last, both included; one campaign, or all."""

    first: date
    last: date
    campaign_id: UUID | None = None

    def days(self) -> Iterator[date]:
        """Every day of it."""
        for number in range((self.last - self.first).days + 1):
            yield self.first + timedelta(days=number)


@dataclass(slots=True)
class Figures:
    """Numbers of a day, a campaign or a period."""

    clicks: int = 0
    registrations: int = 0
    events: int = 0
    money: dict[str, Any] = field(default_factory=lambda: dict.fromkeys(MONEY, 0))

    @property
    def points(self) -> int:
        """All points that were not cancelled: what the campaign costs."""
        return sum(self.money[f"points_{kind}"] for kind in KINDS)

    @property
    def g2a(self) -> Decimal:
        """All G2A that were not cancelled."""
        return sum((self.money[f"g2a_{kind}"] for kind in KINDS), Decimal(0))


@dataclass(frozen=True, slots=True)
class Referrer:
    """One of those who have brought most people in the period; earnings are of all times."""

    user_id: str
    registrations: int
    events: int
    points_earned: int
    g2a_earned: Decimal


@dataclass(frozen=True, slots=True)
class CampaignCost:
    """What a campaign's rewards of the period cost for each person who registered."""

    campaign: ReferralCampaign
    figures: Figures

    @property
    def points_each(self) -> Decimal | None:
        """Points for one registration; None where nobody registered."""
        registrations = self.figures.registrations
        return Decimal(self.figures.points) / registrations if registrations else None

    @property
    def g2a_each(self) -> Decimal | None:
        """G2A for one registration; None where nobody registered."""
        return self.figures.g2a / self.figures.registrations if self.figures.registrations else None


@dataclass(slots=True)
class Dashboard:
    """Everything for one look."""

    period: Period
    total: Figures
    buyers: int
    by_day: dict[date, Figures]
    referrers: list[Referrer]
    costs: list[CampaignCost]
    refreshed_at: datetime | None


def dashboard(period: Period, campaigns: Sequence[ReferralCampaign]) -> Dashboard:
    """The figures of a period, in a fixed number of queries; `campaigns` are all there are."""
    every = [campaign.pk for campaign in campaigns]
    parameters = {
        "first": period.first,
        "last": period.last,
        "since": datetime.combine(period.first, time.min, UTC),
        "until": datetime.combine(period.last + timedelta(days=1), time.min, UTC),
        "campaigns": [period.campaign_id] if period.campaign_id else every,
        "every": every,
        "top": TOP_REFERRERS,
    }
    by_day = {day: Figures() for day in period.days()}
    by_campaign: dict[UUID, Figures] = defaultdict(Figures)
    total = Figures()
    for day, campaign_id, figures in _figures(parameters):
        for sums in (by_day[day], by_campaign[campaign_id], total):
            _add(sums, figures)
    return Dashboard(
        period=period,
        total=total,
        buyers=_rows(BUYERS, parameters)[0][0],
        by_day=by_day,
        referrers=[Referrer(*row) for row in _rows(REFERRERS, parameters)],
        costs=_costs(campaigns, by_campaign),
        refreshed_at=DailyFiguresCursor.objects.values_list("refreshed_at", flat=True).first(),
    )


def _figures(parameters: dict[str, Any]) -> Iterator[tuple[date, UUID, Figures]]:
    """What is known of each day of each campaign, from three sources."""
    for day, campaign_id, events, *money in _rows(FIGURES, parameters):
        yield day, campaign_id, Figures(events=events, money=dict(zip(MONEY, money, strict=True)))
    for day, campaign_id, clicks in _rows(CLICKS, parameters):
        yield day, campaign_id, Figures(clicks=clicks)
    for day, campaign_id, registrations in _rows(REGISTRATIONS, parameters):
        yield day, campaign_id, Figures(registrations=registrations)


def _add(sums: Figures, figures: Figures) -> None:
    sums.clicks += figures.clicks
    sums.registrations += figures.registrations
    sums.events += figures.events
    for name in MONEY:
        sums.money[name] += figures.money[name]


def _costs(campaigns: Sequence[ReferralCampaign], by_campaign: dict[UUID, Figures]) -> list[CampaignCost]:
    """The cheapest registration first; campaigns in which nobody registered at the end."""
    costs = [
        CampaignCost(campaign, by_campaign[campaign.pk])
        for campaign in campaigns
        if campaign.pk in by_campaign
    ]
    return sorted(costs, key=_cheapest)


def _cheapest(cost: CampaignCost) -> tuple[bool, Decimal, Decimal, str]:
    points, g2a = cost.points_each, cost.g2a_each
    return points is None, points or Decimal(0), g2a or Decimal(0), cost.campaign.code


def oldest_waiting(now: datetime | None = None) -> ReferralReward | None:
    """Of the rewards that are due, the one that has waited longest; None when nothing waits.

    Those that have never failed are due since `available_at`, which is where their next attempt stands; those
    that fail have an index of their own. So of each kind the first row of an index is looked at.
    """
    moment = now or timezone.now()
    due = ReferralReward.objects.filter(next_attempt_at__isnull=False, available_at__lte=moment)
    currencies = ReferralReward.Currency.values
    found = [
        due.filter(currency=currency, next_attempt_at__lte=moment).order_by("next_attempt_at").first()
        for currency in currencies
    ]
    found.append(due.filter(first_failed_at__isnull=False).order_by("first_failed_at").first())
    return min((reward for reward in found if reward), key=lambda reward: reward.available_at, default=None)


def peers() -> list[PeerCircuit]:
    """The services that pay, as workers have found them last."""
    return list(PeerCircuit.objects.order_by("peer"))


def _rows(sql: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()
