"""What came of each day's events, added up beforehand, so that the dashboard reads days and not rewards.

An event or a change of a reward's status makes its day stale; a stale day is counted again from its rows.
Both are found by the numbers of history (docs/analytics.md): those above the last number seen. But a
transaction that was still open at the last refresh may have drawn a lower number. So each refresh leaves a
mark: the last number drawn, and then the lowest id that no transaction had yet. Every transaction from that
id on draws higher numbers. A refresh begins at the newest mark whose id is not above `seen_below`, the lowest
id that was still open when the last refresh looked: what it cannot have seen has a higher number than that.

Counting a day twice changes nothing, so whoever looks too far back only works a little more.
"""

from django.db import connection, transaction
from django.utils import timezone

from rewards.models import DailyFiguresCursor

# So many days of campaigns are counted in one statement.
PORTION = 200
MOST_MARKS = 50

MARK = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM referral_recorded"
SNAPSHOT = """
SELECT pg_snapshot_xmin(snapshot)::text::bigint, pg_snapshot_xmax(snapshot)::text::bigint
FROM pg_current_snapshot() AS snapshot
"""

STALE = """
SELECT DISTINCT (occurred_at AT TIME ZONE 'UTC')::date AS day, campaign_id
FROM referral_referralevent WHERE recorded_no > %(after)s
UNION
SELECT (event.occurred_at AT TIME ZONE 'UTC')::date, event.campaign_id
FROM rewards_rewardtransition transition
JOIN rewards_referralreward reward ON reward.id = transition.reward_id
JOIN referral_referralevent event ON event.id = reward.referral_event_id
WHERE transition.recorded_no > %(after)s
ORDER BY day, campaign_id
"""

COUNT = """
INSERT INTO rewards_dailyfigures (
    day, campaign_id, events, points_paid, points_waiting, points_locked, points_failed,
    g2a_paid, g2a_waiting, g2a_locked, g2a_failed
)
SELECT stale.day, stale.campaign_id, counted.events,
       summed.points_paid, summed.points - summed.points_paid - summed.points_locked - summed.points_failed,
       summed.points_locked, summed.points_failed,
       summed.g2a_paid, summed.g2a - summed.g2a_paid - summed.g2a_locked - summed.g2a_failed,
       summed.g2a_locked, summed.g2a_failed
FROM unnest(%(days)s::date[], %(campaigns)s::uuid[]) AS stale(day, campaign_id)
CROSS JOIN LATERAL (
    SELECT stale.day::timestamp AT TIME ZONE 'UTC' AS since,
           (stale.day + 1)::timestamp AT TIME ZONE 'UTC' AS until
) AS bounds
CROSS JOIN LATERAL (
    SELECT count(*) AS events FROM referral_referralevent event
    WHERE event.campaign_id = stale.campaign_id
      AND event.occurred_at >= bounds.since AND event.occurred_at < bounds.until
      -- What was rewarded later happened once.
      AND NOT EXISTS (SELECT FROM referral_eventreplay later WHERE later.replay_id = event.id)
) AS counted
CROSS JOIN LATERAL (
    SELECT coalesce(sum(points_amount), 0) AS points,
           coalesce(sum(points_amount) FILTER (WHERE status = 'completed'), 0) AS points_paid,
           coalesce(sum(points_amount) FILTER (WHERE status = 'locked'), 0) AS points_locked,
           coalesce(sum(points_amount) FILTER (WHERE status = 'failed'), 0) AS points_failed,
           coalesce(sum(g2a_amount), 0) AS g2a,
           coalesce(sum(g2a_amount) FILTER (WHERE status = 'completed'), 0) AS g2a_paid,
           coalesce(sum(g2a_amount) FILTER (WHERE status = 'locked'), 0) AS g2a_locked,
           coalesce(sum(g2a_amount) FILTER (WHERE status = 'failed'), 0) AS g2a_failed
    FROM referral_referralevent event
    JOIN rewards_referralreward reward ON reward.referral_event_id = event.id AND reward.status <> 'cancelled'
    WHERE event.campaign_id = stale.campaign_id
      AND event.occurred_at >= bounds.since AND event.occurred_at < bounds.until
) AS summed
ON CONFLICT (day, campaign_id) DO UPDATE SET
    events = excluded.events,
    points_paid = excluded.points_paid, points_waiting = excluded.points_waiting,
    points_locked = excluded.points_locked, points_failed = excluded.points_failed,
    g2a_paid = excluded.g2a_paid, g2a_waiting = excluded.g2a_waiting,
    g2a_locked = excluded.g2a_locked, g2a_failed = excluded.g2a_failed
"""


def daily_figures_refresh() -> int:
    """Count the stale days again; returns how many days of campaigns. One process at a time, others wait."""
    DailyFiguresCursor.objects.get_or_create(id=1)
    with transaction.atomic(), connection.cursor() as cursor:
        place = DailyFiguresCursor.objects.select_for_update().get(id=1)
        # The number first: whoever has no transaction id yet draws a higher one.
        cursor.execute(MARK)
        (number,) = cursor.fetchone()
        cursor.execute(SNAPSHOT)
        lowest_open, next_id = cursor.fetchone()
        begin = [mark for mark in place.marks if mark[1] <= place.seen_below][-1:]
        cursor.execute(STALE, {"after": begin[0][0] if begin else 0})
        stale = cursor.fetchall()
        for first in range(0, len(stale), PORTION):
            days, campaigns = zip(*stale[first : first + PORTION], strict=True)
            cursor.execute(COUNT, {"days": list(days), "campaigns": list(campaigns)})
        newer = [mark for mark in place.marks if mark[1] > place.seen_below]
        # Fewer marks only make the next refresh look back farther.
        place.marks = [*begin, *newer[-MOST_MARKS:], [number, next_id]]
        place.seen_below, place.refreshed_at = lowest_open, timezone.now()
        place.save()
    return len(stale)
