"""A load of signed, encrypted pushes over plain sockets: as fast as it goes, or at a given rate."""

from __future__ import annotations

import contextlib
import secrets
import socket
import statistics
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

from bench.generate import alerts
from triage.channels.wechat.account import Account
from triage.channels.wechat.platform_side import compose

_HEAD = (
    "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/xml\r\nContent-Length: {length}\r\n"
    "Connection: {connection}\r\n\r\n"
)
_IDS = count(10**15)


def pushes(account: Account, number: int, seed: int, *, keep_alive: bool = True) -> list[bytes]:
    """HTTP requests that push one alert text each, in safe mode, no two alike, signed now."""
    return [push(account, "text", {"Content": text}, keep_alive=keep_alive) for text in alerts(number, seed)]


def push(account: Account, name: str, fields: Mapping[str, str], *, keep_alive: bool = True) -> bytes:
    """An HTTP request that pushes one message of somebody new, in safe mode, signed now."""
    request = compose(
        name,
        account,
        datetime.now(UTC),
        sender="o" + secrets.token_hex(13) + "a",
        recipient="gh_0123456789ab",
        nonce=str(secrets.randbelow(10**9)),
        fields=fields,
        message_id=str(next(_IDS)),
        mode="safe",
        random16=secrets.token_bytes(16),
    )
    query = "&".join(f"{key}={value}" for key, value in request.query.items())
    connection = "keep-alive" if keep_alive else "close"
    head = _HEAD.format(path=f"/callback/wechat?{query}", length=len(request.body), connection=connection)
    return head.encode() + request.body


@dataclass(slots=True)
class Result:
    """Seconds that each answer took, how long it all took, and what was not a 200."""

    seconds: list[float] = field(default_factory=list)
    wall: float = 0.0
    failures: int = 0

    @property
    def rate(self) -> float:
        return len(self.seconds) / self.wall

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def p99(self) -> float:
        return statistics.quantiles(self.seconds, n=100)[98]


def run(
    ports: Sequence[int], requests: Sequence[bytes], *, connections: int = 16, rate: float | None = None
) -> Result:
    """Send all requests over connections that are spread over the ports; `rate` is requests per second in all."""
    result = Result()
    lock = threading.Lock()
    start = time.perf_counter()
    queue = iter(enumerate(requests))

    def work(port: int) -> None:
        taken: list[float] = []
        failed = 0
        client = _Client(port)
        while True:
            with lock:
                item = next(queue, None)
            if item is None:
                break
            index, request = item
            due = start + index / rate if rate else 0.0
            if (wait := due - time.perf_counter()) > 0:
                time.sleep(wait)
            before = due if rate and due > start else time.perf_counter()
            failed += not client.send(request)
            taken.append(time.perf_counter() - before)
        client.close()
        with lock:
            result.seconds += taken
            result.failures += failed

    threads = [
        threading.Thread(target=work, args=(ports[number % len(ports)],)) for number in range(connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    result.wall = time.perf_counter() - start
    return result


class _Client:
    """One connection at a time, reopened when the server closes it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def send(self, request: bytes) -> bool:
        for _ in range(2):
            try:
                return self._exchange(request)
            except OSError:
                self.close()
        return False

    def _exchange(self, request: bytes) -> bool:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=10)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._receive()
        head, _, body = answer.partition(b"\r\n\r\n")
        lower = head.lower()
        length = int(lower.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        while len(body) < length:
            body += self._receive()
        if b"connection: close" in lower:
            self.close()
        return head.startswith(b"HTTP/1.1 200")

    def _receive(self) -> bytes:
        if self._socket is None:
            raise ConnectionResetError
        piece = self._socket.recv(65536)
        if not piece:
            raise ConnectionResetError
        return piece

    def close(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
            self._socket = None
