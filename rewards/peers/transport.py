"""HTTP to one peer, and whether a failed call can have reached it.

The one question that decides over a reward in doubt is whether any byte of the request left us. Exceptions
of HTTP clients do not tell that reliably, so our connections note it themselves.
"""

import http.client
import io
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from access.tokens import outgoing_tokens

ANSWER_LIMIT_BYTES = 64 * 1024
CONNECT_SECONDS = 3.0

_call = threading.local()


class CallFailed(Exception):
    """The call ended without a readable answer; the peer may have done what it was asked."""


class NeverSent(CallFailed):
    """Not a byte of the request left us: refused, no such host, no TLS."""


class _PunctualIO(io.RawIOBase):
    """Reads a socket until the call's deadline; a timeout of the socket alone begins anew with every byte."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._raw = connection.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = _call.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer did not end in time")
        self._socket.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _PunctualResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp.close()
        self.fp = io.BufferedReader(_PunctualIO(sock))


class _NotingHTTPConnection(HTTPConnection):
    response_class = _PunctualResponse

    def send(self, data: Any) -> None:
        """Connect first if needed, then note that the request begins to leave."""
        if self.sock is None:
            self.connect()
        _call.sending = True
        super().send(data)


class _NotingHTTPSConnection(_NotingHTTPConnection, HTTPSConnection):
    """The same; connecting is that of HTTPS."""


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _NotingHTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _NotingHTTPSConnection


class _NotingAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Use the connections that note when they send."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}


@dataclass(frozen=True, slots=True)
class Reply:
    """A peer's HTTP answer, read to its end."""

    status: int
    body: Any
    headers: Mapping[str, str]


class Transport:
    """HTTP to one peer: pooled keep-alive connections, a session per thread, no redirects, no proxies."""

    def __init__(self, *, base_url: str, audience: str, timeout_seconds: float, connections: int) -> None:
        self.base_url = base_url
        self._audience = audience
        self._timeout = timeout_seconds
        self._connections = connections
        self._local = threading.local()

    def call(
        self, method: str, path: str, *, request_id: str, body: Mapping[str, Any] | None = None
    ) -> Reply:
        """One call, read to its end within the timeout. Raises NeverSent or CallFailed."""
        _call.sending = False
        _call.deadline = time.monotonic() + self._timeout
        try:
            return self._call(method, path, request_id, body)
        except CallFailed:
            raise
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            text = f"{type(error).__name__}: {_root_of(error)}"
            raise (CallFailed if _call.sending else NeverSent)(text) from error

    def _call(self, method: str, path: str, request_id: str, body: Mapping[str, Any] | None) -> Reply:
        with self._session().request(
            method,
            self.base_url + path,
            json=body,
            headers={
                "Authorization": f"Bearer {outgoing_tokens.for_audience(self._audience)}",
                "X-Request-Id": request_id,
            },
            timeout=(min(CONNECT_SECONDS, self._timeout), self._timeout),
            allow_redirects=False,
            stream=True,
        ) as response:
            return Reply(response.status_code, _json_of(_read(response)), response.headers)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.trust_env = False
            adapter = _NotingAdapter(pool_connections=1, pool_maxsize=self._connections, max_retries=0)
            session.mount("http://", adapter)
            session.mount("https://", adapter)
        return session


def _root_of(error: BaseException) -> BaseException:
    """What really happened, below the wrappings of the HTTP client."""
    inner = getattr(error.args[0], "reason", None) if error.args else None
    return inner if isinstance(inner, BaseException) else error


def _read(response: requests.Response) -> bytes:
    received = b""
    for chunk in response.iter_content(8192):
        received += chunk
        if len(received) > ANSWER_LIMIT_BYTES:
            raise CallFailed("the answer is too large")
    return received


def _json_of(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except (ValueError, RecursionError):
        return None
