"""A loopback server that behaves like the API of the platform, well and badly."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

APPID = "wx352e1c916f58ea3b"
SECRET = "5ec4e7a1b2c3d4e5f60718293a4b5c6d"  # noqa: S105 - the server of this file knows no other
NOW = datetime(2025, 9, 25, 7, 0, tzinfo=UTC)
CREATE_MENU = "cgi-bin/menu/create"
STABLE = "cgi-bin/stable_token"
Misbehaviour = Callable[["_Handler"], None]


class FakeWeChat(ThreadingHTTPServer):
    """The platform as far as the client needs it; `instead` replaces the answer to a path."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[tuple[str, bytes]] = []
        self.instead: dict[str, Misbehaviour] = {}
        self.answers: dict[str, list[dict[str, Any]]] = {}
        self.accepts_tokens = True
        self.expires_in = 7200
        self.takes = 0.0
        self._generation = 1
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def token(self) -> str:
        return f"{self._generation}_{'tOkEn' * 26}"

    def revoke(self) -> None:
        self._generation += 1

    def count(self, path: str) -> int:
        return sum(seen == path for seen, _ in self.requests)

    def answer(self, path: str, query: dict[str, list[str]], body: bytes) -> dict[str, Any]:
        with self._lock:
            self.requests.append((path, body))
            if self.answers.get(path):
                return self.answers[path].pop(0)
        if path == STABLE:
            return self._stable_token(json.loads(body))
        given = query.get("access_token", [""])[0]
        if not self.accepts_tokens or given != self.token:
            return {
                "errcode": 40001,
                "errmsg": f"invalid credential, access_token {given} is not latest rid: 1-2",
            }
        return {"errcode": 0, "errmsg": "ok"}

    def _stable_token(self, body: dict[str, Any]) -> dict[str, Any]:
        threading.Event().wait(self.takes)
        if body.get("grant_type") != "client_credential" or body.get("appid") != APPID:
            return {"errcode": 40013, "errmsg": "invalid appid"}
        if body.get("secret") != SECRET:
            return {"errcode": 40125, "errmsg": f"invalid appsecret {body.get('secret')}, rid: 1-2-3"}
        return {"access_token": self.token, "expires_in": self.expires_in}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: FakeWeChat

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        path = parts.path.lstrip("/")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = self.server.answer(path, parse_qs(parts.query), body)
        if path in self.server.instead:
            self.server.instead[path](self)
        else:
            self.say(json.dumps(answer, ensure_ascii=False).encode())

    do_GET = do_POST  # noqa: N815 - http.server wants these names

    def say(self, body: bytes, status: int = 200, length: int | None = None, header: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        if header:
            self.send_header(*header.split(": ", 1))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Nothing: tests are quiet."""


@pytest.fixture
def platform() -> Iterator[FakeWeChat]:
    with FakeWeChat() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
