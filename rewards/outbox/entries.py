"""What Analytics is told: one entry an event, a new reward or a status change, without personal data.

Users and partners appear as keyed hashes, the same in every entry, so that they can be joined but not
recognized. Everything that a caller or a person may have written freely stays here: metadata, subjects, the
callers' event ids, the reasons and names of staff, the peers' error messages.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from kernel.rendering import g2a_text
from referral.keys import keyed_hash
from referral.models import ReferralEvent
from rewards.models import ReferralReward, RewardTransition
from rewards.payouts.providers.analytics import BODY_LIMIT_BYTES, EMPTY_BODY_BYTES, size_of

KEY = "analytics"
EVENT_RECORDED = "referral_event_recorded"
STATUS_CHANGED = "referral_reward_status_changed"


@dataclass(frozen=True, slots=True)
class Numbered:
    """A row of history by its number: an event, or else a transition."""

    number: int
    event_id: UUID | None
    transition_id: UUID | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to tell. `completes` is set on the last entry of its row: with it, the row is done with."""

    number: int
    entry_id: UUID
    body: Mapping[str, Any]
    completes: bool

    @property
    def name(self) -> str:
        """The `event_name` on the wire."""
        return str(self.body["event_name"])


def anonymous_user(user_id: str | None) -> str | None:
    """The keyed hash that stands for a user, 64 hexadecimal characters."""
    return keyed_hash(KEY, "user", user_id) if user_id is not None else None


def anonymous_partner(partner_id: str | None) -> str | None:
    """The keyed hash that stands for a business partner."""
    return keyed_hash(KEY, "partner", partner_id) if partner_id is not None else None


def entries_of(rows: Sequence[Numbered]) -> list[Entry]:
    """The entries of rows of history, in the order of the rows; an event is followed by its new rewards."""
    events = _events(row.event_id for row in rows if row.event_id)
    rewards = _rewards(events)
    initial = _initial_statuses(reward for group in rewards.values() for reward in group)
    transitions = _transitions(row.transition_id for row in rows if row.transition_id)
    entries: list[Entry] = []
    for row in rows:
        if row.event_id:
            created = [_created(reward, initial[reward.id]) for reward in rewards.get(row.event_id, ())]
            bodies = [_recorded(events[row.event_id]), *created]
        else:
            bodies = [_moved(transitions[row.transition_id])]
        entries += _numbered(row.number, bodies)
    return entries


def _numbered(number: int, bodies: Sequence[Mapping[str, Any]]) -> Iterable[Entry]:
    last = len(bodies) - 1
    return [
        Entry(number, UUID(body["payload"]["entry_id"]), body, index == last)
        for index, body in enumerate(bodies)
    ]


def batches_of(entries: Sequence[Entry]) -> Iterable[list[Entry]]:
    """Cut into batches whose bodies stay below the peer's limit.

    A payload is a dozen short fields, each limited by its column, so it is far below 8 KB.
    """
    batch: list[Entry] = []
    size = EMPTY_BODY_BYTES
    for entry in entries:
        added = size_of(entry.body)
        if batch and size + added > BODY_LIMIT_BYTES:
            yield batch
            batch, size = [], EMPTY_BODY_BYTES
        batch.append(entry)
        size += added
    if batch:
        yield batch


# --- reading ------------------------------------------------------------------------------------------------


def _events(ids: Iterable[UUID]) -> dict[UUID, ReferralEvent]:
    return ReferralEvent.objects.select_related("campaign", "replays").in_bulk(list(ids))


def _transitions(ids: Iterable[UUID]) -> dict[UUID | None, RewardTransition]:
    rows = RewardTransition.objects.select_related("reward__referral_event", "reward__campaign")
    return {row.id: row for row in rows.filter(id__in=list(ids))}


def _rewards(events: Mapping[UUID, ReferralEvent]) -> dict[UUID, list[ReferralReward]]:
    found: dict[UUID, list[ReferralReward]] = {}
    for reward in ReferralReward.objects.filter(referral_event__in=list(events)).order_by("id"):
        reward.referral_event = events[reward.referral_event_id]
        reward.campaign = reward.referral_event.campaign
        found.setdefault(reward.referral_event_id, []).append(reward)
    return found


FIRST_MOVES = """
SELECT DISTINCT ON (reward_id) reward_id, from_status FROM rewards_rewardtransition
WHERE reward_id = ANY(%s::uuid[]) ORDER BY reward_id, recorded_no
"""


def _initial_statuses(rewards: Iterable[ReferralReward]) -> dict[UUID, str]:
    """With which status rewards were made: where the first move came from, or today's when there is none.

    The moves are read after the rewards, so that a move in between cannot be taken for the beginning.
    """
    statuses = {reward.id: reward.status for reward in rewards}
    with connection.cursor() as cursor:
        cursor.execute(FIRST_MOVES, [list(statuses)])
        return statuses | dict(cursor.fetchall())


# --- telling ------------------------------------------------------------------------------------------------


def _recorded(event: ReferralEvent) -> dict[str, Any]:
    """An event, told about the user to whom it happened, or who brought the partner."""
    payload = {
        "entry_id": str(event.id),
        "event_id": str(event.id),
        "campaign_code": event.campaign.code,
        "event_type": event.event_type,
        "source_service": event.source_service,
        "event_occurred_at": event.occurred_at.isoformat(),
        "amount_base": None if event.amount_base is None else f"{event.amount_base:f}",
        "referrer_anonymous_id": anonymous_user(event.referrer_user_id),
        "partner_anonymous_id": anonymous_partner(event.business_partner_id),
        "reason": event.reason,
        "reason_detail": event.reason_detail,
        "code_reason": event.code_reason,
        "repeats_event_id": _repeated(event),
    }
    return _told(
        EVENT_RECORDED, event.referred_user_id or event.referrer_user_id or "", event.created_at, payload
    )


def _repeated(event: ReferralEvent) -> str | None:
    """The past event that this one rewards later: whoever counts events counts one of the two."""
    replays = getattr(event, "replays", None)
    return str(replays.original_id) if replays else None


def _created(reward: ReferralReward, status: str) -> dict[str, Any]:
    return _status_changed(reward, reward.id, None, status, reward.created_at)


def _moved(row: RewardTransition) -> dict[str, Any]:
    return _status_changed(row.reward, row.id, row.from_status, row.to_status, row.at)


def _status_changed(
    reward: ReferralReward, entry_id: UUID, before: str | None, after: str, at: datetime
) -> dict[str, Any]:
    points = reward.points_amount
    payload = {
        "entry_id": str(entry_id),
        "reward_id": str(reward.id),
        "event_id": str(reward.referral_event_id),
        "campaign_code": reward.campaign.code,
        "event_type": reward.referral_event.event_type,
        "level": reward.beneficiary_level,
        "currency": reward.currency,
        "amount": str(points) if points is not None else g2a_text(reward.g2a_amount),
        "from_status": before,
        "to_status": after,
    }
    return _told(STATUS_CHANGED, reward.beneficiary_user_id, at, payload)


def _told(name: str, user_id: str, at: datetime, payload: dict[str, Any]) -> dict[str, Any]:
    return {
        "event_name": name,
        "anonymous_user_id": anonymous_user(user_id),
        "occurred_at": at.isoformat(),
        "payload": payload,
    }
