"""A lean Points Service: `python -m dev.benchmarks.payouts.peer PORT`; it answers late and keeps a record.

The sandbox peers would be the limit themselves at a few milliseconds of latency. This one keeps the promise
that the payout relies on, one booking per external id however often it is asked, and nothing else of theirs.
GET /record tells what was booked; PUT /latency sets how long an answer takes from now on.
"""

import asyncio
import contextlib
import json
import sys
from typing import Any

import orjson

CREDIT = b"POST /api/points/v1/internal/credit "
BARE = "bare-"


class Record:
    """What was booked; calls of the bare client, which no reward stands behind, are only counted."""

    def __init__(self) -> None:
        self.latency = 0.0
        self.calls = 0
        self.bare_calls = 0
        self.points = 0
        self.different = 0
        self._amounts: dict[str, int] = {}

    def book(self, order: dict[str, Any]) -> dict[str, Any]:
        """Book an order once; the same id with another amount is noted as wrong."""
        key, amount = order["external_id"], order["amount"]
        if key.startswith(BARE):
            self.bare_calls += 1
        else:
            self.calls += 1
            if key not in self._amounts:
                self._amounts[key] = amount
                self.points += amount
            self.different += self._amounts[key] != amount
        return {"transaction_id": f"tx-{key}", "status": "completed", "new_balance": amount}

    def shown(self) -> dict[str, int]:
        """For GET /record."""
        return {
            "calls": self.calls,
            "bare_calls": self.bare_calls,
            "booked": len(self._amounts),
            "points": self.points,
            "different": self.different,
        }


class Connection(asyncio.Protocol):
    """One keep-alive connection; its requests come one after the other."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._received = b""
        self._transport: Any = None
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer once the whole request is there."""
        self._received += data
        head, separator, rest = self._received.partition(b"\r\n\r\n")
        if not separator:
            return
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line[15:])
        if len(rest) >= length:
            self._received = b""
            self._answer(head, rest)

    def _answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(CREDIT):
            answer = orjson.dumps(self._record.book(orjson.loads(body)))
            self._loop.call_later(self._record.latency, self._write, answer)
        elif head.startswith(b"PUT /latency "):
            self._record.latency = float(body)
            self._write(b"{}")
        else:
            self._write(json.dumps(self._record.shown()).encode())

    def _write(self, body: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
                % (len(body), body)
            )


async def serve(port: int) -> None:
    """Until the process is ended."""
    record = Record()
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(record), "127.0.0.1", port, backlog=256
    )
    await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(int(sys.argv[1])))
