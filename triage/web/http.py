"""ASGI's HTTP as the callback and the pages use it: a body read within limits, and a response sent whole.

https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from asgiref.typing import ASGIReceiveCallable as Receive
from asgiref.typing import ASGISendCallable as Send
from asgiref.typing import (
    HTTPResponseBodyEvent,
    HTTPResponseStartEvent,
)
from asgiref.typing import HTTPScope as Scope

from triage.errors import IncompleteBodyError, TooLargeBodyError
from triage.message import Response

__all__ = ["Receive", "Scope", "Send", "read_body", "send_response"]

_DISCARD_BYTES = 1024 * 1024
_DISCARD_SECONDS = 1.0


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The whole body; how long a client may take is the server's to say.

    Raises TooLargeBodyError, before anything is read if the request tells its length, and IncompleteBodyError where
    the client leaves.
    """
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    if length.isdigit() and int(length) > limit:
        raise TooLargeBodyError(limit)
    body = bytearray()
    while True:
        event = await receive()
        if event["type"] != "http.request":
            raise IncompleteBodyError("the client has left")
        body += event["body"]
        if len(body) > limit:
            raise TooLargeBodyError(limit)
        if not event["more_body"]:
            return bytes(body)


async def send_response(response: Response, send: Send, unread: Receive | None = None) -> None:
    """Send a response; where the body of the request is still `unread`, close the connection behind it."""
    headers = [
        (b"content-type", response.content_type.encode("latin-1")),
        (b"content-length", b"%d" % len(response.body)),
        (b"x-content-type-options", b"nosniff"),
    ]
    if response.status == 405:
        headers.append((b"allow", b"GET, POST"))
    if unread is not None:
        headers.append((b"connection", b"close"))
    await send(_start(response.status, headers))
    await send(_body(response.body, more=unread is not None))
    if unread is not None:
        await _discard(unread)
        await send(_body(b""))


async def _discard(receive: Receive) -> None:
    """Read what is left of a body, within limits.

    A connection that is closed with bytes still unread is reset, and the client may lose our answer.
    """
    left = _DISCARD_BYTES
    with suppress(TimeoutError):
        async with asyncio.timeout(_DISCARD_SECONDS):
            while left > 0:
                event = await receive()
                if event["type"] != "http.request" or not event["more_body"]:
                    return
                left -= len(event["body"])


def _start(status: int, headers: list[tuple[bytes, bytes]]) -> HTTPResponseStartEvent:
    return {"type": "http.response.start", "status": status, "headers": headers, "trailers": False}


def _body(body: bytes, *, more: bool = False) -> HTTPResponseBodyEvent:
    return {"type": "http.response.body", "body": body, "more_body": more}
