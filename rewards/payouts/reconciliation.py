"""Comparing rewards with what the peers have on record, and repairing what is safe.

Safe is what cannot lead to a second payment: a reward that was sent, or given up in doubt, and that the peer
shows as booked for the same user with the same amount becomes completed with the peer's transaction; a reward
that does not move is made due, so that a worker asks about it under the same key. Everything else needs a
person. A payment is never started from here.

The peer's list is read to its end after the moment that the comparison looks back from, and a booking is
older than our knowledge of it, so a reward completed before that moment must be on the list. What a worker is
asking about right now is left to the worker. A run that was stopped is begun anew; repairs stay.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from rewards.models import (
    SENT,
    WORKABLE,
    ReconciliationFinding,
    ReconciliationRun,
    ReferralReward,
    RewardStatus,
)
from rewards.models.codes import Cause, Fact, MoveReason, RunProblem
from rewards.notifier import wake_for
from rewards.payouts.bookings_seen import BookingsSeen
from rewards.payouts.discrepancies import State, finding_note, reward_fact, task_fact
from rewards.payouts.providers.base import RETRY_AFTER_LIMIT_SECONDS, TROUBLES, Answer, Outcome
from rewards.payouts.providers.bookings import Booking, NoRecord, RecordUnreadable
from rewards.payouts.providers.registry import peer_named, points_record
from rewards.payouts.settlement import is_claimed, locked_reward, order_of, reward_settle
from rewards.provider_names import PEER_OF_CURRENCY, POINTS, TOKENS

logger = logging.getLogger(__name__)

ACTOR = "reconciliation"
# How long a reward may be under way, late or failing before it is called stuck.
PATIENCE = timedelta(hours=1)
# Of one kind in one run; what is beyond is a disaster of its own and only counted.
FINDINGS_LIMIT = 1000
TASK_PORTION = 200
DUE_PORTION = 500
SILENCES_LIMIT = 3
PROGRESS_PAGES = 50

Kind = ReconciliationFinding.Kind
Progress = Callable[[str], object]


@dataclass
class Report:
    """What a run came to. `problems` (`RunProblem`) keep something from being compared, `notes` do not."""

    run: ReconciliationRun
    problems: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def needs_person(self) -> int:
        """Open findings of this and earlier runs."""
        return ReconciliationFinding.objects.filter(state=State.OPEN).count()


def reconcile(*, progress: Progress = str) -> Report:
    """Compare everything once. Peers that cannot be asked are told among the problems, never raised."""
    return _Comparison(progress).compare()


def reconciliation_due(now: datetime) -> bool:
    """Whether this UTC day still waits for its comparison; one that met problems is repeated hourly.

    Rewards of today alone do not make one due.
    """
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    oldest = ReferralReward.objects.order_by("id").first()
    if oldest is None or oldest.created_at >= midnight:
        return False
    today = ReconciliationRun.objects.filter(started_at__gte=midnight)
    if today.filter(finished_at__isnull=False, problem_list=[]).exists():
        return False
    return not today.filter(started_at__gt=now - timedelta(hours=1)).exists()


class _Comparison:
    """One run, in the order: bookings, tasks, what is stuck, what is gone."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._since = timezone.now()
        self._run = ReconciliationRun.objects.create(started_at=self._since)
        self._report = Report(self._run)
        self._counts: dict[str, int] = {}
        self._record_read = False

    def compare(self) -> Report:
        self._bookings()
        self._tasks()
        self._stuck()
        self._close_gone()
        self._run.problem_list = self._report.problems
        self._run.finished_at = timezone.now()
        self._run.save()
        return self._report

    # --- Points Service: its list against our rewards -------------------------------------------------------

    def _bookings(self) -> None:
        record = points_record()
        if record is None:
            self._report.notes.append("Points Service is not configured; its record is not compared.")
            return
        with BookingsSeen() as seen:
            try:
                for number, page in enumerate(record.pages(request_id=str(self._run.id)), 1):
                    self._page(page, seen)
                    if number % PROGRESS_PAGES == 0:
                        self._progress(f"Points Service: {self._run.bookings} bookings read")
            except NoRecord as reason:
                self._ask_again(reason)
                return
            except RecordUnreadable as reason:
                self._problem(RunProblem.RECORD_UNREADABLE, error=reason.failure.as_json())
                return
            self._record_read = True
            self._progress(f"Points Service: {self._run.bookings} bookings read, that is all")
            for reward in seen.missing(self._since, FINDINGS_LIMIT):
                self._note(Kind.MISSING, POINTS, str(reward.id), reward, {"code": Fact.NO_BOOKING})

    def _page(self, page: list[Booking], seen: BookingsSeen) -> None:
        self._run.bookings += len(page)
        bookings = [booking for booking in page if booking.is_reward]
        ids = [reward_id for booking in bookings if (reward_id := _uuid(booking.external_id))]
        rewards = {
            str(reward.id): reward for reward in ReferralReward.objects.filter(id__in=ids, currency="points")
        }
        doubles = seen.add(bookings)
        for booking in bookings:
            reward = rewards.get(booking.external_id)
            if first := doubles.get(booking.transaction_id):
                theirs = booking_fact(booking, first=first)
                self._note(Kind.DOUBLE, POINTS, booking.external_id, reward, theirs)
            else:
                self._booking(booking, reward)

    def _booking(self, booking: Booking, reward: ReferralReward | None) -> None:
        if reward is None:
            self._note(Kind.EXTRA, POINTS, booking.external_id, None, booking_fact(booking))
        elif (reward.points_amount, reward.beneficiary_user_id) != (booking.amount, booking.user_id):
            self._note(Kind.DIFFERENT, POINTS, booking.external_id, reward, booking_fact(booking))
        elif reward.status != RewardStatus.COMPLETED:
            self._unpaid(booking, reward.id)
        elif reward.external_tx_id != booking.transaction_id:
            self._note(Kind.DIFFERENT, POINTS, booking.external_id, reward, booking_fact(booking))

    def _unpaid(self, booking: Booking, reward_id: UUID) -> None:
        """The peer shows a booking for a reward that we had not recorded as paid a moment ago."""
        with transaction.atomic():
            reward = locked_reward(reward_id)
            if reward.status == RewardStatus.COMPLETED or is_claimed(reward):
                return
            repaired = False
            ours = reward_fact(reward)
            if reward.status in SENT or reward.in_doubt:
                answer = Answer(Outcome.BOOKED, cause=Cause.ON_RECORD, reference=booking.transaction_id)
                reason = MoveReason.LEDGER_SHOWS_BOOKING
                reward_settle(reward, answer, actor=ACTOR, reason=reason, request_id=str(self._run.id))
                repaired = True
            elif reward.status == RewardStatus.PENDING and reward.available_at <= timezone.now():
                repaired = bool(_make_due([reward.id]))
            self._note(
                Kind.EXTRA,
                POINTS,
                booking.external_id,
                reward,
                booking_fact(booking),
                ours=ours,
                repaired=repaired,
            )

    def _ask_again(self, reason: NoRecord) -> None:
        """No list to compare with: the workers ask about what is in doubt under the same key."""
        doubtful = ReferralReward.objects.filter(currency="points", status__in=SENT, in_doubt=True)
        asked = _make_due(doubtful.values_list("id", flat=True))
        self._report.notes.append(
            f"Points Service keeps no list of transactions (HTTP {reason.failure.http_status}): completed "
            f"rewards are not compared; {asked} rewards in doubt are asked about again under the same key."
        )

    # --- Token Gateway: its tasks ---------------------------------------------------------------------------

    def _tasks(self) -> None:
        gateway = peer_named(TOKENS)
        if gateway is None:
            self._report.notes.append("Token Gateway is not configured; its tasks are not asked for.")
            return
        silences = 0
        for reward in _running_tasks():
            answer = gateway.settle(order_of(reward, str(self._run.id)))
            self._run.tasks += 1
            silences = silences + 1 if answer.outcome in TROUBLES - {Outcome.TASK_LOST} else 0
            if silences == SILENCES_LIMIT:
                self._problem(RunProblem.GATEWAY_SILENT, error=answer.failure.as_json())
                return
            if answer.outcome in (Outcome.BOOKED, Outcome.TASK_FAILED):
                self._task_ended(reward, answer)
        self._progress(f"Token Gateway: {self._run.tasks} tasks asked for")

    def _task_ended(self, asked: ReferralReward, answer: Answer) -> None:
        with transaction.atomic():
            reward = locked_reward(asked.id)
            same = (reward.status, reward.external_task_id) == (asked.status, asked.external_task_id)
            if not same or is_claimed(reward):
                return
            sent_at = _sent_at(reward)
            reason = MoveReason.TASK_ENDED
            reward_settle(reward, answer, actor=ACTOR, reason=reason, request_id=str(self._run.id))
            # A task of this hour has simply ended before a worker asked again.
            if sent_at < self._since - PATIENCE:
                theirs = task_fact(asked.external_task_id, answer.outcome, answer.reference)
                ours = reward_fact(asked)
                self._note(Kind.EXTRA, TOKENS, str(reward.id), reward, theirs, ours=ours, repaired=True)

    # --- both: what does not move ---------------------------------------------------------------------------

    def _stuck(self) -> None:
        stuck = _stuck_rewards(self._since)
        known = set(
            ReconciliationFinding.objects.filter(
                kind=Kind.STUCK,
                reward__in=[reward.id for reward in stuck],
                found_at__lt=self._since - PATIENCE,
            ).values_list("reward_id", flat=True)
        )
        movable = [reward for reward in stuck if reward.status in WORKABLE]
        _make_due([reward.id for reward in movable])
        for reward in stuck:
            helped = reward.status in WORKABLE and reward.id not in known
            peer = PEER_OF_CURRENCY[reward.currency]
            self._note(Kind.STUCK, peer, str(reward.id), reward, None, repaired=helped)
        transaction.on_commit(lambda: wake_for({reward.currency for reward in movable}))

    # --- findings -------------------------------------------------------------------------------------------

    def _note(
        self,
        kind: str,
        peer: str,
        external_id: str,
        reward: ReferralReward | None,
        theirs: dict[str, Any] | None,
        *,
        ours: dict[str, Any] | None = None,
        repaired: bool = False,
    ) -> None:
        self._counts[kind] = self._counts.get(kind, 0) + 1
        self._run.repaired += repaired
        if self._counts[kind] > FINDINGS_LIMIT and not repaired:
            if self._counts[kind] == FINDINGS_LIMIT + 1:
                self._problem(RunProblem.TOO_MANY_FINDINGS, kind=str(kind), most=FINDINGS_LIMIT)
            return
        finding_note(
            kind=kind,
            peer=peer,
            external_id=external_id,
            reward_id=reward.id if reward else None,
            ours=ours or (reward_fact(reward) if reward else {"code": Fact.NO_REWARD}),
            theirs=theirs,
            run=self._run,
            repaired_by=ACTOR if repaired else "",
        )

    def _problem(self, code: RunProblem, **values: Any) -> None:
        self._report.problems.append({"code": code.value, **values})

    def _close_gone(self) -> None:
        """What an earlier run found and this one, having looked, did not."""
        looked = [Kind.STUCK]
        if self._record_read:
            looked += [Kind.MISSING, Kind.EXTRA, Kind.DOUBLE, Kind.DIFFERENT]
        looked = [kind for kind in looked if self._counts.get(kind, 0) <= FINDINGS_LIMIT]
        gone = ReconciliationFinding.objects.filter(state=State.OPEN, kind__in=looked).exclude(run=self._run)
        # What a callback has found was found outside of any run, and is a person's to close.
        gone.filter(run__isnull=False).update(state=State.GONE, closed_at=timezone.now(), closed_by=ACTOR)


STUCK = """
SELECT reward.* FROM rewards_referralreward reward
CROSS JOIN LATERAL (
    SELECT coalesce(max(moved.at), reward.created_at) AS at FROM rewards_rewardtransition moved
    WHERE moved.reward_id = reward.id
) changed
WHERE (
    reward.next_attempt_at IS NOT NULL
    -- Nobody takes it (an event reported late is due from the past, but new), it fails and fails, its sending
    -- has no end, or it is put off beyond any back-off.
    AND (
        greatest(reward.next_attempt_at, changed.at) < %(since)s - %(patience)s
        OR reward.first_failed_at < %(since)s - %(patience)s
        OR (reward.status <> 'pending' AND changed.at < %(since)s - %(patience)s)
        OR reward.next_attempt_at > greatest(reward.available_at, %(since)s) + %(longest)s
    )
) OR (
    reward.status = 'failed' AND reward.in_doubt AND changed.at < %(since)s - %(patience)s
)
ORDER BY reward.id LIMIT %(limit)s
"""


def _stuck_rewards(since: datetime) -> list[ReferralReward]:
    """Rewards on their way for too long, without those that a worker is asking about right now."""
    parameters = {
        "since": since,
        "patience": PATIENCE,
        "longest": PATIENCE + timedelta(seconds=RETRY_AFTER_LIMIT_SECONDS),
        "limit": FINDINGS_LIMIT + 1,
    }
    rows = ReferralReward.objects.raw(STUCK, parameters)
    return [reward for reward in rows if not is_claimed(reward)]


def _running_tasks() -> Iterable[ReferralReward]:
    """Token rewards whose task is known and that no worker is asking about, a portion at a time."""
    rows = (
        ReferralReward.objects.filter(status=RewardStatus.SENT_TO_TOKEN, external_task_id__isnull=False)
        .select_related("referral_event", "campaign")
        .order_by("id")
    )
    portion = list(rows[:TASK_PORTION])
    while portion:
        yield from (reward for reward in portion if not is_claimed(reward))
        portion = list(rows.filter(id__gt=portion[-1].id)[:TASK_PORTION])


def _sent_at(reward: ReferralReward) -> datetime:
    """Since when it has its status."""
    last = reward.transitions.order_by("-at").first()
    return last.at if last else reward.created_at


def _make_due(reward_ids: Iterable[UUID]) -> int:
    """Let workers ask now, but never before the hold days are over; returns how many wait for an answer."""
    ids = sorted(reward_ids)
    portions = (ids[start : start + DUE_PORTION] for start in range(0, len(ids), DUE_PORTION))
    return sum(_portion_make_due(portion) for portion in portions)


def _portion_make_due(reward_ids: list[UUID]) -> int:
    with transaction.atomic():
        rewards = ReferralReward.objects.select_for_update(no_key=True).filter(id__in=reward_ids)
        due = [reward for reward in rewards.order_by("id") if _may_be_asked(reward)]
        now = timezone.now()
        for reward in due:
            waits = reward.status == RewardStatus.PENDING
            moment = max(now, reward.available_at) if waits else now
            # What is due already keeps its place in the queue.
            reward.next_attempt_at = min(moment, reward.next_attempt_at or moment)
        ReferralReward.objects.bulk_update(due, ["next_attempt_at"])
    return len(due)


def _may_be_asked(reward: ReferralReward) -> bool:
    return reward.status in WORKABLE and not is_claimed(reward)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None


def booking_fact(booking: Booking, **also: str) -> dict[str, Any]:
    """A booking as the peer's record has it; `first` names another of the same reward."""
    values = {"points": booking.amount, "user_id": booking.user_id, "transaction": booking.transaction_id}
    return {"code": Fact.TWO_BOOKINGS if also else Fact.BOOKING, **values, **also}
