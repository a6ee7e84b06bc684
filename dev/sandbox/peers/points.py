"""The stand-in Points Service, in both dialects on the same port and over the same ledger."""

from collections.abc import Collection
from typing import Any

from aiohttp import web

from dev.sandbox import fields
from dev.sandbox.peers.peer import RefusalError
from dev.sandbox.peers.points_ledger import (
    IdempotencyConflictError,
    InsufficientFundsError,
    Kind,
    Order,
    PointsLedger,
    Transaction,
    shown,
)

PREFIX = "/api/points/v1/internal"
REASONS = ("referral.reward_level1", "referral.reward_level2", "referral.welcome_bonus")
OLDER_ACTIONS = ("referral_bonus_referrer", "referral_bonus_referee")
PAGE = 100
LARGEST_PAGE = 1000


class PointsApi:
    def __init__(self, ledger: PointsLedger) -> None:
        self._ledger = ledger

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post(f"{PREFIX}/credit", self.credit),
            web.post(f"{PREFIX}/debit", self.debit),
            web.get(f"{PREFIX}/transactions", self.transactions),
            web.post("/internal/points/add", self.add),
        ]

    def users_of(self, request: web.Request) -> Collection[str]:
        return fields.peek_users(request, "user_id", "userId")

    async def credit(self, request: web.Request) -> web.Response:
        body = fields.json_object(request)
        transaction, _ = self._book(_order(body, "credit", fields.one_of(body, "reason", REASONS)))
        return web.json_response(_booked(transaction))

    async def debit(self, request: web.Request) -> web.Response:
        body = fields.json_object(request)
        transaction, _ = self._book(_order(body, "debit", fields.text(body, "reason")))
        return web.json_response(_booked(transaction))

    async def add(self, request: web.Request) -> web.Response:
        """Book in the older dialect; `applied` is false for a repeat that changed nothing."""
        transaction, applied = self._book(_older_order(fields.json_object(request)))
        return web.json_response(
            {
                "transactionId": transaction.transaction_id,
                "applied": applied,
                "balance": transaction.new_balance,
            }
        )

    async def transactions(self, request: web.Request) -> web.Response:
        """List what was booked, oldest first, after a transaction id or with one external id."""
        external_id = request.query.get("external_id")
        if external_id is not None:
            found = self._ledger.find(external_id)
            return web.json_response(shown([found] if found else []))
        return web.json_response(shown(self._page(request.query.get("after", ""), _limit(request))))

    def _page(self, after: str, limit: int) -> list[Transaction]:
        try:
            return self._ledger.after(after, limit)
        except KeyError as error:
            raise RefusalError(
                422, "VALIDATION_ERROR", "after is no transaction id", field="after"
            ) from error

    def _book(self, order: Order) -> tuple[Transaction, bool]:
        try:
            return self._ledger.book(order)
        except IdempotencyConflictError as error:
            message = "the external id was used with other parameters"
            raise RefusalError(409, "IDEMPOTENCY_CONFLICT", message) from error
        except InsufficientFundsError as error:
            raise RefusalError(
                409, "INSUFFICIENT_FUNDS", str(error), current_balance=error.balance
            ) from error


def _order(body: dict[str, Any], kind: Kind, reason: str) -> Order:
    fields.one_of(body, "currency", ("points",))
    fields.text(body, "source_service")
    fields.optional_object(body, "metadata")
    return Order(
        external_id=fields.text(body, "external_id"),
        user_id=fields.user_id(body, "user_id"),
        amount=fields.points(body, "amount"),
        kind=kind,
        reason=reason,
        source_event_id=fields.text(body, "source_event_id") if "source_event_id" in body else "",
    )


def _older_order(body: dict[str, Any]) -> Order:
    fields.optional_object(body, "metadata")
    return Order(
        external_id=fields.text(body, "externalId"),
        user_id=fields.user_id(body, "userId"),
        amount=fields.points(body, "amount"),
        kind="credit",
        reason=fields.one_of(body, "action", OLDER_ACTIONS),
    )


def _booked(transaction: Transaction) -> dict[str, Any]:
    return {
        "transaction_id": transaction.transaction_id,
        "status": "completed",
        "new_balance": transaction.new_balance,
    }


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", str(PAGE))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= LARGEST_PAGE:
        raise RefusalError(
            422, "VALIDATION_ERROR", f"limit must be between 1 and {LARGEST_PAGE}", field="limit"
        )
    return int(text)
