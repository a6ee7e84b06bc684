"""Acting a fault out on a live request.

An act gets the fault, the request and `proceed`, which books and gives the true answer. Whether an act
calls `proceed`, and when, is what tells the modes apart.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable

from aiohttp import web

from dev.sandbox.misbehaviour.faults import Call, Fault, FaultBook

Proceed = Callable[[], Awaitable[web.StreamResponse]]
Act = Callable[[Fault, web.Request, Proceed], Awaitable[web.StreamResponse]]

NOT_JSON = "<html><body><h1>It works!</h1></body></html>"
DRIPS = 20


def drop(request: web.Request) -> web.Response:
    """Break the connection so that the caller sees a reset. The returned response goes nowhere."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        if connection is not None:
            # Lingering for zero seconds makes the kernel send RST where it would send an orderly FIN.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response(status=500)


async def delay(faults: FaultBook, call: Call) -> None:
    for fault in faults.take_every(call, "latency"):
        await fault.pause()


async def act_out(
    faults: FaultBook, call: Call, request: web.Request, proceed: Proceed
) -> web.StreamResponse:
    """Let the next fault that concerns this call have its way, or answer truly."""
    fault = faults.take(call, ACTS)
    if fault is None:
        return await proceed()
    return await ACTS[fault.mode](fault, request, proceed)


async def _status(fault: Fault, request: web.Request, proceed: Proceed) -> web.StreamResponse:
    wanted = fault.parameters
    body = wanted.get("body", {"error": "SANDBOX_FAULT", "message": "an ordered fault"})
    headers = wanted.get("headers")
    if isinstance(body, str):
        return web.Response(status=wanted["status"], text=body, headers=headers)
    return web.json_response(body, status=wanted["status"], headers=headers)


async def _hang(fault: Fault, request: web.Request, proceed: Proceed) -> web.StreamResponse:
    await fault.pause()
    if request.transport is not None:
        request.transport.close()
    return web.Response(status=500)


async def _reset(fault: Fault, request: web.Request, proceed: Proceed) -> web.StreamResponse:
    return drop(request)


async def _garbage(fault: Fault, request: web.Request, proceed: Proceed) -> web.StreamResponse:
    return web.Response(text=NOT_JSON, content_type="text/html")


async def _wrong_json(fault: Fault, request: web.Request, proceed: Proceed) -> web.StreamResponse:
    return web.json_response({})


async def _redirect(fault: Fault, request: web.Request, proceed: Proceed) -> web.StreamResponse:
    return web.Response(status=302, headers={"Location": fault.parameters["location"]})


async def _slow_body(fault: Fault, request: web.Request, proceed: Proceed) -> web.StreamResponse:
    answer = await proceed()
    body = answer.body if isinstance(answer, web.Response) and isinstance(answer.body, bytes) else b""
    slow = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
    slow.content_length = len(body)
    await slow.prepare(request)
    size = max(1, -(-len(body) // DRIPS))
    for start in range(0, len(body), size):
        await asyncio.sleep(fault.seconds * size / len(body))
        await slow.write(body[start : start + size])
    return slow


def _after_commit(act: Act) -> Act:
    async def book_then_act(fault: Fault, request: web.Request, proceed: Proceed) -> web.StreamResponse:
        await proceed()
        return await act(fault, request, proceed)

    return book_then_act


ACTS: dict[str, Act] = {
    "status": _status,
    "status_after_commit": _after_commit(_status),
    "hang": _hang,
    "commit_then_hang": _after_commit(_hang),
    "reset": _reset,
    "commit_then_reset": _after_commit(_reset),
    "garbage": _garbage,
    "commit_then_garbage": _after_commit(_garbage),
    "wrong_json": _after_commit(_wrong_json),
    "redirect": _redirect,
    "slow_body": _slow_body,
}
