"""Rewarding what a user did before their referrer was attached by hand.

An event on record is never changed (invariant D14). Rewarding it later writes a second event that tells of
the same once more and goes the way of every event, so locks, limits, budgets and counters hold for it. Its
key is made of the first one's id and `EventReplay` names both, so it happens once, whatever is repeated or
dies in between; what is missing is found again by `past_events`. See docs/adr/0010.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

import msgspec
from django.db.models import Case, F, Q, QuerySet, TextField, When
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access.audit import Verb, audit_note
from campaigns.catalog import CampaignEntry, catalog
from campaigns.models import ReferralCampaign
from campaigns.rules.calculation import NO_REFERRER
from campaigns.rules.families import USER_REGISTERED
from kernel.database import database_now
from kernel.decoding import metadata_of
from kernel.errors import CampaignNotFound, DomainError, NotFound, Text, ValidationFailed
from referral.keys import FINGERPRINT, keyed_hash
from referral.models import EventReplay, ReferralEvent, ReferralRelation, UserRole
from rewards.intake.acceptance import campaign_for, decide, retrying
from rewards.intake.commands import NewEvent, UserRegistered, registration_of
from rewards.intake.results import Accepted
from rewards.intake.store import Candidate
from rewards.ledger.services import reason_of

# Who reports what people of ours bring in.
BACK_OFFICE = "back_office"
# So many events are previewed and rewarded by one click, and so many by one transaction.
MOST = 500
PORTION = 100
# As `CampaignEntry.takes_at` says of the moment of an event.
TAKEN = (
    Q(campaign__status=ReferralCampaign.Status.ACTIVE)
    & (Q(campaign__start_at__isnull=True) | Q(campaign__start_at__lte=F("occurred_at")))
    & (Q(campaign__end_at__isnull=True) | Q(campaign__end_at__gt=F("occurred_at")))
)


@dataclass(frozen=True, slots=True)
class PastRegistration:
    """A registration that no call told us of with a code: when it was, or why it cannot be rewarded."""

    event: NewEvent | None
    obstacle: Text | None = None


@dataclass(frozen=True, slots=True)
class Rewarded:
    """What became of one past event, or of the registration (`original` is None): an event, or a refusal."""

    original: UUID | None
    accepted: Accepted | None
    refusal: Text | None = None


def _rewarded(original: UUID | None, answer: Accepted | DomainError) -> Rewarded:
    if isinstance(answer, DomainError):
        return Rewarded(original, None, answer.message)
    return Rewarded(original, answer)


# --- which ones ---------------------------------------------------------------------------------------------


def past_events(user_id: str, campaign_id: UUID, *, is_invitation: bool) -> QuerySet[ReferralEvent]:
    """Events that a relation in this campaign would have rewarded and that nothing has, oldest first.

    An invitation counts in every campaign in which the user has no relation of its own
    (docs/event-path.md, Who is the referrer). What its campaign does not take now comes last, so that however
    much there is of it, the rest is reached.
    """
    events = ReferralEvent.objects.filter(
        referred_user_id=user_id, reason=NO_REFERRER, replayed__isnull=True
    ).select_related("campaign")
    if is_invitation:
        own = ReferralRelation.objects.filter(referred_user_id=user_id).exclude(campaign_id=campaign_id)
        events = events.exclude(campaign_id__in=own.values("campaign_id"))
    else:
        events = events.filter(campaign_id=campaign_id)
    return events.annotate(
        # As it was written, digit by digit.
        metadata_text=Cast("metadata", TextField()),
        is_taken=Case(When(TAKEN, then=True), default=False),
    ).order_by("-is_taken", "id")


def past_registration(user_id: str, referrer: str, campaign: CampaignEntry) -> PastRegistration | None:
    """The user's registration; None where the campaign rewards none or has it on record.

    A registration without a code leaves no event, only the moment when we first heard of the user: that is
    taken for its time.
    """
    if USER_REGISTERED not in campaign.event_types or _is_registered(user_id, campaign.id):
        return None
    heard = UserRole.objects.filter(pk=user_id).values_list("first_heard_at", flat=True).first()
    if heard is None:
        return PastRegistration(None, _("No service has reported when this user registered."))
    body = UserRegistered(new_user_id=user_id, registered_at=heard.isoformat())
    event = registration_of(
        BACK_OFFICE, body, campaign_code=campaign.code, referrer=referrer, now=timezone.now()
    )
    try:
        campaign_for(event)
    except DomainError as refusal:
        return PastRegistration(event, refusal.message)
    return PastRegistration(event)


def _is_registered(user_id: str, campaign_id: UUID) -> bool:
    return ReferralEvent.objects.filter(
        campaign_id=campaign_id, referred_user_id=user_id, event_type=USER_REGISTERED
    ).exists()


def first_heard(user_id: str) -> datetime:
    """When the user registered, as far as we know: when we first heard of them, else now."""
    heard = UserRole.objects.filter(pk=user_id).values_list("first_heard_at", flat=True).first()
    return heard or database_now()


def repeated(original: ReferralEvent, referrer: str) -> NewEvent:
    """The same event once more; it is refused if the referrer is another one by the time it is decided.

    `original` comes from `past_events`.
    """
    # An annotation of that query, which the stubs do not know.
    text: str | None = vars(original)["metadata_text"]
    data = b"null" if text is None else text.encode()
    return NewEvent(
        service=BACK_OFFICE,
        event_type=original.event_type,
        key=f"replay:{original.pk}",
        fingerprint=keyed_hash(FINGERPRINT, "replay", str(original.pk)),
        occurred_at=original.occurred_at,
        campaign_code=original.campaign.code,
        referrer_named=referrer,
        referred=original.referred_user_id,
        subject_type=original.subject_type,
        subject_id=original.subject_id,
        amount_base=original.amount_base,
        metadata=metadata_of("metadata", msgspec.Raw(data), limit_bytes=len(data)),
        metadata_json=data,
    )


# --- rewarding them -----------------------------------------------------------------------------------------


def past_reward(
    *, relation_id: UUID, registration: bool, event_ids: Sequence[UUID], by: str, reason: str
) -> list[Rewarded]:
    """Reward the registration, if asked for, and then these past events, in the order of their acceptance.

    Each portion is a transaction of its own. What has been rewarded already is left out, and so is what the
    relation does not count for, so a repeated or interrupted call can simply be made again.

    Raises NotFound, ValidationFailed for a relation that nobody made by hand, too many events or no reason.
    """
    reason = reason_of(reason)
    relation = ReferralRelation.objects.select_related("campaign").filter(pk=relation_id).first()
    if relation is None:
        raise NotFound(_("There is no such referral."))
    if relation.source != ReferralRelation.Source.MANUAL:
        raise ValidationFailed.of("relation", _("must be a referral added by hand"))
    if len(event_ids) > MOST:
        raise ValidationFailed.of("events", _("must be at most {most}"), most=MOST)
    done = []
    if registration:
        done += retrying(lambda: _registration_reward(relation, by, reason))
    ordered = sorted(set(event_ids))
    for start in range(0, len(ordered), PORTION):
        portion = ordered[start : start + PORTION]
        done += retrying(partial(_portion_reward, relation, portion, by, reason))
    return done


def _registration_reward(relation: ReferralRelation, by: str, reason: str) -> list[Rewarded]:
    campaign = catalog.by_id(relation.campaign_id)
    if campaign is None:
        raise CampaignNotFound(_("There is no campaign {code}."), code=relation.campaign.code)
    past = past_registration(relation.referred_user_id, relation.referrer_user_id, campaign)
    if past is None:
        return []
    if past.event is None or past.obstacle:
        return [Rewarded(None, None, past.obstacle)]
    (answer,) = decide([Candidate(past.event, campaign_for(past.event))])
    if isinstance(answer, Accepted):
        _note(relation, {"registration": "rewarded"}, by, reason)
    return [_rewarded(None, answer)]


def _portion_reward(
    relation: ReferralRelation, event_ids: Sequence[UUID], by: str, reason: str
) -> list[Rewarded]:
    """Inside the transaction: decide these events as if they came now, and tie each to the first one."""
    left = past_events(
        relation.referred_user_id, relation.campaign_id, is_invitation=relation.is_invitation
    ).filter(pk__in=event_ids)
    candidates: dict[UUID, Candidate] = {}
    refused = []
    for original in left:
        event = repeated(original, relation.referrer_user_id)
        try:
            candidates[original.pk] = Candidate(event, campaign_for(event))
        except DomainError as refusal:
            refused.append(_rewarded(original.pk, refusal))
    answers = dict(zip(candidates, decide(list(candidates.values())), strict=True))
    written = [
        EventReplay(original_id=original, replay_id=answer.event_id)
        for original, answer in answers.items()
        if isinstance(answer, Accepted) and not answer.duplicate
    ]
    if written:
        EventReplay.objects.bulk_create(written)
        _note(relation, {"past_events_rewarded": len(written)}, by, reason)
    return [*refused, *(_rewarded(original, answer) for original, answer in answers.items())]


def _note(relation: ReferralRelation, after: dict[str, object], by: str, reason: str) -> None:
    """The log is kept when a user is erased, so it names the campaign and nobody."""
    audit_note(
        by=by, verb=Verb.CHANGED, target=relation, name=relation.campaign.code, after=after, reason=reason
    )
