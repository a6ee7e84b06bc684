"""A real HTTP receiver that keeps what it is sent, for whatever sends telemetry."""

import gzip
import threading
import zlib
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


class Receiver:
    """Answers every POST with 200 and keeps path, unpacked body and headers."""

    def __init__(self) -> None:
        kept: list[tuple[str, bytes]] = []
        heads: list[Message] = []
        self.received = kept
        self.headers = heads

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                encoding = self.headers.get("Content-Encoding", "")
                heads.append(self.headers)
                kept.append((self.path, _unpacked(body, encoding)))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def bodies(self, path: str) -> bytes:
        """Everything that was sent to addresses that begin so."""
        return b"\n".join(body for sent, body in self.received if sent.startswith(path))


def _unpacked(body: bytes, encoding: str) -> bytes:
    if encoding == "gzip":
        return gzip.decompress(body)
    return zlib.decompress(body) if encoding == "deflate" else body
