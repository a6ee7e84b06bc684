"""The two database calls of the careful event path: open a batch under its locks, then write it.

Both are set-based, so a single event is a batch of one. Their SQL stands in rewards/sql/.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from psycopg.pq.abc import PGresult
from uuid_utils.compat import uuid7

from campaigns.catalog import CampaignEntry
from campaigns.rules.calculation import Calculation, Draft
from kernel.database import call
from rewards.intake.commands import NewEvent
from rewards.models import RewardStatus

StatsKey = tuple[UUID, str]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An event with the campaign that it goes to, not yet decided.

    `new_relation_of` is the referrer of a relation made in this same transaction, to be counted with it.
    """

    event: NewEvent
    campaign: CampaignEntry
    new_relation_of: str | None = None
    code_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """What holds for one candidate while the transaction lasts."""

    revision: int
    duplicate_of: UUID | None
    held: str | None
    level1: str | None
    level2: str | None
    refusal: str | None
    role1: str | None
    role2: str | None
    role0: str | None
    events_of_referred: int
    events_of_referrer: int
    events_that_day: int
    spend_points: int | None
    spend_g2a: Decimal | None

    def roles(self, referred: str | None) -> dict[str, str]:
        """The roles of those we know."""
        known = ((self.level1, self.role1), (self.level2, self.role2), (referred, self.role0))
        return {user: role for user, role in known if user and role}


# One for each field of `Opened`, in order.
READERS: tuple[Callable[[str], Any], ...] = (
    int, UUID, str, str, str, str, str, str, str, int, int, int, int, Decimal,
)  # fmt: skip


def open_batch(candidates: Sequence[Candidate]) -> list[Opened]:
    """Take the locks of all candidates and read what their calculations need, one row each, in order."""
    items = [_item(index, candidate) for index, candidate in enumerate(candidates)]
    result = call(b"referral_events_open", orjson.dumps(items))
    return [_opened(result, row) for row in range(result.ntuples)]


def _opened(result: PGresult, row: int) -> Opened:
    values = [result.get_value(row, column) for column in range(len(READERS))]
    read: list[Any] = [
        None if value is None else reader(value.decode())
        for reader, value in zip(READERS, values, strict=True)
    ]
    return Opened(*read)


def _item(index: int, candidate: Candidate) -> dict[str, Any]:
    event, campaign = candidate.event, candidate.campaign
    return {
        "item": index,
        "service": event.service,
        "key": event.key,
        "campaign": campaign.id,
        "day": event.occurred_at.date(),
        "referred": event.referred,
        "partner": event.partner,
        "given": event.referrer_named,
        **campaign.opening,
    }


def event_row(event_id: UUID, event: NewEvent, version_id: UUID) -> dict[str, Any]:
    """What the caller has said, as the database functions take it."""
    return {
        "id": event_id,
        "rule_version_id": version_id,
        "event_type": event.event_type,
        "source_service": event.service,
        "external_event_id": event.external_event_id,
        "idempotency_key": event.key,
        "fingerprint": event.fingerprint,
        "subject_type": event.subject_type,
        "subject_id": event.subject_id,
        "amount_base": None if event.amount_base is None else f"{event.amount_base:f}",
        "metadata": orjson.Fragment(event.metadata_json),
        "occurred_at": event.occurred_at,
    }


@dataclass(slots=True)
class RewardRow:
    """A reward as answers show it."""

    id: UUID
    beneficiary_user_id: str
    beneficiary_level: int | None
    points_amount: int | None
    g2a_amount: Decimal | None
    status: str
    required_min_role: str | None


@dataclass(slots=True)
class Batch:
    """Everything that one transaction adds; `write` sends it in one call."""

    events: list[dict[str, Any]] = field(default_factory=list)
    rewards: list[dict[str, Any]] = field(default_factory=list)
    stats: dict[StatsKey, dict[str, Any]] = field(default_factory=dict)
    referred: dict[tuple[UUID, str], int] = field(default_factory=dict)
    days: dict[tuple[UUID, str, str], int] = field(default_factory=dict)
    spend: dict[UUID, list[Any]] = field(default_factory=dict)

    def add(
        self, candidate: Candidate, opened: Opened, calculation: Calculation, version_id: UUID
    ) -> tuple[UUID, list[RewardRow]]:
        """Add one decided event; returns its id and its rewards."""
        event_id = uuid7()
        self._add_event(event_id, candidate, opened, calculation, version_id)
        if candidate.new_relation_of:
            self._add_stats(candidate.campaign.id, candidate.new_relation_of, "referred_users", 1)
        rows = [self._add_reward(event_id, candidate, draft) for draft in calculation.drafts]
        if rows:
            self._count(candidate, opened, calculation)
        return event_id, rows

    def _add_event(
        self, event_id: UUID, candidate: Candidate, opened: Opened, calculation: Calculation, version_id: UUID
    ) -> None:
        event = candidate.event
        self.events.append(
            {
                **event_row(event_id, event, version_id),
                "campaign_id": candidate.campaign.id,
                "referrer_user_id": opened.level1 or event.referrer_named,
                "referred_user_id": event.referred,
                "business_partner_id": event.partner,
                "reason": calculation.reason,
                "reason_detail": calculation.reason_detail,
                "code_reason": candidate.code_reason,
            }
        )

    def _add_reward(self, event_id: UUID, candidate: Candidate, draft: Draft) -> RewardRow:
        status = RewardStatus.LOCKED if draft.locked else RewardStatus.PENDING
        row = RewardRow(
            uuid7(),
            draft.beneficiary,
            draft.level,
            draft.points,
            draft.g2a,
            status.value,
            draft.required_min_role,
        )
        self.rewards.append(
            {
                "id": row.id,
                "referral_event_id": event_id,
                "campaign_id": candidate.campaign.id,
                "beneficiary_user_id": row.beneficiary_user_id,
                "beneficiary_level": row.beneficiary_level,
                "currency": "points" if draft.points is not None else "g2a",
                "points_amount": draft.points,
                "g2a_amount": None if draft.g2a is None else f"{draft.g2a:f}",
                "status": row.status,
                "required_min_role": row.required_min_role,
                "available_at": draft.available_at,
            }
        )
        kind = f"{'points' if draft.points is not None else 'g2a'}_{status.value}"
        self._add_stats(candidate.campaign.id, row.beneficiary_user_id, kind, draft.points or draft.g2a)
        return row

    def _count(self, candidate: Candidate, opened: Opened, calculation: Calculation) -> None:
        """One more event that counts for the limits, and what it takes out of the budget."""
        campaign_id, event = candidate.campaign.id, candidate.event
        referrer, about = str(opened.level1), str(event.referred or event.partner)
        self._add_stats(campaign_id, referrer, "events", 1)
        self.referred[campaign_id, about] = self.referred.get((campaign_id, about), 0) + 1
        day = (campaign_id, referrer, event.occurred_at.date().isoformat())
        self.days[day] = self.days.get(day, 0) + 1
        if candidate.campaign.limits.has_budget:
            sums = self.spend.setdefault(campaign_id, [0, Decimal(0)])
            sums[0] += sum(draft.points or 0 for draft in calculation.drafts)
            sums[1] += sum((draft.g2a or Decimal(0) for draft in calculation.drafts), Decimal(0))

    def _add_stats(self, campaign_id: UUID, user_id: str, kind: str, amount: Any) -> None:
        row = self.stats.setdefault((campaign_id, user_id), {"campaign_id": campaign_id, "user_id": user_id})
        row[kind] = row.get(kind, 0) + amount


def write(batch: Batch) -> None:
    """Write events, rewards and counters in one call: all of it or nothing (invariant D7).

    Raises IntegrityError when another transaction took one of the idempotency keys in the meantime.
    """
    referred = [
        {"campaign_id": c, "referred_key": key, "events": n} for (c, key), n in batch.referred.items()
    ]
    days = [
        {"campaign_id": c, "referrer_user_id": user, "day": day, "events": n}
        for (c, user, day), n in batch.days.items()
    ]
    spend = [{"campaign_id": c, "points": points, "g2a": g2a} for c, (points, g2a) in batch.spend.items()]
    parts = (batch.events, batch.rewards, referred, days, batch.stats.values(), spend)
    rows = (_json(part) for part in parts)
    call(b"referral_events_write", *rows)


def _json(rows: Iterable[Any]) -> bytes:
    return orjson.dumps(list(rows), default=str)
