"""What an id belongs to: a user, a code, an event, a reward, a payment, a partner or a relation.

Support is given ids by users and by other services, often without their kind. Every look-up is by a whole id
through an index of its own, and finds FEW rows at most, so it costs the same among millions.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet

from referral.codes import normalize_code
from referral.models import (
    GIVEN_ID,
    ID_REGEX,
    PartnerReferralRelation,
    ReferralEvent,
    ReferralLink,
    ReferralRelation,
    UserRole,
)
from rewards.models import PayoutAttempt, ReferralReward

# Rows of one kind that an id can be expected to have; more are not told apart by an id.
FEW = 20
LONGEST = 140
CODE = r"^[A-Z0-9]{6,32}$"

# Whether the person may look at rows of this model.
MayView = Callable[[type[Model]], bool]


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that carries the id; `user_id` is whose page tells about it, empty if it is nobody's."""

    kind: str
    row: Any
    user_id: str

    @property
    def key(self) -> str:
        """The hit in an address: its kind and its primary key."""
        return f"{self.kind}:{self.row.pk}"


def asked_for(text: str) -> str:
    """The id in what a person typed or pasted; of a referral link, its code."""
    text = text.strip()
    return text.rpartition("/ref/")[2].split("?")[0] if "/ref/" in text else text


def find(text: str, may_view: MayView) -> list[Hit]:
    """Everything that carries this id, of what the person may look at."""
    if not text or len(text) > LONGEST or "\x00" in text:
        return []
    hits: dict[str, Hit] = {}
    for hit in _hits(text, may_view):
        hits.setdefault(hit.key if hit.kind != "user" else "user", hit)
    return list(hits.values())


def found_again(key: str, may_view: MayView) -> Hit | None:
    """The hit with this key, if it is one that the person may look at."""
    kind, _, pk = key.partition(":")
    known = BY_KEY.get(kind)
    number = _uuid(pk)
    if known is None or number is None:
        return None
    model, owner = known
    row = _rows(model).filter(pk=number).first() if may_view(model) else None
    return Hit(kind, row, owner(row)) if row else None


def is_known(user_id: str, may_view: MayView) -> bool:
    """Whether the user is mentioned anywhere that the person may look at."""
    return any(
        may_view(model) and model._default_manager.filter(**{column: user_id}).exists()
        for model, column in MENTIONS
    )


def _hits(text: str, may_view: MayView) -> Iterator[Hit]:
    if re.match(ID_REGEX, text) and is_known(text, may_view):
        yield Hit("user", UserRole(pk=text), text)
    for kind, (model, owner) in BY_KEY.items():
        if may_view(model):
            for column, value in _lookups(kind, text):
                for row in _rows(model).filter(**{column: value})[:FEW]:
                    yield Hit(kind, row, owner(row))
    if may_view(ReferralReward) and may_view(PayoutAttempt):
        # A task that has failed and was replaced is on record only here.
        attempts = PayoutAttempt.objects.filter(peer_reference=text, outcome="accepted")
        ids = list(attempts.values_list("reward_id", flat=True)[:FEW])
        for reward in _rows(ReferralReward).filter(pk__in=ids) if ids else ():
            yield Hit("reward", reward, reward.beneficiary_user_id)


def _lookups(kind: str, text: str) -> Iterator[tuple[str, Any]]:
    """The columns in which an id of this kind may stand, one index each."""
    if number := _uuid(text):
        yield "pk", number
    if kind == "link" and re.match(CODE, code := normalize_code(text)):
        yield "code", code
    elif kind == "event":
        yield "idempotency_key", GIVEN_ID + text
    elif kind == "reward":
        yield from (("external_tx_id", text), ("external_task_id", text))
    elif kind == "partner":
        yield "business_partner_id", text


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _rows(model: type[Model]) -> QuerySet[Any]:
    """Rows with what their words need."""
    related = ("campaign", "referral_event") if model is ReferralReward else ("campaign",)
    return model._default_manager.select_related(*related)


def _owner_of_event(event: ReferralEvent) -> str:
    """Whom it is about; of a partner, the one who brought it."""
    return event.referred_user_id or event.referrer_user_id or ""


# Everything but users: the model, and whose page tells about a row.
BY_KEY: dict[str, tuple[type[Model], Callable[[Any], str]]] = {
    "link": (ReferralLink, lambda link: link.owner_user_id),
    "event": (ReferralEvent, _owner_of_event),
    "reward": (ReferralReward, lambda reward: reward.beneficiary_user_id),
    "relation": (ReferralRelation, lambda relation: relation.referred_user_id),
    "partner": (PartnerReferralRelation, lambda relation: relation.referrer_user_id),
}
# Where users are mentioned, most usual first; each column begins an index.
MENTIONS: tuple[tuple[type[Model], str], ...] = (
    (UserRole, "pk"),
    (ReferralRelation, "referred_user_id"),
    (ReferralRelation, "referrer_user_id"),
    (ReferralLink, "owner_user_id"),
    (ReferralReward, "beneficiary_user_id"),
    (ReferralEvent, "referred_user_id"),
    (ReferralEvent, "referrer_user_id"),
    (PartnerReferralRelation, "referrer_user_id"),
)
