"""A server that does nothing: `python -m dev.benchmarks.silent PORT`; it shows what the load could be.

Answers every request that arrives in one piece, as ours do, with an answer as long as that to an event.
"""

import contextlib
import json
import selectors
import socket
import sys

BODY = json.dumps(
    {"success": True, "duplicate": False, "reason": None, "filler": "x" * 550}, separators=(",", ":")
)
ANSWER = (
    f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n{BODY}".encode()
)


def serve(port: int) -> None:
    """Until the process is ended."""
    selector = selectors.DefaultSelector()
    with socket.create_server(("127.0.0.1", port), backlog=256) as server:
        selector.register(server, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is server:
                    selector.register(server.accept()[0], selectors.EVENT_READ)
                    continue
                connection: socket.socket = key.fileobj  # type: ignore[assignment] # the rest are sockets
                if connection.recv(65_536):
                    connection.sendall(ANSWER)
                else:
                    selector.unregister(connection)
                    connection.close()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        serve(int(sys.argv[1]))
