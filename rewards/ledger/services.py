"""What role messages and people do to rewards: unlock, retry, cancel."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from access.audit import Verb, audit_note
from campaigns.locks import lock_campaign, lock_role
from campaigns.models import CampaignSpend
from campaigns.rules.roles import RANKS
from kernel.errors import IllegalTransition, NotFound, ValidationFailed
from referral.models import UserRole
from rewards.ledger.statistics import stats_add
from rewards.ledger.transitions import CANCELLABLE, RETRYABLE, UNLOCKABLE, require
from rewards.models import (
    ReferralReward,
    ReferredCounter,
    ReferrerDayCounter,
    RewardStatus,
    RewardTransition,
)
from rewards.models.codes import MoveReason
from rewards.notifier import wake_for

REASON_LENGTH = 500


def role_upgrade(*, user_id: str, new_role: str, occurred_at: datetime, by: str) -> int:
    """Take in a role message and unlock what it opens; returns how many rewards it unlocked.

    The newest message is the truth, at equal times the higher role; an older one or a repeat changes nothing
    (D6). Waits for the events that read this user's role just now, so that none of their rewards stays locked
    (D5).
    """
    with transaction.atomic():
        lock_role(user_id)
        known = UserRole.objects.filter(pk=user_id).first()
        if known and known.occurred_at and not _is_newer(known, new_role, occurred_at):
            return 0
        UserRole.objects.update_or_create(
            user_id=user_id,
            defaults={"role": new_role, "occurred_at": occurred_at},
        )
        return _unlock_by_role(user_id, new_role, by)


def _is_newer(known: UserRole, new_role: str, occurred_at: datetime) -> bool:
    if occurred_at == known.occurred_at:
        return RANKS[new_role] > RANKS[known.role]
    return known.occurred_at is None or occurred_at > known.occurred_at


UNLOCK = """
WITH opened AS (
    UPDATE rewards_referralreward reward
    SET status = 'pending', next_attempt_at = reward.available_at, updated_at = statement_timestamp()
    WHERE reward.id IN (
        SELECT id FROM rewards_referralreward
        WHERE beneficiary_user_id = %s AND status = 'locked' AND required_min_role = ANY(%s)
        ORDER BY id FOR NO KEY UPDATE
    )
    RETURNING reward.id, reward.campaign_id, reward.currency, reward.points_amount, reward.g2a_amount
), trail AS (
    INSERT INTO rewards_rewardtransition (
        id, reward_id, from_status, to_status, at, actor, reason_code, reason_params, reason
    )
    SELECT referral_uuid7(), id, 'locked', 'pending', statement_timestamp(), %s, %s,
           jsonb_build_object('role', %s::text), '' FROM opened
)
SELECT campaign_id, currency, count(*), coalesce(sum(points_amount), 0), coalesce(sum(g2a_amount), 0)
FROM opened GROUP BY campaign_id, currency
"""


def _unlock_by_role(user_id: str, role: str, by: str) -> int:
    opened_roles = [name for name, rank in RANKS.items() if rank <= RANKS[role]]
    with connection.cursor() as cursor:
        cursor.execute(UNLOCK, [user_id, opened_roles, by, MoveReason.ROLE_UPGRADED, role])
        groups = cursor.fetchall()
    deltas: dict[UUID, dict[str, Any]] = {}
    for campaign_id, currency, _count, points, g2a in groups:
        row = deltas.setdefault(campaign_id, {"campaign_id": campaign_id, "user_id": user_id})
        amount = points if currency == "points" else g2a
        row |= {f"{currency}_locked": -amount, f"{currency}_pending": amount}
    if deltas:
        stats_add(deltas.values())
        transaction.on_commit(lambda: wake_for(currency for _, currency, *_ in groups))
    return sum(count for _, _, count, *_ in groups)


# --- by hand ------------------------------------------------------------------------------------------------


def reward_unlock(*, reward_id: UUID, by: str, reason: str) -> ReferralReward:
    """Open a locked reward as if its role were reached; the hold days stay.

    Raises NotFound, ValidationFailed without a reason, IllegalTransition.
    """
    reason = reason_of(reason)
    with transaction.atomic():
        reward = _locked_row(reward_id)
        require(reward.status, UNLOCKABLE)
        why = MoveReason.UNLOCKED_BY_PERSON
        _move(reward, RewardStatus.PENDING, by, why, reason, next_attempt_at=reward.available_at)
        stats_add([_stats_move(reward, "locked", "pending")])
        _wake(reward)
    return reward


def reward_retry(*, reward_id: UUID, by: str, reason: str) -> ReferralReward:
    """Send a failed reward to its peer again, under the same idempotency key.

    Raises NotFound, ValidationFailed without a reason, IllegalTransition.
    """
    reason = reason_of(reason)
    with transaction.atomic():
        reward = _locked_row(reward_id)
        require(reward.status, RETRYABLE)
        _move(
            reward,
            RewardStatus.PENDING,
            by,
            MoveReason.RETRIED_BY_PERSON,
            reason,
            next_attempt_at=reward.available_at,
            failures=0,
            first_failed_at=None,
        )
        _wake(reward)
    return reward


def reward_cancel(*, reward_id: UUID, by: str, reason: str) -> ReferralReward:
    """Cancel a reward that is not paid and cannot have been.

    Gives back its budget and, with the event's last reward, the event's place in the limits.

    Raises NotFound, ValidationFailed without a reason, IllegalTransition (also while in doubt).
    """
    reason = reason_of(reason)
    campaign_id = ReferralReward.objects.filter(pk=reward_id).values_list("campaign_id", flat=True).first()
    if campaign_id is None:
        raise NotFound(_("There is no such reward."))
    with transaction.atomic():
        lock_campaign(campaign_id, shared=True)
        reward, siblings = _locked_with_siblings(reward_id)
        require(reward.status, CANCELLABLE)
        if reward.in_doubt:
            raise IllegalTransition(
                _("Unconfirmed rewards cannot be cancelled: this one may have been paid.")
            )
        was = "locked" if reward.status == RewardStatus.LOCKED else "pending"
        why = MoveReason.CANCELLED_BY_PERSON
        _move(reward, RewardStatus.CANCELLED, by, why, reason, next_attempt_at=None)
        _give_back(reward, was, last=all(other.status == RewardStatus.CANCELLED for other in siblings))
    return reward


def reason_of(text: str) -> str:
    """Why a person does something, as it is kept. Raises ValidationFailed for nothing or too much."""
    reason = text.strip() if isinstance(text, str) else ""
    if not reason:
        raise ValidationFailed.of("reason", _("Enter a reason"))
    if len(reason) > REASON_LENGTH or "\x00" in reason:
        raise ValidationFailed.of(
            "reason", _("Enter at most {most} characters without NUL"), most=REASON_LENGTH
        )
    return reason


def _locked_row(reward_id: UUID) -> ReferralReward:
    reward = ReferralReward.objects.select_for_update(no_key=True).filter(pk=reward_id).first()
    if reward is None:
        raise NotFound(_("There is no such reward."))
    return reward


def _locked_with_siblings(reward_id: UUID) -> tuple[ReferralReward, list[ReferralReward]]:
    """The reward and the others of its event, all locked in one order, so that two cancellations agree."""
    event_id = ReferralReward.objects.values_list("referral_event_id", flat=True).get(pk=reward_id)
    rows = list(
        ReferralReward.objects.select_for_update(no_key=True, of=("self",))
        .filter(referral_event_id=event_id)
        .select_related("referral_event")
        .order_by("id")
    )
    reward = next(row for row in rows if row.id == reward_id)
    return reward, [row for row in rows if row is not reward]


def _move(reward: ReferralReward, status: str, by: str, why: MoveReason, reason: str, **changes: Any) -> None:
    """Change the status with its trail; the database refuses what the table of moves does not have."""
    moved = RewardTransition.objects.create(
        reward=reward,
        from_status=reward.status,
        to_status=status,
        actor=by[:160],
        reason_code=why,
        reason=reason,
    )
    audit_note(
        by=by,
        verb=Verb.CHANGED,
        target=reward,
        name=f"{reward.points_amount} points" if reward.points_amount else f"{reward.g2a_amount} G2A",
        before={"status": reward.status},
        after={"status": status},
        reason=reason,
    )
    reward.status = status
    for name, value in changes.items():
        setattr(reward, name, value)
    reward.updated_at = moved.at
    reward.save(update_fields=["status", "updated_at", *changes])


def _stats_move(reward: ReferralReward, source: str, target: str | None) -> dict[str, Any]:
    amount = reward.points_amount or reward.g2a_amount or 0
    delta: dict[str, Any] = {"campaign_id": reward.campaign_id, "user_id": reward.beneficiary_user_id}
    delta |= {f"{reward.currency}_{source}": -amount}
    if target:
        delta |= {f"{reward.currency}_{target}": amount}
    return delta


def _give_back(reward: ReferralReward, was: str, *, last: bool) -> None:
    """The counter of the referred user, then stats, days and the budget: the lock order."""
    event = reward.referral_event
    deltas = [_stats_move(reward, was, None)]
    if last:
        about = event.referred_user_id or event.business_partner_id
        ReferredCounter.objects.filter(campaign_id=reward.campaign_id, referred_key=about).update(
            events=F("events") - 1
        )
        deltas.append({"campaign_id": reward.campaign_id, "user_id": event.referrer_user_id, "events": -1})
    stats_add(_merged(deltas))
    if last:
        ReferrerDayCounter.objects.filter(
            campaign_id=reward.campaign_id,
            referrer_user_id=event.referrer_user_id,
            day=event.occurred_at.date(),
        ).update(events=F("events") - 1)
    CampaignSpend.objects.filter(campaign_id=reward.campaign_id).update(
        points=F("points") - (reward.points_amount or 0), g2a=F("g2a") - (reward.g2a_amount or 0)
    )


def _merged(deltas: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """One entry a user: beneficiary and referrer are often the same person."""
    merged: dict[str, dict[str, Any]] = {}
    for delta in deltas:
        merged.setdefault(delta["user_id"], {}).update(delta)
    return list(merged.values())


def _wake(reward: ReferralReward) -> None:
    currency = reward.currency
    transaction.on_commit(lambda: wake_for([currency]))
