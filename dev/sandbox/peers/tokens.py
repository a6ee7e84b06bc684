"""The stand-in Token Gateway: mints are accepted at once and settled later."""

from collections.abc import Collection

from aiohttp import web

from dev.sandbox import fields
from dev.sandbox.misbehaviour.faults import Call, Fault, FaultBook
from dev.sandbox.peers.peer import RefusalError
from dev.sandbox.peers.task_clock import TaskClock
from dev.sandbox.peers.token_ledger import IdempotencyConflictError, MintOrder, Task, TokenLedger

PREFIX = "/internal/blockchain/v1/g2a"
DEFAULT_DOOM = "the transaction was reverted"


class TokensApi:
    def __init__(self, ledger: TokenLedger, clock: TaskClock, faults: FaultBook) -> None:
        self._ledger = ledger
        self._clock = clock
        self._faults = faults

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post(f"{PREFIX}/mint", self.mint),
            web.get(PREFIX + "/task/{task_id}", self.task),
        ]

    def users_of(self, request: web.Request) -> Collection[str]:
        task = self._ledger.tasks.get(request.match_info.get("task_id", ""))
        return {task.order.user_id} if task else fields.peek_users(request, "user_id")

    async def mint(self, request: web.Request) -> web.Response:
        """Make a task, or show how far the task of the same external id got."""
        order = _order(request)
        known = self._ledger.find(order.external_id) is not None
        task = self._mint(order, doom="" if known else self._doom(request))
        if not known:
            self._clock.start(task, self._take(request, "task_stuck"))
        return web.json_response({"task_id": task.task_id, "status": task.status})

    async def task(self, request: web.Request) -> web.Response:
        task = self._ledger.tasks.get(request.match_info["task_id"])
        if task is None:
            raise RefusalError(404, "TASK_NOT_FOUND", "there is no such task")
        return web.json_response(task.progress())

    def _mint(self, order: MintOrder, *, doom: str) -> Task:
        try:
            task, _ = self._ledger.mint(order, doom=doom)
        except IdempotencyConflictError as error:
            message = "the external id was used with other parameters"
            raise RefusalError(409, "IDEMPOTENCY_CONFLICT", message) from error
        return task

    def _doom(self, request: web.Request) -> str:
        fault = self._take(request, "task_fails")
        return fault.parameters.get("error", DEFAULT_DOOM) if fault else ""

    def _take(self, request: web.Request, mode: str) -> Fault | None:
        return self._faults.take(Call("tokens", request.path, lambda: self.users_of(request)), (mode,))


def _order(request: web.Request) -> MintOrder:
    body = fields.json_object(request)
    fields.text(body, "source_service")
    return MintOrder(
        external_id=fields.text(body, "external_id"),
        user_id=fields.user_id(body, "user_id"),
        amount=fields.tokens(body, "amount"),
        reason=fields.text(body, "reason"),
    )
