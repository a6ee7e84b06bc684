"""Answers to events: the first one, and the same again for a repeated call (D1, D3)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from kernel.errors import DomainError, IdempotencyConflict
from referral.models import ReferralEvent
from rewards.intake.commands import NewEvent
from rewards.intake.store import RewardRow
from rewards.models import ReferralReward


@dataclass(slots=True)
class Accepted:
    """The answer to an event: the first one, or the same again (`duplicate`) with today's statuses."""

    event_id: UUID
    duplicate: bool
    reason: str | None
    reason_detail: str | None
    code_reason: str | None
    rewards: list[RewardRow] = field(default_factory=list)
    referrer_user_id: str | None = None


def known_key(event: NewEvent) -> ReferralEvent | None:
    return ReferralEvent.objects.filter(source_service=event.service, idempotency_key=event.key).first()


def first_answers(events: Sequence[NewEvent]) -> dict[int, Accepted | DomainError]:
    """By index: the first answers of those events whose key is known, or the conflict about the key."""
    keys = {(event.service, event.key): index for index, event in enumerate(events)}
    rows = ReferralEvent.objects.filter(
        source_service__in={service for service, _ in keys}, idempotency_key__in=[key for _, key in keys]
    ).prefetch_related("rewards")
    answers: dict[int, Accepted | DomainError] = {}
    for row in rows:
        index = keys.get((row.source_service, row.idempotency_key))
        if index is not None:
            same = row.fingerprint == events[index].fingerprint
            answers[index] = first_answer(row) if same else conflict_about(events[index])
    return answers


def first_answer(event: ReferralEvent) -> Accepted:
    rewards = sorted(event.rewards.all(), key=lambda reward: reward.id)
    return Accepted(
        event.id,
        True,
        event.reason,
        event.reason_detail,
        event.code_reason,
        [_reward_row(reward) for reward in rewards],
        event.referrer_user_id,
    )


def _reward_row(reward: ReferralReward) -> RewardRow:
    return RewardRow(
        reward.id,
        reward.beneficiary_user_id,
        reward.beneficiary_level,
        reward.points_amount,
        reward.g2a_amount,
        reward.status,
        reward.required_min_role,
    )


def conflict_about(event: NewEvent) -> IdempotencyConflict:
    field_name = "external_event_id" if event.external_event_id else "body"
    return IdempotencyConflict(
        _("This event ID was already used with other content."),
        {field_name: [_("was already used with other content")]},
    )
