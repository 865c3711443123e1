"""What the probe itself costs: answer times against a server that does nothing, and the pushes it can send."""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.table import Row
from triage.channels.wechat.account import Account
from triage.probe import measure

_ACCOUNT = Account("wx0123456789abcdef", "benchtoken", "A" * 43)
_PUSHES = 5_000
_SERVER = """
import socket
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
answer = b"HTTP/1.1 200 OK\\r\\nContent-Type: text/plain\\r\\nContent-Length: 7\\r\\n\\r\\nsuccess"
while True:
    connection, _ = listener.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    pending = b""
    while True:
        head, found, rest = pending.partition(b"\\r\\n\\r\\n")
        if found:
            length = int(head.lower().split(b"content-length:", 1)[1].split(b"\\r\\n", 1)[0])
            if len(rest) >= length:
                connection.sendall(answer)
                pending = rest[length:]
                continue
        piece = connection.recv(65536)
        if not piece:
            break
        pending += piece
"""


@contextmanager
def _doing_nothing() -> Iterator[int]:
    """A server in another process that answers `success` to everything; yields its port."""
    process = subprocess.Popen([sys.executable, "-c", _SERVER], stdout=subprocess.PIPE, text=True)
    try:
        yield int(process.stdout.readline()) if process.stdout else 0
    finally:
        process.kill()
        process.communicate()


def rows() -> list[Row]:
    """Push to a server that does nothing, so that the whole answer time is the probe's own share."""
    with _doing_nothing() as port:
        socket.create_connection(("127.0.0.1", port)).close()
        url = f"http://127.0.0.1:{port}/callback"
        load = measure(url, _ACCOUNT, _PUSHES, connections=1, allow_private=True)
    median = statistics.median(load.seconds) * 1000
    return [
        ("probe: median answer time of a server that does nothing, ms", median, "below 1", median < 1),
        (
            "probe: safe-mode pushes per second over one connection",
            load.rate,
            "at least 1,000",
            load.rate >= 1_000,
        ),
    ]
