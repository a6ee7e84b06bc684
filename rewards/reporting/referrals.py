"""`/my/referrals`: a user's tree on two levels, with what each person brought."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext_lazy as _

from kernel.errors import ValidationFailed
from kernel.paging import Query, one_of, uuid_in, window_of
from referral.models import ReferralRelation

LEVELS = ("1", "2")

# Who may have invited somebody of the tree: the user, and everybody whom the user has invited. No person can
# stand on both levels through one relation, because relations have no rings (invariant D2).
PARENTS = """
WITH parent (user_id, level) AS (
    SELECT %(user)s, 1 WHERE 1 = ANY(%(levels)s)
    UNION ALL
    SELECT DISTINCT referred_user_id, 2 FROM referral_referralrelation
    WHERE referrer_user_id = %(user)s AND 2 = ANY(%(levels)s)
)
"""
# A pair that has relations in several campaigns is one branch of the tree: its earliest relation.
FIRST = """
NOT EXISTS (
    SELECT FROM referral_referralrelation earlier
    WHERE earlier.referred_user_id = relation.referred_user_id
      AND earlier.referrer_user_id = relation.referrer_user_id
      AND (earlier.registered_at, earlier.id) < (relation.registered_at, relation.id)
)
"""
# Each parent gives its newest few by the index, however many it has; the page is cut out of these.
PAGE = f"""
{PARENTS}, shown AS (
    SELECT child.*, parent.user_id AS parent, parent.level
    FROM parent CROSS JOIN LATERAL (
        SELECT relation.id, relation.referred_user_id AS user_id, relation.registered_at
        FROM referral_referralrelation relation
        WHERE relation.referrer_user_id = parent.user_id AND {FIRST}
          AND (
              %(last)s::uuid IS NULL OR (relation.registered_at, relation.id) < (%(last_at)s, %(last)s::uuid)
          )
        ORDER BY relation.registered_at DESC, relation.id DESC LIMIT %(end)s
    ) child
    ORDER BY child.registered_at DESC, child.id DESC LIMIT %(end)s - %(start)s OFFSET %(start)s
)
SELECT shown.id, shown.user_id, shown.level, CASE WHEN shown.level = 2 THEN shown.parent END,
       shown.registered_at,
       (
           SELECT count(*) FROM referral_referralevent event
           WHERE event.referred_user_id = shown.user_id AND event.referrer_user_id = shown.parent
             AND EXISTS (
                 SELECT FROM rewards_referralreward reward
                 WHERE reward.referral_event_id = event.id AND reward.status <> 'cancelled'
             )
       ),
       (
           SELECT coalesce(sum(reward.points_amount), 0) FROM referral_referralevent event
           JOIN rewards_referralreward reward ON reward.referral_event_id = event.id
           WHERE event.referred_user_id = shown.user_id AND event.referrer_user_id = shown.parent
             AND reward.beneficiary_user_id = %(user)s AND reward.beneficiary_level = shown.level
             AND reward.status = 'completed'
       )
FROM shown ORDER BY shown.registered_at DESC, shown.id DESC
"""
COUNT = f"""
{PARENTS}
SELECT count(*) FROM (
    SELECT DISTINCT relation.referrer_user_id, relation.referred_user_id
    FROM parent JOIN referral_referralrelation relation ON relation.referrer_user_id = parent.user_id
) branch
"""


def my_referrals(query: Query, user_id: str) -> dict[str, Any]:
    """A page of the user's tree, newest first, of one level or of both. Raises ValidationFailed.

    `events` are those of the person that count (some reward of them is not cancelled) with the one who
    invited them as referrer; `points_earned` is what the user was paid for these events at that level.
    """
    level, window, last = one_of(query, "level", LEVELS), window_of(query), uuid_in(query, "cursor")
    parameters = {
        "user": user_id,
        "levels": [int(name) for name in ([level] if level else LEVELS)],
        "start": window.start,
        "end": window.end,
        "last": last,
        "last_at": _registered_at(last) if last else None,
    }
    rows = _rows(PAGE, parameters)
    page = window.answer(rows, lambda: _rows(COUNT, parameters)[0][0], from_the_top=last is None)
    page["next_cursor"] = str(page["items"][-1][0]) if window.has_more(rows) else None
    page["items"] = [
        {
            "user_id": user,
            "level": on_level,
            "via_user_id": via,
            "registered_at": registered_at,
            "events": events,
            "points_earned": int(points),
        }
        for _, user, on_level, via, registered_at, events, points in page["items"]
    ]
    return page


def _registered_at(relation_id: UUID) -> datetime:
    """Where in the order a cursor stands."""
    found = ReferralRelation.objects.filter(pk=relation_id).values_list("registered_at", flat=True).first()
    if found is None:
        raise ValidationFailed.of("cursor", _("must be the next_cursor of an earlier answer"))
    return found


def _rows(sql: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()
