"""The people and campaigns that are measured on: loaded by SQL, as fast as PostgreSQL writes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.db import connection

from campaigns.models import ReferralCampaign
from campaigns.services import CampaignContent, campaign_create

USERS = 200_000
HOT_USERS = 2_000
# Everybody from here on has two referrers above them.
FIRST_USER = 8
SPREAD, BUDGET = "benchmark_spread", "benchmark_budget"
POINTS_LEVEL1, POINTS_LEVEL2 = 10, 5
LIMITS = {
    "max_events_per_referred": 1_000_000,
    "max_events_per_referrer": 10_000_000,
    "max_events_per_referrer_per_day": 5_000_000,
}
SQL = Path(__file__).parent / "sql"


def world_make(*, users: int = USERS, hot_users: int = HOT_USERS) -> None:
    """Campaigns, users and relations, and the functions of the references.

    The relations are a binary tree, so that events spread over as many referrers as there can be, and one
    referrer who has invited all hot users.
    """
    invitation = _campaigns_make()
    with connection.cursor() as cursor:
        for statement in LOAD:
            cursor.execute(statement, {"campaign": invitation.id, "users": users, "hot": hot_users})
        if connection.pg_version < 18_00_00:  # type: ignore[attr-defined] # the backend is PostgreSQL's
            cursor.execute(
                "CREATE OR REPLACE FUNCTION uuidv7() RETURNS uuid LANGUAGE sql AS 'SELECT referral_uuid7()'"
            )
        cursor.execute((SQL / "functions.sql").read_text())


def _campaigns_make() -> ReferralCampaign:
    levels = {
        "level1": {"points_per_purchase": POINTS_LEVEL1},
        "level2": {"points_per_purchase": POINTS_LEVEL2},
    }
    budget = {"budget_points": 10**15, "budget_g2a": "1000000"}
    for code, limits in ((SPREAD, LIMITS), (BUDGET, LIMITS | budget)):
        _campaign_make(code, "purchase", {"levels": levels, "limits": limits})
    invite = {"levels": {"level1": {"points_per_registration": 100}}}
    return _campaign_make("benchmark_invite", "user_invite", invite)


def _campaign_make(code: str, campaign_type: str, rules: Mapping[str, Any]) -> ReferralCampaign:
    content = CampaignContent(code=code, name=code, campaign_type=campaign_type, reward_rules=dict(rules))
    return campaign_create(content=content, by="benchmark", status=ReferralCampaign.Status.ACTIVE)


# Everybody registered by themselves a year ago; what their registrations earned is not part of the picture.
LOAD = (
    """
    INSERT INTO referral_userrole (user_id, role, first_heard_at)
    SELECT 'u' || lpad(n::text, 6, '0'), 'user', now() - interval '1 year'
    FROM generate_series(0, %(users)s - 1) n
    """,
    """
    INSERT INTO referral_userrole (user_id, role, first_heard_at)
    SELECT 'h' || lpad(n::text, 6, '0'), 'user', now() - interval '1 year'
    FROM generate_series(0, %(hot)s - 1) n
    """,
    """
    INSERT INTO referral_referralrelation (
        id, campaign_id, is_invitation, referrer_user_id, referred_user_id, source, registered_at, created_at
    )
    SELECT referral_uuid7(), %(campaign)s, true, referrer, referred, 'import',
           now() - interval '1 year', now() - interval '1 year'
    FROM (
        SELECT 'u' || lpad((n / 2)::text, 6, '0') AS referrer, 'u' || lpad(n::text, 6, '0') AS referred
        FROM generate_series(1, %(users)s - 1) n
        UNION ALL
        SELECT 'u000008', 'hot'
        UNION ALL
        SELECT 'hot', 'h' || lpad(n::text, 6, '0') FROM generate_series(0, %(hot)s - 1) n
    ) pair
    """,
    """
    INSERT INTO rewards_referralstats (
        id, user_id, campaign_id, total_referred_users, total_events,
        points_earned, points_pending, points_locked, g2a_earned, g2a_pending, g2a_locked
    )
    SELECT referral_uuid7(), referrer_user_id, campaign_id, count(*), 0, 0, 0, 0, 0, 0, 0
    FROM referral_referralrelation GROUP BY referrer_user_id, campaign_id
    """,
)
