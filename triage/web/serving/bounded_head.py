"""What uvicorn leaves open: how long a request's head may be, and how long a client may take to send it."""

from __future__ import annotations

import asyncio
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 32 * 1024
"""Request line and headers; nginx takes as much by default (large_client_header_buffers, 4 of 8k)."""
HEAD_SECONDS = 10.0
"""From the connection or the end of the request before, and after it from the head's first byte."""


class BoundedHead(HttpToolsProtocol):
    """uvicorn's HTTP protocol, which closes a connection whose request head is too long or takes too long.

    Overridden are the callbacks of asyncio (`connection_made`, `data_received`, `connection_lost`) and of httptools
    (`on_message_begin`, `on_headers_complete`): https://docs.python.org/3/library/asyncio-protocol.html and
    https://github.com/MagicStack/httptools. Between two requests uvicorn's own keep-alive timeout holds.
    """

    head_bytes: int | None = 0
    """Bytes that came before the head was whole; None where no head is awaited."""
    head_timer: asyncio.TimerHandle | None = None
    head_transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Await the first head."""
        self.head_transport = cast(asyncio.Transport, transport)
        self._await_head()
        super().connection_made(self.head_transport)

    def data_received(self, data: bytes) -> None:
        """Count what comes before a head is whole."""
        if self.head_bytes is not None:
            self.head_bytes += len(data)
        super().data_received(data)
        if self.head_bytes is not None and self.head_bytes > MAX_HEAD_BYTES:
            self.head_transport.close()

    def on_message_begin(self) -> None:
        """Await the head of a further request."""
        if self.head_bytes is None:
            self._await_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._stop_awaiting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Await nothing more."""
        self._stop_awaiting()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        self.head_bytes = 0
        loop = asyncio.get_running_loop()
        self.head_timer = loop.call_later(HEAD_SECONDS, self.head_transport.close)

    def _stop_awaiting(self) -> None:
        self.head_bytes = None
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None
