"""The users' report: who has brought how much, and earned how much by it, in a period."""

from typing import Any

from kernel.paging import Query, uuid_in, whole_number
from kernel.rendering import g2a_text
from rewards.reporting.reports import Report, Row, period_of

SELECT = """
WITH counted AS (
    SELECT event.referrer_user_id AS user_id, count(*) AS events
    FROM referral_referralevent event
    WHERE event.occurred_at >= %(from)s AND event.occurred_at < %(to)s
      AND (%(campaign)s::uuid IS NULL OR event.campaign_id = %(campaign)s::uuid)
      AND EXISTS (
          SELECT FROM rewards_referralreward reward
          WHERE reward.referral_event_id = event.id AND reward.status <> 'cancelled'
      )
    GROUP BY 1
), earned AS (
    SELECT reward.beneficiary_user_id AS user_id,
           sum(reward.points_amount) AS points, sum(reward.g2a_amount) AS g2a
    FROM rewards_referralreward reward
    JOIN referral_referralevent event ON event.id = reward.referral_event_id
    WHERE event.occurred_at >= %(from)s AND event.occurred_at < %(to)s AND reward.status = 'completed'
      AND (%(campaign)s::uuid IS NULL OR event.campaign_id = %(campaign)s::uuid)
    GROUP BY 1
), referred AS (
    SELECT relation.referrer_user_id AS user_id, count(*) AS users
    FROM referral_referralrelation relation
    WHERE relation.registered_at >= %(from)s AND relation.registered_at < %(to)s
      AND (%(campaign)s::uuid IS NULL OR relation.campaign_id = %(campaign)s::uuid)
    GROUP BY 1
)
SELECT user_id, coalesce(referred.users, 0), coalesce(counted.events, 0),
       coalesce(earned.points, 0) AS points, coalesce(earned.g2a, 0)
FROM counted FULL JOIN earned USING (user_id) FULL JOIN referred USING (user_id)
WHERE coalesce(earned.points, 0) >= %(min_points)s AND coalesce(referred.users, 0) >= %(min_referred)s
"""
COLUMNS = ("user_id", "total_referred_users", "total_events", "total_points_earned", "total_g2a_earned")
MOST = 999_999_999


def _read(query: Query) -> dict[str, Any]:
    since, until = period_of(query)
    return {
        "campaign": uuid_in(query, "campaign_id"),
        "from": since,
        "to": until,
        "min_points": whole_number(query, "min_points_earned", 0, least=0, most=MOST),
        "min_referred": whole_number(query, "min_referred", 0, least=0, most=MOST),
    }


def _item(row: Row) -> dict[str, Any]:
    user_id, referred, events, points, g2a = row
    return dict(zip(COLUMNS, (user_id, referred, events, int(points), g2a_text(g2a)), strict=True))


users_report = Report("users", SELECT, "points DESC, user_id", COLUMNS, _read, _item)
