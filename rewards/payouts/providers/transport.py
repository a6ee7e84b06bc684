"""HTTP to one peer, and whether a failed call can have reached it.

The one question that decides over a reward in doubt is whether any byte of the request left us. Exceptions
of HTTP clients do not tell that reliably, so our connections note it themselves (docs/adr/0004).
"""

import re
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import certifi
import orjson

from access.tokens import outgoing_tokens
from rewards.payouts.providers.connection import Answer, AnswerUnreadable, Connection
from rewards.payouts.providers.failures import CallFailed, NeverSent, failure_of

DEFAULT_PORTS = {"http": 80, "https": 443}
# Method, address and request id of a call, with nothing in them that could end a line or a word.
SENDABLE = re.compile(r"[A-Z]+ /[!-~]* [!-~]+")


@dataclass(frozen=True, slots=True)
class Reply:
    """A peer's HTTP answer, read to its end. The names of its headers are in lower case."""

    status: int
    body: Any
    headers: Mapping[str, str]


class Transport:
    """HTTP to one peer: kept connections that its threads share, no redirects, no proxies.

    There are never more connections than calls at the same time.
    """

    def __init__(self, *, base_url: str, audience: str, timeout_seconds: float) -> None:
        self.base_url = base_url
        self._audience = audience
        self._timeout = timeout_seconds
        self._address = urlsplit(base_url)
        self._host = str(self._address.hostname)
        self._idle: list[Connection] = []

    def call(self, method: str, path: str, *, request_id: str, content: bytes | None = None) -> Reply:
        """One call, its content JSON, read to its end within the timeout. Raises NeverSent or CallFailed."""
        deadline = time.monotonic() + self._timeout
        try:
            request = self._request(method, path, request_id, content)
            connection = self._kept_connection() or self._new_connection()
        except (OSError, ValueError) as error:
            raise NeverSent(failure_of(error)) from error
        try:
            answer = connection.exchange(request, deadline)
        except (AnswerUnreadable, OSError, ValueError) as error:
            connection.close()
            raise (CallFailed if connection.sending else NeverSent)(failure_of(error)) from error
        if answer.keeps_open:
            self._idle.append(connection)
        else:
            connection.close()
        return Reply(answer.status, _json_of(answer), answer.headers)

    def _request(self, method: str, path: str, request_id: str, content: bytes | None) -> bytes:
        """All the bytes of a request. Raises ValueError for what would be another request than was meant."""
        address = self._address.path + path
        if not SENDABLE.fullmatch(f"{method} {address} {request_id}"):
            raise ValueError("method, address and request id are ASCII without spaces")
        token = outgoing_tokens.for_audience(self._audience)
        if content is not None:
            framing = f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        else:
            framing = "" if method == "GET" else "Content-Length: 0\r\n"
        head = (
            f"{method} {address} HTTP/1.1\r\n{self._same_headers}"
            f"Authorization: Bearer {token}\r\nX-Request-Id: {request_id}\r\n{framing}\r\n"
        )
        return head.encode("ascii") + (content or b"")

    @cached_property
    def _port(self) -> int:
        """Raises ValueError when the address has none that is possible."""
        port = self._address.port
        return DEFAULT_PORTS[self._address.scheme] if port is None else port

    @cached_property
    def _same_headers(self) -> str:
        """What every call says. Raises ValueError when the address names no possible host or port."""
        host = self._host.encode("idna").decode()
        if ":" in host:
            host = f"[{host}]"
        if self._port != DEFAULT_PORTS[self._address.scheme]:
            host = f"{host}:{self._port}"
        return (
            f"Host: {host}\r\nAccept: application/json\r\nAccept-Encoding: identity\r\n"
            "User-Agent: referral-service\r\n"
        )

    def _kept_connection(self) -> Connection | None:
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:
                break  # Another thread was faster.
            if connection.is_usable():
                return connection
            connection.close()
        return None

    def _new_connection(self) -> Connection:
        is_secure = self._address.scheme == "https"
        return Connection(self._host, self._port, trust=self._trust if is_secure else None)

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """The host's certificate authorities (SSL_CERT_FILE names others), and those that browsers trust."""
        context = ssl.create_default_context()
        context.load_verify_locations(certifi.where())
        return context


def _json_of(answer: Answer) -> Any:
    try:
        return orjson.loads(answer.body)
    except (ValueError, RecursionError):
        return None
