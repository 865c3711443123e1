"""The ASGI application: the callback on the event loop, every other path by Flask on a few threads, and the upkeep."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from asgiref.sync import ThreadSensitiveContext
from asgiref.typing import ASGIReceiveEvent, ASGISendEvent, HTTPScope, LifespanScope
from asgiref.wsgi import WsgiToAsgi
from flask import Flask

from triage.errors import IncompleteBodyError, StoreDownError, TooLargeBodyError
from triage.message import Response
from triage.store.bulkhead import Bulkhead
from triage.web.callback import Callback
from triage.web.http import Receive, Send, read_body, send_response
from triage.web.logs import log_failure
from triage.web.service import Service

MAX_PAGE_BYTES = 1024 * 1024
"""Of the body of a request to the API or a page."""
_PAGE_THREADS = 4
_OPEN_SECONDS = 5.0
"""How long a start waits for the database before it goes on without."""
_UPKEEP_THREADS = 7
_UPKEEP_SECONDS = 3600.0
_SENDING_THREADS = 3
"""So that a platform which hangs does not hold up what goes to another."""
AGAIN_SECONDS = 5.0
"""After work that could not be done."""
_NO_LIMITS: Mapping[str, int] = {}
_LOG = logging.getLogger(__name__)


class Application:
    """What a server runs; `service` and `pages` are there for tests and for whoever embeds it.

    `started` is called when the application is ready for requests; `body_limits` are those of paths that take more than
    `MAX_PAGE_BYTES`.
    """

    def __init__(
        self,
        service: Service,
        callback: Callback,
        pages: Flask,
        started: Callable[[], object] = lambda: None,
        again_seconds: float = AGAIN_SECONDS,
        body_limits: Mapping[str, int] = _NO_LIMITS,
    ) -> None:
        self.service = service
        self.callback = callback
        self.pages = pages
        self.started = started
        self._again_seconds = again_seconds
        self._body_limits = body_limits
        self._wsgi = WsgiToAsgi(pages)  # type: ignore[no-untyped-call]  # without types
        self._page_threads = asyncio.Semaphore(_PAGE_THREADS)
        self._upkeep = Bulkhead(_UPKEEP_THREADS)
        self._sending = Bulkhead(_SENDING_THREADS)
        self._reading = Bulkhead(1)
        """Apart, so that nothing that is to be sent waits behind a picture."""

    async def __call__(self, scope: HTTPScope | LifespanScope, receive: Receive, send: Send) -> None:
        """Answer a request, or live as long as the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self.callback.is_meant(scope["path"]):
            await self.callback(scope, receive, send)
        else:
            await self._page(scope, receive, send)

    async def _page(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Flask gets a thread when the body is whole, and gives it back before the first byte of the answer is sent."""
        try:
            limit = self._body_limits.get(scope["path"], MAX_PAGE_BYTES)
            body = await read_body(scope, receive, limit)
        except TooLargeBodyError as exc:
            await send_response(Response(413, str(exc).encode()), send, receive)
            return
        except IncompleteBodyError as exc:
            await send_response(Response(400, str(exc).encode()), send)
            return
        answer: list[ASGISendEvent] = []

        async def keep(event: ASGISendEvent) -> None:
            answer.append(event)

        async with self._page_threads, ThreadSensitiveContext():
            await self._wsgi(scope, _whole(body), keep)
        for event in answer:
            await send(event)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        opening = asyncio.create_task(self._repeat(self.service.open, self._upkeep))
        await asyncio.wait([opening], timeout=_OPEN_SECONDS)
        upkeep = [
            asyncio.create_task(self._repeat(work, self._upkeep))
            for work in (
                self.service.rules.look,
                self.service.look_at_file,
                self.service.unrecorded.catch_up,
                lambda: self.service.look_for_late_answers(self.service.clock()),
                lambda: self.service.announce_shifts(self.service.clock()),
                lambda: self.service.tidy(self.service.clock()),
            )
        ]
        upkeep += [
            asyncio.create_task(self._repeat(self.service.sender(), self._sending))
            for _ in range(_SENDING_THREADS)
        ]
        upkeep.append(asyncio.create_task(self._repeat(self.service.reader(), self._reading)))
        await send({"type": "lifespan.startup.complete"})
        self.started()
        await receive()
        for task in (opening, *upkeep):
            task.cancel()
        await send({"type": "lifespan.shutdown.complete"})

    async def _repeat(self, work: Callable[[], float | None], threads: Bulkhead) -> None:
        """Do work on a thread, and again after as many seconds as it says; None is the end."""
        seconds: float | None = 0.0
        while seconds is not None:
            await asyncio.sleep(seconds)
            try:
                seconds = await threads.run(lambda expired: work(), _UPKEEP_SECONDS)
            except StoreDownError:  # no thread, or one that hangs
                seconds = self._again_seconds
            except Exception as exc:  # the last guard: nobody would notice that pages go out no more
                log_failure(_LOG, "upkeep_failed", exc)
                seconds = self._again_seconds


def _whole(body: bytes) -> Receive:
    """A `receive` that gives a body in one event."""

    async def receive() -> ASGIReceiveEvent:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
