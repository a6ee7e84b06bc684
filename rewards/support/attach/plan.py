"""What attaching a referrer changes, and what of the user's past it would reward; only reading."""

from dataclasses import dataclass

from django.db.models import QuerySet

from campaigns.catalog import CampaignEntry
from referral.models import ReferralEvent, ReferralLink, ReferralRelation, UserRole
from referral.selectors import inviter_of
from rewards.models import ReferralStats
from rewards.support.attach.backfill import (
    BACK_OFFICE,
    MOST,
    PastRegistration,
    past_events,
    past_registration,
)
from rewards.support.attach.backfill_preview import Foresight, foresee, inviters

# More people than this are not counted exactly.
MOST_COUNTED = 1000


@dataclass(frozen=True, slots=True)
class UplineChange:
    """For whom who earns from now on, besides the referrer for the user.

    `level2` invited the referrer; `replaced` invited the user to the platform, and goes on to earn in other
    campaigns; for the people whom the user `invited`, the referrer becomes level 2.
    """

    level2: str | None
    replaced: str | None
    invited: int


def upline_change(user: str, referrer: str, campaign: CampaignEntry) -> UplineChange:
    """What a relation in this campaign would change."""
    level2 = inviters(referrer, [campaign.id]).get(campaign.id)
    invited = ReferralRelation.objects.filter(referrer_user_id=user)
    if campaign.is_invitation:
        invited = invited.filter(is_invitation=True)
    else:
        invited = invited.filter(campaign_id=campaign.id)
    return UplineChange(
        level2=level2 if level2 != user else None,
        replaced=None if campaign.is_invitation else inviter_of(user),
        invited=len(invited.order_by().values_list("pk")[: MOST_COUNTED + 1]),
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """What is left to be rewarded of a user's past, and what the chosen part of it would earn."""

    registration: PastRegistration | None
    events: list[ReferralEvent]
    has_more: bool
    foresight: Foresight

    @property
    def is_empty(self) -> bool:
        """Whether nothing of the past could be rewarded, now or later."""
        return self.registration is None and not self.events


def plan_of(
    *, user: str, referrer: str, campaign: CampaignEntry, with_registration: bool, with_events: bool
) -> Plan:
    """What is there, at most MOST events of it, and the foresight of what was chosen."""
    registration = past_registration(user, referrer, campaign)
    found = list(past_events(user, campaign.id, is_invitation=campaign.is_invitation)[: MOST + 1])
    chosen = registration if with_registration and registration and not registration.obstacle else None
    return Plan(
        registration=registration,
        events=found[:MOST],
        has_more=len(found) > MOST,
        foresight=foresee(referrer=referrer, registration=chosen, events=found[:MOST] if with_events else []),
    )


def events_left(relation: ReferralRelation) -> int:
    """How many past events are without reward under a relation; beyond MOST not counted exactly."""
    found = past_events(relation.referred_user_id, relation.campaign_id, is_invitation=relation.is_invitation)
    return len(found.order_by().values_list("pk")[: MOST + 1])


def rewarded_later(user: str) -> QuerySet[ReferralEvent]:
    """What people of ours have rewarded of a user's past, newest first, with the rewards."""
    return (
        ReferralEvent.objects.filter(referred_user_id=user, source_service=BACK_OFFICE)
        .select_related("campaign", "replays")
        .prefetch_related("rewards")
        .order_by("-id")
    )


def is_known(user_id: str) -> bool:
    """Whether anything on record mentions this user; a mistyped id is known to nobody."""
    mentions = (
        UserRole.objects.filter(pk=user_id),
        ReferralLink.objects.filter(owner_user_id=user_id),
        ReferralRelation.objects.filter(referred_user_id=user_id),
        ReferralRelation.objects.filter(referrer_user_id=user_id),
        ReferralEvent.objects.filter(referred_user_id=user_id),
        ReferralStats.objects.filter(user_id=user_id),
    )
    return any(found.exists() for found in mentions)


def relations_made_by_hand(user_id: str) -> list[ReferralRelation]:
    """The relations of a user that somebody attached, the newest first."""
    return list(
        ReferralRelation.objects.filter(
            referred_user_id=user_id, source=ReferralRelation.Source.MANUAL
        ).select_related("campaign")
    )
