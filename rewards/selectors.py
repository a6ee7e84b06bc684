"""Reads over rewards that more than one surface asks for."""

from collections.abc import Mapping
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from campaigns.models import ReferralCampaign
from referral.models import PartnerReferralRelation, ReferralLink, ReferralRelation, UserRole
from rewards.models import SENT, WORKABLE, ReferralReward, ReferralStats, RewardStatus


def in_status(status: str) -> Q:
    """Rewards of a status, by an index however few they are among millions (see the indexes of the model)."""
    found = Q(status=status)
    if status in WORKABLE:
        found &= Q(next_attempt_at__isnull=False)
    if status in SENT:
        found &= Q(currency="points" if status == RewardStatus.SENT_TO_POINTS else "g2a")
    return found


def stats_of_user(user_id: str) -> list[tuple[ReferralCampaign, ReferralStats]]:
    """Sums per campaign in which the user has a link, a relation or a reward, by the campaign's code.

    A row says by `vip_opens` whether VIP is enough to open something of what is locked.
    """
    vip_opens = ReferralReward.objects.filter(
        beneficiary_user_id=user_id,
        campaign_id=OuterRef("campaign_id"),
        status=RewardStatus.LOCKED,
        required_min_role=UserRole.Role.VIP,
    )
    rows = ReferralStats.objects.filter(user_id=user_id).annotate(vip_opens=Exists(vip_opens))
    stats = {row.campaign_id: row for row in rows}
    wanted = _campaigns_of(user_id) | _with_something(user_id, stats)
    campaigns = ReferralCampaign.objects.filter(pk__in=wanted).order_by("code")
    return [(campaign, stats.get(campaign.id) or ReferralStats()) for campaign in campaigns]


def _campaigns_of(user_id: str) -> set[UUID]:
    """Campaigns in which the user has a link or a relation."""
    either = Q(referrer_user_id=user_id) | Q(referred_user_id=user_id)
    links = ReferralLink.objects.filter(owner_user_id=user_id).order_by().values("campaign_id")
    relations = ReferralRelation.objects.filter(either).order_by().values("campaign_id")
    partners = PartnerReferralRelation.objects.filter(referrer_user_id=user_id).order_by()
    return set(links.union(relations, partners.values("campaign_id")).values_list("campaign_id", flat=True))


def _with_something(user_id: str, stats: Mapping[UUID, ReferralStats]) -> set[UUID]:
    """Campaigns with sums, and those without whose rewards were all cancelled.

    A row of zeros alone says nothing: the event path makes it before it knows what an event earns.
    """
    full = {campaign_id for campaign_id, row in stats.items() if _has_sums(row)}
    if blank := stats.keys() - full:
        rewards = ReferralReward.objects.filter(beneficiary_user_id=user_id, campaign_id__in=blank)
        full |= set(rewards.order_by().values_list("campaign_id", flat=True).distinct())
    return full


def _has_sums(row: ReferralStats) -> bool:
    sums = (
        getattr(row, f"{currency}_{kind}")
        for currency in ReferralReward.Currency.values
        for kind in ("earned", "pending", "locked")
    )
    return bool(row.total_referred_users or row.total_events or any(sums))
