"""`/my/*` of what a user has earned and by whom: stats, rewards, referrals, and claiming a referrer."""

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from access.authentication import UserAuthentication, end_user
from http_api.internal.views import registered_json
from http_api.rewards_lists import my_rewards, my_stats
from kernel.decoding import ReferralCode, body_of, decoder
from rewards.intake.registrations import claim_accept
from rewards.reporting.referrals import my_referrals


class Claim(msgspec.Struct):
    """The code of whoever invited the user."""

    code: ReferralCode


decode_claim = decoder(Claim)


class MyRewardsViewSet(ViewSet):
    """A user's own rewards and sums, and the people who brought them."""

    authentication_classes = (UserAuthentication,)

    def stats(self, request: Request) -> Response:
        """Sums per campaign."""
        return Response({"campaigns": my_stats(end_user(request).user_id)})

    def rewards(self, request: Request) -> Response:
        """The user's rewards, newest first; `status` filters."""
        return Response(my_rewards(request, end_user(request).user_id))

    def referrals(self, request: Request) -> Response:
        """Whom the user has invited (level 1), and whom these have (level 2), newest first."""
        return Response(my_referrals(request, end_user(request).user_id))

    def claim(self, request: Request) -> Response:
        """Name the code of whoever invited the user, when it was forgotten at registration."""
        body = decode_claim(body_of(request))
        return Response(registered_json(claim_accept(end_user(request).user_id, body.code)))
