"""The review list: rewards that need a person, what needs them, and since when.

Three kinds, of which a reward is one at most, with the reasons in `REASONS`; the page says the same in words
(rewards/support/review/wording.py). Each reason is read from the beginning of an index, longest ago first, so
a page and a count cost the same with a hundred rewards and with five million. Sources:
docs/reward-status.md, docs/invariants.md (D8 to D12), rewards/payouts/claim.py,
rewards/payouts/reconciliation.py (PATIENCE).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from rewards.models import ERROR_GROUP, SENT, SILENT_POLLS, PeerCircuit, ReferralReward, RewardStatus
from rewards.payouts.reconciliation import PATIENCE
from rewards.provider_names import PEER_OF_CURRENCY

FAILED, IN_DOUBT, STUCK = "failed", "in_doubt", "stuck"
KINDS = (FAILED, IN_DOUBT, STUCK)
MOST_COUNTED = 999
PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Reason:
    """One way of needing a person: its kind, the column that says since when, and the condition at a moment.

    With `at_a_well_peer`, rewards of a sick peer are left out: they wait for it, and nobody has to look at
    each.
    """

    kind: str
    since: str
    condition: Callable[[datetime], Q]
    at_a_well_peer: bool = True


ON_THE_WAY = Q(next_attempt_at__isnull=False)


def _failed(now: datetime) -> Q:
    """Refused for good, a failed token task, or given up."""
    return Q(status=RewardStatus.FAILED)


def _in_doubt(now: datetime) -> Q:
    """Sent, perhaps paid, and not known for an hour; it is asked about again and again."""
    return ON_THE_WAY & Q(in_doubt=True, first_failed_at__lt=now - PATIENCE)


def _overdue(currency: str, now: datetime) -> Q:
    """Nobody takes it: payable for an hour, or sent and its lease or next question is an hour ago.

    An event reported late is payable from the past, but new. One currency, so that its index keeps the order.
    """
    not_taken = Q(status=RewardStatus.PENDING, updated_at__lt=now - PATIENCE)
    lease_over = Q(status__in=SENT) & (
        Q(in_doubt=False) | Q(first_failed_at__isnull=True) | Q(first_failed_at__gte=now - PATIENCE)
    )
    return Q(currency=currency, next_attempt_at__lt=now - PATIENCE) & (not_taken | lease_over)


def _failing(now: datetime) -> Q:
    """Taken up in time, but every try of an hour has failed, though the peer serves others."""
    return Q(next_attempt_at__gte=now - PATIENCE, in_doubt=False, first_failed_at__lt=now - PATIENCE)


def _task_silent(now: datetime) -> Q:
    """The gateway has been asked for about an hour, and the task is neither confirmed nor failed."""
    return Q(
        status=RewardStatus.SENT_TO_TOKEN,
        external_task_id__isnull=False,
        failures__gte=SILENT_POLLS,
        next_attempt_at__gte=now - PATIENCE,
        first_failed_at__isnull=True,
    )


REASONS: Mapping[str, Reason] = {
    "failed": Reason(FAILED, "updated_at", _failed, at_a_well_peer=False),
    "in_doubt": Reason(IN_DOUBT, "first_failed_at", _in_doubt, at_a_well_peer=False),
    "overdue_points": Reason(STUCK, "next_attempt_at", partial(_overdue, "points")),
    "overdue_g2a": Reason(STUCK, "next_attempt_at", partial(_overdue, "g2a")),
    "failing": Reason(STUCK, "first_failed_at", _failing),
    "task_silent": Reason(STUCK, "created_at", _task_silent),
}


@dataclass(frozen=True, slots=True)
class Filters:
    """Which rewards; what is None or empty leaves nobody out. `older_than`: need somebody for longer."""

    campaign_id: UUID | None = None
    currency: str = ""
    error: str = ""
    older_than: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A reward, which of `REASONS` it is listed for, and since when."""

    reward: ReferralReward
    reason: str
    since: datetime

    @property
    def place(self) -> tuple[datetime, UUID]:
        """Where it stands in the list."""
        return self.since, self.reward.pk


def review_page(
    kinds: Iterable[str], filters: Filters, after: tuple[datetime, UUID] | None = None
) -> tuple[list[Entry], bool]:
    """A page of the list, longest ago first, behind a place in it; and whether others follow."""
    now, served = timezone.now(), currencies_served()
    found: list[Entry] = []
    for name, reason in REASONS.items():
        if reason.kind in kinds:
            rows = _behind(_rows(reason, filters, now, served), reason.since, after)
            rows = rows.select_related("campaign", "referral_event").order_by(reason.since, "id")
            found += [Entry(row, name, getattr(row, reason.since)) for row in rows[: PAGE_SIZE + 1]]
    found.sort(key=lambda entry: entry.place)
    return found[:PAGE_SIZE], len(found) > PAGE_SIZE


def review_counts(filters: Filters = Filters()) -> dict[str, int]:
    """How many there are of each kind; MOST_COUNTED + 1 stands for more. One statement."""
    now, served = timezone.now(), currencies_served()
    counts: list[str] = []
    parameters: list[Any] = []
    for reason in REASONS.values():
        # In their order, so that nobody reads the table from its beginning in the hope of finding enough.
        rows = _rows(reason, filters, now, served).order_by(reason.since, "id")
        some = rows.values("pk")[: MOST_COUNTED + 1]
        try:
            sql, values = some.query.sql_with_params()
        except EmptyResultSet:
            sql, values = "SELECT 1 WHERE false", ()
        counts.append(f"(SELECT count(*) FROM ({sql}) counted)")  # noqa: S608 - Django's own
        parameters += values
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(counts)}", parameters)
        numbers: Sequence[int] = cursor.fetchone()
    sums = dict.fromkeys(KINDS, 0)
    for reason, number in zip(REASONS.values(), numbers, strict=True):
        sums[reason.kind] = min(sums[reason.kind] + number, MOST_COUNTED + 1)
    return sums


def currencies_served() -> list[str]:
    """The currencies whose peer is not known to be sick."""
    sick = PeerCircuit.objects.filter(state=PeerCircuit.State.OPEN).values_list("peer", flat=True)
    return [currency for currency, peer in PEER_OF_CURRENCY.items() if peer not in set(sick)]


def narrowed(rows: QuerySet[ReferralReward], filters: Filters) -> QuerySet[ReferralReward]:
    """Those of the rewards that the filters leave, but for how long they need somebody."""
    if filters.campaign_id:
        rows = rows.filter(campaign_id=filters.campaign_id)
    if filters.currency:
        rows = rows.filter(currency=filters.currency)
    if filters.error:
        rows = rows.alias(error_group=ERROR_GROUP).filter(error_group=filters.error)
    return rows


def _rows(reason: Reason, filters: Filters, now: datetime, served: Sequence[str]) -> QuerySet[ReferralReward]:
    rows = narrowed(ReferralReward.objects.filter(reason.condition(now)), filters)
    if reason.at_a_well_peer:
        rows = rows.filter(currency__in=served)
    if filters.older_than:
        rows = rows.filter(**{f"{reason.since}__lt": now - filters.older_than})
    return rows


def _behind(
    rows: QuerySet[ReferralReward], since: str, after: tuple[datetime, UUID] | None
) -> QuerySet[ReferralReward]:
    if after is None:
        return rows
    moment, reward_id = after
    # The first condition is what an index understands.
    return rows.filter(**{f"{since}__gte": moment}).filter(
        Q(**{f"{since}__gt": moment}) | Q(pk__gt=reward_id)
    )
