"""Settling a reward on a peer's word that no worker has asked for: callbacks and reconciliation.

The answer goes through the same table and the same SQL as a worker's own (`rewards.payouts.claim.record`).
Taking the claim over first makes it ours to record: whatever a worker that asks at this moment is told no
longer counts, unless it is that the reward is paid.
"""

from datetime import timedelta
from itertools import pairwise
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from uuid_utils.compat import uuid7

from rewards.models import ReferralReward, RewardStatus, RewardTransition
from rewards.models.codes import MoveReason
from rewards.payouts.claim import Claim, Settled, record
from rewards.payouts.providers.base import Answer, Order

# From where a reward can be brought to the state in which an answer is recorded, and by which legal moves.
WAYS: dict[str, tuple[RewardStatus, ...]] = {
    RewardStatus.SENT_TO_POINTS: (),
    RewardStatus.SENT_TO_TOKEN: (),
    RewardStatus.PENDING: (RewardStatus.PENDING,),
    RewardStatus.FAILED: (RewardStatus.FAILED, RewardStatus.PENDING),
}
SETTLEABLE = frozenset(WAYS)


def locked_reward(reward_id: UUID) -> ReferralReward:
    """The reward with its event and campaign, held until the transaction ends. Raises DoesNotExist."""
    rows = ReferralReward.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("referral_event", "campaign").get(pk=reward_id)


def is_claimed(reward: ReferralReward) -> bool:
    """Whether a worker is asking about it right now, or has died less than a lease ago."""
    if reward.claim_token is None or reward.next_attempt_at is None:
        return False
    now = timezone.now()
    return now < reward.next_attempt_at <= now + timedelta(seconds=2 * settings.PAYOUT_LEASE_SECONDS)


def order_of(reward: ReferralReward, request_id: str) -> Order:
    """What its peer is asked about; the reward comes with its event and campaign."""
    return Order(
        reward_id=reward.id,
        event_id=reward.referral_event_id,
        user_id=reward.beneficiary_user_id,
        level=reward.beneficiary_level,
        points=reward.points_amount,
        g2a=reward.g2a_amount,
        campaign_code=reward.campaign.code,
        event_type=reward.referral_event.event_type,
        task_id=reward.external_task_id,
        mint_number=reward.mint_number,
        request_id=request_id,
    )


def reward_settle(
    reward: ReferralReward, answer: Answer, *, actor: str, reason: MoveReason, request_id: str
) -> None:
    """Record a peer's final word about a reward that `locked_reward` holds.

    A reward that waits or was given up is first brought back to its sent status, each move with its trail.
    Raises KeyError for a status outside SETTLEABLE.
    """
    token = _take_over(reward, actor, reason)
    claim = Claim(
        order=order_of(reward, request_id),
        token=token,
        campaign_id=reward.campaign_id,
        attempt=reward.attempts,
        failures=reward.failures,
        first_failed_at=reward.first_failed_at,
        in_doubt=reward.in_doubt,
    )
    record([Settled(claim, answer)], well_at=None, actor=actor, reason=reason)


def _take_over(reward: ReferralReward, actor: str, reason: MoveReason) -> UUID:
    is_points = reward.currency == ReferralReward.Currency.POINTS
    sent = RewardStatus.SENT_TO_POINTS if is_points else RewardStatus.SENT_TO_TOKEN
    for before, after in pairwise((*WAYS[reward.status], sent)):
        moved = RewardTransition.objects.create(
            reward=reward,
            from_status=before,
            to_status=after,
            actor=actor[:160],
            reason_code=reason,
        )
        reward.status = after
        reward.next_attempt_at = reward.updated_at = moved.at
        reward.save(update_fields=["status", "next_attempt_at", "updated_at"])
    token = uuid7()
    ReferralReward.objects.filter(pk=reward.pk).update(claim_token=token)
    return token
