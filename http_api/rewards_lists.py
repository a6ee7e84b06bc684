"""Reads over rewards: a user's own and the back-office's lists."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from rest_framework.request import Request

from campaigns.models import ReferralCampaign
from http_api.schemas.rewards import CampaignStats, ListedReward, Reward, SupportReward
from kernel.decoding import refuse_nul
from kernel.paging import newest_page_of, one_of, uuid_in
from kernel.rendering import g2a_text
from referral.models import PartnerReferralRelation, ReferralLink, ReferralRelation, UserRole
from rewards.intake.store import RewardRow
from rewards.models import SENT, WORKABLE, ReferralReward, ReferralStats, RewardStatus


def reward_json(reward: RewardRow | ReferralReward) -> Reward:
    """A reward as contract/http-api.md, section 4, shows it; the unused amount is zero."""
    return {
        "id": reward.id,
        "beneficiary_user_id": reward.beneficiary_user_id,
        "beneficiary_level": reward.beneficiary_level,
        "points_amount": reward.points_amount or 0,
        "g2a_amount": g2a_text(reward.g2a_amount),
        "status": reward.status,
        "required_min_role": reward.required_min_role,
    }


def reward_item(reward: ReferralReward) -> ListedReward:
    """A reward in a list; needs its campaign and event loaded."""
    return {
        **reward_json(reward),
        "external_tx_id": reward.external_tx_id,
        "available_at": reward.available_at,
        "created_at": reward.created_at,
        "campaign_code": reward.campaign.code,
        "event_type": reward.referral_event.event_type,
    }


def support_item(reward: ReferralReward) -> SupportReward:
    """A reward as support sees it: with why it is where it is."""
    return {
        **reward_item(reward),
        "referral_event_id": reward.referral_event_id,
        "external_task_id": reward.external_task_id,
        "in_doubt": reward.in_doubt,
        "attempts": reward.attempts,
        "next_attempt_at": reward.next_attempt_at,
        "failing_since": reward.first_failed_at,
        "last_error": reward.last_error,
        "updated_at": reward.updated_at,
    }


def my_rewards(request: Request, user_id: str) -> dict[str, Any]:
    """A page of a user's rewards, by page or by cursor. Raises ValidationFailed."""
    return _rewards_page(request, Q(beneficiary_user_id=user_id), reward_item)


def rewards_for_support(request: Request) -> dict[str, Any]:
    """A page of all rewards with the filters of the back-office. Raises ValidationFailed."""
    filters = Q()
    if currency := one_of(request, "currency", ReferralReward.Currency.values):
        filters &= Q(currency=currency)
    for name, column in (("user_id", "beneficiary_user_id"), ("tx_id", "external_tx_id")):
        if value := request.query_params.get(name):
            refuse_nul(value, name)
            filters &= Q(**{column: value})
    for name, column in (("campaign_id", "campaign_id"), ("event_id", "referral_event_id")):
        if found := uuid_in(request, name):
            filters &= Q(**{column: found})
    return _rewards_page(request, filters, support_item)


def _rewards_page(
    request: Request, filters: Q, item: Callable[[ReferralReward], Mapping[str, Any]]
) -> dict[str, Any]:
    if status := one_of(request, "status", RewardStatus.values):
        filters &= in_status(status)
    rows = ReferralReward.objects.filter(filters).select_related("campaign", "referral_event")
    page = newest_page_of(request, rows)
    page["items"] = [item(row) for row in page["items"]]
    return page


def in_status(status: str) -> Q:
    """Rewards of a status, by an index however few they are among millions (see the indexes of the model)."""
    found = Q(status=status)
    if status in WORKABLE:
        found &= Q(next_attempt_at__isnull=False)
    if status in SENT:
        found &= Q(currency="points" if status == RewardStatus.SENT_TO_POINTS else "g2a")
    return found


def my_stats(user_id: str) -> list[CampaignStats]:
    """Sums per campaign in which the user has a link, a relation or a reward."""
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
    return [_stats_json(campaign, stats.get(campaign.id) or ReferralStats()) for campaign in campaigns]


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


def _stats_json(campaign: ReferralCampaign, row: ReferralStats) -> CampaignStats:
    return {
        "campaign_id": campaign.id,
        "campaign_code": campaign.code,
        "campaign_type": campaign.campaign_type,
        "name": campaign.name,
        "total_referred_users": row.total_referred_users,
        "total_events": row.total_events,
        "total_points_earned": row.points_earned,
        "total_g2a_earned": g2a_text(row.g2a_earned),
        "points_pending": row.points_pending,
        "points_locked": row.points_locked,
        "g2a_pending": g2a_text(row.g2a_pending),
        "g2a_locked": g2a_text(row.g2a_locked),
        "unlock_role": _unlock_role(row),
    }


def _unlock_role(row: ReferralStats) -> str | None:
    """The lowest role that opens something of what is locked, by the rewards themselves."""
    if not (row.points_locked or row.g2a_locked):
        return None
    return UserRole.Role.VIP.value if getattr(row, "vip_opens", False) else UserRole.Role.PRO.value
