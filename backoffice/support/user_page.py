"""What the page of a user shows, ready for templates/admin/support/user.html."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from backoffice.kit.base import badge
from backoffice.people.labels import ROLE_COLORS, user_link
from backoffice.rewards.labels import level_text, reward_amount_link, status_shown
from backoffice.support.backfill import past_link
from backoffice.support.search_results import hit_line
from backoffice.support.timeline import (
    event_link,
    outcome_text,
    partner_link,
    source_text,
)
from backoffice.support.user_tree import drawing_of, invited_page
from kernel.humanize.amounts import amounts_text
from referral.models import ReferralEvent, ReferralRelation
from rewards.models import ReferralReward, ReferralStats, RewardStatus
from rewards.support.explanation.error_classification import error_text
from rewards.support.explanation.reward import story
from rewards.support.explanation.situation import situations_of
from rewards.support.user.page import SETTLED, UserPage, rewards_of_event
from rewards.support.user.search import Hit, MayView

# How much is shown of what a peer said.
SHOWN = 120
# The lists of a user's rewards that somebody may still be waiting for.
NOT_PAID = (RewardStatus.LOCKED, RewardStatus.PENDING, RewardStatus.FAILED)


@dataclass(frozen=True, slots=True)
class RewardRow:
    """A reward in a table: what it is, where it stands and why."""

    link: SafeString
    user: SafeString
    level: str
    campaign: str
    event: SafeString
    created_at: datetime
    status: SafeString
    why: str
    said: str


def page_context(page: UserPage, may_view: MayView) -> dict[str, Any]:
    """Each part of the page in words."""
    rows = reward_rows([*page.unpaid, *page.newest])
    rewards_page = _list_of("rewards_referralreward", beneficiary_user_id=page.user_id)
    return {
        "may": {"rewards": may_view(ReferralReward), "stats": may_view(ReferralStats)},
        "role": badge(page.role.get_role_display(), ROLE_COLORS.get(page.role.role)) if page.role else "",
        "page": page,
        "inviter": _inviter(page.upline),
        "upline": [user_link(relation.referrer_user_id) for relation in page.upline],
        "other_relations": [_brought(relation) for relation in page.other_relations],
        "unpaid": rows[: len(page.unpaid)],
        "unpaid_pages": [(status.label, f"{rewards_page}&status={status.value}") for status in NOT_PAID],
        "newest": rows[len(page.unpaid) :],
        "stats": [_sums(row) for row in page.stats],
        "unrewarded": [_unrewarded(event) for event in page.unrewarded],
        "partners": [(partner_link(relation), relation) for relation in page.partners],
        "tree": drawing_of(page.tree) if page.tree and (page.tree.invited or page.tree.more) else None,
        "root": page.tree,
        "invited_page": invited_page(page.user_id),
        "rewards_page": rewards_page,
        "partners_page": _list_of("referral_partnerreferralrelation", referrer_user_id=page.user_id),
        "about_page": _list_of("referral_referralevent", referred_user_id=page.user_id),
        "brought_page": _list_of("referral_referralevent", referrer_user_id=page.user_id),
    }


def found_context(hit: Hit, may_view: MayView) -> dict[str, Any]:
    """What the search found, with the rewards that it is about and why each stands where it does."""
    rewards: list[ReferralReward] = []
    if hit.kind == "reward":
        rewards = [hit.row]
    elif hit.kind == "event" and may_view(ReferralReward):
        rewards = rewards_of_event(hit.row)
    return {
        "line": hit_line(hit),
        "rewards": reward_rows(rewards),
        "outcome": outcome_text(hit.row) if hit.kind == "event" and not rewards else "",
    }


def reward_rows(rewards: Sequence[ReferralReward]) -> list[RewardRow]:
    """Rewards of a table, with why each is where it is."""
    situations = situations_of(rewards, timezone.now())
    return [
        RewardRow(
            link=reward_amount_link(reward),
            user=user_link(reward.beneficiary_user_id),
            level=level_text(reward),
            campaign=reward.campaign.name,
            event=event_link(reward.referral_event),
            created_at=reward.created_at,
            status=status_shown(reward),
            why=story(situations[reward.pk]).headline,
            said=Truncator(error_text(reward.last_failure)).chars(SHOWN)
            if reward.status not in SETTLED
            else "",
        )
        for reward in rewards
    ]


def _inviter(upline: Sequence[ReferralRelation]) -> dict[str, Any] | None:
    return _brought(upline[0]) if upline else None


def _brought(relation: ReferralRelation) -> dict[str, Any]:
    """By whom and how somebody was brought."""
    return {
        "user": user_link(relation.referrer_user_id),
        "campaign": relation.campaign.name,
        "source": source_text(relation),
        "relation": relation,
        "page": reverse("admin:referral_referralrelation_change", args=[relation.pk]),
        "past": past_link(relation),
    }


def _sums(row: ReferralStats) -> dict[str, Any]:
    return {
        "row": row,
        "paid": amounts_text(row.points_earned, row.g2a_earned),
        "waiting": amounts_text(row.points_pending, row.g2a_pending),
        "locked": amounts_text(row.points_locked, row.g2a_locked),
    }


def _unrewarded(event: ReferralEvent) -> dict[str, Any]:
    about = event.referred_user_id
    return {
        "event": event,
        "link": event_link(event),
        "about": user_link(about) if about else event.business_partner_id,
        "outcome": outcome_text(event),
    }


def _list_of(table: str, **columns: str) -> str:
    """The list of a table, narrowed to what belongs to the user."""
    exact = {f"{name}__exact": value for name, value in columns.items()}
    return f"{reverse(f'admin:{table}_changelist')}?{urlencode(exact)}"
