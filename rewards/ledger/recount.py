"""Proving and mending the counters that limits, budgets and pages read (invariant D13).

Proving takes no locks. Whatever changes a relation, an event or a reward changes its counters in the same
transaction, so in any one snapshot stored and counted numbers must be equal, and every comparison here is a
single statement. It goes through the users in portions, so that no statement grows with the database.

Mending takes one campaign and one portion of its users at a time:

1. the campaign, exclusively (step 2 of campaigns/locks.py): no event and no cancellation of it is under way,
   none begins, and its rules, which say whether a budget is kept, stay as they are;
2. the rows to be mended (step 5): missing ones are made, in key order and before the first row is locked;
   then all are locked in key order, counters before stats, exactly as the event path does it;
3. a later statement recounts and writes. The budget's row (step 6) is mended in a transaction of its own.

Payouts, unlocks and role messages go on meanwhile, for they do not ask for the campaign. They change reward
rows (step 4) and then the stats rows, and hold both until they commit. So once we hold a stats row, such a
transaction has either committed, and the later statement, which has a snapshot of its own, sees what it did
to the reward and to the counter; or it waits for us or will have to, the recount sees nothing of it, and it
adds its difference to what we have written. We never wait for a reward row, so whoever waits for us is not
waited for by us. Relations are written before their writers ask for the campaign (step 1), and are counted in
a stats row by the same rule. Limit counters and the budget are changed by events and cancellations alone,
which the campaign's lock keeps out.

Each portion is committed. Stopping in between loses nothing, and running again mends what is left.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from campaigns.locks import lock_campaign
from campaigns.models import CampaignSpend, ReferralCampaign
from campaigns.rules.schema import rules_parse

# Rows of the busiest table in one comparison, and users in one repair: what an exclusive lock is held for.
PORTION_ROWS = 20_000
PORTION_REPAIRS = 500

STATS, REFERRED, DAYS, BUDGET = "stats", "referred", "days", "budget"
STATS_NUMBERS = (
    "total_referred_users",
    "total_events",
    "points_earned",
    "points_pending",
    "points_locked",
    "g2a_earned",
    "g2a_pending",
    "g2a_locked",
)

Progress = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Difference:
    """One stored number that is not what counting gives. `stored` is None where the row is missing.

    `who` is the user; for `referred` the referred user or partner; empty for `budget`.
    """

    kind: str
    campaign_id: UUID
    campaign_code: str
    who: str
    number: str
    stored: Decimal | None
    counted: Decimal

    def __str__(self) -> str:
        stored = "no row" if self.stored is None else f"{self.stored:f}"
        who = f"{self.who} in " if self.who else ""
        return f"{who}{self.campaign_code}: {self.number}: stored {stored}, counted {self.counted:f}"


# --- what counting gives ------------------------------------------------------------------------------------

# The scope of a comparison: the users of a portion, or those that are mended.
IN_PORTION = (
    "{table}.campaign_id = ANY(%(campaigns)s::uuid[]) AND {table}.{column} > %(after)s"
    " AND (%(upto)s::text IS NULL OR {table}.{column} <= %(upto)s::text)"
)
AMONG = "{table}.campaign_id = ANY(%(campaigns)s::uuid[]) AND {table}.{column} = ANY(%(keys)s::text[])"

# An event counts as long as one of its rewards is not cancelled.
COUNTS = """EXISTS (
        SELECT FROM rewards_referralreward paying
        WHERE paying.referral_event_id = event.id AND paying.status <> 'cancelled'
    )"""


def _counted_stats(scope: str) -> str:
    """SELECT giving user_id, campaign_id and STATS_NUMBERS from relations, events and rewards."""
    return f"""
    SELECT user_id, campaign_id, {", ".join(f"sum({name}) AS {name}" for name in STATS_NUMBERS)}
    FROM (
        SELECT relation.referrer_user_id AS user_id, relation.campaign_id,
               1 AS total_referred_users, 0 AS total_events,
               0::numeric AS points_earned, 0::numeric AS points_pending, 0::numeric AS points_locked,
               0::numeric AS g2a_earned, 0::numeric AS g2a_pending, 0::numeric AS g2a_locked
        FROM referral_referralrelation relation
        WHERE {scope.format(table="relation", column="referrer_user_id")}
        UNION ALL
        SELECT event.referrer_user_id, event.campaign_id, 0, 1, 0, 0, 0, 0, 0, 0
        FROM referral_referralevent event
        WHERE {scope.format(table="event", column="referrer_user_id")} AND {COUNTS}
        UNION ALL
        SELECT reward.beneficiary_user_id, reward.campaign_id, 0, 0,
               CASE WHEN status = 'completed' THEN points_amount ELSE 0 END,
               CASE WHEN status NOT IN ('completed', 'locked') THEN points_amount ELSE 0 END,
               CASE WHEN status = 'locked' THEN points_amount ELSE 0 END,
               CASE WHEN status = 'completed' THEN g2a_amount ELSE 0 END,
               CASE WHEN status NOT IN ('completed', 'locked') THEN g2a_amount ELSE 0 END,
               CASE WHEN status = 'locked' THEN g2a_amount ELSE 0 END
        FROM rewards_referralreward reward
        WHERE {scope.format(table="reward", column="beneficiary_user_id")} AND reward.status <> 'cancelled'
    ) entry
    GROUP BY user_id, campaign_id
    """


def _counted_referred(scope: str) -> str:
    """SELECT giving referred_key, campaign_id and events."""
    return f"""
    SELECT event.referred_user_id AS referred_key, event.campaign_id, count(*) AS events
    FROM referral_referralevent event
    WHERE {scope.format(table="event", column="referred_user_id")} AND {COUNTS}
    GROUP BY 1, 2
    UNION ALL
    SELECT event.business_partner_id, event.campaign_id, count(*)
    FROM referral_referralevent event
    WHERE {scope.format(table="event", column="business_partner_id")} AND {COUNTS}
      AND event.event_type = 'rf_partner_onboarded'
    GROUP BY 1, 2
    """


def _counted_days(scope: str) -> str:
    """SELECT giving referrer_user_id, campaign_id, day and events."""
    return f"""
    SELECT event.referrer_user_id, event.campaign_id,
           (event.occurred_at AT TIME ZONE 'UTC')::date AS day, count(*) AS events
    FROM referral_referralevent event
    WHERE {scope.format(table="event", column="referrer_user_id")} AND {COUNTS}
    GROUP BY 1, 2, 3
    """


# --- proving ------------------------------------------------------------------------------------------------

_NUMBERS = ", ".join(f"('{name}', stored.{name}::numeric, counted.{name}::numeric)" for name in STATS_NUMBERS)
DIFFERENT = "coalesce(n.stored, 0) <> coalesce(n.counted, 0)"

COMPARE = {
    STATS: f"""
        WITH counted AS ({_counted_stats(IN_PORTION)}), stored AS (
            SELECT * FROM rewards_referralstats stats
            WHERE {IN_PORTION.format(table="stats", column="user_id")}
        )
        SELECT campaign_id, user_id, n.name, n.stored, coalesce(n.counted, 0)
        FROM counted FULL JOIN stored USING (user_id, campaign_id)
        CROSS JOIN LATERAL (VALUES {_NUMBERS}) AS n(name, stored, counted)
        WHERE {DIFFERENT} ORDER BY 1, 2
    """,
    REFERRED: f"""
        WITH counted AS ({_counted_referred(IN_PORTION)}), stored AS (
            SELECT * FROM rewards_referredcounter counter
            WHERE {IN_PORTION.format(table="counter", column="referred_key")}
        )
        SELECT campaign_id, referred_key, 'events as referred', n.stored, coalesce(n.counted, 0)
        FROM counted FULL JOIN stored USING (referred_key, campaign_id)
        CROSS JOIN LATERAL (SELECT stored.events::numeric, counted.events::numeric) AS n(stored, counted)
        WHERE {DIFFERENT} ORDER BY 1, 2
    """,
    DAYS: f"""
        WITH counted AS ({_counted_days(IN_PORTION)}), stored AS (
            SELECT * FROM rewards_referrerdaycounter counter
            WHERE {IN_PORTION.format(table="counter", column="referrer_user_id")}
        )
        SELECT campaign_id, referrer_user_id, 'events on ' || day, n.stored, coalesce(n.counted, 0)
        FROM counted FULL JOIN stored USING (referrer_user_id, campaign_id, day)
        CROSS JOIN LATERAL (SELECT stored.events::numeric, counted.events::numeric) AS n(stored, counted)
        WHERE {DIFFERENT} ORDER BY 1, 2, day
    """,
}

# Where a portion ends: after so many rows of whichever table comes to them first.
BOUND = """
SELECT min(bound) FROM (VALUES
    ((SELECT beneficiary_user_id FROM rewards_referralreward WHERE beneficiary_user_id > %(after)s
      ORDER BY beneficiary_user_id OFFSET %(rows)s LIMIT 1)),
    ((SELECT referrer_user_id FROM referral_referralevent WHERE referrer_user_id > %(after)s
      ORDER BY referrer_user_id OFFSET %(rows)s LIMIT 1)),
    ((SELECT referred_user_id FROM referral_referralevent WHERE referred_user_id > %(after)s
      ORDER BY referred_user_id OFFSET %(rows)s LIMIT 1)),
    ((SELECT referrer_user_id FROM referral_referralrelation WHERE referrer_user_id > %(after)s
      ORDER BY referrer_user_id OFFSET %(rows)s LIMIT 1)),
    ((SELECT user_id FROM rewards_referralstats WHERE user_id > %(after)s
      ORDER BY user_id OFFSET %(rows)s LIMIT 1))
) AS ends(bound)
"""


def differences(*, portion_rows: int = PORTION_ROWS, progress: Progress = str) -> Iterator[list[Difference]]:
    """Every number that is wrong, a portion of users at a time; the last portion is the budgets.

    Locks nothing and may run beside everything else. `progress` is told where the recount is.
    """
    codes: dict[UUID, str] = dict(ReferralCampaign.objects.values_list("id", "code"))
    after, number = "", 0
    upto: str | None = ""
    while upto is not None:
        number += 1
        upto = _one(BOUND, {"after": after, "rows": portion_rows - 1})
        scope = {"campaigns": list(codes), "after": after, "upto": upto}
        found = [
            Difference(kind, campaign_id, codes[campaign_id], *rest)
            for kind, sql in COMPARE.items()
            for campaign_id, *rest in _rows(sql, scope)
        ]
        progress(f"portion {number}: users {f'up to {upto}' if upto else 'to the end'}")
        yield found
        after = upto or after
    progress("budgets")
    yield [different for campaign_id in codes for different in _budget_differences(campaign_id)]


BUDGET_SUMS = """
SELECT spend.points::numeric, spend.g2a,
       coalesce(sum(reward.points_amount), 0), coalesce(sum(reward.g2a_amount), 0)
FROM campaigns_campaignspend spend
LEFT JOIN rewards_referralreward reward
       ON reward.campaign_id = spend.campaign_id AND reward.status <> 'cancelled'
WHERE spend.campaign_id = %(campaign)s
GROUP BY spend.campaign_id
"""


def _budget_differences(campaign_id: UUID) -> list[Difference]:
    """The sums of a campaign's budget that are wrong.

    A missing row is right: the event path makes it when it first needs it. A row of a campaign without a
    budget is wrong, for nobody keeps it, and a budget set later would begin with it.
    """
    campaign = ReferralCampaign.objects.get(pk=campaign_id)
    rows = _rows(BUDGET_SUMS, {"campaign": campaign_id})
    if not rows:
        return []
    points, g2a, counted_points, counted_g2a = rows[0]
    if not _has_budget(campaign):
        number = "budget points kept without a budget"
        return [Difference(BUDGET, campaign_id, campaign.code, "", number, points, Decimal(0))]
    sums = (("budget points", points, counted_points), ("budget G2A", g2a, counted_g2a))
    return [
        Difference(BUDGET, campaign_id, campaign.code, "", number, stored, counted)
        for number, stored, counted in sums
        if stored != counted
    ]


def _has_budget(campaign: ReferralCampaign) -> bool:
    """By the newest rules, as for every limit."""
    return rules_parse(campaign.reward_rules).limits.has_budget


# --- mending ------------------------------------------------------------------------------------------------


def repair(found: Sequence[Difference]) -> None:
    """Mend what is wrong by counting again under locks; what has healed meanwhile stays as it is."""
    ordered = sorted(found, key=lambda difference: (difference.campaign_id, difference.who))
    for campaign_id, group in groupby(ordered, key=lambda difference: difference.campaign_id):
        wrong = list(group)
        users = sorted({entry.who for entry in wrong if entry.kind != BUDGET})
        for start in range(0, len(users), PORTION_REPAIRS):
            _users_mend(campaign_id, users[start : start + PORTION_REPAIRS])
        if any(entry.kind == BUDGET for entry in wrong):
            _budget_mend(campaign_id)


def _users_mend(campaign_id: UUID, users: list[str]) -> None:
    """Recount all counters of these users (and partners) in a campaign; the module's text has the locks."""
    scope: dict[str, Any] = {"campaigns": [campaign_id], "keys": users}
    with transaction.atomic():
        lock_campaign(campaign_id, shared=False)
        for sql in (*ENSURE, *LOCK, *MEND):
            with connection.cursor() as cursor:
                cursor.execute(sql, scope)


ENSURE = (
    f"""
    INSERT INTO rewards_referredcounter (campaign_id, referred_key, events)
    SELECT counted.campaign_id, counted.referred_key, 0 FROM ({_counted_referred(AMONG)}) counted
    ORDER BY 1, 2 ON CONFLICT DO NOTHING
    """,
    f"""
    SELECT referral_stats_lock(array_agg(counted.user_id), array_agg(counted.campaign_id))
    FROM ({_counted_stats(AMONG)}) counted
    """,
    f"""
    INSERT INTO rewards_referrerdaycounter (campaign_id, referrer_user_id, day, events)
    SELECT counted.campaign_id, counted.referrer_user_id, counted.day, 0 FROM ({_counted_days(AMONG)}) counted
    ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING
    """,
)

LOCK = (
    f"""
    SELECT FROM rewards_referredcounter counter WHERE {AMONG.format(table="counter", column="referred_key")}
    ORDER BY campaign_id, referred_key FOR NO KEY UPDATE
    """,
    f"""
    SELECT FROM rewards_referralstats stats WHERE {AMONG.format(table="stats", column="user_id")}
    ORDER BY campaign_id, user_id FOR NO KEY UPDATE
    """,
    f"""
    SELECT FROM rewards_referrerdaycounter counter
    WHERE {AMONG.format(table="counter", column="referrer_user_id")}
    ORDER BY campaign_id, referrer_user_id, day FOR NO KEY UPDATE
    """,
)

# A row of which nothing is counted becomes zero: rows are kept, for others may be about to lock them.
MEND = (
    f"""
    UPDATE rewards_referredcounter counter SET events = coalesce(counted.events, 0)
    FROM rewards_referredcounter same
    LEFT JOIN ({_counted_referred(AMONG)}) counted USING (campaign_id, referred_key)
    WHERE same.campaign_id = counter.campaign_id AND same.referred_key = counter.referred_key
      AND {AMONG.format(table="counter", column="referred_key")}
    """,
    f"""
    UPDATE rewards_referrerdaycounter counter SET events = coalesce(counted.events, 0)
    FROM rewards_referrerdaycounter same
    LEFT JOIN ({_counted_days(AMONG)}) counted USING (campaign_id, referrer_user_id, day)
    WHERE same.campaign_id = counter.campaign_id AND same.referrer_user_id = counter.referrer_user_id
      AND same.day = counter.day AND {AMONG.format(table="counter", column="referrer_user_id")}
    """,
    f"""
    UPDATE rewards_referralstats stats
    SET {", ".join(f"{name} = coalesce(counted.{name}, 0)" for name in STATS_NUMBERS)}
    FROM rewards_referralstats same
    LEFT JOIN ({_counted_stats(AMONG)}) counted USING (campaign_id, user_id)
    WHERE same.id = stats.id AND {AMONG.format(table="stats", column="user_id")}
    """,
)


def _budget_mend(campaign_id: UUID) -> None:
    """Sum the campaign's rewards again, or drop sums that nobody keeps.

    The campaign's events wait for as long as the sum takes: about a second for each million of its rewards.
    """
    with transaction.atomic():
        lock_campaign(campaign_id, shared=False)
        if not _has_budget(ReferralCampaign.objects.get(pk=campaign_id)):
            CampaignSpend.objects.filter(pk=campaign_id).delete()
            return
        CampaignSpend.objects.select_for_update(no_key=True).filter(pk=campaign_id).first()
        for _, _, points, g2a in _rows(BUDGET_SUMS, {"campaign": campaign_id}):
            CampaignSpend.objects.filter(pk=campaign_id).update(points=points, g2a=g2a)


def _rows(sql: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def _one(sql: str, parameters: dict[str, Any]) -> Any:
    return _rows(sql, parameters)[0][0]
