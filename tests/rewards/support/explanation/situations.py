"""Every situation in which a reward can be, as rows that were never saved, with what its story must say."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from campaigns.models import ReferralCampaign
from referral.models import ReferralEvent, UserRole
from rewards.models import (
    PayoutAttempt,
    PeerCircuit,
    ReconciliationFinding,
    ReferralReward,
    RewardTransition,
)
from rewards.models.codes import Failure
from rewards.support.explanation.shape import Severity
from rewards.support.explanation.situation import Situation
from tests.helpers.failures import ACCOUNT_CLOSED, REFUSED_CONNECTION, TIMEOUT, http, kept

OUT_OF_GAS = Failure("task_failed", message="out of gas")
NOW = datetime(2026, 11, 24, 10, 45, tzinfo=UTC)
REWARD_ID = UUID("01a20ebd-bf79-70cb-af21-f7369669ff49")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def situation(
    status: str, *, campaign_status: str = "active", role: UserRole | None = None, **fields: Any
) -> Situation:
    "A points reward of `ann` for something that happened two days ago; fields of the reward as given."
    others = {
        name: fields.pop(name)
        for name in ("circuit", "last_attempt", "last_move", "findings", "has_address")
        if name in fields
    }
    happened = NOW - 2 * DAY
    campaign = ReferralCampaign(code="quests", name="Quests", status=campaign_status)
    event = ReferralEvent(
        campaign=campaign, event_type="quest_purchased", referred_user_id="bob", occurred_at=happened
    )
    is_token = fields.pop("token", False)
    amount = {"currency": "g2a", "g2a_amount": Decimal("1.5")} if is_token else {"points_amount": 150}
    values = {
        "currency": "points",
        "available_at": happened,
        "created_at": happened,
        "updated_at": happened,
        **amount,
        **fields,
    }
    reward = ReferralReward(
        id=REWARD_ID,
        referral_event=event,
        campaign=campaign,
        beneficiary_user_id="ann",
        beneficiary_level=1,
        status=status,
        **values,
    )
    return Situation(reward=reward, now=NOW, role=role, **others)


def sick(failure: Failure = REFUSED_CONNECTION) -> PeerCircuit:
    """A peer that has been failing for three minutes, to be tried again in three."""
    return PeerCircuit(
        peer="points",
        state="open",
        opened_at=NOW - 3 * MINUTE,
        probe_at=NOW + 3 * MINUTE,
        **kept(failure),
    )


def well() -> PeerCircuit:
    return PeerCircuit(peer="points", state="closed", last_success_at=NOW - MINUTE)


def move(
    before: str, after: str, actor: str = "worker", code: str = "", reason: str = "", **params: Any
) -> RewardTransition:
    return RewardTransition(
        from_status=before,
        to_status=after,
        at=NOW - HOUR,
        actor=actor,
        reason_code=code,
        reason_params=params,
        reason=reason,
    )


def attempt(outcome: str, http_status: int | None = None) -> PayoutAttempt:
    return PayoutAttempt(
        number=1, started_at=NOW - HOUR, finished_at=NOW - HOUR, outcome=outcome, http_status=http_status
    )


def finding(kind: str) -> ReconciliationFinding:
    return ReconciliationFinding(kind=kind, state="open")


def failing(failure: Failure, **fields: Any) -> dict[str, Any]:
    """The fields of a reward whose tries have failed for an hour."""
    return {
        "first_failed_at": NOW - HOUR,
        "failures": 4,
        "attempts": 4,
        **kept(failure),
        "next_attempt_at": NOW + 4 * MINUTE,
        **fields,
    }


@dataclass(frozen=True)
class Case:
    """A situation, the headline that it must have, and what must and must not be said besides."""

    now_is: Situation
    headline: str
    says: tuple[str, ...] = ()
    hides: tuple[str, ...] = field(default=())
    severity: Severity = Severity.CALM


VIP = UserRole(user_id="ann", role="vip", occurred_at=NOW - 9 * DAY, first_heard_at=NOW - 30 * DAY)
NEWCOMER = UserRole(user_id="ann", role="user", first_heard_at=NOW - 30 * DAY)
STEPPED_DOWN = UserRole(user_id="ann", role="user", occurred_at=NOW - 9 * DAY, first_heard_at=NOW - 30 * DAY)
REFUSED = "HTTP 422 account_closed the account is closed"
NO_ANSWER = "it does not respond in time (the answer did not end in time)"

CASES: dict[str, Case] = {
    "on hold": Case(
        situation("on_hold"),
        "On hold: needs review first.",
        ("You can cancel it here.",),
        severity=Severity.WATCH,
    ),
    "locked, never heard of": Case(
        situation("locked", required_min_role="vip"),
        "Locked: requires the role VIP, and the user’s role is “User”.",
        (
            "No service has reported this user",
            "unlocks automatically when User Service reports the role VIP / PRO",
            "Support can unlock it manually",
        ),
        ("hold period",),
    ),
    "locked, known without a role": Case(
        situation("locked", required_min_role="pro", role=NEWCOMER),
        "Locked: requires the role PRO, and the user’s role is “User”.",
        ("First seen on 2026-10-25 10:45 UTC; no role has been reported", "reports the role PRO for"),
        ("VIP",),
    ),
    "locked, role taken away": Case(
        situation("locked", required_min_role="vip", role=STEPPED_DOWN),
        "Locked: requires the role VIP, and the user’s role is “User”.",
        ("has had this role since 2026-11-15 10:45 UTC",),
    ),
    "locked for more than the user has": Case(
        situation("locked", required_min_role="pro", role=VIP),
        "Locked: requires the role PRO, and the user’s role is “VIP”.",
    ),
    "locked and held": Case(
        situation("locked", required_min_role="vip", available_at=NOW + 12 * DAY),
        "Locked: requires the role VIP, and the user’s role is “User”.",
        (("Even when unlocked, it is on hold period until 2026-12-06 10:45 UTC: 14 days after the event."),),
    ),
    "locked, hold over": Case(
        situation("locked", required_min_role="vip", available_at=NOW - DAY),
        "Locked: requires the role VIP, and the user’s role is “User”.",
        ("Its hold period is over",),
    ),
    "locked against the rules": Case(
        situation("locked", required_min_role="vip", role=VIP),
        "Locked, although the user has the role VIP and only VIP is required.",
        ("This should not happen",),
        severity=Severity.TROUBLE,
    ),
    "locked in an archived campaign": Case(
        situation("locked", required_min_role="vip", campaign_status="archived"),
        "Locked: requires the role VIP, and the user’s role is “User”.",
        ("now “Archived”; this does not affect rewards",),
    ),
    "held": Case(
        situation("pending", available_at=NOW + 12 * DAY, next_attempt_at=NOW + 12 * DAY),
        "Pending: on hold period until 2026-12-06 10:45 UTC.",
        ("14 days from the event", "It becomes payable automatically in 12 days"),
        ("unavailable",),
    ),
    "held, and the peer sick meanwhile": Case(
        situation("pending", available_at=NOW + DAY, next_attempt_at=NOW + DAY, circuit=sick()),
        "Pending: on hold period until 2026-11-25 10:45 UTC.",
        ("Points Service is unavailable now: it refuses the connection.",),
    ),
    "held, and no address": Case(
        situation("pending", available_at=NOW + DAY, next_attempt_at=NOW + DAY, has_address=False),
        "Pending: on hold period until 2026-11-25 10:45 UTC.",
        ("The address of Points Service is not set.",),
    ),
    "unlocked by hand and held": Case(
        situation(
            "pending",
            available_at=NOW + DAY,
            next_attempt_at=NOW + DAY,
            last_move=move("locked", "pending", "staff:olga", "unlocked_by_person", "ticket 4711"),
        ),
        "Pending: on hold period until 2026-11-25 10:45 UTC.",
        ("Unlocked on 2026-11-24 09:45 UTC by olga: “ticket 4711”.",),
    ),
    "payable": Case(
        situation("pending", next_attempt_at=NOW - DAY, updated_at=NOW - MINUTE, circuit=well()),
        "Pending: ready to be paid.",
        ("It is due",),
    ),
    "unlocked by a role and payable": Case(
        situation(
            "pending",
            next_attempt_at=NOW - DAY,
            updated_at=NOW,
            last_move=move("locked", "pending", "user_service", "role_upgraded", role="vip"),
        ),
        "Pending: ready to be paid.",
        ("by user_service: “the user's role became VIP”.",),
    ),
    "payable for long": Case(
        situation("pending", next_attempt_at=NOW - DAY, updated_at=NOW - HOUR, circuit=well()),
        "Pending: payable since 2026-11-24 09:45 UTC, but no worker has picked it up.",
        ("no worker is running",),
        severity=Severity.WATCH,
    ),
    "put off": Case(
        situation("pending", next_attempt_at=NOW + 30 * timedelta(seconds=1)),
        "Pending: waiting for its turn.",
        ("Next attempt: in less than a minute (2026-11-24 10:45 UTC).",),
    ),
    "no address": Case(
        situation("pending", next_attempt_at=NOW, has_address=False),
        "Pending: the address of Points Service is not set.",
        ("Nothing is sent until POINTS_SERVICE_URL is set",),
        severity=Severity.TROUBLE,
    ),
    "no address for tokens": Case(
        situation("pending", token=True, next_attempt_at=NOW, has_address=False),
        "Pending: the address of Token Gateway is not set.",
        ("TOKEN_GATEWAY_URL",),
        severity=Severity.TROUBLE,
    ),
    "peer refuses connections": Case(
        situation("pending", next_attempt_at=NOW - MINUTE, circuit=sick()),
        "Pending: Points Service has been unavailable since 2026-11-24 10:42 UTC – it refuses the "
        "connection.",
        (
            "Next attempt: in 3 minutes (2026-11-24 10:48 UTC), with one pending reward",
            "Connection refused",
        ),
        ("This reward: not before", "failing since"),
        severity=Severity.WATCH,
    ),
    "peer refuses our access": Case(
        situation("pending", **failing(http(401, "", "bad token")), circuit=sick(http(401, "", "bad token"))),
        "Pending: Points Service has been unavailable since 2026-11-24 10:42 UTC – it denies us access (HTTP "
        "401).",
        (
            "This reward: not before 2026-11-24 10:49 UTC.",
            "failing since 2026-11-24 09:45 UTC (failed attempts: 4)",
        ),
        severity=Severity.WATCH,
    ),
    "peer sick, probe due": Case(
        situation(
            "pending",
            next_attempt_at=NOW - MINUTE,
            circuit=PeerCircuit(
                state="open", opened_at=NOW - HOUR, probe_at=NOW, **kept(http(503, "", "busy"))
            ),
        ),
        "Pending: Points Service has been unavailable since 2026-11-24 09:45 UTC – an error on its side "
        "(HTTP 503).",
        ("Next attempt: now, with one pending reward",),
        severity=Severity.WATCH,
    ),
    "limited for this user": Case(
        situation("pending", **failing(http(429, "velocity_cap", "too many")), circuit=well()),
        "Pending: Points Service asked us to retry this reward later (HTTP 429).",
        (
            "a limit on how much one user can get",
            "Next attempt: in 4 minutes",
            "If it still fails after 2026-11-27 09:45 UTC while Points Service works for others",
        ),
        severity=Severity.WATCH,
    ),
    "last try failed": Case(
        situation("pending", **failing(Failure("connection_refused", message="no")), circuit=well()),
        "Pending: the last attempt at Points Service did not succeed – it refuses the connection.",
        ("Last result for this reward: “it refuses the connection (no)”.", "in 4 minutes"),
        ("a limit on how much one user",),
        severity=Severity.WATCH,
    ),
    "sent again by hand while in doubt": Case(
        situation(
            "pending",
            next_attempt_at=NOW,
            updated_at=NOW,
            in_doubt=True,
            **kept(TIMEOUT),
            last_move=move("failed", "pending", "admin:root-1", "retried_by_person", "they are back"),
        ),
        "Pending: ready to be paid.",
        (
            "Sent again on 2026-11-24 09:45 UTC by root-1 (by token): “they are back”.",
            "under the same ID, so it cannot be paid twice; "
            "until it is confirmed or rejected, it cannot be cancelled.",
        ),
    ),
    "sent again by hand with its task": Case(
        situation(
            "pending",
            token=True,
            next_attempt_at=NOW,
            updated_at=NOW,
            in_doubt=True,
            external_task_id="task-7",
            last_move=move("failed", "pending", "staff:olga", "retried_by_person", "again"),
        ),
        "Pending: ready to be paid.",
        ("Its token task is task-7; we check it before sending anything else.",),
    ),
    "claimed": Case(
        situation(
            "sent_to_points",
            claim_token=REWARD_ID,
            next_attempt_at=NOW + MINUTE,
            updated_at=NOW,
            attempts=1,
        ),
        "A worker is paying it through Points Service.",
        (
            "Picked up on 2026-11-24 10:45 UTC.",
            "another one picks it up from 2026-11-24 10:46 UTC",
        ),
        ("confirm", "An earlier attempt"),
    ),
    "claimed in doubt": Case(
        situation(
            "sent_to_points",
            claim_token=REWARD_ID,
            in_doubt=True,
            **failing(TIMEOUT, next_attempt_at=NOW + MINUTE),
        ),
        "A worker is paying it through Points Service.",
        ("An earlier attempt ended without confirmation.", "failing since"),
    ),
    "claimed for its task": Case(
        situation(
            "sent_to_token",
            token=True,
            claim_token=REWARD_ID,
            external_task_id="task-7",
            next_attempt_at=NOW + MINUTE,
        ),
        "A worker is checking the token task at Token Gateway.",
        ("task-7",),
    ),
    "claim lapsed": Case(
        situation(
            "sent_to_points", claim_token=REWARD_ID, next_attempt_at=NOW - MINUTE, updated_at=NOW - HOUR
        ),
        "Unconfirmed: the worker paying it did not report back by 2026-11-24 10:44 UTC.",
        ("It is not known whether it was paid.", "under the same ID"),
        severity=Severity.WATCH,
    ),
    "claim lapsed, with a task": Case(
        situation(
            "sent_to_token",
            token=True,
            claim_token=REWARD_ID,
            external_task_id="task-7",
            next_attempt_at=NOW - MINUTE,
        ),
        "The worker checking the token task did not report back by 2026-11-24 10:44 UTC.",
        ("task-7",),
        ("whether it was paid",),
        severity=Severity.WATCH,
    ),
    "in doubt": Case(
        situation("sent_to_points", in_doubt=True, **failing(TIMEOUT), circuit=well()),
        "Unconfirmed: Points Service has not confirmed the payout.",
        (
            "We send it again under the same ID until Points Service confirms or rejects it",
            "in 4 minutes",
            "did not end in time",
        ),
        severity=Severity.WATCH,
    ),
    "in doubt at a sick peer": Case(
        situation(
            "sent_to_points",
            in_doubt=True,
            **failing(TIMEOUT, next_attempt_at=NOW),
            circuit=sick(TIMEOUT),
        ),
        "Unconfirmed: Points Service has not confirmed the payout.",
        ("Next attempt: in 3 minutes (2026-11-24 10:48 UTC), with one pending reward",),
        severity=Severity.WATCH,
    ),
    "sent without a word": Case(
        situation("sent_to_points", next_attempt_at=NOW, updated_at=NOW),
        "Sent to Points Service; no response recorded.",
        severity=Severity.WATCH,
    ),
    "task under way": Case(
        situation(
            "sent_to_token",
            token=True,
            external_task_id="task-7",
            failures=3,
            next_attempt_at=NOW + 2 * MINUTE,
        ),
        "In progress: Token Gateway is working on task task-7.",
        ("is paid only when the task is confirmed", "in 2 minutes", "may also report the result"),
        ("failing",),
    ),
    "task cannot be asked about": Case(
        situation("sent_to_token", token=True, external_task_id="task-7", **failing(TIMEOUT), circuit=well()),
        "In progress as task task-7, but Token Gateway cannot be asked about it – it does not respond in "
        "time.",
        ("The task itself may continue.", "failing since"),
        severity=Severity.WATCH,
    ),
    "task at a sick gateway": Case(
        situation(
            "sent_to_token",
            token=True,
            external_task_id="task-7",
            next_attempt_at=NOW,
            circuit=sick(http(404, "", "no")),
        ),
        "In progress as task task-7, but Token Gateway cannot be asked about it – its address is wrong in "
        "our settings (HTTP 404).",
        severity=Severity.WATCH,
    ),
    "paid": Case(
        situation(
            "completed", external_tx_id="tx-1", attempts=2, last_move=move("sent_to_points", "completed")
        ),
        "Paid: 150 points through Points Service, transaction tx-1.",
        ("Recorded on 2026-11-24 09:45 UTC by a worker (attempts: 2).", "a paid reward never changes"),
        ("task",),
        severity=Severity.GOOD,
    ),
    "paid in tokens by callback": Case(
        situation(
            "completed",
            token=True,
            external_tx_id="0xabc",
            external_task_id="task-7",
            campaign_status="archived",
            last_move=move("sent_to_token", "completed", "token_gateway", "callback_confirmed"),
        ),
        "Paid: 1.5 G2A through Token Gateway, transaction 0xabc.",
        ("by token_gateway", "Token task: task-7."),
        ("Archived",),
        severity=Severity.GOOD,
    ),
    "paid, but not on the peer's record": Case(
        situation("completed", external_tx_id="tx-1", findings=(finding("missing"),)),
        "Paid: 150 points through Points Service, transaction tx-1.",
        (
            "Reconciliation with Points Service found a discrepancy that needs attention: "
            "Paid by us, missing at the",
        ),
        severity=Severity.TROUBLE,
    ),
    "refused for good": Case(
        situation(
            "failed",
            **kept(ACCOUNT_CLOSED),
            attempts=1,
            last_attempt=attempt("refused", 422),
            last_move=move("sent_to_points", "failed", code="payout_failed", error=ACCOUNT_CLOSED.as_json()),
        ),
        "Failed: rejected by Points Service.",
        (f"Last response of Points Service: “{REFUSED}”.", "support can retry it", "cancel it"),
        ("may have been paid", "409"),
        severity=Severity.TROUBLE,
    ),
    "refused because of the number": Case(
        situation("failed", **kept(http(409, "", "conflict")), last_attempt=attempt("refused", 409)),
        "Failed: rejected by Points Service.",
        ("HTTP 409 means that its ID was used there with another user or amount.",),
        severity=Severity.TROUBLE,
    ),
    "refused after doubt": Case(
        situation("failed", in_doubt=True, **kept(ACCOUNT_CLOSED), last_attempt=attempt("refused", 422)),
        "Failed: rejected by Points Service.",
        ("It may have been paid, so it cannot be cancelled.", "under the same ID"),
        ("cancel it.",),
        severity=Severity.TROUBLE,
    ),
    "token task failed": Case(
        situation(
            "failed",
            token=True,
            mint_number=2,
            **kept(OUT_OF_GAS),
            last_attempt=attempt("task_failed", 200),
            last_move=move("sent_to_token", "failed", code="payout_failed", error=OUT_OF_GAS.as_json()),
        ),
        "Failed: Token Gateway reports that the token task ended without a transfer.",
        ("out of gas", f"under the ID {REWARD_ID}:2"),
        ("same ID",),
        severity=Severity.TROUBLE,
    ),
    "given up": Case(
        situation(
            "failed",
            first_failed_at=NOW - 3 * DAY,
            failures=300,
            **kept(http(429, "velocity_cap")),
            last_attempt=attempt("not_booked", 429),
            last_move=move(
                "sent_to_points", "failed", code="given_up", error=http(429, "velocity_cap").as_json()
            ),
        ),
        "Failed: attempts stopped. It had been failing since 2026-11-21 10:45 UTC while Points Service "
        "worked for others.",
        ("cancel it",),
        severity=Severity.TROUBLE,
    ),
    "given up in doubt with a task": Case(
        situation(
            "failed",
            token=True,
            in_doubt=True,
            external_task_id="task-7",
            first_failed_at=NOW - 3 * DAY,
            **kept(TIMEOUT),
            last_attempt=attempt("unknown"),
        ),
        "Failed: attempts stopped. It had been failing since 2026-11-21 10:45 UTC while Token Gateway worked "
        "for others.",
        (
            "It may have been paid, so it cannot",
            "we check the same task task-7 at Token Gateway first",
            f"Last result for this reward: “{NO_ANSWER}”.",
        ),
        ("Last response",),
        severity=Severity.TROUBLE,
    ),
    "failed without a trail": Case(
        situation("failed"),
        "Failed: Points Service could not pay it.",
        severity=Severity.TROUBLE,
    ),
    "cancelled": Case(
        situation(
            "cancelled",
            campaign_status="paused",
            last_move=move(
                "locked", "cancelled", "staff:olga", "cancelled_by_person", "the account is a double"
            ),
        ),
        "Cancelled by olga: “the account is a double”.",
        ("the status before was “Locked”", "This is final"),
        ("Paused",),
    ),
    "cancelled without a trail": Case(situation("cancelled"), "Cancelled.", ("This is final",)),
}
