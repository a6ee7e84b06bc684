"""What the stand-in Points Service has booked."""

import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from dev.sandbox.journal import Journal

Kind = Literal["credit", "debit"]


class IdempotencyConflictError(Exception):
    """The external id was used before with other parameters."""


class InsufficientFundsError(Exception):
    """A debit asks for more than the user has. Not remembered: it may succeed later."""

    def __init__(self, balance: int) -> None:
        super().__init__(f"the balance is {balance}")
        self.balance = balance


@dataclass(frozen=True)
class Order:
    """What a caller asks for: `amount` whole points, above zero, given or taken according to `kind`.

    Two orders with the same external id must be equal in every field.
    """

    external_id: str
    user_id: str
    amount: int
    kind: Kind
    reason: str
    source_event_id: str = ""


@dataclass(frozen=True)
class Transaction:
    """One booked order; `new_balance` is the user's balance right after it."""

    transaction_id: str
    order: Order
    new_balance: int
    created_at: str

    def shown(self) -> dict[str, Any]:
        fields = asdict(self.order)
        del fields["source_event_id"]
        return {"transaction_id": self.transaction_id, **fields, "created_at": self.created_at}


class PointsLedger:
    """Balances and transactions; each external id books at most once."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._forget_in_memory()
        for entry in journal.replay():
            self._keep(Transaction(**{**entry, "order": Order(**entry["order"])}))

    def book(self, order: Order) -> tuple[Transaction, bool]:
        """Return the transaction and whether this call made it."""
        known = self._by_external_id.get(order.external_id)
        if known is not None:
            if known.order != order:
                raise IdempotencyConflictError
            return known, False
        transaction = Transaction(
            transaction_id=str(uuid.uuid4()),
            order=order,
            new_balance=self._balance_after(order),
            created_at=datetime.now(UTC).isoformat(),
        )
        self._journal.append(asdict(transaction))
        self._keep(transaction)
        return transaction, True

    def find(self, external_id: str) -> Transaction | None:
        return self._by_external_id.get(external_id)

    def after(self, transaction_id: str, limit: int) -> list[Transaction]:
        """Return up to `limit` transactions booked later than this one, oldest first.

        An empty id starts at the beginning; an unknown one raises KeyError.
        """
        start = self._positions[transaction_id] + 1 if transaction_id else 0
        return self.transactions[start : start + limit]

    def reset(self) -> None:
        self._journal.forget()
        self._forget_in_memory()

    def close(self) -> None:
        self._journal.close()

    def _balance_after(self, order: Order) -> int:
        balance = self.balances.get(order.user_id, 0)
        if order.kind == "credit":
            return balance + order.amount
        if order.amount > balance:
            raise InsufficientFundsError(balance)
        return balance - order.amount

    def _keep(self, transaction: Transaction) -> None:
        self._positions[transaction.transaction_id] = len(self.transactions)
        self.transactions.append(transaction)
        self._by_external_id[transaction.order.external_id] = transaction
        self.balances[transaction.order.user_id] = transaction.new_balance

    def _forget_in_memory(self) -> None:
        self.transactions: list[Transaction] = []
        self.balances: dict[str, int] = {}
        self._by_external_id: dict[str, Transaction] = {}
        self._positions: dict[str, int] = {}


def shown(transactions: Iterable[Transaction]) -> list[dict[str, Any]]:
    return [transaction.shown() for transaction in transactions]
