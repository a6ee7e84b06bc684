"""Points Service, the older dialect `add_m3` of the deployed MVP (docs/providers.md)."""

from typing import Any

import orjson

from rewards.models import RewardStatus
from rewards.payouts.providers.base import Answer, Order, Outcome, answer_of, reference_of
from rewards.payouts.providers.transport import Transport
from rewards.provider_names import POINTS

ADD = "/internal/points/add"
REFERRER, REFEREE = "referral_bonus_referrer", "referral_bonus_referee"


class AddM3:
    """Adds points; the reward's id is the idempotency key, here called `externalId`."""

    name = POINTS
    currency = "points"
    sent_status = RewardStatus.SENT_TO_POINTS.value

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def settle(self, order: Order) -> Answer:
        """Add the reward's points, or learn that they were added before."""
        body = {
            "userId": order.user_id,
            "amount": order.points,
            "action": REFEREE if order.level is None else REFERRER,
            "externalId": str(order.reward_id),
            "metadata": {
                "campaign_code": order.campaign_code,
                "event_type": order.event_type,
                "referral_level": order.level,
                "source_event_id": str(order.event_id),
            },
        }
        return answer_of(
            lambda: self._transport.call(
                "POST", ADD, request_id=order.request_id, content=orjson.dumps(body)
            ),
            _booked,
        )


def _booked(body: dict[str, Any]) -> Answer | None:
    """`applied` tells a first booking from a repeat; both mean that the transaction stands."""
    transaction = reference_of(body.get("transactionId"))
    if transaction is None or not isinstance(body.get("applied"), bool):
        return None
    return Answer(Outcome.BOOKED, reference=transaction)
