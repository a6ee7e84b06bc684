"""Which errors the failed rewards have, and how much is held up by each.

An error is what rewards that failed for the same cause have in common: the HTTP status with the peer's code
or, without a code, the peer's text without numbers and ids, and our own code where the peer said nothing
(rewards/sql/0015_error_group.sql).
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils import timezone

from rewards.support.review.rewards import MOST_COUNTED, Filters

MOST_GROUPS = 50

# From one error to the next by the index, so it costs by the number of errors and not of rewards; of each, no
# more rewards are read than are counted.
GROUPS = """
WITH RECURSIVE known AS (
    (
        SELECT referral_error_group(last_error_code, last_error_params) AS error FROM rewards_referralreward
        WHERE status = 'failed' ORDER BY 1 LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT referral_error_group(last_error_code, last_error_params) FROM rewards_referralreward
        WHERE status = 'failed'
          AND referral_error_group(last_error_code, last_error_params) > known.error
        ORDER BY 1 LIMIT 1
    )
    FROM known WHERE known.error IS NOT NULL
)
SELECT known.error, sums.* FROM (SELECT error FROM known WHERE error IS NOT NULL LIMIT %(groups)s) known
CROSS JOIN LATERAL (
    SELECT count(*) AS number, coalesce(sum(points_amount), 0)::bigint, coalesce(sum(g2a_amount), 0),
        min(updated_at)
    FROM (
        SELECT points_amount, g2a_amount, updated_at FROM rewards_referralreward
        WHERE status = 'failed' AND referral_error_group(last_error_code, last_error_params) = known.error
          AND (%(campaign)s::uuid IS NULL OR campaign_id = %(campaign)s)
          AND (%(currency)s = '' OR currency = %(currency)s)
          AND (%(before)s::timestamptz IS NULL OR updated_at < %(before)s)
        ORDER BY updated_at, id LIMIT %(most)s
    ) counted
) sums
WHERE sums.number > 0 ORDER BY sums.number DESC, known.error
"""


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """What failed with one error. Where `is_more`, number and amounts are of the longest failed alone."""

    error: str
    number: int
    points: int
    g2a: Decimal
    oldest: datetime

    @property
    def is_more(self) -> bool:
        """Whether there are more than are counted."""
        return self.number > MOST_COUNTED


def error_groups(filters: Filters) -> list[ErrorGroup]:
    """The errors of failed rewards, the most frequent first; of at most MOST_GROUPS errors."""
    parameters: dict[str, Any] = {
        "groups": MOST_GROUPS,
        "campaign": filters.campaign_id,
        "currency": filters.currency,
        "before": timezone.now() - filters.older_than if filters.older_than else None,
        "most": MOST_COUNTED + 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(GROUPS, parameters)
        groups = [ErrorGroup(*row) for row in cursor.fetchall()]
    return [group for group in groups if filters.error in ("", group.error)]
