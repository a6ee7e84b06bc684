"""Earning, paying and counting again: what tests of rewards and of races share."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from django.db import connection
from django.utils import timezone

from campaigns.models import ReferralCampaign
from campaigns.services import CampaignContent, campaign_create
from rewards.intake.commands import EventReported, NewEvent, event_of
from rewards.intake.events import event_accept
from rewards.intake.results import Accepted
from rewards.ledger.statistics import stats_add
from rewards.models import PayoutAttempt, PeerCircuit, ReferralReward, RewardTransition
from rewards.payouts.drain import pay_due_now
from tests.factories import RelationFactory

_numbers = count(1)


def campaign_of(code: str, levels: dict[str, Any], **limits: Any) -> ReferralCampaign:
    """An active custom campaign that takes events of the type `done`."""
    rules = {"levels": levels, "limits": limits}
    content = CampaignContent(
        code=code, name=code, campaign_type="custom", event_types=["done"], reward_rules=rules
    )
    return campaign_create(content=content, by="test", status="active")


def done(campaign: str, referrer: str | None, referred: str = "", **fields: Any) -> NewEvent:
    """An event `done` about a user of its own, as a service reports it; `service` names the service."""
    number = next(_numbers)
    now = timezone.now()
    service = fields.pop("service", "quest_service")
    occurred_at: datetime = fields.pop("occurred_at", now)
    body = EventReported(
        event_type="done",
        campaign_code=campaign,
        referrer_user_id=referrer,
        referred_user_id=referred or f"friend-{number}",
        external_event_id=fields.pop("external_event_id", f"event-{number}"),
        occurred_at=occurred_at.isoformat(),
        **fields,
    )
    return event_of(service, body, now=now)


def invite(campaign: ReferralCampaign, referrer: str, referred: str) -> None:
    """A relation on record, counted as the service counts it."""
    RelationFactory(campaign=campaign, referrer_user_id=referrer, referred_user_id=referred)
    stats_add([{"user_id": referrer, "campaign_id": campaign.id, "referred_users": 1}])


def earn(campaign: str, referrer: str, **fields: Any) -> ReferralReward:
    """The one reward of a new event."""
    answer: Accepted = event_accept(done(campaign, referrer, **fields))
    (row,) = answer.rewards
    return ReferralReward.objects.get(pk=row.id)


def time_passes() -> None:
    """Every wait is over: those of rewards, of leases and of a sick peer."""
    ReferralReward.objects.filter(next_attempt_at__isnull=False).update(
        next_attempt_at=timezone.now() - timedelta(seconds=1)
    )
    PeerCircuit.objects.filter(state="open").update(probe_at=timezone.now() - timedelta(seconds=1))


def pay_until(settled: Callable[[], bool], *, seconds: float = 10) -> None:
    """Let waits pass and pay, again and again, until it is settled."""
    until = time.monotonic() + seconds
    while not settled():
        assert time.monotonic() < until, list(
            ReferralReward.objects.exclude(status="completed").values("status", "last_error_code", "in_doubt")
        )
        time_passes()
        pay_due_now("points")
        pay_due_now("tokens")
        time.sleep(0.02)


def nothing_is_under_way() -> bool:
    """Whether no worker has anything left to do."""
    return not ReferralReward.objects.filter(next_attempt_at__isnull=False).exists()


def trail_of(reward: ReferralReward) -> list[tuple[str, str]]:
    """The reward's status changes, oldest first."""
    rows = RewardTransition.objects.filter(reward=reward).order_by("at", "id")
    return [(row.from_status, row.to_status) for row in rows]


def attempts_of(reward: ReferralReward) -> list[PayoutAttempt]:
    """The reward's calls, oldest first."""
    return list(PayoutAttempt.objects.filter(reward=reward).order_by("started_at", "id"))


def fresh(reward: ReferralReward) -> ReferralReward:
    """The reward as it is now."""
    return ReferralReward.objects.get(pk=reward.pk)


# Each query gives rows of (what, key, campaign, numbers...) that must be the same from both sides.
COUNTED = {
    "stats": (
        """
        SELECT user_id, campaign_id, total_referred_users, total_events, points_earned, points_pending,
               points_locked, g2a_earned, g2a_pending, g2a_locked
        FROM rewards_referralstats
        """,
        """
        SELECT user_id, campaign_id, sum(referred), sum(events), sum(p_earned), sum(p_pending), sum(p_locked),
               sum(g_earned), sum(g_pending), sum(g_locked)
        FROM (
            SELECT referrer_user_id AS user_id, campaign_id, 1 AS referred, 0 AS events, 0 AS p_earned,
                   0 AS p_pending, 0 AS p_locked, 0.0 AS g_earned, 0.0 AS g_pending, 0.0 AS g_locked
            FROM referral_referralrelation
            UNION ALL
            SELECT event.referrer_user_id, event.campaign_id, 0, 1, 0, 0, 0, 0, 0, 0
            FROM referral_referralevent event
            WHERE EXISTS (
                SELECT FROM rewards_referralreward reward
                WHERE reward.referral_event_id = event.id AND reward.status <> 'cancelled'
            )
            UNION ALL
            SELECT beneficiary_user_id, campaign_id, 0, 0,
                   CASE WHEN status = 'completed' THEN coalesce(points_amount, 0) ELSE 0 END,
                   CASE WHEN status NOT IN ('completed', 'locked') THEN coalesce(points_amount, 0) ELSE 0 END,
                   CASE WHEN status = 'locked' THEN coalesce(points_amount, 0) ELSE 0 END,
                   CASE WHEN status = 'completed' THEN coalesce(g2a_amount, 0) ELSE 0 END,
                   CASE WHEN status NOT IN ('completed', 'locked') THEN coalesce(g2a_amount, 0) ELSE 0 END,
                   CASE WHEN status = 'locked' THEN coalesce(g2a_amount, 0) ELSE 0 END
            FROM rewards_referralreward WHERE status <> 'cancelled'
        ) entry GROUP BY user_id, campaign_id
        """,
    ),
    "referred": (
        "SELECT referred_key, campaign_id, events FROM rewards_referredcounter",
        """
        SELECT coalesce(referred_user_id, business_partner_id), campaign_id, count(*)
        FROM referral_referralevent event
        WHERE EXISTS (
            SELECT FROM rewards_referralreward reward
            WHERE reward.referral_event_id = event.id AND reward.status <> 'cancelled'
        ) GROUP BY 1, 2
        """,
    ),
    "days": (
        """
        SELECT referrer_user_id || ' ' || day, campaign_id, events FROM rewards_referrerdaycounter
        """,
        """
        SELECT referrer_user_id || ' ' || (occurred_at AT TIME ZONE 'UTC')::date, campaign_id, count(*)
        FROM referral_referralevent event
        WHERE EXISTS (
            SELECT FROM rewards_referralreward reward
            WHERE reward.referral_event_id = event.id AND reward.status <> 'cancelled'
        ) GROUP BY 1, 2
        """,
    ),
    "budgets": (
        "SELECT '', campaign_id, points, g2a FROM campaigns_campaignspend",
        """
        SELECT '', spend.campaign_id, coalesce(sum(points_amount), 0), coalesce(sum(g2a_amount), 0)
        FROM campaigns_campaignspend spend
        LEFT JOIN rewards_referralreward reward
               ON reward.campaign_id = spend.campaign_id AND reward.status <> 'cancelled'
        GROUP BY spend.campaign_id
        """,
    ),
}


def assert_counters_agree_with_a_recount() -> None:
    """Statistics, limit counters and budgets are what counting the rows gives (D13)."""
    for what, (kept, recounted) in COUNTED.items():
        assert _rows(kept) == _rows(recounted), what


def _rows(sql: str) -> dict[tuple[Any, ...], list[Decimal]]:
    """By key; a row of zeros is the same as none."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        rows = {(row[0], row[1]): [Decimal(number) for number in row[2:]] for row in cursor.fetchall()}
    return {key: numbers for key, numbers in rows.items() if any(numbers)}
