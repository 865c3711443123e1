"""A server on loopback that plays a platform's API: JSON in, JSON out, and every request kept."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

NOW = datetime(2026, 4, 21, 6, 31, tzinfo=UTC)


class Clock:
    """A clock that stands until it is put forward."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Given:
    """A file that is given out, or whatever else a path holds; its pieces are sent as they come."""

    pieces: Iterable[bytes] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Loopback(ThreadingHTTPServer):
    """Answers by `answer`, but for the paths of `given`.

    `instead` is given once in its place: a status with a body, or None to hang up.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.clock = clock or Clock()
        self.asked: list[Asked] = []
        self.instead: list[tuple[int, bytes] | None] = []
        self.given: dict[str, Given] = {}
        self.loses_an_answer = False
        """The next request is carried out, and the line breaks before its answer."""
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, asked: Asked) -> tuple[int, Mapping[str, object] | bytes]:
        raise NotImplementedError

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error here."""

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        with self:
            thread = threading.Thread(target=self.serve_forever, args=(0.01,))
            thread.start()
            try:
                yield
            finally:
                self.shutdown()
                thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Loopback

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        with self.server.lock:
            asked = Asked(self.command, parts.path, query, body)
            self.server.asked.append(asked)
            given = self.server.given.get(parts.path)
        if given is not None:
            self._give(given)
            return
        with self.server.lock:
            said = self.server.instead.pop(0) if self.server.instead else self._answer(asked)
            if self.server.loses_an_answer:
                self.server.loses_an_answer, said = False, None
        if said is None:
            self.close_connection = True
            return
        self.send_response(said[0])
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said[1])))
        self.end_headers()
        self.wfile.write(said[1])

    do_GET = do_POST  # noqa: N815 - http.server wants these names

    def _give(self, given: Given) -> None:
        self.close_connection = True
        self.send_response(given.status)
        for name, value in given.headers.items():
            self.send_header(name, value)
        self.end_headers()
        for piece in given.pieces:
            self.wfile.write(piece)

    def _answer(self, asked: Asked) -> tuple[int, bytes]:
        status, answer = self.server.answer(asked)
        if isinstance(answer, bytes):
            return status, answer
        return status, json.dumps(answer, ensure_ascii=False).encode()

    def log_message(self, *args: Any) -> None:
        """Nothing: tests are quiet."""
