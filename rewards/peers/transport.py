"""HTTP to one peer, and whether a failed call can have reached it.

The one question that decides over a reward in doubt is whether any byte of the request left us. Exceptions
of HTTP clients do not tell that reliably, so our connections note it themselves (docs/adr/0004).
"""

import http.client
import io
import select
import socket
import ssl
import time
from dataclasses import dataclass
from email.message import Message
from functools import cached_property, partial
from typing import Any
from urllib.parse import urlsplit

import certifi
import orjson

from access.tokens import outgoing_tokens

ANSWER_LIMIT_BYTES = 64 * 1024
CONNECT_SECONDS = 3.0
TIMEOUT_STEP_SECONDS = 0.05


class CallFailed(Exception):
    """The call ended without a readable answer; the peer may have done what it was asked."""


class NeverSent(CallFailed):
    """Not a byte of the request left us: refused, no such host, no TLS."""


def _allow(connection: socket.socket, seconds: float) -> None:
    """Let the socket wait so long, to within TIMEOUT_STEP_SECONDS: setting a timeout costs a system call."""
    allowed = connection.gettimeout()
    if allowed is None or abs(allowed - seconds) > TIMEOUT_STEP_SECONDS:
        connection.settimeout(seconds)


class _PunctualIO(io.RawIOBase):
    """Reads a socket until a deadline; a timeout of the socket alone begins anew with every byte."""

    def __init__(self, connection: socket.socket, raw: io.RawIOBase, deadline: float) -> None:
        self._socket = connection
        self._raw = raw
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer did not end in time")
        _allow(self._socket, left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _PunctualResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, deadline: float, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_PunctualIO(sock, self.fp.detach(), deadline))


class _NotingConnection(http.client.HTTPConnection):
    """Serves one call at a time, and notes whether its request has begun to leave."""

    sending = False
    _deadline = 0.0

    def begin_call(self, deadline: float) -> None:
        """Whatever is sent from now on belongs to a call that must be over by the deadline."""
        self.sending = False
        self._deadline = deadline
        # Anything that makes a response will do.
        self.response_class = partial(_PunctualResponse, deadline=deadline)  # type: ignore[assignment]

    def send(self, data: Any) -> None:
        """Connect first if needed, then note that the request begins to leave."""
        if self.sock is None:
            self.connect()
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("connecting took all the time there was")
        _allow(self.sock, left)
        self.sending = True
        super().send(data)

    def is_usable(self) -> bool:
        """Whether a connection that was kept is still open, and has nothing to say that nobody asked for."""
        if self.sock is None:
            return False
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        return not poll.poll(0)


class _NotingTLSConnection(_NotingConnection, http.client.HTTPSConnection):
    """The same; connecting is that of HTTPS."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A peer's HTTP answer, read to its end."""

    status: int
    body: Any
    headers: Message


class Transport:
    """HTTP to one peer: kept connections that its threads share, no redirects, no proxies.

    There are never more connections than calls at the same time.
    """

    def __init__(self, *, base_url: str, audience: str, timeout_seconds: float) -> None:
        self.base_url = base_url
        self._audience = audience
        self._timeout = timeout_seconds
        self._address = urlsplit(base_url)
        self._idle: list[_NotingConnection] = []

    def call(self, method: str, path: str, *, request_id: str, content: bytes | None = None) -> Reply:
        """One call, its content JSON, read to its end within the timeout. Raises NeverSent or CallFailed."""
        connection = self._connection()
        try:
            connection.begin_call(time.monotonic() + self._timeout)
            reply, keep = self._exchange(connection, method, path, request_id, content)
        except (http.client.HTTPException, OSError, ValueError, CallFailed) as error:
            connection.close()
            text = str(error) if isinstance(error, CallFailed) else f"{type(error).__name__}: {error}"
            raise (CallFailed if connection.sending else NeverSent)(text) from error
        if keep:
            self._idle.append(connection)
        else:
            connection.close()
        return reply

    def _exchange(
        self,
        connection: _NotingConnection,
        method: str,
        path: str,
        request_id: str,
        content: bytes | None,
    ) -> tuple[Reply, bool]:
        """The reply, and whether the connection is as it was before."""
        headers = {
            "Authorization": f"Bearer {outgoing_tokens.for_audience(self._audience)}",
            "X-Request-Id": request_id,
            "Accept": "application/json",
            "User-Agent": "referral-service",
        }
        if content is not None:
            headers["Content-Type"] = "application/json"
        connection.request(method, self._address.path + path, content, headers)
        with connection.getresponse() as response:
            received = _read(response)
            # After an interim answer (1xx) the real one is still to come: nobody may take it for theirs.
            keep = not response.will_close and response.status >= 200
            return Reply(response.status, _json_of(received), response.headers), keep

    def _connection(self) -> _NotingConnection:
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:
                break  # Another thread was faster.
            if connection.is_usable():
                return connection
            connection.close()
        return self._new_connection()

    def _new_connection(self) -> _NotingConnection:
        host, port = str(self._address.hostname), self._address.port
        timeout = min(CONNECT_SECONDS, self._timeout)
        if self._address.scheme == "https":
            return _NotingTLSConnection(host, port, timeout=timeout, context=self._trust)
        return _NotingConnection(host, port, timeout=timeout)

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """The host's certificate authorities (SSL_CERT_FILE names others), and those that browsers trust."""
        context = ssl.create_default_context()
        context.load_verify_locations(certifi.where())
        return context


def _read(response: http.client.HTTPResponse) -> bytes:
    received = b""
    while chunk := response.read(ANSWER_LIMIT_BYTES + 1 - len(received)):
        received += chunk
        if len(received) > ANSWER_LIMIT_BYTES:
            raise CallFailed("the answer is too large")
    if response.length:
        raise CallFailed("the answer ended early")
    return received


def _json_of(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except (ValueError, RecursionError):
        return None
