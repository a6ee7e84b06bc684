"""Token / Blockchain Gateway: mints run as tasks that confirm later (docs/providers.md, D12)."""

from dataclasses import replace
from typing import Any
from urllib.parse import quote

import orjson

from kernel.rendering import g2a_text
from rewards.models import RewardStatus
from rewards.models.codes import Cause
from rewards.payouts.providers.base import Answer, Order, Outcome, answer_of, reference_of
from rewards.payouts.providers.points import REASONS
from rewards.payouts.providers.transport import Transport
from rewards.provider_names import TOKENS

AUDIENCE = "token_gateway"
MINT = "/internal/blockchain/v1/g2a/mint"
TASK = "/internal/blockchain/v1/g2a/task/"
UNFINISHED = ("pending", "sent")


class Gateway:
    """Mints G2A under the reward's id, then asks for the task until it is confirmed or failed."""

    name = TOKENS
    currency = "g2a"
    sent_status = RewardStatus.SENT_TO_TOKEN.value

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def settle(self, order: Order) -> Answer:
        """Start the mint, or ask how its task stands."""
        return self._poll(order, order.task_id) if order.task_id else self._mint(order)

    def _mint(self, order: Order) -> Answer:
        body = {
            "external_id": mint_key(order),
            "user_id": order.user_id,
            "amount": g2a_text(order.g2a),
            "source_service": "referral_service",
            "reason": REASONS[order.level],
        }
        return answer_of(
            lambda: self._transport.call(
                "POST", MINT, request_id=order.request_id, content=orjson.dumps(body)
            ),
            _accepted,
        )

    def _poll(self, order: Order, task_id: str) -> Answer:
        path = TASK + quote(task_id, safe="")
        answer = answer_of(
            lambda: self._transport.call("GET", path, request_id=order.request_id),
            lambda body: task_answer(body, task_id),
        )
        if answer.http_status == 404:
            return replace(
                answer, outcome=Outcome.TASK_LOST, cause=Cause.TASK_UNKNOWN, message="", reference=task_id
            )
        return answer


def mint_key(order: Order) -> str:
    """The gateway's idempotency key: the reward's id, and `:2`, `:3`… after tasks that it reported failed."""
    return str(order.reward_id) if order.mint_number == 1 else f"{order.reward_id}:{order.mint_number}"


def _accepted(body: dict[str, Any]) -> Answer | None:
    task_id = reference_of(body.get("task_id"))
    if task_id is None:
        return None
    return Answer(Outcome.ACCEPTED, reference=task_id)


def task_answer(body: dict[str, Any], task_id: str) -> Answer | None:
    """What the state of a task means; None when the body is not what was promised."""
    status, tx_hash = body.get("status"), reference_of(body.get("tx_hash"))
    if body.get("task_id") != task_id:
        return None
    if status in UNFINISHED:
        return Answer(Outcome.WAITING, reference=task_id)
    if status == "confirmed" and tx_hash is not None:
        return Answer(Outcome.BOOKED, reference=tx_hash)
    if status == "failed":
        said = str(body.get("last_error") or "")
        return Answer(Outcome.TASK_FAILED, cause=Cause.TASK_FAILED, message=said, reference=task_id)
    return None
