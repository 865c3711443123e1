"""What uvicorn leaves open: how long a request's head may be, and how long a client may take to send a request."""

from __future__ import annotations

import asyncio
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 32 * 1024
"""Request line and headers; nginx takes as much by default (large_client_header_buffers, 4 of 8k)."""
REQUEST_SECONDS = 10.0
"""From the connection on, or the first byte of a further request; the platform itself gives up after five."""


class BoundedRequest(HttpToolsProtocol):
    """uvicorn's HTTP protocol, which closes a connection whose request takes too long, or its head too many bytes.

    Overridden are the callbacks of asyncio (`connection_made`, `data_received`, `connection_lost`) and of httptools
    (`on_message_begin`, `on_headers_complete`, `on_message_complete`):
    https://docs.python.org/3/library/asyncio-protocol.html and https://github.com/MagicStack/httptools.
    Between two requests uvicorn's own keep-alive timeout holds.
    """

    head_bytes: int | None = 0
    """Bytes that came before the head was whole; None where no head is awaited."""
    is_whole = False
    """Whether nothing has come behind a whole request."""
    timer: asyncio.TimerHandle | None = None
    """Of a request that did not come in one piece, as nearly all do."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Await the first request."""
        super().connection_made(cast(asyncio.Transport, transport))
        self._start_timer()

    def data_received(self, data: bytes) -> None:
        """Count what comes before a head is whole, and the time until the body is."""
        # a blank line alone ends uvicorn's timeout, too, and is no message to httptools
        self.is_whole = False
        if self.head_bytes is not None:
            self.head_bytes += len(data)
        super().data_received(data)
        if self.head_bytes is not None and self.head_bytes > MAX_HEAD_BYTES:
            self.transport.close()
        if self.is_whole:
            self._stop_timer()
        elif self.timer is None:
            self._start_timer()

    def on_message_begin(self) -> None:
        """Await the head of a request."""
        if self.head_bytes is None:
            self.is_whole, self.head_bytes = False, 0
            self._stop_timer()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self.head_bytes = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The body is whole."""
        self.is_whole = True
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Await nothing more."""
        self._stop_timer()
        super().connection_lost(exc)

    def _start_timer(self) -> None:
        self.timer = asyncio.get_running_loop().call_later(REQUEST_SECONDS, self.transport.close)

    def _stop_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
