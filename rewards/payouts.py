"""Claim → pay → record: the database side of paying rewards.

A reward is claimed in a short transaction that moves its `next_attempt_at` ahead by the lease, paid with no
transaction open, and its answer recorded in another short transaction. Whoever dies in between leaves a
reward that comes up again when the lease is over, and is asked about with the same key.
Source: contract/domain.md, Reward status, D8 to D12; contract/peers.md.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from rewards.event_store import stats_add
from rewards.models import PayoutAttempt, ReferralReward, RewardStatus, RewardTransition
from rewards.peers.base import TROUBLES, Answer, Order, Outcome, Peer

WORKER = "worker"
POLL_MAX_SECONDS = 30.0
# A peer is well, as far as giving up on a reward goes, when it has answered others within this time.
WELL_WITHIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Claim:
    """A reward that this worker may pay until its lease is over."""

    order: Order
    token: UUID
    campaign_id: UUID
    attempt: int
    failures: int
    first_failed_at: datetime | None
    in_doubt: bool
    last_error: str

    @property
    def polls(self) -> bool:
        """Whether the call only asks for the state of a token task."""
        return self.order.task_id is not None


CLAIM = """
WITH due AS (
    SELECT id, status FROM rewards_referralreward
    WHERE currency = %(currency)s AND next_attempt_at <= statement_timestamp()
    ORDER BY next_attempt_at
    LIMIT %(limit)s
    FOR NO KEY UPDATE SKIP LOCKED
), claimed AS (
    UPDATE rewards_referralreward reward
    SET status = %(sent)s,
        claim_token = %(token)s,
        next_attempt_at = statement_timestamp() + make_interval(secs => %(lease)s),
        attempts = reward.attempts + CASE WHEN reward.external_task_id IS NULL THEN 1 ELSE 0 END,
        -- Sent before, without an answer on record: whoever asked has died, so it may be booked.
        in_doubt = reward.in_doubt OR (due.status <> 'pending' AND reward.external_task_id IS NULL),
        updated_at = statement_timestamp()
    FROM due WHERE reward.id = due.id
    RETURNING reward.*, due.status AS status_before
), trail AS (
    INSERT INTO rewards_rewardtransition (id, reward_id, from_status, to_status, at, actor, reason)
    SELECT referral_uuid7(), id, status_before, status, statement_timestamp(), %(actor)s, ''
    FROM claimed WHERE status_before <> status
)
SELECT claimed.id, event.id, claimed.beneficiary_user_id, claimed.beneficiary_level, claimed.points_amount,
       claimed.g2a_amount, campaign.code, event.event_type, claimed.external_task_id, claimed.mint_number,
       claimed.campaign_id, claimed.attempts, claimed.failures, claimed.first_failed_at, claimed.in_doubt,
       claimed.last_error
FROM claimed
JOIN referral_referralevent event ON event.id = claimed.referral_event_id
JOIN campaigns_referralcampaign campaign ON campaign.id = claimed.campaign_id
"""


ORDER_FIELDS = (
    "reward_id",
    "event_id",
    "user_id",
    "level",
    "points",
    "g2a",
    "campaign_code",
    "event_type",
    "task_id",
    "mint_number",
)


def claim(peer: Peer, limit: int) -> list[Claim]:
    """Take up to `limit` due rewards of a peer, longest waiting first; other workers skip them."""
    token = uuid7()
    parameters: dict[str, Any] = {
        "currency": peer.currency,
        "limit": limit,
        "sent": peer.sent_status,
        "token": token,
        "lease": settings.PAYOUT_LEASE_SECONDS,
        "actor": WORKER,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CLAIM, parameters)
        return [_claim_of(row, token) for row in cursor.fetchall()]


def _claim_of(row: Sequence[Any], token: UUID) -> Claim:
    values = dict(zip(ORDER_FIELDS, row, strict=False))
    return Claim(Order(**values, request_id=str(uuid7())), token, *row[len(values) :])


@dataclass(frozen=True, slots=True)
class Settled:
    """A claim and how its call ended."""

    claim: Claim
    answer: Answer


def record(
    settled: Sequence[Settled], *, well_at: datetime | None, actor: str = WORKER, reason: str = ""
) -> None:
    """Write what the peer answered: attempts, statuses with their trail, counters; all or nothing.

    `well_at` is when the peer last did its work, None while it is sick. Only the failures of a reward whose
    peer serves others are its own, and given up after PAYOUT_GIVE_UP_AFTER_HOURS. `actor` and, where the
    answer itself gives none, `reason` go into the trail.
    """
    now = timezone.now()
    changes = [_change(entry, now, well_at) for entry in settled]
    with transaction.atomic():
        PayoutAttempt.objects.bulk_create([_attempt(entry) for entry in settled if _leaves_attempt(entry)])
        moved = _apply(changes)
        RewardTransition.objects.bulk_create(
            [
                RewardTransition(
                    reward_id=reward_id,
                    from_status=before,
                    to_status=after,
                    at=now,
                    actor=actor,
                    reason=error or reason,
                )
                for reward_id, before, after, error, *_ in moved
                if before != after
            ]
        )
        _count_paid(moved)


APPLY = """
WITH change AS (
    SELECT * FROM jsonb_to_recordset(%s::jsonb) AS c(
        id uuid, token uuid, status text, next_attempt_at timestamptz, in_doubt boolean, failures int,
        first_failed_at timestamptz, last_error text, task_id text, tx_id text, mint_number int, reason text
    )
), held AS (
    -- A paid reward is paid, whoever holds the claim by now; any other answer counts only from its holder.
    SELECT reward.id, reward.status AS status_before
    FROM rewards_referralreward reward JOIN change ON change.id = reward.id
    WHERE reward.status IN ('sent_to_points', 'sent_to_token')
      AND (reward.claim_token = change.token OR change.status = 'completed')
    ORDER BY reward.id FOR NO KEY UPDATE OF reward
)
UPDATE rewards_referralreward reward
SET status = change.status,
    next_attempt_at = change.next_attempt_at,
    in_doubt = change.in_doubt,
    failures = change.failures,
    first_failed_at = change.first_failed_at,
    last_error = change.last_error,
    external_task_id = change.task_id,
    external_tx_id = coalesce(change.tx_id, reward.external_tx_id),
    mint_number = change.mint_number,
    claim_token = NULL,
    updated_at = statement_timestamp()
FROM change JOIN held ON held.id = change.id
WHERE reward.id = change.id
RETURNING reward.id, held.status_before, reward.status, change.reason,
          reward.campaign_id, reward.beneficiary_user_id, reward.points_amount, reward.g2a_amount
"""


def _apply(changes: Sequence[dict[str, Any]]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(APPLY, [orjson.dumps(changes, default=str).decode()])
        return cursor.fetchall()


def _count_paid(moved: Sequence[Any]) -> None:
    """Move paid amounts from waiting to earned."""
    deltas: dict[tuple[UUID, str], dict[str, Any]] = {}
    for _id, _before, after, _reason, campaign_id, user_id, points, g2a in moved:
        if after != RewardStatus.COMPLETED:
            continue
        row = deltas.setdefault((campaign_id, user_id), {"campaign_id": campaign_id, "user_id": user_id})
        currency, amount = ("points", points) if points is not None else ("g2a", g2a)
        row[f"{currency}_earned"] = row.get(f"{currency}_earned", 0) + amount
        row[f"{currency}_pending"] = row.get(f"{currency}_pending", 0) - amount
    if deltas:
        stats_add(deltas.values())


def _leaves_attempt(entry: Settled) -> bool:
    return entry.answer.outcome not in (Outcome.WAITING, Outcome.NOT_ASKED)


def _attempt(entry: Settled) -> PayoutAttempt:
    answer = entry.answer
    return PayoutAttempt(
        reward_id=entry.claim.order.reward_id,
        number=entry.claim.attempt,
        started_at=answer.started_at,
        finished_at=answer.finished_at,
        outcome=answer.outcome.value,
        http_status=answer.http_status,
        error_code=answer.error_code,
        message=answer.message,
        peer_reference=answer.reference,
        request_id=entry.claim.order.request_id,
    )


def _change(entry: Settled, now: datetime, well_at: datetime | None) -> dict[str, Any]:
    """The reward's row after an answer: the table of contract/peers.md, one outcome a branch."""
    claim, answer = entry.claim, entry.answer
    change: dict[str, Any] = {
        "id": claim.order.reward_id,
        "token": claim.token,
        "status": _sent_status(claim),
        "next_attempt_at": None,
        "in_doubt": claim.in_doubt,
        "failures": 0,
        "first_failed_at": None,
        "last_error": "",
        "task_id": claim.order.task_id,
        "tx_id": None,
        "mint_number": claim.order.mint_number,
        "reason": "",
    }
    if answer.outcome in TROUBLES:
        return change | _trouble(claim, answer, now, well_at)
    if answer.outcome == Outcome.BOOKED:
        return change | {"status": RewardStatus.COMPLETED, "in_doubt": False, "tx_id": answer.reference}
    if answer.outcome == Outcome.ACCEPTED:
        poll_at = now + timedelta(seconds=_poll_delay(0))
        return change | {"in_doubt": False, "task_id": answer.reference, "next_attempt_at": poll_at}
    if answer.outcome == Outcome.WAITING:
        poll_at = now + timedelta(seconds=_poll_delay(claim.failures))
        return change | {"next_attempt_at": poll_at, "failures": claim.failures + 1}
    if answer.outcome == Outcome.NOT_ASKED:
        return change | _not_asked(claim, now)
    failed = {"status": RewardStatus.FAILED, "last_error": _error_text(answer), "reason": _error_text(answer)}
    if answer.outcome == Outcome.TASK_FAILED:
        return (
            change | failed | {"in_doubt": False, "task_id": None, "mint_number": claim.order.mint_number + 1}
        )
    # The gateway refuses the question, which says nothing of the task that was asked about.
    return change | failed | {"in_doubt": claim.in_doubt or claim.polls}


def _not_asked(claim: Claim, now: datetime) -> dict[str, Any]:
    """The worker stopped first: as before the claim, and due at once for another worker."""
    held = claim.in_doubt or claim.polls
    return {
        "status": _sent_status(claim) if held else RewardStatus.PENDING,
        "next_attempt_at": now,
        "failures": claim.failures,
        "first_failed_at": claim.first_failed_at,
        "last_error": claim.last_error,
        "reason": "the worker stopped before it asked",
    }


def _trouble(claim: Claim, answer: Answer, now: datetime, well_at: datetime | None) -> dict[str, Any]:
    """An answer that may heal: when to ask again, in what state to wait, or to give up."""
    error = _error_text(answer)
    failing_since = claim.first_failed_at or now
    # Before the first failure `failures` counts the patient questions about a task.
    failures = claim.failures if claim.first_failed_at else 0
    # A failed question about a task books nothing; a lost task may have been carried out.
    may_be_booked = answer.outcome == Outcome.TASK_LOST or (
        answer.outcome == Outcome.UNKNOWN and not claim.polls
    )
    in_doubt = claim.in_doubt or may_be_booked
    trouble = {
        "in_doubt": in_doubt,
        "failures": failures + 1,
        "first_failed_at": failing_since,
        "last_error": error,
        "reason": error,
    }
    if answer.outcome == Outcome.TASK_LOST:
        trouble["task_id"] = None
    peer_well = well_at is not None and well_at >= max(failing_since, now - WELL_WITHIN)
    if peer_well and now - failing_since >= timedelta(hours=settings.PAYOUT_GIVE_UP_AFTER_HOURS):
        # A task that nobody answers for may still be confirmed.
        return trouble | {
            "status": RewardStatus.FAILED,
            "in_doubt": in_doubt or claim.polls,
            "reason": f"given up: {error}"[:500],
        }
    # A wish to be asked again at once would have us ask without a pause.
    delay = answer.retry_after_seconds or _patience(failures)
    trouble["next_attempt_at"] = now + timedelta(seconds=delay)
    # What may be booked, or is a running task, stays sent until it is settled.
    if not in_doubt and not claim.polls:
        trouble["status"] = RewardStatus.PENDING
    return trouble


def _sent_status(claim: Claim) -> str:
    return RewardStatus.SENT_TO_POINTS if claim.order.points is not None else RewardStatus.SENT_TO_TOKEN


def _patience(failures: int) -> float:
    """Seconds until the next try: doubling, with jitter, up to the maximum."""
    doubled = settings.PAYOUT_RETRY_BASE_SECONDS * 2.0 ** min(failures, 30)
    return min(doubled * random.uniform(0.75, 1.25), settings.PAYOUT_RETRY_MAX_SECONDS)  # noqa: S311 - not a secret


def _poll_delay(polls: int) -> float:
    """Seconds until a running task is asked for again: as patient as a retry, but never for long."""
    return min(_patience(polls), POLL_MAX_SECONDS)


def _error_text(answer: Answer) -> str:
    """What went wrong, in one line for support."""
    status = f"HTTP {answer.http_status}" if answer.http_status else ""
    return (
        " ".join(part for part in (status, answer.error_code, answer.message) if part)[:500] or answer.outcome
    )


def due_currencies() -> list[str]:
    """The currencies in which something is due right now."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT wanted.currency FROM unnest(%s::text[]) AS wanted(currency)
            WHERE EXISTS (
                SELECT FROM rewards_referralreward reward
                WHERE reward.currency = wanted.currency AND reward.next_attempt_at <= statement_timestamp()
            )
            """,
            [ReferralReward.Currency.values],
        )
        return [row[0] for row in cursor.fetchall()]
