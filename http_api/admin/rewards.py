"""`/admin/rewards` and `/admin/reports`: rewards by API, for support tools."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from django.http import HttpResponseBase
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from access.authentication import AdminAuthentication, IsAdmin, person_name
from http_api.rewards_lists import rewards_for_support, support_item
from kernel.decoding import body_of, decoder
from rewards.ledger.services import REASON_LENGTH, reward_cancel, reward_retry, reward_unlock
from rewards.models import ReferralReward
from rewards.reporting.campaigns import campaigns_report
from rewards.reporting.reports import report_answer
from rewards.reporting.users import users_report
from rewards.simulation.events import decode_simulation
from rewards.simulation.simulate import simulate

# What `rewards.ledger.services` checks; here only for those who read.
MoveReason = Annotated[
    str, msgspec.Meta(extra_json_schema={"minLength": 1, "maxLength": REASON_LENGTH, "pattern": r"\S"})
]


class Why(msgspec.Struct):
    """Why a person moves a reward."""

    reason: MoveReason = ""


decode_why = decoder(Why)


class AdminRewardsViewSet(ViewSet):
    """Rewards for support: where each is, and the three moves that a person may make."""

    authentication_classes = (AdminAuthentication,)
    permission_classes = (IsAdmin,)
    staff_permissions = {
        "list": "rewards.view_referralreward",
        "unlock": "rewards.change_referralreward",
        "retry": "rewards.change_referralreward",
        "cancel": "rewards.change_referralreward",
    }

    def list(self, request: Request) -> Response:
        """Rewards, newest first, with filters."""
        return Response(rewards_for_support(request))

    def unlock(self, request: Request, reward_id: UUID) -> Response:
        """Open a locked reward."""
        return self._move(reward_unlock, request, reward_id)

    def retry(self, request: Request, reward_id: UUID) -> Response:
        """Send a failed reward to its peer again."""
        return self._move(reward_retry, request, reward_id)

    def cancel(self, request: Request, reward_id: UUID) -> Response:
        """Cancel a reward that cannot have been paid."""
        return self._move(reward_cancel, request, reward_id)

    @staticmethod
    def _move(service: Any, request: Request, reward_id: UUID) -> Response:
        why = decode_why(body_of(request))
        service(reward_id=reward_id, by=person_name(request.user), reason=why.reason)
        reward = ReferralReward.objects.select_related("campaign", "referral_event").get(pk=reward_id)
        return Response(support_item(reward))


class AdminSimulationViewSet(ViewSet):
    """Campaigns tried out."""

    authentication_classes = (AdminAuthentication,)
    permission_classes = (IsAdmin,)
    staff_permissions = {"simulate": "campaigns.view_referralcampaign"}

    def simulate(self, request: Request, campaign_id: UUID) -> Response:
        """What events would earn, and why; nothing is written."""
        asked = decode_simulation(body_of(request))
        return Response(simulate(campaign_id, asked, timezone.now()))


class AdminReportsViewSet(ViewSet):
    """Reports for marketing."""

    authentication_classes = (AdminAuthentication,)
    permission_classes = (IsAdmin,)
    staff_permissions = {
        "users": "rewards.view_referralstats",
        "campaigns": "rewards.view_referralstats",
    }

    def users(self, request: Request) -> HttpResponseBase:
        """Who has brought how much in a period; as CSV for `Accept: text/csv`."""
        return report_answer(users_report, request)

    def campaigns(self, request: Request) -> HttpResponseBase:
        """Clicks, registrations, buyers, rewards and cost by campaign and day; CSV for `Accept: text/csv`."""
        return report_answer(campaigns_report, request)
