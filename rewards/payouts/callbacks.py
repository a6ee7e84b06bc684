"""The gateway's word about a token task that it gives by itself (docs/invariants.md, D12).

It may come at any time: before we have stored the task's id, more than once, or about a task that was
replaced long ago. What it says of the current task is recorded as if a worker had asked.
"""

import logging
from typing import Annotated, Literal

import msgspec
from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from kernel.decoding import decoder
from kernel.errors import NotFound, ValidationFailed
from rewards.models import PayoutAttempt, ReconciliationFinding, ReferralReward, RewardStatus
from rewards.models.codes import Cause, MoveReason
from rewards.payouts.discrepancies import finding_note, reward_fact, task_fact
from rewards.payouts.providers.base import MESSAGE_LENGTH, Answer, Outcome, reference_of
from rewards.payouts.settlement import SETTLEABLE, locked_reward, reward_settle
from rewards.provider_names import TOKENS

logger = logging.getLogger(__name__)

CONFIRMED, FAILED = "confirmed", "failed"
Kind = ReconciliationFinding.Kind


class TaskReport(msgspec.Struct):
    """How a token task has ended."""

    task_id: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    status: Literal["confirmed", "failed"]
    tx_hash: str | None = None
    error: str | None = None


decode_task_report = decoder(TaskReport)


def task_report_accept(report: TaskReport, *, by: str, request_id: str) -> None:
    """Take in how a task has ended; repeats change nothing, and a confirmed task never becomes failed.

    Raises ValidationFailed for a confirmation without a usable `tx_hash`, NotFound for a task that we do not
    know, or not yet: polling goes on and finds out by itself.
    """
    if report.status == CONFIRMED and reference_of(report.tx_hash) is None:
        raise ValidationFailed.of(
            "tx_hash", _("is required for a confirmed task: 1 to 128 printable characters")
        )
    with transaction.atomic():
        reward = _paid_by(report.task_id)
        if reward is None:
            _replaced_task(report, by, request_id)
        elif report.status == CONFIRMED:
            _confirmed(reward, report, by, request_id)
        else:
            _failed(reward, report, by, request_id)


def _paid_by(task_id: str) -> ReferralReward | None:
    """The reward whose current task it is, held; its id is read first so that rows are locked by id."""
    rewards = ReferralReward.objects.filter(external_task_id=task_id).order_by("id")
    reward_id = rewards.values_list("id", flat=True).first()
    reward = locked_reward(reward_id) if reward_id else None
    return reward if reward and reward.external_task_id == task_id else None


def _confirmed(reward: ReferralReward, report: TaskReport, by: str, request_id: str) -> None:
    if reward.status in SETTLEABLE:
        answer = Answer(Outcome.BOOKED, cause=Cause.CALLED_BACK, reference=str(report.tx_hash))
        reward_settle(reward, answer, actor=by, reason=MoveReason.CALLBACK_CONFIRMED, request_id=request_id)
    elif reward.status != RewardStatus.COMPLETED:
        _alarm(Kind.LATE_CONFIRMATION, reward, report)
    elif reward.external_tx_id != report.tx_hash:
        _alarm(Kind.DIFFERENT, reward, report)


def _failed(reward: ReferralReward, report: TaskReport, by: str, request_id: str) -> None:
    said = (report.error or "")[:MESSAGE_LENGTH]
    answer = Answer(Outcome.TASK_FAILED, cause=Cause.TASK_FAILED, message=said, reference=report.task_id)
    if reward.status == RewardStatus.FAILED:
        _doubt_over(reward, answer, request_id)
    elif reward.status in SETTLEABLE:
        reward_settle(reward, answer, actor=by, reason=MoveReason.CALLBACK_FAILED, request_id=request_id)
    else:
        logger.warning("A task of reward %s, which is %s, is reported failed", reward.id, reward.status)


def _doubt_over(reward: ReferralReward, answer: Answer, request_id: str) -> None:
    """A reward that was given up while its task ran: it stays failed, and a retry may mint anew."""
    PayoutAttempt.objects.create(
        reward=reward,
        number=reward.attempts,
        started_at=answer.started_at,
        finished_at=answer.finished_at,
        outcome=answer.outcome.value,
        cause=answer.cause,
        message=answer.message.replace("\x00", ""),
        peer_reference=answer.reference,
        request_id=request_id,
    )
    ReferralReward.objects.filter(pk=reward.pk).update(
        in_doubt=False,
        external_task_id=None,
        mint_number=reward.mint_number + 1,
        last_error_code=answer.failure.cause,
        last_error_params=answer.failure.params,
        updated_at=Now(),
    )


def _replaced_task(report: TaskReport, by: str, request_id: str) -> None:
    """A task that is not the current one of any reward. Raises NotFound when it never was."""
    accepted = (
        PayoutAttempt.objects.filter(outcome=Outcome.ACCEPTED, peer_reference=report.task_id)
        .order_by("-id")
        .first()
    )
    if accepted is None:
        raise NotFound(_("There is no such task."))
    if report.status == FAILED:
        return
    reward = locked_reward(accepted.reward_id)
    if reward.external_tx_id == report.tx_hash:
        return
    ended = PayoutAttempt.objects.filter(
        reward=reward, outcome=Outcome.TASK_FAILED, started_at__gte=accepted.started_at
    )
    # A task that the gateway had only lost was minted under the key that is still in use.
    if ended.exists() or reward.status == RewardStatus.COMPLETED:
        _alarm(Kind.LATE_CONFIRMATION, reward, report)
    else:
        _confirmed(reward, report, by, request_id)


def _alarm(kind: str, reward: ReferralReward, report: TaskReport) -> None:
    """Two transfers may have been made for one reward: only a person can find out. Told once a task."""
    known = ReconciliationFinding.objects.filter(kind=kind, peer=TOKENS, external_id=report.task_id)
    if known.exists():
        return
    logger.error(
        "Token task %s of reward %s is confirmed with %s, but the reward is %s (task %s, transaction %s)",
        report.task_id,
        reward.id,
        report.tx_hash,
        reward.status,
        reward.external_task_id,
        reward.external_tx_id,
    )
    finding_note(
        kind=kind,
        peer=TOKENS,
        external_id=report.task_id,
        reward_id=reward.id,
        ours=reward_fact(reward),
        theirs=task_fact(report.task_id, Outcome.BOOKED, str(report.tx_hash)),
    )
