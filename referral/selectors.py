"""Reads over links and relations."""

from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from kernel.errors import NotFound
from referral.models import LinkClicks, ReferralLink, ReferralRelation


@dataclass(frozen=True, slots=True)
class Upline:
    """Who invited a user (level 1), and who invited that one (level 2)."""

    level1: str | None
    level2: str | None


def inviter_of(user_id: str) -> str | None:
    """Who invited this user to the platform."""
    return (
        ReferralRelation.objects.filter(referred_user_id=user_id, is_invitation=True)
        .values_list("referrer_user_id", flat=True)
        .first()
    )


def upline_of(user_id: str) -> Upline:
    """Two levels up from a user, over invitations; nobody stands twice in it."""
    level1 = inviter_of(user_id)
    level2 = inviter_of(level1) if level1 else None
    return Upline(level1, None if level2 == user_id else level2)


def relation_in(user_id: str, campaign_id: UUID, *, is_invitation: bool) -> ReferralRelation | None:
    """The relation that stands in the way of a new one in this campaign: its own, or any invitation."""
    where = Q(campaign_id=campaign_id)
    if is_invitation:
        where |= Q(is_invitation=True)
    return ReferralRelation.objects.filter(where, referred_user_id=user_id).first()


def link_by_code(code: str) -> ReferralLink | None:
    """The link with this (normalized) code, with its campaign."""
    return ReferralLink.objects.select_related("campaign").filter(code=code).first()


def links_with_counts(links: QuerySet[ReferralLink]) -> QuerySet[ReferralLink]:
    """Links with their campaign, `clicked` and `registered`: what they have brought."""
    clicks = (
        LinkClicks.objects.filter(link=OuterRef("pk")).order_by().values("link").annotate(total=Sum("clicks"))
    )
    relations = (
        ReferralRelation.objects.filter(referral_link=OuterRef("pk"))
        .order_by()
        .values("referral_link")
        .annotate(total=Count("pk"))
    )
    return links.select_related("campaign").annotate(
        clicked=Coalesce(Subquery(clicks.values("total")), 0),
        registered=Coalesce(Subquery(relations.values("total")), 0),
    )


def own_link(*, owner_user_id: str, link_id: UUID) -> ReferralLink:
    """A user's own link. Raises NotFound, also for somebody else's."""
    link = ReferralLink.objects.filter(pk=link_id, owner_user_id=owner_user_id).first()
    if link is None:
        raise NotFound(_("There is no such link."))
    return link


def leads_to(*, ancestor: str, descendant: str) -> bool:
    """Whether `ancestor` stands anywhere above `descendant`, over the relations of all campaigns."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT referral_leads_to(%s, %s)", [ancestor, descendant])
        return bool(cursor.fetchone()[0])
