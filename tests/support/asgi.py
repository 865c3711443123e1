"""A client of an ASGI application, without a server: what a request's events are is up to the test."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlencode

from triage.message import Request, Response
from triage.web.asgi import Application

Event = Mapping[str, Any]
LEFT: Event = {"type": "http.disconnect"}


def body(*pieces: bytes, is_whole: bool = True) -> list[Event]:
    """The events of a body that comes in pieces; one that is not whole is followed by the client's leaving."""
    last = len(pieces) - 1
    events: list[Event] = [
        {"type": "http.request", "body": piece, "more_body": number < last or not is_whole}
        for number, piece in enumerate(pieces)
    ]
    return events if is_whole else [*events, LEFT]


@dataclass
class Exchange:
    """What an application has sent, and how many events of the request it has taken."""

    sent: list[dict[str, Any]] = field(default_factory=list)
    taken: int = 0

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(event.get("body", b"") for event in self.sent[1:])


def exchange(
    app: Application,
    path: str,
    *,
    method: str = "POST",
    query: str = "",
    events: Iterable[Event] = (),
    headers: Mapping[str, str] | None = None,
) -> Exchange:
    """One request; when its events are used up, the client waits."""
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "path": unquote(path),
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode("latin-1"),
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8080),
    }
    done = Exchange()
    coming = iter(events)

    async def receive() -> Any:
        event = next(coming, None)
        if event is None:
            await asyncio.Event().wait()
        done.taken += 1
        return event

    async def send(event: Any) -> None:
        done.sent.append(event)

    asyncio.run(app(scope, receive, send))  # type: ignore[arg-type]  # a scope of our own making
    return done


def sender(app: Application, path: str = "/callback/wechat") -> Any:
    """What sends a push to an application's callback and returns its answer."""

    def send(request: Request) -> Response:
        query = urlencode(request.query, errors="surrogatepass")
        headers = {"Content-Length": str(len(request.body))}
        done = exchange(
            app, path, method=request.method, query=query, events=body(request.body), headers=headers
        )
        return Response(done.status, done.body, done.headers["content-type"])

    return send
