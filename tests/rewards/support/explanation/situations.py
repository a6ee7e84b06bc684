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
    """A points reward of `ann` for something that happened two days ago; fields of the reward as given."""
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
NO_ANSWER = "it does not answer in time (the answer did not end in time)"

CASES: dict[str, Case] = {
    "on hold": Case(
        situation("on_hold"),
        "On hold: a person has to look at it first.",
        ("It can be cancelled here.",),
        severity=Severity.WATCH,
    ),
    "locked, never heard of": Case(
        situation("locked", required_min_role="vip"),
        "Locked: it needs the role VIP, and the user’s role is “User”.",
        (
            "Nothing was ever reported about this user",
            "opens by itself when User Service reports the role VIP / PRO",
            "Support can unlock it by hand",
        ),
        ("time to wait",),
    ),
    "locked, known without a role": Case(
        situation("locked", required_min_role="pro", role=NEWCOMER),
        "Locked: it needs the role PRO, and the user’s role is “User”.",
        ("known since 2026-10-25 10:45 UTC; no role was ever reported", "reports the role PRO for"),
        ("VIP",),
    ),
    "locked, role taken away": Case(
        situation("locked", required_min_role="vip", role=STEPPED_DOWN),
        "Locked: it needs the role VIP, and the user’s role is “User”.",
        ("has had this role since 2026-11-15 10:45 UTC",),
    ),
    "locked for more than the user has": Case(
        situation("locked", required_min_role="pro", role=VIP),
        "Locked: it needs the role PRO, and the user’s role is “VIP”.",
    ),
    "locked and held": Case(
        situation("locked", required_min_role="vip", available_at=NOW + 12 * DAY),
        "Locked: it needs the role VIP, and the user’s role is “User”.",
        ("Even when it opens, it is not payable before 2026-12-06 10:45 UTC: 14 days after the event.",),
    ),
    "locked, hold over": Case(
        situation("locked", required_min_role="vip", available_at=NOW - DAY),
        "Locked: it needs the role VIP, and the user’s role is “User”.",
        ("Its time to wait is over",),
    ),
    "locked against the rules": Case(
        situation("locked", required_min_role="vip", role=VIP),
        "Locked, although the user’s role is VIP and only VIP is needed.",
        ("This should not be",),
        severity=Severity.TROUBLE,
    ),
    "locked in an archived campaign": Case(
        situation("locked", required_min_role="vip", campaign_status="archived"),
        "Locked: it needs the role VIP, and the user’s role is “User”.",
        ("“Archived” by now; that takes nothing away",),
    ),
    "held": Case(
        situation("pending", available_at=NOW + 12 * DAY, next_attempt_at=NOW + 12 * DAY),
        "Waiting: not payable before 2026-12-06 10:45 UTC.",
        ("wait 14 days from the event on", "It becomes payable by itself in 12 days"),
        ("anyway",),
    ),
    "held, and the peer sick meanwhile": Case(
        situation("pending", available_at=NOW + DAY, next_attempt_at=NOW + DAY, circuit=sick()),
        "Waiting: not payable before 2026-11-25 10:45 UTC.",
        ("At present nothing can be paid through Points Service anyway: it refuses connections.",),
    ),
    "held, and no address": Case(
        situation("pending", available_at=NOW + DAY, next_attempt_at=NOW + DAY, has_address=False),
        "Waiting: not payable before 2026-11-25 10:45 UTC.",
        ("The address of Points Service is not set.",),
    ),
    "unlocked by hand and held": Case(
        situation(
            "pending",
            available_at=NOW + DAY,
            next_attempt_at=NOW + DAY,
            last_move=move("locked", "pending", "staff:olga", "unlocked_by_person", "ticket 4711"),
        ),
        "Waiting: not payable before 2026-11-25 10:45 UTC.",
        ("Unlocked on 2026-11-24 09:45 UTC by olga: “ticket 4711”.",),
    ),
    "payable": Case(
        situation("pending", next_attempt_at=NOW - DAY, updated_at=NOW - MINUTE, circuit=well()),
        "Payable: it waits for a worker to take it up.",
        ("It is due",),
    ),
    "unlocked by a role and payable": Case(
        situation(
            "pending",
            next_attempt_at=NOW - DAY,
            updated_at=NOW,
            last_move=move("locked", "pending", "user_service", "role_upgraded", role="vip"),
        ),
        "Payable: it waits for a worker to take it up.",
        ("by user_service: “the user has become VIP”.",),
    ),
    "payable for long": Case(
        situation("pending", next_attempt_at=NOW - DAY, updated_at=NOW - HOUR, circuit=well()),
        "Waiting: payable since 2026-11-24 09:45 UTC, but no worker has taken it up.",
        ("no worker is running",),
        severity=Severity.WATCH,
    ),
    "put off": Case(
        situation("pending", next_attempt_at=NOW + 30 * timedelta(seconds=1)),
        "Waiting for its turn.",
        ("The next try is in less than a minute (2026-11-24 10:45 UTC).",),
    ),
    "no address": Case(
        situation("pending", next_attempt_at=NOW, has_address=False),
        "Waiting: the address of Points Service is not set.",
        ("Nothing is sent before POINTS_SERVICE_URL is set",),
        severity=Severity.TROUBLE,
    ),
    "no address for tokens": Case(
        situation("pending", token=True, next_attempt_at=NOW, has_address=False),
        "Waiting: the address of Token Gateway is not set.",
        ("TOKEN_GATEWAY_URL",),
        severity=Severity.TROUBLE,
    ),
    "peer refuses connections": Case(
        situation("pending", next_attempt_at=NOW - MINUTE, circuit=sick()),
        "Waiting: nothing can be paid through Points Service since 2026-11-24 10:42 UTC – "
        "it refuses connections.",
        (
            "The next try is in 3 minutes (2026-11-24 10:48 UTC), with one waiting reward",
            "Connection refused",
        ),
        ("This one not before", "failing since"),
        severity=Severity.WATCH,
    ),
    "peer refuses our access": Case(
        situation("pending", **failing(http(401, "", "bad token")), circuit=sick(http(401, "", "bad token"))),
        "Waiting: nothing can be paid through Points Service since 2026-11-24 10:42 UTC – "
        "it refuses our access (HTTP 401).",
        ("This one not before 2026-11-24 10:49 UTC.", "failing since 2026-11-24 09:45 UTC (failed tries: 4)"),
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
        "Waiting: nothing can be paid through Points Service since 2026-11-24 09:45 UTC – "
        "it answers with a fault of its own (HTTP 503).",
        ("The next try is now, with one waiting reward",),
        severity=Severity.WATCH,
    ),
    "limited for this user": Case(
        situation("pending", **failing(http(429, "velocity_cap", "too many")), circuit=well()),
        "Waiting: Points Service asked us to wait with this reward (HTTP 429).",
        (
            "a limit on what one user may get",
            "The next try is in 4 minutes",
            "If it still fails after 2026-11-27 09:45 UTC while Points Service works for others",
        ),
        severity=Severity.WATCH,
    ),
    "last try failed": Case(
        situation("pending", **failing(Failure("connection_refused", message="no")), circuit=well()),
        "Waiting: the last try at Points Service did not work – it refuses connections.",
        ("The last that was heard about this reward: “it refuses connections (no)”.", "in 4 minutes"),
        ("a limit on what one user",),
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
        "Payable: it waits for a worker to take it up.",
        (
            "Sent for payment again on 2026-11-24 09:45 UTC by root-1 (by token): “they are back”.",
            "with the same number, so it cannot be paid twice; until that is settled it cannot be cancelled.",
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
        "Payable: it waits for a worker to take it up.",
        ("Its token task is task-7; it is asked about before anything else is sent.",),
    ),
    "claimed": Case(
        situation(
            "sent_to_points",
            claim_token=REWARD_ID,
            next_attempt_at=NOW + MINUTE,
            updated_at=NOW,
            attempts=1,
        ),
        "A worker has taken it up and is having it paid at Points Service.",
        (
            "It was taken up on 2026-11-24 10:45 UTC.",
            "another one may take it up from 2026-11-24 10:46 UTC on",
        ),
        ("doubt", "An earlier call"),
    ),
    "claimed in doubt": Case(
        situation(
            "sent_to_points",
            claim_token=REWARD_ID,
            in_doubt=True,
            **failing(TIMEOUT, next_attempt_at=NOW + MINUTE),
        ),
        "A worker has taken it up and is having it paid at Points Service.",
        ("An earlier call ended without a word whether it was paid.", "failing since"),
    ),
    "claimed for its task": Case(
        situation(
            "sent_to_token",
            token=True,
            claim_token=REWARD_ID,
            external_task_id="task-7",
            next_attempt_at=NOW + MINUTE,
        ),
        "A worker is asking Token Gateway how the token task stands.",
        ("task-7",),
    ),
    "claim lapsed": Case(
        situation(
            "sent_to_points", claim_token=REWARD_ID, next_attempt_at=NOW - MINUTE, updated_at=NOW - HOUR
        ),
        "In doubt: the worker that had taken it up has not reported back by 2026-11-24 10:44 UTC.",
        ("Whether it was paid is not known.", "with the same number"),
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
        "The worker that asked about the token task has not reported back by 2026-11-24 10:44 UTC.",
        ("task-7",),
        ("Whether it was paid",),
        severity=Severity.WATCH,
    ),
    "in doubt": Case(
        situation("sent_to_points", in_doubt=True, **failing(TIMEOUT), circuit=well()),
        "In doubt: Points Service has not said whether it was paid.",
        (
            "It is asked again with the same number until Points Service says",
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
        "In doubt: Points Service has not said whether it was paid.",
        ("The next try is in 3 minutes (2026-11-24 10:48 UTC), with one waiting reward",),
        severity=Severity.WATCH,
    ),
    "sent without a word": Case(
        situation("sent_to_points", next_attempt_at=NOW, updated_at=NOW),
        "Sent to Points Service; no answer is on record.",
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
        "Under way: Token Gateway works on task task-7.",
        ("counts as paid only when the task is confirmed", "in 2 minutes", "may also report the end"),
        ("failing",),
    ),
    "task cannot be asked about": Case(
        situation("sent_to_token", token=True, external_task_id="task-7", **failing(TIMEOUT), circuit=well()),
        "Under way as task task-7, but Token Gateway cannot be asked about it – it does not answer in time.",
        ("The task itself may go on meanwhile.", "failing since"),
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
        "Under way as task task-7, but Token Gateway cannot be asked about it – "
        "our settings lead to a wrong address there (HTTP 404).",
        severity=Severity.WATCH,
    ),
    "paid": Case(
        situation(
            "completed", external_tx_id="tx-1", attempts=2, last_move=move("sent_to_points", "completed")
        ),
        "Paid: 150 points by Points Service, transaction tx-1.",
        ("Recorded on 2026-11-24 09:45 UTC by a worker (attempts: 2).", "what is paid is never changed"),
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
        "Paid: 1.5 G2A by Token Gateway, transaction 0xabc.",
        ("by token_gateway", "Its token task was task-7."),
        ("Archived",),
        severity=Severity.GOOD,
    ),
    "paid, but not on the peer's record": Case(
        situation("completed", external_tx_id="tx-1", findings=(finding("missing"),)),
        "Paid: 150 points by Points Service, transaction tx-1.",
        ("A person has to look at what the comparison with Points Service found: Paid by us, not on the",),
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
        "Failed: Points Service has refused it for good.",
        (f"Points Service said last: “{REFUSED}”.", "support can retry it", "cancel it"),
        ("may have been paid", "409"),
        severity=Severity.TROUBLE,
    ),
    "refused because of the number": Case(
        situation("failed", **kept(http(409, "", "conflict")), last_attempt=attempt("refused", 409)),
        "Failed: Points Service has refused it for good.",
        ("HTTP 409 means that its number was used there with another user or amount.",),
        severity=Severity.TROUBLE,
    ),
    "refused after doubt": Case(
        situation("failed", in_doubt=True, **kept(ACCOUNT_CLOSED), last_attempt=attempt("refused", 422)),
        "Failed: Points Service has refused it for good.",
        ("It may have been paid all the same, so it cannot be cancelled.", "with the same number"),
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
        ("out of gas", f"with the number {REWARD_ID}:2"),
        ("same number",),
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
        "Given up: it failed from 2026-11-21 10:45 UTC on, while Points Service worked for others.",
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
        "Given up: it failed from 2026-11-21 10:45 UTC on, while Token Gateway worked for others.",
        (
            "It may have been paid all the same",
            "asked about the same task task-7 first",
            f"The last that was heard about this reward: “{NO_ANSWER}”.",
        ),
        ("said last",),
        severity=Severity.TROUBLE,
    ),
    "failed without a trail": Case(
        situation("failed"),
        "Failed: it could not be paid by Points Service.",
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
        ("before, its status was “Locked”", "It stays so for ever"),
        ("Paused",),
    ),
    "cancelled without a trail": Case(situation("cancelled"), "Cancelled.", ("It stays so for ever",)),
}
