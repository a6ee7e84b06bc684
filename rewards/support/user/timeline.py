"""Everything that happened to a user, newest first, merged from all that is on record.

Keys are made in the order of time, so they are the order in which we heard of things; that order decides what
an event earns (docs/event-path.md, Who is the referrer). Every source is asked for one page's worth below the
same key, by an index that begins with the user.
"""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Model, QuerySet

from access.models import AuditEntry
from referral.models import (
    PartnerReferralRelation,
    ReferralEvent,
    ReferralLink,
    ReferralRelation,
    UserRole,
)
from referral.services import LINKS_PER_USER
from rewards.models import SENT, ReferralReward, RewardTransition

# A page has so many lines at most, and so many rows: what happened together to several rewards is one line.
LINES, ROWS = 30, 100
# Status changes are on record by reward, not by user: these many of the user's newest rewards are asked.
REWARDS_ASKED = 500
# Relations by which a user was brought: one a campaign at most.
RELATIONS_ASKED = 50


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened; `key` is its place in time, `kind` says what `row` is."""

    key: UUID
    kind: str
    at: datetime
    row: Any


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """What happened, newest first, together what is one line; and below which key the older goes on."""

    lines: list[list[Happening]]
    before: UUID | None


Source = Callable[[str, UUID | None], Iterator[Happening]]


def timeline(
    user_id: str, may_view: Callable[[type[Model]], bool], before: UUID | None = None
) -> TimelinePage:
    """What happened before this key, of what the person may look at."""
    sources = [
        source(user_id, before) for models, source in SOURCES if all(may_view(model) for model in models)
    ]
    merged = heapq.merge(*sources, key=lambda happening: happening.key, reverse=True)
    found = list(islice(merged, ROWS + 1))
    lines = [list(line) for _same, line in groupby(found[:ROWS], key=_in_one_line)][:LINES]
    has_more = sum(len(line) for line in lines) < len(found)
    return TimelinePage(lines, lines[-1][-1].key if has_more else None)


def _in_one_line(happening: Happening) -> Any:
    """Moves of the same kind, by the same and for the same reason; anything else stands alone."""
    if happening.kind != "move":
        return happening.key
    move = happening.row
    why = (move.reason_code, str(move.reason_params), move.reason)
    return (move.from_status, move.to_status, move.actor, *why)


def _newest(rows: QuerySet[Any], before: UUID | None) -> QuerySet[Any]:
    """One page's worth below the key, and one more to know whether there is more."""
    rows = rows.filter(pk__lt=before) if before else rows
    return rows.order_by("-pk")[: ROWS + 1]


def _role(user_id: str, before: UUID | None) -> Iterator[Happening]:
    """When we first heard of the user, and since when the latest role; earlier roles are not kept."""
    role = UserRole.objects.filter(pk=user_id).first()
    if role is None:
        return
    found = [Happening(_key_at(role.first_heard_at, 0), "heard", role.first_heard_at, role)]
    if role.occurred_at:
        found.append(Happening(_key_at(role.occurred_at, 1), "role", role.occurred_at, role))
    for happening in sorted(found, key=lambda happening: happening.key, reverse=True):
        if before is None or happening.key < before:
            yield happening


def _key_at(moment: datetime, place: int) -> UUID:
    """The first key of this millisecond, for what has no key of its own."""
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | 0x2 << 62 | place)


def _rows(kind: str, model: Any, whose: str, *related: str) -> Source:
    """The rows of a table in which the user stands in the column `whose`."""

    def source(user_id: str, before: UUID | None) -> Iterator[Happening]:
        rows = model.objects.filter(**{whose: user_id}).select_related(*related)
        for row in _newest(rows, before):
            yield Happening(row.pk, kind, row.created_at, row)

    return source


# Each reward gives its own by the index; the fence keeps all changes from being read backward instead.
MOVES = """
SELECT move.id
FROM (
    SELECT id FROM rewards_referralreward
    WHERE beneficiary_user_id = %(user)s AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid)
    ORDER BY id DESC LIMIT %(rewards)s
) reward
CROSS JOIN LATERAL (
    SELECT id FROM rewards_rewardtransition
    WHERE reward_id = reward.id AND NOT to_status = ANY(%(sent)s)
      AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid)
    OFFSET 0
) move
ORDER BY move.id DESC LIMIT %(rows)s
"""


def _moves(user_id: str, before: UUID | None) -> Iterator[Happening]:
    """What became of rewards. That a worker takes one is left out: what comes of it follows."""
    parameters = {
        "user": user_id,
        "before": before,
        "rewards": REWARDS_ASKED,
        "sent": list(SENT),
        "rows": ROWS + 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(MOVES, parameters)
        ids = [pk for (pk,) in cursor.fetchall()]
    moves = RewardTransition.objects.select_related("reward").in_bulk(ids)
    for pk in ids:
        yield Happening(pk, "move", moves[pk].at, moves[pk])


def _changes(user_id: str, before: UUID | None) -> Iterator[Happening]:
    """What people did to the user's links and to the relations by which the user was brought.

    Who may look at these may know who changed them and why, as with rewards; the audit log has more.
    """
    links = ReferralLink.objects.filter(owner_user_id=user_id).order_by("-pk")
    relations = ReferralRelation.objects.filter(referred_user_id=user_id).order_by("-pk")
    ids = [
        *links.values_list("pk", flat=True)[:LINKS_PER_USER],
        *relations.values_list("pk", flat=True)[:RELATIONS_ASKED],
    ]
    if ids:
        rows = AuditEntry.objects.filter(object_id__in=[str(pk) for pk in ids])
        for row in _newest(rows, before):
            yield Happening(row.pk, "change", row.at, row)


SOURCES: tuple[tuple[tuple[type[Model], ...], Source], ...] = (
    ((UserRole,), _role),
    (
        (ReferralRelation,),
        _rows("invited_by", ReferralRelation, "referred_user_id", "campaign", "referral_link"),
    ),
    ((ReferralRelation,), _rows("invited", ReferralRelation, "referrer_user_id", "campaign")),
    ((PartnerReferralRelation,), _rows("partner", PartnerReferralRelation, "referrer_user_id", "campaign")),
    ((ReferralLink,), _rows("link", ReferralLink, "owner_user_id", "campaign")),
    ((ReferralEvent,), _rows("event_about", ReferralEvent, "referred_user_id", "campaign")),
    # What those did whom the user has invited, and the partners whom the user has brought.
    ((ReferralEvent,), _rows("event_brought", ReferralEvent, "referrer_user_id", "campaign")),
    (
        (ReferralReward,),
        _rows("reward", ReferralReward, "beneficiary_user_id", "campaign", "referral_event"),
    ),
    ((ReferralReward, RewardTransition), _moves),
    ((ReferralLink, ReferralRelation), _changes),
)
