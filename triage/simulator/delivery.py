"""Pushes to a callback over HTTP as the platform does: its time limit, no redirects, libcurl's error numbers."""

from __future__ import annotations

import asyncio
import enum
import http.client
import io
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlencode

from triage.message import Request, Response
from triage.platform.limits import ANSWER_DEADLINE
from triage.probe.connection import read_head
from triage.simulator.alert import FailureStage, PushFailure
from triage.simulator.callback import SickCallback

_T = TypeVar("_T")
_MAX_CONNECTIONS = 200
"""Connections open at a time; a process has about 1,000 file descriptors, the callback's end of each included."""
_SCHEDULING_ALLOWANCE = 10.0
"""Real seconds that an answer may be late because this machine is busy."""


class _End(enum.Enum):
    """How an exchange ended."""

    NO_CONNECTION = enum.auto()
    REFUSED = enum.auto()
    TIMEOUT = enum.auto()
    RESET = enum.auto()
    CLOSED = enum.auto()


PushOutcome = Response | PushFailure
"""Of one push: an answer, or why there is none."""


class PushClient:
    """Pushes to a sick callback; `limit` is simulated time, for the connection and again for the answer.

    A real second is `speed` simulated ones. Only the waits of the callback's illness count, what it computes takes no
    simulated time: the outcome does not depend on how busy this machine is.
    """

    def __init__(
        self,
        callback: SickCallback,
        *,
        host: str,
        path: str,
        limit: timedelta = ANSWER_DEADLINE,
        speed: float = 1.0,
    ) -> None:
        self._callback = callback
        self._host = host
        self._path = path
        self._limit = limit
        self._real_limit = limit.total_seconds() / speed
        self._runner = asyncio.Runner()

    def __enter__(self) -> PushClient:
        self._runner.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.close()

    def deliver(self, requests: Sequence[Request]) -> tuple[PushOutcome, ...]:
        """Push all requests at once; returns their outcomes in the same order."""
        return self._runner.run(self._deliver(requests)) if requests else ()

    async def _deliver(self, requests: Sequence[Request]) -> tuple[PushOutcome, ...]:
        room = asyncio.Semaphore(_MAX_CONNECTIONS)
        return tuple(await asyncio.gather(*(self._in_turn(request, room) for request in requests)))

    async def _in_turn(self, request: Request, room: asyncio.Semaphore) -> PushOutcome:
        async with room:
            return await self._exchange(request)

    async def _exchange(self, request: Request) -> PushOutcome:
        try:
            reader, writer = await self._within(
                asyncio.open_connection(*self._callback.address), lambda: not self._callback.has_room
            )
        except TimeoutError:
            return read_answer(_End.NO_CONNECTION, b"")
        except OSError:
            return read_answer(_End.REFUSED, b"")
        answer = b""
        client = writer.get_extra_info("sockname")
        try:
            writer.write(self._written(request))
            answer = await self._within(reader.read(), lambda: self._is_late(client))
            end = _End.TIMEOUT if self._is_late(client) else _End.CLOSED
        except TimeoutError:
            end = _End.TIMEOUT
        except OSError:
            end = _End.RESET
        finally:
            self._callback.leave(client)
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()
        return read_answer(end, answer)

    async def _within(self, waiting: Coroutine[Any, Any, _T], is_over: Callable[[], bool]) -> _T:
        """The result of `waiting`. Raises TimeoutError when the limit has passed and `is_over` says so too."""
        task = asyncio.ensure_future(waiting)
        waited = 0.0
        while waited < self._real_limit + _SCHEDULING_ALLOWANCE:
            done, _ = await asyncio.wait({task}, timeout=self._real_limit)
            if done:
                return task.result()
            waited += self._real_limit
            if is_over():
                break
        task.cancel()
        await asyncio.wait({task})
        if task.cancelled():
            raise TimeoutError
        return task.result()

    def _is_late(self, client: tuple[str, int]) -> bool:
        return self._callback.waited(client) >= self._limit

    def _written(self, request: Request) -> bytes:
        target = f"{self._path}?{urlencode(request.query)}" if request.query else self._path
        head = (
            f"{request.method} {target} HTTP/1.1\r\nHost: {self._host}\r\nUser-Agent: Mozilla/4.0\r\n"
            f"Content-Type: text/xml\r\nContent-Length: {len(request.body)}\r\nConnection: close\r\n\r\n"
        )
        return head.encode() + request.body


def read_answer(end: _End, answer: bytes) -> PushOutcome:
    """The outcome of an exchange that ended with `end` after these bytes."""
    if end is _End.NO_CONNECTION:
        return PushFailure(FailureStage.CONNECT_TIMEOUT)
    if end is _End.TIMEOUT:
        return PushFailure(FailureStage.ANSWER_TIMEOUT)
    if end is _End.REFUSED:
        return _failed(7)
    if end is _End.RESET:
        return _failed(56)
    if not answer:
        return _failed(52)
    try:
        response = read_head(io.BytesIO(answer), "POST")
        return Response(response.status, response.read())
    except http.client.IncompleteRead:
        return _failed(18)
    except http.client.HTTPException:
        return _failed(1)


# numbers of https://curl.se/libcurl/c/libcurl-errors.html
def _failed(number: int) -> PushFailure:
    return PushFailure(FailureStage.ANSWER, curl_error=number)
