"""The campaigns' report: a funnel per campaign and UTC day, from clicks to what they cost."""

from datetime import time
from typing import Any

from django.utils.translation import gettext_lazy as _

from campaigns.models import ReferralCampaign
from kernel.errors import ValidationFailed
from kernel.paging import Query, one_of, uuid_in
from kernel.rendering import g2a_text
from rewards.reporting.reports import Report, Row, period_of

# A buyer belongs to the campaign whose event it is, and to those that brought the person in: otherwise nobody
# would ever buy anything in a campaign that only invites.
SELECT = """
WITH event AS (
    SELECT id, campaign_id, (occurred_at AT TIME ZONE 'UTC')::date AS day,
           CASE WHEN event_type <> 'user_registered' AND referrer_user_id IS NOT NULL
                THEN coalesce(referred_user_id, 'partner ' || business_partner_id) END AS buyer
    FROM referral_referralevent WHERE occurred_at >= %(from)s AND occurred_at < %(to)s
), clicked AS (
    SELECT link.campaign_id, clicks.day, sum(clicks.clicks) AS clicks
    FROM referral_linkclicks clicks JOIN referral_referrallink link ON link.id = clicks.link_id
    WHERE clicks.day >= %(from)s::date AND clicks.day < %(to)s::date AND link.campaign_id = ANY(%(campaigns)s)
    GROUP BY 1, 2
), registered AS (
    SELECT campaign_id, (registered_at AT TIME ZONE 'UTC')::date AS day, count(*) AS registrations
    FROM referral_referralrelation
    WHERE registered_at >= %(from)s AND registered_at < %(to)s AND campaign_id = ANY(%(campaigns)s)
    GROUP BY 1, 2
), bought AS (
    SELECT campaign_id, day, count(DISTINCT buyer) AS buyers
    FROM (
        SELECT campaign_id, day, buyer FROM event WHERE campaign_id = ANY(%(campaigns)s)
        UNION ALL
        SELECT relation.campaign_id, event.day, event.buyer
        FROM event JOIN referral_referralrelation relation ON relation.referred_user_id = event.buyer
        WHERE relation.campaign_id = ANY(%(campaigns)s) AND relation.campaign_id <> event.campaign_id
    ) purchase
    WHERE buyer IS NOT NULL GROUP BY 1, 2
), rewarded AS (
    SELECT event.campaign_id, event.day, count(*) AS rewards,
           sum(reward.points_amount) AS points, sum(reward.g2a_amount) AS g2a,
           sum(reward.points_amount) FILTER (WHERE reward.status = 'completed') AS points_paid,
           sum(reward.g2a_amount) FILTER (WHERE reward.status = 'completed') AS g2a_paid
    FROM event JOIN rewards_referralreward reward ON reward.referral_event_id = event.id
    WHERE reward.status <> 'cancelled' AND event.campaign_id = ANY(%(campaigns)s)
    GROUP BY 1, 2
)
SELECT day, campaign.id, campaign.code, campaign.name, campaign.campaign_type,
       coalesce(clicks, 0), coalesce(registrations, 0), coalesce(buyers, 0), coalesce(rewards, 0),
       coalesce(points, 0), coalesce(g2a, 0), coalesce(points_paid, 0), coalesce(g2a_paid, 0)
FROM clicked FULL JOIN registered USING (campaign_id, day) FULL JOIN bought USING (campaign_id, day)
     FULL JOIN rewarded USING (campaign_id, day)
JOIN campaigns_referralcampaign campaign ON campaign.id = campaign_id
"""
COLUMNS = (
    "day",
    "campaign_id",
    "campaign_code",
    "name",
    "campaign_type",
    "clicks",
    "registrations",
    "buyers",
    "rewards",
    "cost_points",
    "cost_g2a",
    "paid_points",
    "paid_g2a",
)


def _read(query: Query) -> dict[str, Any]:
    since, until = period_of(query)
    for name, moment in (("from", since), ("to", until)):
        if moment.time() != time.min:
            raise ValidationFailed.of(name, _("must be a UTC day, e.g. 2025-01-31"))
    campaigns = ReferralCampaign.objects.order_by("id")
    for field, choices in (
        ("status", ReferralCampaign.Status.values),
        ("campaign_type", ReferralCampaign.Type.values),
    ):
        if value := one_of(query, field, choices):
            campaigns = campaigns.filter(**{field: value})
    if campaign_id := uuid_in(query, "campaign_id"):
        campaigns = campaigns.filter(pk=campaign_id)
    return {"from": since, "to": until, "campaigns": list(campaigns.values_list("id", flat=True))}


def _item(row: Row) -> dict[str, Any]:
    *facts, points, g2a, points_paid, g2a_paid = row
    cost = (int(points), g2a_text(g2a), int(points_paid), g2a_text(g2a_paid))
    return dict(zip(COLUMNS, (*facts, *cost), strict=True))


campaigns_report = Report("campaigns", SELECT, "day DESC, code", COLUMNS, _read, _item)
