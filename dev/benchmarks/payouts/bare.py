"""An HTTP client and nothing else: `python -m dev.benchmarks.payouts.bare PORT LIBRARY THREADS CALLS`.

As many threads as the payout has calls under way, each with a connection of its own, send what a payout
sends, read the answer and forget it. Prints how many calls a second that were.
"""

import http.client
import json
import sys
import threading
import time
from collections.abc import Callable
from uuid import uuid4

import requests
import urllib3

from dev.benchmarks.payouts.peer import BARE
from rewards.payouts.providers.connection import Connection

PATH = "/api/points/v1/internal/credit"
HEADERS = {
    "Authorization": f"Bearer {'t' * 200}",
    "X-Request-Id": str(uuid4()),
    "Content-Type": "application/json",
}
Send = Callable[[bytes], int]


def _standard_library(port: int) -> Send:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)

    def send(body: bytes) -> int:
        connection.request("POST", PATH, body, HEADERS)
        answer = connection.getresponse()
        answer.read()
        return answer.status

    return send


def _urllib3(port: int) -> Send:
    pool = urllib3.HTTPConnectionPool("127.0.0.1", port, maxsize=1, retries=False)
    return lambda body: pool.request("POST", PATH, body=body, headers=HEADERS).status


def _requests(port: int) -> Send:
    session = requests.Session()
    session.trust_env = False
    return lambda body: session.post(f"http://127.0.0.1:{port}{PATH}", data=body, headers=HEADERS).status_code


def _httptools(port: int) -> Send:
    """The payout's own connection (rewards/payouts/providers/connection.py), and nothing above it."""
    connection = Connection("127.0.0.1", port)
    headers = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
    head = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}"

    def send(body: bytes) -> int:
        request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        return connection.exchange(request, time.monotonic() + 10).status

    return send


LIBRARIES: dict[str, Callable[[int], Send]] = {
    "http.client": _standard_library,
    "urllib3": _urllib3,
    "requests": _requests,
    "httptools": _httptools,
}


def _body() -> bytes:
    """As long as that of a payout, with a key of its own."""
    order = {
        "external_id": f"{BARE}{uuid4()}",
        "user_id": "u000100",
        "amount": 10,
        "currency": "points",
        "reason": "referral.reward_level1",
        "source_service": "referral_service",
        "source_event_id": str(uuid4()),
        "metadata": {
            "campaign_code": "benchmark_spread",
            "event_type": "quest_purchased",
            "referral_level": 1,
        },
    }
    return json.dumps(order).encode()


def rate(port: int, library: str, threads: int, calls: int) -> float:
    """Calls a second. Raises RuntimeError when a call was not answered with 200."""
    share = calls // threads
    failed: list[int] = []

    def work() -> None:
        send = LIBRARIES[library](port)
        for body in [_body() for _ in range(share)]:
            status = send(body)
            if status != http.HTTPStatus.OK:
                failed.append(status)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    started = time.perf_counter()
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    elapsed = time.perf_counter() - started
    if failed:
        raise RuntimeError(f"{len(failed)} calls failed, the first with {failed[0]}")
    return share * threads / elapsed


if __name__ == "__main__":
    given_port, given_library, given_threads, given_calls = sys.argv[1:]
    print(rate(int(given_port), given_library, int(given_threads), int(given_calls)))
