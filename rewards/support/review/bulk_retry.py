"""Sending all rewards again that failed with one error: ordered by a person, carried out by the worker.

Which rewards is fixed when it is ordered, in the order's items: what fails later is not taken along. Each
reward is moved by `reward_retry` in a transaction of its own that also writes the item's outcome and the
progress, so a worker that dies at any moment leaves whole rewards behind, and whoever goes on begins at the
first item without an outcome. The order's row is locked before the reward's (docs/locking.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from access.audit import Verb, audit_note
from kernel.errors import IllegalTransition, NotFound, ValidationFailed
from rewards.graceful_shutdown import stopping
from rewards.ledger.services import reason_of, reward_retry
from rewards.models import BulkRetry, BulkRetryItem, ReferralReward, RewardStatus
from rewards.notifier import wake_bulk_retries
from rewards.support.review.rewards import Filters, narrowed

State, Outcome = BulkRetry.State, BulkRetryItem.Outcome
# The longest failed come first; what is beyond can be ordered when these are done.
MOST_AT_ONCE = 50_000
PORTION = 100
# Renewed with every reward.
LEASE = timedelta(seconds=15)
# A run hands over to the next message after a while, so that a worker can be stopped or replaced.
RUN = timedelta(seconds=20)


# --- ordering -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Extent:
    """How many rewards an order would take, and their amounts; `is_cut` when there are more than one may."""

    number: int
    points: int
    g2a: Decimal
    is_cut: bool


def bulk_retry_extent(*, filters: Filters, failed_before: datetime) -> Extent:
    """What an order would take as things stand."""
    sums = _candidates(filters, failed_before)[: MOST_AT_ONCE + 1].aggregate(
        number=Count("pk"), points=Sum("points_amount"), g2a=Sum("g2a_amount")
    )
    number = min(sums["number"], MOST_AT_ONCE)
    return Extent(number, sums["points"] or 0, sums["g2a"] or Decimal(0), sums["number"] > MOST_AT_ONCE)


def _candidates(filters: Filters, failed_before: datetime) -> QuerySet[ReferralReward]:
    """What has failed with the error up to a moment, longest ago first."""
    failed = ReferralReward.objects.filter(status=RewardStatus.FAILED, updated_at__lte=failed_before)
    return narrowed(failed, filters).order_by("updated_at", "id")


SNAPSHOT = """
INSERT INTO rewards_bulkretryitem (bulk_retry_id, reward_id, outcome, problem)
SELECT %s, chosen.id, '', '' FROM ({chosen}) chosen
"""


def bulk_retry_start(*, filters: Filters, failed_before: datetime, by: str, reason: str) -> BulkRetry:
    """Order that all rewards that failed with `filters.error` up to a moment are sent again.

    Raises ValidationFailed without a reason or an error, NotFound when nothing has failed so.
    """
    reason = reason_of(reason)
    if not filters.error:
        raise ValidationFailed.of("error", _("Choose an error"))
    chosen = _candidates(filters, failed_before).values("id")[:MOST_AT_ONCE]
    sql, parameters = chosen.query.sql_with_params()
    with transaction.atomic():
        order = BulkRetry.objects.create(
            error=filters.error[:200],
            campaign_id=filters.campaign_id,
            currency=filters.currency,
            failed_before=failed_before,
            reason=reason,
            created_by=by[:160],
            run_by=by[:160],
        )
        with connection.cursor() as cursor:
            cursor.execute(SNAPSHOT.format(chosen=sql), [order.pk, *parameters])
        sums = order.items.aggregate(
            total=Count("reward"), points=Sum("reward__points_amount"), g2a=Sum("reward__g2a_amount")
        )
        if not sums["total"]:
            raise NotFound(_("No failed rewards with this error are left."))
        order.total, order.points, order.g2a = sums["total"], sums["points"] or 0, sums["g2a"] or 0
        order.save(update_fields=["total", "points", "g2a"])
        after = {"state": order.state, "rewards": order.total}
        audit_note(by=by, verb=Verb.CREATED, target=order, after=after, reason=reason)
        transaction.on_commit(wake_bulk_retries)
    return order


# --- stopping and going on ----------------------------------------------------------------------------------


def bulk_retry_stop(*, order_id: UUID, by: str) -> BulkRetry:
    """Let no further reward be sent again. Raises NotFound, IllegalTransition when it is finished."""
    return _turn(order_id, by, State.STOPPED)


def bulk_retry_continue(*, order_id: UUID, by: str) -> BulkRetry:
    """Have the rest sent again, in this person's name. Raises NotFound, IllegalTransition when finished."""
    return _turn(order_id, by, State.RUNNING)


def _turn(order_id: UUID, by: str, state: str) -> BulkRetry:
    with transaction.atomic():
        order = BulkRetry.objects.select_for_update(of=("self",)).filter(pk=order_id).first()
        if order is None:
            raise NotFound(_("There is no such bulk retry."))
        if order.state == State.FINISHED:
            raise IllegalTransition(_("The bulk retry is already finished."))
        before = {"state": order.state, "done": order.done}
        if order.state != state:
            order.state = state
            if state == State.RUNNING:
                order.run_by = by[:160]
            # Whoever is at it finds that the claim is gone, before the next reward.
            order.claim_token = order.claimed_until = None
            order.save(update_fields=["state", "run_by", "claim_token", "claimed_until"])
            after = {"state": order.state, "done": order.done}
            audit_note(by=by, verb=Verb.CHANGED, target=order, before=before, after=after)
        if state == State.RUNNING:
            transaction.on_commit(wake_bulk_retries)
    return order


# --- the worker ---------------------------------------------------------------------------------------------


class ClaimLost(Exception):
    """The order was stopped, or another worker has taken it over."""


def bulk_retries_due() -> bool:
    """Whether an order waits for a worker."""
    return _waiting().exists()


def _waiting() -> QuerySet[BulkRetry]:
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lt=Now())
    return BulkRetry.objects.filter(free, state=State.RUNNING)


def bulk_retries_run() -> None:
    """Carry on one order that no other worker is at, for a while."""
    claimed = _claim()
    if claimed is None:
        return
    order, token = claimed
    until = timezone.now() + RUN
    try:
        while items := _next_items(order):
            for item in items:
                if stopping.is_set() or timezone.now() > until:
                    return
                _retry(order, item, token)
        _finish(order, token)
    except ClaimLost:
        return
    finally:
        BulkRetry.objects.filter(pk=order.pk, claim_token=token).update(claim_token=None, claimed_until=None)


def _claim() -> tuple[BulkRetry, UUID] | None:
    with transaction.atomic():
        free = _waiting().select_for_update(skip_locked=True, of=("self",)).order_by("id")
        order = free.first()
        if order is None:
            return None
        token = uuid7()
        BulkRetry.objects.filter(pk=order.pk).update(claim_token=token, claimed_until=Now() + LEASE)
    return order, token


def _next_items(order: BulkRetry) -> Sequence[BulkRetryItem]:
    return list(order.items.filter(outcome="").order_by("reward_id")[:PORTION])


def _retry(order: BulkRetry, item: BulkRetryItem, token: UUID) -> None:
    """Send one reward again and write down what became of it, together or not at all. Raises ClaimLost."""
    with transaction.atomic():
        _hold(order, token)
        outcome, problem = _moved(order, item)
        _settle(order, item, outcome, problem)


def _settle(order: BulkRetry, item: BulkRetryItem, outcome: str, problem: str) -> None:
    """Write down what became of a reward, once. Raises ClaimLost when somebody else has."""
    open_item = order.items.filter(reward_id=item.reward_id, outcome="")
    if not open_item.update(outcome=outcome, problem=problem[:300]):
        raise ClaimLost
    counter = "retried" if outcome == Outcome.RETRIED else "refused"
    BulkRetry.objects.filter(pk=order.pk).update(**{counter: F(counter) + 1}, claimed_until=Now() + LEASE)


def _hold(order: BulkRetry, token: UUID) -> None:
    """Lock the order while it is still ours to carry on. Raises ClaimLost."""
    ours = BulkRetry.objects.select_for_update(of=("self",)).filter(
        pk=order.pk, state=State.RUNNING, claim_token=token
    )
    if not ours.values_list("pk").first():
        raise ClaimLost


def _moved(order: BulkRetry, item: BulkRetryItem) -> tuple[str, str]:
    """The outcome, and for those who look after the service what our database said."""
    try:
        with transaction.atomic():
            reward_retry(reward_id=item.reward_id, by=order.run_by, reason=order.reason)
    except IllegalTransition:
        return Outcome.MOVED, ""
    except (OperationalError, InterfaceError):
        # The database is away or gives up a deadlock: nothing is known of this reward in particular.
        raise
    except DatabaseError as error:
        return Outcome.FAILED_IN_US, str(error).partition("\n")[0]
    return Outcome.RETRIED, ""


def _finish(order: BulkRetry, token: UUID) -> None:
    with transaction.atomic():
        _hold(order, token)
        BulkRetry.objects.filter(pk=order.pk).update(state=State.FINISHED, finished_at=Now())
