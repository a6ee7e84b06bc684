"""A peer that speaks bytes, for answers that no HTTP server would give."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self


class RawPeer:
    """Answers every connection with `begin`, then with `then_drip` again and again."""

    def __init__(self, begin: bytes, *, then_drip: bytes = b"", every: float = 0.1) -> None:
        self._begin = begin
        self._drip = then_drip
        self._every = every
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while not self._closing.is_set():
                connection, _ = self._listener.accept()
                with connection, contextlib.suppress(OSError):
                    self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(self._begin)
        while self._drip and not self._closing.wait(self._every):
            connection.sendall(self._drip)
