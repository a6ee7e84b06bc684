"""What the three peers share: counting, faults, tokens, and the shape of a refusal."""

import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from dev.sandbox.misbehaviour.faults import Call, FaultBook
from dev.sandbox.misbehaviour.misbehaviour import act_out, delay, drop
from dev.sandbox.service_token import BadTokenError, TokenCheck

LARGEST_BODY = 1024 * 1024


class RefusalError(Exception):
    """A peer says no: the HTTP status, a stable code, a sentence, and fields that belong to the code."""

    def __init__(self, status: int, code: str, message: str = "", **fields: Any) -> None:
        super().__init__(message or code)
        self.status = status
        self.code = code
        self.fields = fields


class Peer:
    """One peer's HTTP side.

    `epoch` changes when everything is forgotten: a request that began before must book nothing after.
    Handlers find the bytes they were sent in `request["body"]`.
    """

    def __init__(
        self,
        name: str,
        *,
        faults: FaultBook,
        check: TokenCheck,
        routes: Iterable[web.RouteDef],
        users_of: Callable[[web.Request], Collection[str]],
    ) -> None:
        self.name = name
        self.counters: Counter[str] = Counter()
        self.epoch = 0
        self._faults = faults
        self._check = check
        self._users_of = users_of
        self.application = web.Application(
            middlewares=[self._count, self._misbehave, self._refuse, self._authenticate],
            client_max_size=LARGEST_BODY,
        )
        self.application.add_routes(routes)

    def forget(self) -> None:
        self.counters.clear()
        self.epoch += 1

    @web.middleware
    async def _count(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.counters["requests"] += 1
        try:
            return await handler(request)
        except ConnectionError:
            # The caller went away or was thrown out by a fault; nobody is left to be answered.
            return drop(request)

    @web.middleware
    async def _misbehave(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        epoch = self.epoch
        request["body"] = await request.read()
        call = Call(self.name, request.path, lambda: self._users_of(request))
        await delay(self._faults, call)
        if epoch != self.epoch or self._faults.refuses(self.name):
            return drop(request)
        return await act_out(self._faults, call, request, lambda: handler(request))

    @web.middleware
    async def _refuse(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            answer = await handler(request)
        except RefusalError as refusal:
            answer = _refusal_answer(request, refusal)
        except web.HTTPException as error:
            code = error.reason.upper().replace(" ", "_")
            answer = _refusal_answer(request, RefusalError(error.status, code, error.reason))
        self.counters[f"answers {answer.status}"] += 1
        return answer

    @web.middleware
    async def _authenticate(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            self._check.verify(request.headers.get("Authorization", ""))
        except BadTokenError as error:
            raise RefusalError(401, "UNAUTHORIZED", str(error)) from error
        return await handler(request)


def _refusal_answer(request: web.Request, refusal: RefusalError) -> web.Response:
    body = {
        "error": refusal.code,
        "message": str(refusal),
        "requestId": request.headers.get("X-Request-Id") or str(uuid.uuid4()),
        **refusal.fields,
    }
    return web.json_response(body, status=refusal.status)
