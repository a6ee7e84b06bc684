"""The control port: looking at the ledgers, ordering faults, forgetting everything."""

import json

from aiohttp import web

from dev.sandbox.misbehaviour.faults import BadFaultError, Fault
from dev.sandbox.page import render
from dev.sandbox.snapshot import entries_of, state_of
from dev.sandbox.world import World


class ControlApi:
    """Has no authentication and therefore belongs on loopback only."""

    def __init__(self, world: World) -> None:
        self._world = world

    def application(self) -> web.Application:
        application = web.Application()
        application.add_routes(
            [
                web.get("/", self.page),
                web.get("/state", self.state),
                web.get("/events", self.events),
                web.get("/ledger/{external_id:.+}", self.ledger),
                web.get("/faults", self.faults),
                web.post("/faults", self.add_fault),
                web.delete("/faults", self.remove_faults),
                web.delete("/faults/{id}", self.remove_fault),
                web.post("/reset", self.reset),
            ]
        )
        return application

    async def page(self, request: web.Request) -> web.Response:
        return web.Response(text=render(self._world), content_type="text/html")

    async def state(self, request: web.Request) -> web.Response:
        return web.json_response(state_of(self._world))

    async def events(self, request: web.Request) -> web.Response:
        """Show the latest analytics events in order of arrival."""
        return web.json_response(list(self._world.analytics.latest))

    async def ledger(self, request: web.Request) -> web.Response:
        return web.json_response(entries_of(self._world, request.match_info["external_id"]))

    async def faults(self, request: web.Request) -> web.Response:
        return web.json_response([fault.shown() for fault in self._world.faults.all()])

    async def add_fault(self, request: web.Request) -> web.Response:
        try:
            fault = await self._world.order(await _order(request))
        except BadFaultError as error:
            body = {"error": "bad_fault", "field": error.field, "message": str(error)}
            return web.json_response(body, status=400)
        return web.json_response({"id": fault.id})

    async def remove_faults(self, request: web.Request) -> web.Response:
        await self._world.remove_all()
        return web.json_response({"ok": True})

    async def remove_fault(self, request: web.Request) -> web.Response:
        fault: Fault | None = self._world.faults.find(request.match_info["id"])
        if fault is None:
            return web.json_response({"error": "not_found", "message": "there is no such fault"}, status=404)
        await self._world.remove(fault)
        return web.json_response({"ok": True})

    async def reset(self, request: web.Request) -> web.Response:
        await self._world.reset()
        return web.json_response({"ok": True})


async def _order(request: web.Request) -> object:
    try:
        return json.loads(await request.read())
    except (ValueError, RecursionError) as error:
        raise BadFaultError("", "the body is not JSON") from error
