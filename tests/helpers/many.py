"""So many rows that a look-up without an index would show: written past the service, for plans only.

`star` has one row in a hundred: what is quick for most people must be quick for the one with the most, too.
"""

from collections.abc import Iterator
from typing import Any

from django.db import connection

from campaigns.models import ReferralCampaign

STAR = "star"
FILL = """
CREATE TEMPORARY TABLE many ON COMMIT DROP AS
SELECT number, referral_uuid7() AS event_id, referral_uuid7() AS reward_id,
       CASE WHEN number %% 100 = 0 THEN 'star' ELSE 'p' || number / 10 END AS referrer,
       'p' || number AS referred,
       CASE WHEN number %% 20 < 14 THEN 'completed' WHEN number %% 20 < 17 THEN 'locked'
            WHEN number %% 20 < 19 THEN 'pending' ELSE 'failed' END AS status
FROM generate_series(1, %(rows)s) AS number;

INSERT INTO referral_userrole (user_id, role, first_heard_at) SELECT referred, 'user', now() FROM many;
INSERT INTO referral_referralrelation (
    id, campaign_id, is_invitation, referrer_user_id, referred_user_id, source, registered_at, created_at
) SELECT referral_uuid7(), %(campaign)s, true, referrer, referred, 'import',
         now() - make_interval(secs => number), now() FROM many;
INSERT INTO referral_partnerreferralrelation (
    id, campaign_id, referrer_user_id, business_partner_id, status, created_at
) SELECT referral_uuid7(), %(campaign)s, referrer, 'cafe-' || number, 'onboarded', now() FROM many;
INSERT INTO referral_referrallink (
    id, campaign_id, owner_user_id, code, deep_link_payload, payload_digest, is_active, created_at, updated_at
) SELECT referral_uuid7(), %(campaign)s, referred, 'MANY' || lpad(number::text, 8, '0'), '{}', '', true,
         now(), now() FROM many;
INSERT INTO referral_referralevent (
    id, campaign_id, rule_version_id, event_type, source_service, idempotency_key, fingerprint,
    referrer_user_id, referred_user_id, occurred_at, created_at, reason
) SELECT event_id, %(campaign)s, %(version)s, 'quest_purchased', 'quest_service', 'i:many-' || number, '',
         referrer, referred, now(), now(), CASE WHEN number %% 100 = 7 THEN 'no_rule' END FROM many;
INSERT INTO rewards_referralreward (
    id, referral_event_id, campaign_id, beneficiary_user_id, beneficiary_level, currency, points_amount,
    status, required_min_role, available_at, in_doubt, attempts, failures, last_error, mint_number,
    created_at, updated_at, external_tx_id, next_attempt_at
) SELECT reward_id, event_id, %(campaign)s, referrer, 1, 'points', 10, status,
         CASE status WHEN 'locked' THEN 'vip' END, now(), false, 0, 0, '', 1, now(), now(),
         CASE status WHEN 'completed' THEN 'many-tx-' || number END,
         CASE status WHEN 'pending' THEN now() + interval '14 days' END FROM many;
INSERT INTO rewards_rewardtransition (id, reward_id, from_status, to_status, at, actor, reason)
SELECT referral_uuid7(), reward_id, origin, target, now(), 'worker', ''
FROM many, (VALUES ('pending', 'sent_to_points'), ('sent_to_points', 'completed')) AS step (origin, target)
WHERE status = 'completed';
INSERT INTO rewards_payoutattempt (
    id, reward_id, number, started_at, finished_at, outcome, error_code, message, peer_reference, request_id
) SELECT referral_uuid7(), reward_id, 1, now(), now(), 'booked', '', '', 'many-tx-' || number, '' FROM many
  WHERE status = 'completed';
INSERT INTO rewards_referralstats (
    id, user_id, campaign_id, total_referred_users, total_events, points_earned, points_pending,
    points_locked, g2a_earned, g2a_pending, g2a_locked
) SELECT referral_uuid7(), referrer, %(campaign)s, count(*), count(*), 10, 10, 10, 0, 0, 0
  FROM many GROUP BY referrer;
"""
BIG = (
    "referral_userrole",
    "referral_referralrelation",
    "referral_partnerreferralrelation",
    "referral_referrallink",
    "referral_referralevent",
    "rewards_referralreward",
    "rewards_rewardtransition",
    "rewards_payoutattempt",
    "rewards_referralstats",
)


def fill(rows: int) -> None:
    """So many relations, links, events and rewards; the planner knows of them. Needs the demo's campaigns."""
    campaign = ReferralCampaign.objects.get(code="user_invite_default")
    values = {"rows": rows, "campaign": campaign.pk, "version": campaign.rule_versions.first().pk}
    with connection.cursor() as cursor:
        for statement in FILL.split(";\n"):
            if statement.strip():
                cursor.execute(statement, values)
        cursor.execute(f"ANALYZE {', '.join(BIG)}")


def rows_read(statement: str) -> int:
    """The most rows that one step of a statement really reads, thrown away ones included.

    Reading a whole table is cheaper than many look-ups while it is small, so that is forbidden meanwhile:
    then a statement that can be answered by an index shows what it will read of a table of any size.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
        plan = cursor.fetchone()[0]
        cursor.execute("SET LOCAL enable_seqscan = on")
    return max(_read(node) for node in _nodes(plan[0]["Plan"]))


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _read(node: dict[str, Any]) -> int:
    if node["Node Type"] == "Bitmap Index Scan":
        # It counts what other tests have rolled back, too; the rows are read by the scan above it.
        return 0
    removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    # An index that begins with another column is searched once for each of its values.
    searches = node.get("Index Searches", 0)
    return int(max((node["Actual Rows"] + removed) * node["Actual Loops"], searches))
