"""Telling the referral service how a token task ended."""

import uuid
from collections import Counter

import aiohttp

from dev.sandbox.peers.token_ledger import Task
from dev.sandbox.service_token import sign

ISSUER = "token_gateway"
AUDIENCE = "referral-service"
TIMEOUT = aiohttp.ClientTimeout(total=5)


class Callback:
    """One attempt per finished task, like a gateway that relies on being polled when it is not heard."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._key = key
        self._session: aiohttp.ClientSession | None = None
        self.counters: Counter[str] = Counter()

    async def send(self, task: Task) -> None:
        if not self._url:
            return
        try:
            status = await self._post(task)
        except (aiohttp.ClientError, TimeoutError):
            self.counters["callbacks not delivered"] += 1
        else:
            self.counters[f"callbacks answered {status}"] += 1

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _post(self, task: Task) -> int:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=TIMEOUT)
        headers = {"X-Request-Id": str(uuid.uuid4())}
        if self._key:
            token = sign(key=self._key, issuer=ISSUER, audience=AUDIENCE)
            headers["Authorization"] = f"Bearer {token}"
        async with self._session.post(self._url, json=_body(task), headers=headers) as answer:
            return answer.status


def _body(task: Task) -> dict[str, str | None]:
    body = {"task_id": task.task_id, "status": task.status}
    if task.status == "confirmed":
        return {**body, "tx_hash": task.tx_hash}
    return {**body, "error": task.last_error}
