"""One HTTP/1.1 connection, which notes whether its request has begun to leave (docs/adr/0004).

Answers are parsed by llhttp (`httptools`); the socket, the deadline and the note are ours.
"""

import select
import socket
import ssl
import time

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

CONNECT_SECONDS = 3.0
BODY_LIMIT_BYTES = 64 * 1024
# For all that is no body: heads of interim answers and of the answer, the marks of chunks, trailers.
HEAD_LIMIT_BYTES = 64 * 1024
# As long as a record of TLS may be, so that nothing stays behind in the TLS layer, where no poll sees it.
RECEIVE_BYTES = 16 * 1024
TIMEOUT_STEP_SECONDS = 0.05


class AnswerUnreadable(Exception):
    """What came is not an answer by HTTP/1.1."""


class AnswerTooLarge(AnswerUnreadable):
    """What came is more than we read."""


class AnswerCutOff(AnswerUnreadable):
    """The connection ended before the answer did."""


class Answer:
    """An answer while it is read: what the parser calls. Interim answers (1xx) before it are skipped."""

    __slots__ = ("_parser", "body", "headers", "is_whole", "keeps_open", "status")

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.is_whole = False
        self.keeps_open = False
        self._parser = HttpResponseParser(self)

    def feed(self, received: bytes) -> None:
        """Read on. Raises AnswerUnreadable."""
        try:
            self._parser.feed_data(received)
        except (HttpParserError, HttpParserUpgrade) as error:
            # What follows a whole answer does not change it, and belongs to nobody.
            self.keeps_open = False
            if not self.is_whole:
                raise AnswerUnreadable(str(error)) from error
        if len(self.body) > BODY_LIMIT_BYTES:
            raise AnswerTooLarge
        if self.is_whole and self.status < 200:
            raise AnswerUnreadable(f"HTTP {self.status}")

    def end(self) -> None:
        """The peer has closed the connection, ending a body of no said length. Raises AnswerUnreadable."""
        if self.status < 200 or "content-length" in self.headers or "transfer-encoding" in self.headers:
            raise AnswerCutOff
        self.is_whole = True

    def release(self) -> None:
        """Let go of the parser, which holds on to us."""
        del self._parser

    def on_message_begin(self) -> None:
        """Raises ValueError, which the parser passes on as its own, for a second answer: nobody asked."""
        if self.is_whole:
            raise ValueError("a second answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        """The first of a name counts; those behind the body (trailers) do not."""
        if not self.status:
            self.headers.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))

    def on_headers_complete(self) -> None:
        """An interim answer leaves nothing behind; 101 is none, for no HTTP follows it.

        Raises ValueError for a status that is none: by 0 we know that there was none yet.
        """
        status = self._parser.get_status_code()
        if status < 100:
            raise ValueError("no status")
        if status < 200 and status != 101:
            self.headers.clear()
        else:
            self.status = status

    def on_body(self, part: bytes) -> None:
        """Another piece of the body, without the marks of chunks."""
        self.body += part

    def on_message_complete(self) -> None:
        """The parser knows now whether another request may follow; after this it has forgotten."""
        if self.status:
            self.is_whole = True
            self.keeps_open = self._parser.should_keep_alive()


class Connection:
    """Serves one call at a time. After an error it can only be closed."""

    __slots__ = ("_host", "_port", "_readable", "_socket", "_trust", "sending")

    def __init__(self, host: str, port: int, *, trust: ssl.SSLContext | None = None) -> None:
        """With `trust` it is a connection by TLS. Connects with the first request."""
        self._host = host
        self._port = port
        self._trust = trust
        self._socket: socket.socket | None = None
        self._readable = select.poll()
        self.sending = False

    def exchange(self, request: bytes, deadline: float) -> Answer:
        """Send a request, and read its answer to the end, by a deadline on the monotonic clock.

        From then on `sending` tells whether a byte of it can have left. Raises AnswerUnreadable, OSError (as
        TimeoutError is), ValueError for a host that cannot be one.
        """
        self.sending = False
        connected = self._socket or self._connect(deadline)
        _allow(connected, deadline)
        self.sending = True
        connected.sendall(request)
        return self._receive(connected, deadline)

    def is_usable(self) -> bool:
        """Whether a connection that was kept is still open, and has nothing to say that nobody asked for."""
        return self._socket is not None and not self._readable.poll(0)

    def close(self) -> None:
        """Close it, if it is open."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connect(self, deadline: float) -> socket.socket:
        patience = min(CONNECT_SECONDS, _left(deadline))
        connected = self._socket = socket.create_connection((self._host, self._port), timeout=patience)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._trust is not None:
            connected.settimeout(min(CONNECT_SECONDS, _left(deadline)))
            connected = self._socket = self._trust.wrap_socket(connected, server_hostname=self._host)
        self._readable.register(connected, select.POLLIN)
        return connected

    def _receive(self, connected: socket.socket, deadline: float) -> Answer:
        answer, size = Answer(), 0
        try:
            while not answer.is_whole:
                _allow(connected, deadline)
                received = connected.recv(RECEIVE_BYTES)
                size += len(received)
                if received:
                    answer.feed(received)
                else:
                    answer.end()
                if size - len(answer.body) > HEAD_LIMIT_BYTES:
                    raise AnswerTooLarge
        finally:
            answer.release()
        return answer


def _allow(connected: socket.socket, deadline: float) -> None:
    """Let the socket wait until then, to within TIMEOUT_STEP_SECONDS: setting a timeout costs a system call.

    Raises TimeoutError.
    """
    left, allowed = _left(deadline), connected.gettimeout()
    if allowed is None or abs(allowed - left) > TIMEOUT_STEP_SECONDS:
        connected.settimeout(left)


def _left(deadline: float) -> float:
    """Seconds until then, more than 0. Raises TimeoutError."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the call was not over in time")
    return left
