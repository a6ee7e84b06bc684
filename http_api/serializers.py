"""What rewards look like on the wire: of one kind for every caller."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import Q

from http_api.schemas.rewards import ListedReward, Reward, SupportReward
from kernel.paging import Query, newest_page_of, one_of
from kernel.rendering import g2a_text
from rewards.intake.store import RewardRow
from rewards.models import ReferralReward, RewardStatus
from rewards.selectors import in_status
from rewards.support.explanation.error_classification import error_text


def reward_json(reward: RewardRow | ReferralReward) -> Reward:
    """A reward as docs/http-api.md and its description show it; the unused amount is zero."""
    return {
        "id": reward.id,
        "beneficiary_user_id": reward.beneficiary_user_id,
        "beneficiary_level": reward.beneficiary_level,
        "points_amount": reward.points_amount or 0,
        "g2a_amount": g2a_text(reward.g2a_amount),
        "status": reward.status,
        "required_min_role": reward.required_min_role,
    }


def reward_item(reward: ReferralReward) -> ListedReward:
    """A reward in a list; needs its campaign and event loaded."""
    return {
        **reward_json(reward),
        "external_tx_id": reward.external_tx_id,
        "available_at": reward.available_at,
        "created_at": reward.created_at,
        "campaign_code": reward.campaign.code,
        "event_type": reward.referral_event.event_type,
    }


def support_item(reward: ReferralReward) -> SupportReward:
    """A reward as support sees it: with why it is where it is."""
    return {
        **reward_item(reward),
        "referral_event_id": reward.referral_event_id,
        "external_task_id": reward.external_task_id,
        "in_doubt": reward.in_doubt,
        "attempts": reward.attempts,
        "next_attempt_at": reward.next_attempt_at,
        "failing_since": reward.first_failed_at,
        "last_error": error_text(reward.last_failure),
        "updated_at": reward.updated_at,
    }


def rewards_page(
    query: Query, filters: Q, item: Callable[[ReferralReward], Mapping[str, Any]]
) -> dict[str, Any]:
    """A page of rewards, newest first, by page or by cursor; `status` filters. Raises ValidationFailed."""
    if status := one_of(query, "status", RewardStatus.values):
        filters &= in_status(status)
    rows = ReferralReward.objects.filter(filters).select_related("campaign", "referral_event")
    page = newest_page_of(query, rows)
    page["items"] = [item(row) for row in page["items"]]
    return page
