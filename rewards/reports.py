"""The users' report: who has brought how much in a period."""

from datetime import datetime
from typing import Any

from django.db import connection
from rest_framework.request import Request

from api.decoding import time_of
from api.paging import page_number_of, page_size_of, whole_number
from api.rendering import g2a_text
from rewards.selectors import uuid_of

USERS_REPORT = """
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
SELECT user_id, coalesce(referred.users, 0), coalesce(counted.events, 0), coalesce(earned.points, 0),
       coalesce(earned.g2a, 0)
FROM counted FULL JOIN earned USING (user_id) FULL JOIN referred USING (user_id)
WHERE coalesce(earned.points, 0) >= %(min_points)s AND coalesce(referred.users, 0) >= %(min_referred)s
"""
COUNT = f"SELECT count(*) FROM ({USERS_REPORT}) report"  # noqa: S608 - our own text
PAGE = f"{USERS_REPORT} ORDER BY coalesce(earned.points, 0) DESC, user_id LIMIT %(limit)s OFFSET %(offset)s"


def users_report(request: Request) -> dict[str, Any]:
    """Who has brought how much: users with what they did and earned in a period. Raises ValidationFailed."""
    page, page_size = page_number_of(request), page_size_of(request)
    campaign = request.query_params.get("campaign_id")
    parameters = {
        "campaign": uuid_of("campaign_id", campaign) if campaign else None,
        "from": _bound(request, "from", "0001-01-01T00:00:00Z"),
        "to": _bound(request, "to", "9999-12-31T00:00:00Z"),
        "min_points": whole_number(request, "min_points_earned", 0, least=0, most=999_999_999),
        "min_referred": whole_number(request, "min_referred", 0, least=0, most=999_999_999),
        "limit": page_size,
        "offset": (page - 1) * page_size,
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNT, parameters)
        total = cursor.fetchone()[0]
        cursor.execute(PAGE, parameters)
        rows = cursor.fetchall()
    items = [
        {
            "user_id": user_id,
            "total_referred_users": referred,
            "total_events": events,
            "total_points_earned": int(points),
            "total_g2a_earned": g2a_text(g2a),
        }
        for user_id, referred, events, points, g2a in rows
    ]
    return {"items": items, "page": page, "page_size": page_size, "total": total}


def _bound(request: Request, name: str, default: str) -> datetime:
    """A day or a time from the query string, where a `+` arrives as a space."""
    text = request.query_params.get(name, default).replace(" ", "+")
    return time_of(name, f"{text}T00:00:00Z" if len(text) == 10 else text)
