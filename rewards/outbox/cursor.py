"""How far Analytics is in the history of events and status changes.

The append-only tables are the outbox themselves: each row carries a number from one sequence, drawn when the
row is written, and the one-row table `rewards_analyticscursor` keeps the set of numbers that are not done
with. A number whose transaction is still open is simply not there yet; it stays in the set and is sent when
it appears, however late. Why the numbers are the right order: docs/analytics.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from uuid_utils.compat import uuid7

from rewards.models import AnalyticsRefusal
from rewards.outbox.entries import EVENT_RECORDED, STATUS_CHANGED, Entry, Numbered
from rewards.payouts.providers.base import Answer

ROWS_A_READ = 200


class LeaseLost(Exception):
    """Another sender has taken the work over, because this one was away for longer than its lease."""


TAKE = """
UPDATE rewards_analyticscursor
SET claim_token = %(token)s, next_attempt_at = statement_timestamp() + make_interval(secs => %(lease)s)
WHERE next_attempt_at <= statement_timestamp()
"""


def take() -> UUID | None:
    """Become the only sender for PAYOUT_LEASE_SECONDS; None while another one is or the peer wants rest."""
    token = uuid7()
    taken = _execute(TAKE, {"token": token, "lease": settings.PAYOUT_LEASE_SECONDS})
    return token if taken else None


HAND_BACK = """
UPDATE rewards_analyticscursor
SET claim_token = NULL, next_attempt_at = statement_timestamp() + make_interval(secs => %(pause)s)
WHERE claim_token = %(token)s
"""


def hand_back(token: UUID, *, pause_seconds: float) -> None:
    """Let others send after a pause; without effect when the lease was lost."""
    _execute(HAND_BACK, {"token": token, "pause": pause_seconds})


FORGET_LOST = """
WITH state AS (
    SELECT unsent, missing,
           missing_xid < pg_snapshot_xmin(pg_current_snapshot())
           -- Noted by a transaction that is yet to come: the database was restored, and all that were open
           -- are over.
           OR missing_xid >= pg_snapshot_xmax(pg_current_snapshot()) AS decided
    FROM rewards_analyticscursor
), here AS (
    SELECT referral_numbers(array_agg(found.recorded_no)) AS numbers
    FROM state CROSS JOIN LATERAL unnest(state.missing) AS gap CROSS JOIN LATERAL (
        SELECT recorded_no FROM referral_referralevent
        WHERE recorded_no >= lower(gap) AND recorded_no < upper(gap)
        UNION ALL
        SELECT recorded_no FROM rewards_rewardtransition
        WHERE recorded_no >= lower(gap) AND recorded_no < upper(gap)
    ) found
), rest AS (
    SELECT state.unsent - (state.missing - here.numbers) AS unsent FROM state, here WHERE state.decided
)
UPDATE rewards_analyticscursor
SET unsent = rest.unsent,
    -- What lies below the endless last part was passed over; whoever drew it had an id before we get ours.
    missing = rest.unsent * int8multirange(int8range(
        NULL, (SELECT lower(part) FROM unnest(rest.unsent) AS part WHERE upper_inf(part))
    )),
    missing_xid = pg_current_xact_id()
FROM rest WHERE claim_token = %(token)s
"""


def forget_lost(token: UUID) -> None:
    """Give up the numbers of rolled-back transactions; never one of a transaction that may still commit.

    A missing number is lost when everybody who can have drawn it is over and the row is not there, both seen
    by the same statement. Costs nothing but a longer set when it cannot be decided yet.
    """
    _execute(FORGET_LOST, {"token": token})


NEXT_ROWS = """
SELECT found.recorded_no, found.event_id, found.transition_id
FROM rewards_analyticscursor
CROSS JOIN LATERAL unnest(unsent) AS part
CROSS JOIN LATERAL (
    (
        SELECT recorded_no, id AS event_id, NULL::uuid AS transition_id FROM referral_referralevent
        WHERE recorded_no >= lower(part) AND recorded_no < coalesce(upper(part), 9223372036854775807)
        ORDER BY recorded_no LIMIT %(limit)s
    ) UNION ALL (
        SELECT recorded_no, NULL, id FROM rewards_rewardtransition
        WHERE recorded_no >= lower(part) AND recorded_no < coalesce(upper(part), 9223372036854775807)
        ORDER BY recorded_no LIMIT %(limit)s
    )
) found
ORDER BY found.recorded_no LIMIT %(limit)s
"""


def next_rows(limit: int = ROWS_A_READ) -> list[Numbered]:
    """The oldest rows that are to be sent and can be seen. One statement, so one snapshot of both tables."""
    with connection.cursor() as cursor:
        cursor.execute(NEXT_ROWS, {"limit": limit})
        return [Numbered(*row) for row in cursor.fetchall()]


def analytics_due() -> bool:
    """Whether there is something to send and nobody sending it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM rewards_analyticscursor WHERE next_attempt_at <= statement_timestamp()")
        free = cursor.fetchone() is not None
    return free and bool(next_rows(1))


SETTLE = """
UPDATE rewards_analyticscursor
SET unsent = unsent - referral_numbers(%(numbers)s),
    next_attempt_at = statement_timestamp() + make_interval(secs => %(lease)s)
WHERE claim_token = %(token)s
"""


def settle(token: UUID, entries: Sequence[Entry]) -> None:
    """Be done with the rows that these entries complete, and stay the sender. Raises LeaseLost."""
    numbers = [entry.number for entry in entries if entry.completes]
    parameters = {"token": token, "numbers": numbers, "lease": settings.PAYOUT_LEASE_SECONDS}
    if not _execute(SETTLE, parameters):
        raise LeaseLost


def settle_refused(token: UUID, entry: Entry, answer: Answer) -> None:
    """Be done with an entry that Analytics will not take, and keep it for a person. Raises LeaseLost."""
    with transaction.atomic():
        AnalyticsRefusal.objects.create(
            entry_id=entry.entry_id,
            recorded_no=entry.number,
            event_name=entry.name,
            http_status=answer.http_status,
            message=f"{answer.error_code} {answer.message}".strip()[:500],
        )
        settle(token, [entry])


SEND_AGAIN = "UPDATE rewards_analyticscursor SET unsent = unsent + referral_numbers(%(numbers)s)"


def send_refused_again() -> int:
    """Have the rows of all refused entries sent again; returns how many entries were refused."""
    with transaction.atomic():
        refusals = list(AnalyticsRefusal.objects.select_for_update())
        if refusals:
            _execute(SEND_AGAIN, {"numbers": [refusal.recorded_no for refusal in refusals]})
            AnalyticsRefusal.objects.filter(pk__in=[refusal.pk for refusal in refusals]).delete()
        return len(refusals)


@dataclass(frozen=True, slots=True)
class Lag:
    """How far one stream is behind: entries not sent, and since when the oldest has waited."""

    event_name: str
    entries: int
    oldest: datetime | None


LAG = """
WITH wanted AS MATERIALIZED (
    SELECT lower(part) AS first, coalesce(upper(part), 9223372036854775807) AS beyond
    FROM rewards_analyticscursor CROSS JOIN LATERAL unnest(unsent) AS part
), events AS (
    SELECT event.id, event.created_at FROM wanted
    JOIN referral_referralevent event ON event.recorded_no >= first AND event.recorded_no < beyond
), changes AS (
    SELECT moved.at FROM wanted
    JOIN rewards_rewardtransition moved ON moved.recorded_no >= first AND moved.recorded_no < beyond
    UNION ALL
    SELECT reward.created_at FROM events
    JOIN rewards_referralreward reward ON reward.referral_event_id = events.id
)
SELECT %(events)s, count(*), min(created_at) FROM events
UNION ALL
SELECT %(changes)s, count(*), min(at) FROM changes
"""


def lags() -> list[Lag]:
    """How far each stream is behind. Counts exactly, so it takes a while over a backlog of millions."""
    with connection.cursor() as cursor:
        cursor.execute(LAG, {"events": EVENT_RECORDED, "changes": STATUS_CHANGED})
        return [Lag(*row) for row in cursor.fetchall()]


def _execute(sql: str, parameters: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.rowcount
