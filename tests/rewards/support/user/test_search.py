"""What people look for among millions of rows is found by an index, however few they are."""

import pytest
from django.db import connection
from django.utils import timezone
from uuid_utils.compat import uuid7

from referral.models import ReferralEvent
from rewards.models import (
    BulkRetry,
    BulkRetryItem,
    PayoutAttempt,
    ReferralReward,
    RewardStatus,
    RewardTransition,
)
from rewards.selectors import in_status
from rewards.support.review.rewards import REASONS, Filters, narrowed
from tests.factories import RewardFactory

NOW = timezone.now()
LOOKUPS = {
    "a transaction": (ReferralReward.objects.filter(external_tx_id="tx-1"), "reward_by_transaction"),
    "in doubt": (ReferralReward.objects.filter(in_doubt=True), "reward_in_doubt"),
    "failed": (ReferralReward.objects.filter(in_status("failed")), "reward_set_aside"),
    "cancelled": (ReferralReward.objects.filter(in_status("cancelled")), "reward_set_aside"),
    "pending": (ReferralReward.objects.filter(in_status("pending")), "reward_due"),
    "sent to the gateway": (ReferralReward.objects.filter(in_status("sent_to_token")), "reward_due"),
    "a caller's own id": (ReferralEvent.objects.filter(idempotency_key="i:order-1"), "event_once_per_key"),
    "a partner": (ReferralEvent.objects.filter(business_partner_id="cafe"), "event_by_partner"),
    "no reward": (ReferralEvent.objects.filter(reason="limit_reached"), "event_without_reward"),
    "refused": (PayoutAttempt.objects.filter(outcome="refused"), "attempt_gone_wrong"),
    "failed longest ago": (
        ReferralReward.objects.filter(REASONS["failed"].condition(NOW), updated_at__gt=NOW),
        "reward_failed_since",
    ),
    "failed with one error": (
        narrowed(ReferralReward.objects.filter(in_status("failed")), Filters(error="HTTP 422 X_Y")),
        "reward_failed_with",
    ),
    "in doubt for long": (
        ReferralReward.objects.filter(REASONS["in_doubt"].condition(NOW)),
        "reward_doubt_lasting",
    ),
    "taken by nobody": (
        ReferralReward.objects.filter(REASONS["overdue_g2a"].condition(NOW)),
        "reward_due",
    ),
    "failing again and again": (
        ReferralReward.objects.filter(REASONS["failing"].condition(NOW)),
        "reward_failing",
    ),
    "a task without an end": (
        ReferralReward.objects.filter(REASONS["task_silent"].condition(NOW)),
        "reward_task_silent",
    ),
    "a bulk retry to go on with": (BulkRetry.objects.filter(state="running"), "bulk_retry_running"),
    "what is left of a bulk retry": (
        BulkRetryItem.objects.filter(bulk_retry_id=uuid7(), outcome=""),
        "bulk_retry_item_open",
    ),
    "became failed": (RewardTransition.objects.filter(to_status="failed"), "transition_aside"),
}


@pytest.mark.parametrize("name", LOOKUPS)
def test_a_lookup_has_its_index(db, name):
    rows, index = LOOKUPS[name]

    # An empty table is best read whole, or by any index: what counts is that this one can answer.
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "SELECT indexrelid::regclass::text FROM pg_index"
            " WHERE indrelid = %s::regclass AND NOT indisprimary",
            [rows.model._meta.db_table],
        )
        for (other,) in cursor.fetchall():
            if other != index:
                cursor.execute(f"ALTER TABLE {rows.model._meta.db_table} DROP CONSTRAINT IF EXISTS {other}")
                cursor.execute(f"DROP INDEX IF EXISTS {other}")

    assert index in rows.order_by().explain()


def test_the_condition_that_an_index_needs_leaves_nobody_out(db):
    # given a reward of every status
    on_its_way = {"pending": "points", "sent_to_points": "points", "sent_to_token": "g2a"}
    for status in RewardStatus.values:
        currency = on_its_way.get(status, "points")
        RewardFactory(
            status=status,
            currency=currency,
            points_amount=10 if currency == "points" else None,
            g2a_amount=None if currency == "points" else 1,
            next_attempt_at=timezone.now() if status in on_its_way else None,
            external_tx_id="tx-1" if status == "completed" else None,
            required_min_role="vip" if status == "locked" else None,
        )

    found = {status: ReferralReward.objects.get(in_status(status)).status for status in RewardStatus.values}

    assert found == {status: status for status in RewardStatus.values}
