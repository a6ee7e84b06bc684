"""A peer's listening port, which can be closed so that callers are truly refused."""

import asyncio
import socket

from aiohttp import web

from dev.sandbox.errors import CannotStartError

BACKLOG = 1024
REOPEN_SECONDS = 0.05


class Listener:
    """Serves one application on one port; a free port that was taken at the start is kept for life."""

    def __init__(self, application: web.Application, host: str, port: int) -> None:
        # Without this, the end of the process would wait a minute for requests that hang on purpose.
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        self._host = host
        self._port = port
        self._site: web.SockSite | None = None
        self._closings = 0

    @property
    def url(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    async def start(self) -> None:
        await self._runner.setup()
        try:
            await self._listen()
        except OSError as error:
            await self.stop()
            raise CannotStartError(
                f"Cannot listen on {self._host} port {self._port}: {error.strerror}."
            ) from error

    async def stop(self) -> None:
        self.drop_connections()
        await self._runner.cleanup()

    async def close(self) -> None:
        """Refuse new connections and drop those there are, until opened as often as closed."""
        self._closings += 1
        if self._site is not None:
            await self._site.stop()
            self._site = None
        # A connection that was accepted a moment ago becomes visible one turn of the loop later.
        await asyncio.sleep(0)
        self.drop_connections()
        # An aborted connection's socket is closed one turn later, and only then is the order answered.
        await asyncio.sleep(0)

    async def open(self) -> None:
        self._closings -= 1
        while self._closings == 0 and self._site is None:
            try:
                await self._listen()
            except OSError:
                await asyncio.sleep(REOPEN_SECONDS)

    def drop_connections(self) -> None:
        server = self._runner.server
        for connection in server.connections if server is not None else ():
            if connection.transport is not None:
                connection.transport.abort()

    async def _listen(self) -> None:
        listening = _bound(self._host, self._port)
        self._port = listening.getsockname()[1]
        site = web.SockSite(self._runner, listening, backlog=BACKLOG)
        await site.start()
        self._site = site


def _bound(host: str, port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError:
        listening.close()
        raise
    return listening
