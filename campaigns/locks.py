"""Advisory locks, and the order in which everything is locked.

The order, the same in every transaction of the service:

1. `RELATIONS`, exclusive: whoever writes a relation (registrations, claims, codes on purchases, imports,
   referrers attached by hand);
2. a campaign, shared by events and cancellations, exclusive for a change of the campaign;
3. role buckets, shared by events, exclusive for a role message of a user in the bucket;
4. reward rows, by id;
5. counters of referred users, then stats rows, each by key; counters of days under their referrer's row;
6. the campaign's spend row;
7. inserts of events, by idempotency key.

Advisory locks are the transaction-level kind, so a pooled connection cannot leak one. Several locks of one
step are taken in ascending order. The SQL of the event path repeats these class numbers.
"""

from uuid import UUID

from django.db import connection

RELATIONS = 72001
CAMPAIGN = 72002
ROLE = 72003
# Outside the order: held alone, while a user's link is made.
LINKS = 72004
# Bounds what a bulk call may hold; two users share a bucket once in so many.
ROLE_BUCKETS = 512


def lock_relations() -> None:
    """Serialize the writers of relations until the transaction ends."""
    _execute("SELECT pg_advisory_xact_lock(%s, 0)", [RELATIONS])


def lock_campaign(campaign_id: UUID, *, shared: bool) -> None:
    """Hold a campaign still (shared) or wait for its running events and change it (exclusive)."""
    function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    _execute(f"SELECT {function}(%s, hashtext(%s))", [CAMPAIGN, str(campaign_id)])


def lock_role(user_id: str) -> None:
    """Wait for the events that read this user's role, and keep new ones waiting."""
    _execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s) & %s)", [ROLE, user_id, ROLE_BUCKETS - 1])


def lock_links(user_id: str) -> None:
    """Make one user's links one after another."""
    _execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [LINKS, user_id])


def _execute(sql: str, parameters: list[int | str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
