"""Reads over rewards: a user's own and the back-office's lists."""

from typing import Any
from uuid import UUID

from django.db.models import Q
from rest_framework.request import Request

from api.decoding import refuse_nul
from api.errors import ValidationFailed
from api.paging import page_of
from api.rendering import g2a_text
from campaigns.models import ReferralCampaign
from campaigns.rules import LEVELS, rules_parse
from referral.models import PartnerReferralRelation, ReferralLink, ReferralRelation
from rewards.event_store import RewardRow
from rewards.models import ReferralReward, ReferralStats, RewardStatus


def reward_json(reward: RewardRow | ReferralReward) -> dict[str, Any]:
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


def reward_item(reward: ReferralReward) -> dict[str, Any]:
    """A reward in a list; needs its campaign and event loaded."""
    return {
        **reward_json(reward),
        "external_tx_id": reward.external_tx_id,
        "available_at": reward.available_at,
        "created_at": reward.created_at,
        "campaign_code": reward.campaign.code,
        "event_type": reward.referral_event.event_type,
    }


def support_item(reward: ReferralReward) -> dict[str, Any]:
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
    """A page of a user's rewards, by page or by cursor."""
    rows = ReferralReward.objects.filter(beneficiary_user_id=user_id)
    return _rewards_page(request, rows, reward_item)


def rewards_for_support(request: Request) -> dict[str, Any]:
    """A page of all rewards with the filters of the back-office. Raises ValidationFailed."""
    filters = Q()
    if currency := request.query_params.get("currency"):
        filters &= Q(currency=_one_of("currency", currency, ReferralReward.Currency.values))
    for name, column in (("user_id", "beneficiary_user_id"), ("tx_id", "external_tx_id")):
        if value := request.query_params.get(name):
            refuse_nul(value, name)
            filters &= Q(**{column: value})
    for name, column in (("campaign_id", "campaign_id"), ("event_id", "referral_event_id")):
        if value := request.query_params.get(name):
            filters &= Q(**{column: uuid_of(name, value)})
    return _rewards_page(request, ReferralReward.objects.filter(filters), support_item)


def _rewards_page(request: Request, rows: Any, item: Any) -> dict[str, Any]:
    status = request.query_params.get("status")
    if status:
        rows = rows.filter(status=_one_of("status", status, RewardStatus.values))
    rows = rows.select_related("campaign", "referral_event").order_by("-id")
    total_of = rows
    cursor = request.query_params.get("cursor")
    if cursor:
        rows = rows.filter(id__lt=uuid_of("cursor", cursor))
    page = page_of(request, rows)
    if cursor:
        page["total"] = total_of.count()
    full = len(page["items"]) == page["page_size"]
    page["next_cursor"] = str(page["items"][-1].id) if full else None
    page["items"] = [item(row) for row in page["items"]]
    return page


def _one_of(field: str, value: str, choices: list[str]) -> str:
    if value not in choices:
        raise ValidationFailed.of(field, f"must be one of: {', '.join(choices)}")
    return value


def uuid_of(field: str, text: str) -> UUID:
    """An id of ours. Raises ValidationFailed."""
    try:
        return UUID(text)
    except ValueError:
        raise ValidationFailed.of(field, "must be a UUID") from None


def my_stats(user_id: str) -> list[dict[str, Any]]:
    """Sums per campaign in which the user has a link, a relation or a reward."""
    stats = {row.campaign_id: row for row in ReferralStats.objects.filter(user_id=user_id)}
    wanted = {
        campaign_id
        for campaign_id, row in stats.items()
        if row.total_referred_users or row.total_events or _money(row)
    }
    wanted |= set(ReferralLink.objects.filter(owner_user_id=user_id).values_list("campaign_id", flat=True))
    either = Q(referrer_user_id=user_id) | Q(referred_user_id=user_id)
    wanted |= set(ReferralRelation.objects.filter(either).values_list("campaign_id", flat=True).distinct())
    partners = PartnerReferralRelation.objects.filter(referrer_user_id=user_id)
    wanted |= set(partners.values_list("campaign_id", flat=True).distinct())
    wanted |= set(
        ReferralReward.objects.filter(beneficiary_user_id=user_id)
        .values_list("campaign_id", flat=True)
        .distinct()
    )
    campaigns = ReferralCampaign.objects.filter(pk__in=wanted).order_by("code")
    return [_stats_json(campaign, stats.get(campaign.id) or ReferralStats()) for campaign in campaigns]


def _money(row: ReferralStats) -> bool:
    return any(
        getattr(row, f"{currency}_{kind}")
        for currency in ("points", "g2a")
        for kind in ("earned", "pending", "locked")
    )


def _stats_json(campaign: ReferralCampaign, row: ReferralStats) -> dict[str, Any]:
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
        "unlock_role": _unlock_role(campaign) if row.points_locked or row.g2a_locked else None,
    }


def _unlock_role(campaign: ReferralCampaign) -> str | None:
    """The lowest role that opens locked rewards of this campaign, by its newest rules."""
    levels = rules_parse(campaign.reward_rules).levels
    roles = {levels[name].locked_until_role for name in LEVELS if name in levels} - {None}
    return "vip" if "vip" in roles else "pro" if roles else None
