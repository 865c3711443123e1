"""A bulkhead: calls of a database that may hang run on a few threads of their own and are awaited until a deadline."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Generic, TypeVar

from triage import background
from triage.errors import StoreDownError

T = TypeVar("T")

Expired = Callable[[], bool]
"""Whether the caller has stopped waiting."""


class _Call(Generic[T]):
    """One call, its result, and whether its caller has stopped waiting."""

    def __init__(self, work: Callable[[Expired], T]) -> None:
        self.work = work
        self.future: Future[T] = Future()
        self.is_given_up = False

    def run(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            self.future.set_result(self.work(lambda: self.is_given_up))
        except BaseException as exc:  # whatever it is, the caller gets it
            self.future.set_exception(exc)


class Bulkhead:
    """At most `threads` calls at once; further ones wait for their turn, until their own deadline.

    A call that is given up keeps its thread until it ends, as nothing can end it: so a server that hangs costs these
    threads and no more. While all of them are kept that way, calls are refused at once. The threads are daemons, so
    that a hanging call does not keep the process from ending.
    """

    def __init__(self, threads: int) -> None:
        self._most = threads
        self._calls: SimpleQueue[_Call[object]] = SimpleQueue()
        self._lock = threading.Lock()
        self._started = 0
        self._given_up = 0

    async def run(self, work: Callable[[Expired], T], seconds: float) -> T:
        """The result of `work`, awaited without a thread. Raises StoreDownError after so many seconds."""
        call = self._submit(work)
        try:
            async with asyncio.timeout(seconds) as waiting:
                return await asyncio.wrap_future(call.future)
        except TimeoutError as exc:
            if not waiting.expired():
                raise
            raise self._give_up(call) from exc

    def call(self, work: Callable[[], T], seconds: float) -> T:
        """The result of `work`, for a caller that has a thread. Raises StoreDownError after so many seconds."""
        call = self._submit(lambda expired: work())
        try:
            return call.future.result(seconds)
        except TimeoutError as exc:
            if call.future.done():
                raise
            raise self._give_up(call) from exc

    def _submit(self, work: Callable[[Expired], T]) -> _Call[T]:
        call = _Call(work)
        with self._lock:
            if self._given_up >= self._most:
                raise StoreDownError("the database does not answer: every thread for it waits already")
            if self._started < self._most and background.start(self._work, "store") is not None:
                self._started += 1
            if not self._started:
                raise StoreDownError("the database cannot be asked: this machine has no thread left")
        self._calls.put(call)  # type: ignore[arg-type]  # a queue of calls, whatever each results in
        return call

    def _give_up(self, call: _Call[T]) -> StoreDownError:
        call.is_given_up = True
        if not call.future.cancel():
            with self._lock:
                self._given_up += 1
            call.future.add_done_callback(self._take_back)
        return StoreDownError("the database did not answer in time")

    def _take_back(self, _future: Future[T]) -> None:
        with self._lock:
            self._given_up -= 1

    def _work(self) -> None:
        while True:
            self._calls.get().run()
