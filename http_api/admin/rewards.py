"""`/admin/rewards`: rewards by API, for tools of support."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from django.db.models import Q
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from access.people import person_name
from http_api.kit.authentication import AdminAuthentication, IsAdmin
from http_api.kit.bodies import body_of
from http_api.serializers import rewards_page, support_item
from kernel.decoding import decoder, refuse_nul
from kernel.paging import Query, one_of, uuid_in
from rewards.ledger.services import REASON_LENGTH, reward_cancel, reward_retry, reward_unlock
from rewards.models import ReferralReward

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
        return Response(rewards_for_support(request.query_params))

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


def rewards_for_support(query: Query) -> dict[str, Any]:
    """A page of all rewards with the filters of the back-office. Raises ValidationFailed."""
    filters = Q()
    if currency := one_of(query, "currency", ReferralReward.Currency.values):
        filters &= Q(currency=currency)
    for name, column in (("user_id", "beneficiary_user_id"), ("tx_id", "external_tx_id")):
        if value := query.get(name):
            refuse_nul(value, name)
            filters &= Q(**{column: value})
    for name, column in (("campaign_id", "campaign_id"), ("event_id", "referral_event_id")):
        if found := uuid_in(query, name):
            filters &= Q(**{column: found})
    return rewards_page(query, filters, support_item)
