"""The three peers and their ledgers, put together."""

import asyncio
from pathlib import Path

from dev.sandbox.journal import Journal
from dev.sandbox.misbehaviour.faults import Fault, FaultBook
from dev.sandbox.misbehaviour.listener import Listener
from dev.sandbox.options import Options
from dev.sandbox.peers.analytics import AnalyticsApi
from dev.sandbox.peers.analytics_store import AnalyticsStore
from dev.sandbox.peers.callback import Callback
from dev.sandbox.peers.peer import Peer
from dev.sandbox.peers.points import PointsApi
from dev.sandbox.peers.points_ledger import PointsLedger
from dev.sandbox.peers.task_clock import TaskClock
from dev.sandbox.peers.token_ledger import TokenLedger
from dev.sandbox.peers.tokens import TokensApi
from dev.sandbox.service_token import TokenCheck

Api = PointsApi | TokensApi | AnalyticsApi

AUDIENCES = {"points": "points_service", "tokens": "token_gateway", "analytics": "analytics"}


class World:
    """Everything that the control port can look at and change."""

    def __init__(self, options: Options) -> None:
        self.faults = FaultBook()
        self.points = PointsLedger(_journal(options.state, "points"))
        self.tokens = TokenLedger(_journal(options.state, "tokens"))
        self.analytics = AnalyticsStore(_journal(options.state, "analytics"))
        self.callback = Callback(options.callback_url, options.callback_key)
        self._clock = TaskClock(self.tokens, delay=options.token_delay, when_finished=self.callback.send)
        apis: dict[str, Api] = {
            "points": PointsApi(self.points),
            "tokens": TokensApi(self.tokens, self._clock, self.faults),
            "analytics": AnalyticsApi(self.analytics),
        }
        self.peers = {name: self._peer(name, api, options.key) for name, api in apis.items()}
        ports = {
            "points": options.points_port,
            "tokens": options.tokens_port,
            "analytics": options.analytics_port,
        }
        self.listeners = {
            name: Listener(peer.application, options.host, ports[name]) for name, peer in self.peers.items()
        }
        self._reopenings: dict[str, asyncio.Task[None]] = {}

    async def start(self) -> None:
        for listener in self.listeners.values():
            await listener.start()
        self._clock.resume()

    async def stop(self) -> None:
        for reopening in self._reopenings.values():
            reopening.cancel()
        self._clock.stop()
        await self.callback.close()
        for listener in self.listeners.values():
            await listener.stop()
        for ledger in (self.points, self.tokens, self.analytics):
            ledger.close()

    async def order(self, order: object) -> Fault:
        """Add a fault; one that closes a port has closed it when this returns."""
        fault = self.faults.add(order)
        if fault.mode == "refuse":
            await self.listeners[fault.peer].close()
            self._reopenings[fault.id] = asyncio.create_task(self._reopen_after(fault))
        return fault

    async def remove(self, fault: Fault) -> None:
        """Remove a fault; if it had closed a port, the port is open again when this returns."""
        self.faults.remove(fault.id)
        reopening = self._reopenings.get(fault.id)
        if reopening is not None:
            await reopening

    async def remove_all(self) -> None:
        for fault in self.faults.all():
            await self.remove(fault)

    async def reset(self) -> None:
        """Forget everything; what is still under way books nothing any more."""
        for peer in self.peers.values():
            peer.forget()
        self._clock.stop()
        self.callback.counters.clear()
        for ledger in (self.points, self.tokens, self.analytics):
            ledger.reset()
        await self.remove_all()

    async def _reopen_after(self, fault: Fault) -> None:
        await fault.pause()
        self.faults.remove(fault.id)
        await self.listeners[fault.peer].open()
        del self._reopenings[fault.id]

    def _peer(self, name: str, api: Api, key: str) -> Peer:
        return Peer(
            name,
            faults=self.faults,
            check=TokenCheck(key=key, audience=AUDIENCES[name]),
            routes=api.routes(),
            users_of=api.users_of,
        )


def _journal(state: Path | None, name: str) -> Journal:
    return Journal(state / f"{name}.jsonl" if state else None)
