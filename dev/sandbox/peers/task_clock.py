"""Time passing for token tasks: pending, sent, then confirmed or failed."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable

from dev.sandbox.misbehaviour.faults import Fault
from dev.sandbox.peers.token_ledger import Task, TokenLedger

WhenFinished = Callable[[Task], Awaitable[None]]


class TaskClock:
    """Moves each task along on its own; `delay` is the seconds from mint to the end of the task."""

    def __init__(self, ledger: TokenLedger, *, delay: float, when_finished: WhenFinished) -> None:
        self._ledger = ledger
        self._delay = delay
        self._when_finished = when_finished
        self._running: set[asyncio.Task[None]] = set()

    def start(self, task: Task, stuck: Fault | None = None) -> None:
        running = asyncio.create_task(self._advance(task, stuck))
        self._running.add(running)
        running.add_done_callback(self._running.discard)

    def resume(self) -> None:
        """Take up the tasks that an earlier process left unfinished."""
        for task in list(self._ledger.unfinished()):
            self.start(task)

    def stop(self) -> None:
        for running in self._running:
            running.cancel()

    async def _advance(self, task: Task, stuck: Fault | None) -> None:
        if stuck is not None:
            await stuck.removed.wait()
        if task.status == "pending":
            await asyncio.sleep(self._delay / 2)
            self._ledger.move(task, "sent")
        await asyncio.sleep(self._delay / 2)
        self._finish(task)
        await self._when_finished(task)

    def _finish(self, task: Task) -> None:
        if task.doom:
            self._ledger.move(task, "failed", error=task.doom)
        else:
            self._ledger.move(task, "confirmed", tx_hash=_transaction_hash(task))


def _transaction_hash(task: Task) -> str:
    return "0x" + hashlib.sha256(task.task_id.encode()).hexdigest()
