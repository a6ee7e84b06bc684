"""What the stand-in Token Gateway was asked to mint, and how far each task got."""

import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

from dev.sandbox.journal import Journal

Status = Literal["pending", "sent", "confirmed", "failed"]
NINE_PLACES = Decimal("0.000000001")


class IdempotencyConflictError(Exception):
    """The external id was used before with other parameters."""


@dataclass(frozen=True)
class MintOrder:
    """What a caller asks for: `amount` is G2A with at most nine decimals.

    Two orders with the same external id must be equal in every field.
    """

    external_id: str
    user_id: str
    amount: Decimal
    reason: str


@dataclass
class Task:
    """One mint. `doom` is the error with which it will end instead of being confirmed, empty normally."""

    task_id: str
    order: MintOrder
    created_at: str
    doom: str = ""
    status: Status = "pending"
    tx_hash: str | None = None
    last_error: str | None = None

    @property
    def finished(self) -> bool:
        return self.status in ("confirmed", "failed")

    def progress(self) -> dict[str, Any]:
        return {
            "task_id": self.task_id,
            "status": self.status,
            "tx_hash": self.tx_hash,
            "last_error": self.last_error,
        }

    def shown(self) -> dict[str, Any]:
        order = {**asdict(self.order), "amount": nine_decimals(self.order.amount)}
        return {**order, "created_at": self.created_at, **self.progress()}


class TokenLedger:
    """Tasks by their two ids, and balances of what was confirmed; each external id makes one task."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._forget_in_memory()
        for entry in journal.replay():
            if "minted" in entry:
                self._keep(_task_from(entry["minted"]))
            else:
                self._apply(**entry["moved"])

    def find(self, external_id: str) -> Task | None:
        return self._by_external_id.get(external_id)

    def mint(self, order: MintOrder, *, doom: str = "") -> tuple[Task, bool]:
        """Return the task and whether this call made it."""
        known = self.find(order.external_id)
        if known is not None:
            if known.order != order:
                raise IdempotencyConflictError
            return known, False
        task = Task(str(uuid.uuid4()), order, datetime.now(UTC).isoformat(), doom)
        self._journal.append({"minted": _entry_of(task)})
        self._keep(task)
        return task, True

    def move(self, task: Task, status: Status, *, tx_hash: str = "", error: str = "") -> None:
        progress: dict[str, Any] = {
            "task_id": task.task_id,
            "status": status,
            "tx_hash": tx_hash or None,
            "last_error": error or None,
        }
        self._journal.append({"moved": progress})
        self._apply(**progress)

    def unfinished(self) -> Iterator[Task]:
        return (task for task in self.tasks.values() if not task.finished)

    def reset(self) -> None:
        self._journal.forget()
        self._forget_in_memory()

    def close(self) -> None:
        self._journal.close()

    def _keep(self, task: Task) -> None:
        self.tasks[task.task_id] = task
        self._by_external_id[task.order.external_id] = task

    def _apply(self, task_id: str, status: Any, tx_hash: str | None, last_error: str | None) -> None:
        task = self.tasks[task_id]
        task.status, task.tx_hash, task.last_error = status, tx_hash, last_error
        if status == "confirmed":
            user_id = task.order.user_id
            self.balances[user_id] = self.balances.get(user_id, Decimal(0)) + task.order.amount

    def _forget_in_memory(self) -> None:
        self.tasks: dict[str, Task] = {}
        self.balances: dict[str, Decimal] = {}
        self._by_external_id: dict[str, Task] = {}


def nine_decimals(amount: Decimal) -> str:
    return format(amount.quantize(NINE_PLACES), "f")


def _entry_of(task: Task) -> dict[str, Any]:
    order = {**asdict(task.order), "amount": str(task.order.amount)}
    return {"task_id": task.task_id, "order": order, "created_at": task.created_at, "doom": task.doom}


def _task_from(entry: dict[str, Any]) -> Task:
    order = MintOrder(**{**entry["order"], "amount": Decimal(entry["order"]["amount"])})
    return Task(**{**entry, "order": order})
