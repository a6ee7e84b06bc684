"""Claim → pay → record: the database side of paying rewards.

A reward is claimed in a short transaction that moves its `next_attempt_at` ahead by the lease, paid with no
transaction open, and its answer recorded in another short transaction. Whoever dies in between leaves a
reward that comes up again when the lease is over, and is asked about with the same key.
Source: docs/reward-status.md; docs/invariants.md, D8 to D12; docs/payout.md.
"""

import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.utils import timezone
from uuid_utils.compat import uuid7

from kernel.database import ALONE
from rewards.models import ReferralReward, RewardStatus
from rewards.models.codes import MoveReason
from rewards.payouts.providers.base import TROUBLES, Answer, Order, Outcome, Peer

WORKER = "worker"
CLAIMED = (
    "reward_id, event_id, user_id, level, points, g2a, campaign_code, event_type, task_id, mint_number,"
    " campaign_id, attempt, failures, first_failed_at, in_doubt"
)
# So many columns of a claimed row make the order; the rest is the claim's.
ORDER_FIELDS = 10
POLL_MAX_SECONDS = 30.0
# What needs no cause.
WENT_WELL = (Outcome.BOOKED, Outcome.ACCEPTED)
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
    begin_by: float = math.inf  # on the monotonic clock: later, its call would outlast the lease

    @property
    def polls(self) -> bool:
        """Whether the call only asks for the state of a token task."""
        return self.order.task_id is not None


def claim(peer: Peer, limit: int, *, probe: bool = False) -> list[Claim]:
    """Take up to `limit` due rewards of a peer, longest waiting first; other workers skip them.

    While the peer is sick only a `probe` takes anything.
    """
    token, lease = uuid7(), settings.PAYOUT_LEASE_SECONDS
    # The other half is for the call: the settings see to it that it is long enough.
    begin_by = time.monotonic() + lease / 2
    with connection.cursor() as cursor:
        _execute(
            cursor,
            f"SELECT {CLAIMED} FROM referral_payouts_claim(%s, %s, %s, %s, %s, %s, %s, %s)",  # noqa: S608 - ours
            [peer.name, peer.currency, peer.sent_status, token, limit, lease, WORKER, probe],
        )
        return [_claim_of(row, token, begin_by) for row in cursor.fetchall()]


def _execute(cursor: CursorWrapper, statement: str, parameters: Sequence[Any]) -> None:
    """Run one statement; outside of a transaction it is one by itself, as READ COMMITTED as any of ours."""
    if connection.in_atomic_block:
        cursor.execute(statement, parameters)
    else:
        cursor.execute(f"{ALONE.decode()}{statement}", parameters)
        # Past the answer about the level, to that of the statement.
        cursor.nextset()


def _claim_of(row: Sequence[Any], token: UUID, begin_by: float) -> Claim:
    order = (*row[:ORDER_FIELDS], str(uuid7()))
    values = (Order(*order), token, *row[ORDER_FIELDS:], begin_by)
    return Claim(*values)


@dataclass(frozen=True, slots=True)
class Settled:
    """A claim and how its call ended."""

    claim: Claim
    answer: Answer


def record(
    settled: Sequence[Settled],
    *,
    well_at: datetime | None,
    actor: str = WORKER,
    reason: MoveReason | None = None,
) -> None:
    """Write what the peer answered: attempts, statuses with their trail, counters; all or nothing.

    `well_at` is when the peer last did its work, None while it is sick. Only the failures of a reward whose
    peer serves others are its own, and given up after PAYOUT_GIVE_UP_AFTER_HOURS. `actor` and, where the
    answer itself gives none, `reason` go into the trail.
    """
    now = timezone.now()
    given = {"reason_code": reason} if reason else {}
    rows = [given | _change(entry, now, well_at) | _attempt(entry) for entry in settled]
    _apply(rows, actor)


def _apply(rows: Sequence[dict[str, Any]], actor: str) -> None:
    with connection.cursor() as cursor:
        _execute(
            cursor,
            "SELECT referral_payouts_record(%s::jsonb, %s)",
            [orjson.dumps(rows).decode(), actor],
        )


def _attempt(entry: Settled) -> dict[str, Any]:
    """What is kept of the call itself; nothing of one that was not made or told nothing new."""
    answer = entry.answer
    if answer.outcome in (Outcome.WAITING, Outcome.NOT_ASKED):
        return {}
    return {
        "number": entry.claim.attempt,
        "started_at": answer.started_at,
        "finished_at": answer.finished_at,
        "outcome": answer.outcome,
        "cause": answer.cause if answer.outcome in WENT_WELL else answer.failure.cause,
        "http_status": answer.http_status,
        "error_code": answer.error_code,
        "message": answer.message,
        "peer_reference": answer.reference,
        "request_id": entry.claim.order.request_id,
    }


def _change(entry: Settled, now: datetime, well_at: datetime | None) -> dict[str, Any]:
    """The reward's row after an answer: the table in docs/payout.md, one outcome a branch."""
    claim, answer = entry.claim, entry.answer
    change: dict[str, Any] = {
        "id": claim.order.reward_id,
        "token": claim.token,
        "status": _sent_status(claim),
        "next_attempt_at": None,
        "in_doubt": claim.in_doubt,
        "failures": 0,
        "first_failed_at": None,
        "task_id": claim.order.task_id,
        "tx_id": None,
        "mint_number": claim.order.mint_number,
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
    failed = {"status": RewardStatus.FAILED, **_went_wrong(MoveReason.PAYOUT_FAILED, answer)}
    if answer.outcome == Outcome.TASK_FAILED:
        return (
            change | failed | {"in_doubt": False, "task_id": None, "mint_number": claim.order.mint_number + 1}
        )
    # The gateway refuses the question, which says nothing of the task that was asked about.
    return change | failed | {"in_doubt": claim.in_doubt or claim.polls}


def _not_asked(claim: Claim, now: datetime) -> dict[str, Any]:
    """It was not asked about in time: as before the claim, and due at once for another worker."""
    held = claim.in_doubt or claim.polls
    return {
        "status": _sent_status(claim) if held else RewardStatus.PENDING,
        "next_attempt_at": now,
        "failures": claim.failures,
        "first_failed_at": claim.first_failed_at,
        "keeps_error": True,
        "reason_code": MoveReason.RETURNED_UNASKED,
    }


def _trouble(claim: Claim, answer: Answer, now: datetime, well_at: datetime | None) -> dict[str, Any]:
    """An answer that may heal: when to ask again, in what state to wait, or to give up."""
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
        **_went_wrong(MoveReason.TRY_FAILED, answer),
    }
    if answer.outcome == Outcome.TASK_LOST:
        trouble["task_id"] = None
    peer_well = well_at is not None and well_at >= max(failing_since, now - WELL_WITHIN)
    if peer_well and now - failing_since >= timedelta(hours=settings.PAYOUT_GIVE_UP_AFTER_HOURS):
        # A task that nobody answers for may still be confirmed.
        return trouble | {
            "status": RewardStatus.FAILED,
            "in_doubt": in_doubt or claim.polls,
            "reason_code": MoveReason.GIVEN_UP,
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


def _went_wrong(reason: MoveReason, answer: Answer) -> dict[str, Any]:
    """What is kept of a failure, by the reward and by its trail."""
    failure = answer.failure
    return {
        "last_error_code": failure.cause,
        "last_error_params": failure.params,
        "reason_code": reason,
        "reason_params": {"error": failure.as_json()},
    }


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
