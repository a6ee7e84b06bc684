"""`/my/*` of what a user has earned and by whom: stats, rewards, referrals, and claiming a referrer."""

import msgspec
from django.db.models import Q
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from campaigns.models import ReferralCampaign
from http_api.internal.views import registered_json
from http_api.kit.authentication import UserAuthentication, end_user
from http_api.kit.bodies import body_of
from http_api.schemas.rewards import CampaignStats
from http_api.serializers import reward_item, rewards_page
from kernel.decoding import ReferralCode, decoder
from kernel.rendering import g2a_text
from referral.models import UserRole
from rewards.intake.registrations import claim_accept
from rewards.models import ReferralStats
from rewards.reporting.referrals import my_referrals
from rewards.selectors import stats_of_user


class Claim(msgspec.Struct):
    """The code of whoever invited the user."""

    code: ReferralCode


decode_claim = decoder(Claim)


class MyRewardsViewSet(ViewSet):
    """A user's own rewards and sums, and the people who brought them."""

    authentication_classes = (UserAuthentication,)

    def stats(self, request: Request) -> Response:
        """Sums per campaign."""
        return Response(
            {"campaigns": [stats_json(*found) for found in stats_of_user(end_user(request).user_id)]}
        )

    def rewards(self, request: Request) -> Response:
        """The user's rewards, newest first; `status` filters."""
        own = Q(beneficiary_user_id=end_user(request).user_id)
        return Response(rewards_page(request.query_params, own, reward_item))

    def referrals(self, request: Request) -> Response:
        """Whom the user has invited (level 1), and whom these have (level 2), newest first."""
        return Response(my_referrals(request.query_params, end_user(request).user_id))

    def claim(self, request: Request) -> Response:
        """Name the code of whoever invited the user, when it was forgotten at registration."""
        body = decode_claim(body_of(request))
        return Response(registered_json(claim_accept(end_user(request).user_id, body.code)))


def stats_json(campaign: ReferralCampaign, row: ReferralStats) -> CampaignStats:
    """A user's sums in one campaign."""
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
