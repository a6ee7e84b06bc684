"""Counting afterwards: a rate counts only if all that it claims to have written is there, and right."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection

from rewards.ledger.recount import differences

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Claimed:
    """What the parts of a run say they have done."""

    events: int = 0
    paid: int = 0
    paid_points: int = 0

    def __add__(self, other: "Claimed") -> "Claimed":
        return Claimed(
            self.events + other.events, self.paid + other.paid, self.paid_points + other.paid_points
        )


FOUND = """
SELECT (SELECT count(*) FROM referral_referralevent),
       (SELECT count(DISTINCT recorded_no) FROM referral_referralevent),
       (SELECT count(*) FROM rewards_referralreward),
       (SELECT count(*) FROM (
            SELECT FROM rewards_referralreward GROUP BY referral_event_id
            HAVING array_agg(beneficiary_level ORDER BY beneficiary_level) = '{1,2}'
        ) whole),
       (SELECT count(*) FROM rewards_referralreward WHERE status = 'completed'),
       (SELECT coalesce(sum(points_amount), 0) FROM rewards_referralreward WHERE status = 'completed'),
       (SELECT deadlocks FROM pg_stat_database WHERE datname = current_database())
"""


def judge(claimed: Claimed, progress: Callable[[str], object] = str) -> list[str]:
    """What does not agree, a sentence each; nothing is a pass.

    Events against what the clients were told, rewards against events, payments against the peer's own record,
    and every counter against what it counts.
    """
    with connection.cursor() as cursor:
        cursor.execute(FOUND)
        events, numbers, rewards, whole, paid, paid_points, deadlocks = cursor.fetchone()
    expected = (
        ("events", events, claimed.events),
        ("numbers in the history", numbers, events),
        ("rewards", rewards, 2 * events),
        ("events with a reward on each level", whole, events),
        ("rewards paid", paid, claimed.paid),
        ("points paid", int(paid_points), claimed.paid_points),
        ("deadlocks", deadlocks, 0),
    )
    wrong = [f"{name}: {found:,} instead of {right:,}" for name, found, right in expected if found != right]
    return wrong + wrong_counters(progress)


def wrong_counters(progress: Callable[[str], object]) -> list[str]:
    """The first counters that are not what counting gives, and how many more there are."""
    found: list[str] = []
    for portion in differences(portion_rows=200_000, progress=progress):
        found += [str(one) for one in portion]
    return found[:SHOWN] + ([f"and {len(found) - SHOWN} more counters"] if len(found) > SHOWN else [])
