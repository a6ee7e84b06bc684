"""Points Service, dialect `credit_v1` (docs/providers.md)."""

from typing import Any

import orjson

from rewards.models import RewardStatus
from rewards.payouts.providers.base import Answer, Order, Outcome, answer_of, reference_of
from rewards.payouts.providers.transport import Transport
from rewards.provider_names import POINTS

AUDIENCE = "points_service"
CREDIT = "/api/points/v1/internal/credit"
REASONS = {1: "referral.reward_level1", 2: "referral.reward_level2", None: "referral.welcome_bonus"}


class CreditV1:
    """Credits points; the reward's id is the idempotency key."""

    name = POINTS
    currency = "points"
    sent_status = RewardStatus.SENT_TO_POINTS.value

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def settle(self, order: Order) -> Answer:
        """Credit the reward, or learn that it was credited before."""
        body = {
            "external_id": str(order.reward_id),
            "user_id": order.user_id,
            "amount": order.points,
            "currency": "points",
            "reason": REASONS[order.level],
            "source_service": "referral_service",
            "source_event_id": str(order.event_id),
            "metadata": {
                "campaign_code": order.campaign_code,
                "event_type": order.event_type,
                "referral_level": order.level,
            },
        }
        return answer_of(
            lambda: self._transport.call(
                "POST", CREDIT, request_id=order.request_id, content=orjson.dumps(body)
            ),
            _booked,
        )


def _booked(body: dict[str, Any]) -> Answer | None:
    transaction = reference_of(body.get("transaction_id"))
    if body.get("status") != "completed" or transaction is None:
        return None
    return Answer(Outcome.BOOKED, reference=transaction)
