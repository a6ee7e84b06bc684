"""A DRF serializer, one ORM statement after the other, the token verified every time.

It writes the same rows under the same limits as the service does for a purchase; it forgives itself what the
benchmark does not use: codes, roles, holds, budgets, caches, a useful answer to a race.
"""

from datetime import datetime
from hashlib import sha256
from typing import Any

import jwt
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access.models import ServiceOperation
from campaigns.models import ReferralCampaign, RuleVersion
from referral.models import ReferralEvent, ReferralRelation
from rewards.models import ReferralReward, ReferralStats, ReferredCounter, ReferrerDayCounter

SERVICE = "quest_service"


class EventSerializer(serializers.Serializer[Any]):
    """The body of an event."""

    event_type = serializers.CharField(max_length=64)
    campaign_code = serializers.CharField(max_length=64)
    referred_user_id = serializers.CharField(max_length=64)
    subject_type = serializers.CharField(max_length=64, required=False)
    subject_id = serializers.CharField(max_length=64, required=False)
    amount_base = serializers.DecimalField(max_digits=30, decimal_places=9, required=False)
    occurred_at = serializers.DateTimeField()
    external_event_id = serializers.CharField(max_length=128)


class RewardSerializer(serializers.ModelSerializer[ReferralReward]):
    """A reward in the answer."""

    class Meta:
        model = ReferralReward
        fields = ("id", "beneficiary_user_id", "beneficiary_level", "points_amount", "g2a_amount", "status")


class NaiveEventView(APIView):
    """Accepts one event."""

    parser_classes = (JSONParser,)
    renderer_classes = (JSONRenderer,)

    def post(self, request: Request) -> Response:
        """Everything in one transaction."""
        _authenticate(request)
        serializer = EventSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        with transaction.atomic():
            event, rewards = _accept(serializer.validated_data)
        return Response(
            {
                "success": True,
                "referral_event_id": event.id,
                "duplicate": False,
                "reason": event.reason,
                "rewards": RewardSerializer(rewards, many=True).data,
            }
        )


def _authenticate(request: Request) -> None:
    token = request.META.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ")
    try:
        jwt.decode(token, settings.SERVICE_JWT_KEYS[SERVICE][0], ["HS256"], audience="referral-service")
    except jwt.InvalidTokenError as error:
        raise AuthenticationFailed from error
    allowed = ServiceOperation.objects.filter(service=SERVICE, operation="event")
    if not allowed.exists():
        raise AuthenticationFailed


def _accept(data: dict[str, Any]) -> tuple[ReferralEvent, list[ReferralReward]]:
    now = timezone.now()
    campaign = ReferralCampaign.objects.active_at(data["occurred_at"]).get(code=data["campaign_code"])
    version = RuleVersion.objects.filter(campaign=campaign).latest("number")
    level1 = _referrer_of(data["referred_user_id"], campaign)
    level2 = _referrer_of(level1, campaign)
    reached = _limit_reached(campaign, version, data["referred_user_id"], level1, data["occurred_at"])
    event = ReferralEvent.objects.create(
        campaign=campaign,
        rule_version=version,
        event_type=data["event_type"],
        source_service=SERVICE,
        external_event_id=data["external_event_id"],
        idempotency_key=f"i:{data['external_event_id']}",
        fingerprint=sha256(repr(sorted(data.items())).encode()).hexdigest(),
        referrer_user_id=level1,
        referred_user_id=data["referred_user_id"],
        subject_type=data.get("subject_type"),
        subject_id=data.get("subject_id"),
        amount_base=data.get("amount_base"),
        occurred_at=data["occurred_at"],
        created_at=now,
        reason="limit_reached" if reached else None,
        reason_detail=reached,
    )
    if reached:
        return event, []
    levels = version.rules["levels"]
    pairs = ((1, level1, levels["level1"]), (2, level2, levels["level2"]))
    return event, [
        _reward(event, user, number, rule["points_per_purchase"], now) for number, user, rule in pairs
    ]


def _referrer_of(user: str, campaign: ReferralCampaign) -> str:
    relations = ReferralRelation.objects.filter(
        Q(campaign=campaign) | Q(is_invitation=True), referred_user_id=user
    )
    return relations.get().referrer_user_id


def _limit_reached(
    campaign: ReferralCampaign, version: RuleVersion, referred: str, referrer: str, occurred_at: datetime
) -> str | None:
    """Lock the counters, compare, count."""
    ReferredCounter.objects.get_or_create(campaign=campaign, referred_key=referred)
    day = occurred_at.date()
    ReferrerDayCounter.objects.get_or_create(campaign=campaign, referrer_user_id=referrer, day=day)
    ReferralStats.objects.get_or_create(campaign=campaign, user_id=referrer)
    counters: dict[str, QuerySet[Any]] = {
        "max_events_per_referred": ReferredCounter.objects.filter(campaign=campaign, referred_key=referred),
        "max_events_per_referrer_per_day": ReferrerDayCounter.objects.filter(
            campaign=campaign, referrer_user_id=referrer, day=day
        ),
    }
    limits = version.rules["limits"]
    for name, rows in counters.items():
        if rows.select_for_update().get().events >= limits[name]:
            return name
    stats = ReferralStats.objects.filter(campaign=campaign, user_id=referrer)
    if stats.select_for_update().get().total_events >= limits["max_events_per_referrer"]:
        return "max_events_per_referrer"
    for rows in counters.values():
        rows.update(events=F("events") + 1)
    stats.update(total_events=F("total_events") + 1)
    return None


def _reward(event: ReferralEvent, user: str, level: int, points: int, now: datetime) -> ReferralReward:
    ReferralStats.objects.get_or_create(campaign=event.campaign, user_id=user)
    ReferralStats.objects.filter(campaign=event.campaign, user_id=user).update(
        points_pending=F("points_pending") + points
    )
    return ReferralReward.objects.create(
        referral_event=event,
        campaign=event.campaign,
        beneficiary_user_id=user,
        beneficiary_level=level,
        currency="points",
        points_amount=points,
        status="pending",
        available_at=now,
        created_at=now,
        updated_at=now,
        next_attempt_at=now,
    )
