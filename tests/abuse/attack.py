"""Sending what is malformed, and judging what comes back and what the server has become."""

import json
import random
import re
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psutil
import requests

from tests.abuse.malformed import Malformed, Wire
from tests.helpers.processes import ServiceProcesses

CALLERS = 8
PATIENCE_SECONDS = 20
GROWTH_LIMIT = 0.10
TRACE = re.compile(rb"Traceback|File \"/|psycopg|django\.|SELECT |site-packages")
STATUS = re.compile(rb"^HTTP/1\.[01] (\d{3})")


class Attack:
    """Many callers at once, each connection of its own."""

    def __init__(self, service: ServiceProcesses, chance: random.Random) -> None:
        self._service = service
        self._malformed = Malformed(chance)
        self._chance = chance
        self.statuses: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.faults: list[str] = []
        self.sizes: list[dict[int, int]] = []
        self.seconds = 0.0

    def run(self, count: int) -> None:
        """Send so many requests; a line of progress, and a look at the processes, every tenth of them."""
        started = time.monotonic()
        portion = max(count // 10, 1)
        self.sizes = [self._sizes()]
        with ThreadPoolExecutor(CALLERS) as pool:
            for done in range(0, count, portion):
                wires = [self._malformed.one() for _ in range(min(portion, count - done))]
                for wire, answer in zip(wires, pool.map(self._send, wires), strict=True):
                    self._judge(wire, answer)
                self.sizes.append(self._sizes())
                told = f"{done + len(wires)} of {count} in {time.monotonic() - started:.0f} s"
                mib = ", ".join(f"{size / 2**20:.1f}" for size in self.sizes[-1].values())
                print(f"{told}, {len(self.faults)} faults, processes of {mib} MiB", flush=True)
        self.seconds = time.monotonic() - started

    def verdict(self) -> int:
        """Print what was seen; 0 when nothing was wrong."""
        # What a process loads and keeps for good, it has by then.
        settled, end = self.sizes[len(self.sizes) * 4 // 10], self.sizes[-1]
        if settled.keys() != end.keys():
            self.faults.append(f"processes have died: {settled.keys() ^ end.keys()}")
        for pid in settled.keys() & end.keys():
            growth = end[pid] / settled[pid] - 1
            print(f"process {pid} has grown by {growth:.1%} after the first 40 %")
            if growth > GROWTH_LIMIT:
                self.faults.append(f"process {pid} has grown from {settled[pid]} to {end[pid]} bytes")
        if requests.get(f"{self._service.url}/healthz/ready", timeout=10).status_code != 200:
            self.faults.append("the server is not ready any more")
        print("by kind:   " + ", ".join(f"{kind} {count}" for kind, count in sorted(self.kinds.items())))
        print("by answer: " + ", ".join(f"{what} {count}" for what, count in sorted(self.statuses.items())))
        print(f"{sum(self.kinds.values())} requests in {self.seconds:.0f} s, {len(self.faults)} faults")
        print("\n".join(self.faults[:20]))
        return 1 if self.faults else 0

    def _send(self, wire: Wire) -> bytes:
        """Everything that comes back until the server closes; nothing when it refuses to talk at all."""
        received = b""
        try:
            with socket.create_connection(("127.0.0.1", self._service.port), PATIENCE_SECONDS) as connection:
                connection.settimeout(PATIENCE_SECONDS)
                connection.sendall(wire.data)
                if wire.hangs_up:
                    connection.shutdown(socket.SHUT_WR)
                while chunk := connection.recv(65536):
                    received += chunk
        except TimeoutError:
            return b"TIMEOUT"
        except OSError:
            # The server has hung up: what it said before still counts.
            pass
        return received

    def _judge(self, wire: Wire, answer: bytes) -> None:
        self.kinds[wire.kind] += 1
        match = STATUS.match(answer)
        status = match[1].decode() if match else "timeout" if answer == b"TIMEOUT" else "closed"
        self.statuses[status] += 1
        head, _, body = answer.partition(b"\r\n\r\n")
        if problem := problem_of(wire, status, head, body):
            self.faults.append(f"{wire.kind}: {problem}: {wire.data[:300]!r} -> {answer[:400]!r}")

    def _sizes(self) -> dict[int, int]:
        main = psutil.Process(self._service.pid("web"))
        return {child.pid: child.memory_info().rss for child in main.children()}


def problem_of(wire: Wire, status: str, head: bytes, body: bytes) -> str:
    """What is wrong with an answer; empty when nothing is."""
    if status.startswith("5") or status == "timeout":
        return status
    if TRACE.search(body):
        return "a trace or a query"
    if wire.enveloped and status == "closed":
        return "no answer"
    if wire.enveloped and status.startswith("4") and b"\r\n" in head and not wire.data.startswith(b"HEAD"):
        try:
            # A refusal is short: one chunk, whose size stands around it.
            error = json.loads(body[body.find(b"{") : body.rfind(b"}") + 1])["error"]
        except (ValueError, KeyError, TypeError):
            return "not the envelope"
        if error["http_status"] != int(status):
            return "another status in the envelope"
    return ""
