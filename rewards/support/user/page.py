"""What is known of one user, for one page: each part a bounded look-up of its own."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet

from referral.models import (
    PartnerReferralRelation,
    ReferralEvent,
    ReferralLink,
    ReferralRelation,
    UserRole,
)
from referral.selectors import links_with_counts
from referral.services import LINKS_PER_USER
from rewards.models import ReferralReward, ReferralStats, RewardStatus
from rewards.support.user.tree import Person, tree_of, upline_of

NEWEST = 10
UNPAID = 20
# How far back it is looked for what is not paid, or earned nothing: there is no index of these by user.
REWARDS_LOOKED_THROUGH, EVENTS_LOOKED_THROUGH = 1000, 200
SETTLED = (RewardStatus.COMPLETED, RewardStatus.CANCELLED)
MOST_CAMPAIGNS = 100


@dataclass(slots=True)
class UserPage:
    """What a person may see of a user; a part that they may not see stays empty."""

    user_id: str
    role: UserRole | None = None
    links: list[Any] = field(default_factory=list)
    upline: list[ReferralRelation] = field(default_factory=list)
    # By whom the user was brought into single campaigns, beside the invitation.
    other_relations: list[ReferralRelation] = field(default_factory=list)
    tree: Person | None = None
    stats: list[ReferralStats] = field(default_factory=list)
    unpaid: list[ReferralReward] = field(default_factory=list)
    newest: list[ReferralReward] = field(default_factory=list)
    unrewarded: list[ReferralEvent] = field(default_factory=list)
    partners: list[PartnerReferralRelation] = field(default_factory=list)
    has_more_partners: bool = False


def user_page(user_id: str, may_view: Callable[[type[Model]], bool]) -> UserPage:
    """All parts that the person may look at."""
    page = UserPage(user_id, role=UserRole.objects.filter(pk=user_id).first())
    if may_view(ReferralLink):
        links = ReferralLink.objects.filter(owner_user_id=user_id)
        page.links = list(links_with_counts(links).order_by("-id")[:LINKS_PER_USER])
    if may_view(ReferralRelation):
        page.upline = upline_of(user_id)
        page.other_relations = _other_relations(user_id)
        page.tree = tree_of(user_id)
    if may_view(ReferralStats):
        stats = ReferralStats.objects.filter(user_id=user_id).select_related("campaign")
        page.stats = [row for row in stats.order_by("-campaign_id")[:MOST_CAMPAIGNS] if _says_something(row)]
    if may_view(ReferralReward):
        page.unpaid = _unpaid(user_id)
        page.newest = list(_with_origin(_rewards(user_id))[:NEWEST])
    if may_view(ReferralEvent):
        page.unrewarded = _unrewarded(user_id)
    if may_view(PartnerReferralRelation):
        partners = PartnerReferralRelation.objects.filter(referrer_user_id=user_id)
        found = list(partners.select_related("campaign").order_by("-id")[: NEWEST + 1])
        page.partners, page.has_more_partners = found[:NEWEST], len(found) > NEWEST
    return page


def rewards_of_event(event: ReferralEvent) -> list[ReferralReward]:
    """What an event earned."""
    return list(_with_origin(ReferralReward.objects.filter(referral_event=event)).order_by("id"))


def _rewards(user_id: str) -> QuerySet[ReferralReward]:
    return ReferralReward.objects.filter(beneficiary_user_id=user_id).order_by("-id")


def _with_origin(rewards: QuerySet[ReferralReward]) -> QuerySet[ReferralReward]:
    return rewards.select_related("campaign", "referral_event", "referral_event__campaign")


def _other_relations(user_id: str) -> list[ReferralRelation]:
    relations = ReferralRelation.objects.filter(referred_user_id=user_id, is_invitation=False)
    return list(relations.select_related("campaign", "referral_link").order_by("-id")[:MOST_CAMPAIGNS])


def _unpaid(user_id: str) -> list[ReferralReward]:
    """What is not settled among the newest; of what is locked also the older, by its own index."""
    recent = _rewards(user_id).values_list("pk", "status")[:REWARDS_LOOKED_THROUGH]
    open_ones = [pk for pk, status in recent if status not in SETTLED]
    # By a column without an index of its own, or all rewards would be read backward until enough are found.
    locked = ReferralReward.objects.filter(beneficiary_user_id=user_id, status=RewardStatus.LOCKED)
    older = locked.order_by("-created_at").values_list("pk", flat=True)[:UNPAID]
    return _newest_of(_with_origin(ReferralReward.objects.all()), {*open_ones[:UNPAID], *older}, UNPAID)


def _unrewarded(user_id: str) -> list[ReferralEvent]:
    """Events about the user, or credited to the user, that earned nothing, not even later; newest first."""
    found: set[UUID] = set()
    for column in ("referred_user_id", "referrer_user_id"):
        events = ReferralEvent.objects.filter(**{column: user_id}, replayed__isnull=True).order_by("-id")
        recent = events.values_list("pk", "reason")[:EVENTS_LOOKED_THROUGH]
        found.update([pk for pk, reason in recent if reason][:NEWEST])
    return _newest_of(ReferralEvent.objects.select_related("campaign"), found, NEWEST)


def _newest_of(rows: QuerySet[Any], ids: set[UUID], most: int) -> list[Any]:
    """The newest of the rows with these ids."""
    return [row for _pk, row in sorted(rows.in_bulk(ids).items(), reverse=True)][:most]


def _says_something(row: ReferralStats) -> bool:
    """A row of zeros is made by any event, before it is known what the event earns."""
    return any(
        getattr(row, name)
        for name in (
            "total_referred_users",
            "total_events",
            "points_earned",
            "points_pending",
            "points_locked",
            "g2a_earned",
            "g2a_pending",
            "g2a_locked",
        )
    )
