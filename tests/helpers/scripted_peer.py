"""A peer that gives each connection the answers that a test wrote down for it, one for each request."""

import contextlib
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

PAUSE_SECONDS = 0.005
# All at once, or in pieces with a pause before each but the first, or made from the request, or none at all.
ScriptedAnswer = bytes | Sequence[bytes] | Callable[[bytes], bytes] | None


def http_answer(body: bytes, status: str = "200 OK") -> bytes:
    """A complete answer on a connection that stays open."""
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


class ScriptedPeer:
    """The first connection gets the first list of answers, and so on; it is closed after its last answer,
    unless that is None: then it stays open and silent. `requests` are those that came, as bytes.
    """

    def __init__(
        self,
        *connections: Sequence[ScriptedAnswer],
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._scripts = list(connections)
        self._tls = tls
        self._pause = pause_seconds
        self._listener = socket.create_server(
            (host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
        self._closing = threading.Event()
        self.accepted = 0
        self.requests: list[bytes] = []
        self.closed = threading.Semaphore(0)
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            for script in self._scripts:
                connection, _ = self._listener.accept()
                self.accepted += 1
                self._open.append(connection)
                thread = threading.Thread(target=self._serve, args=(connection, script), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, plain: socket.socket, script: Sequence[bytes | None]) -> None:
        with plain, contextlib.suppress(OSError):
            connection = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
            with connection:
                for answer in script:
                    if answer is None:
                        self._closing.wait()
                    elif request := _request_of(connection):
                        self.requests.append(request)
                        self._answer(connection, answer(request) if callable(answer) else answer)
        self.closed.release()

    def _answer(self, connection: socket.socket, answer: bytes | Sequence[bytes]) -> None:
        pieces = [answer] if isinstance(answer, bytes) else answer
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number, piece in enumerate(pieces):
            if number:
                time.sleep(self._pause)
            connection.sendall(piece)


def _request_of(connection: socket.socket) -> bytes:
    """A whole request; nothing when the other side has gone."""
    received = b""
    while b"\r\n\r\n" not in received or len(received) < _length_of(received):
        chunk = connection.recv(65536)
        if not chunk:
            return b""
        received += chunk
    return received


def _length_of(request: bytes) -> int:
    head, _, _ = request.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head.lower())
    return len(head) + 4 + (int(length[1]) if length else 0)
