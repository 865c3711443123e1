"""Nobody waits long for a database that does not answer, and not one caller after another."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from triage import background
from triage.errors import StoreBusyError, StoreDownError

T = TypeVar("T")

_SLOW = 0.5
_REST = 1.0
_BUSY = 3


class Breaker:
    """After a caller has waited in vain, the next ones are refused at once; later one at a time finds out more.

    In vain is a failure that took `slow` seconds; then nobody waits for `_REST` seconds. A caller that tries after
    that has `patience` seconds until another one may. Where somebody holds a lock, others may be free to go on: that
    counts only if `_BUSY` callers fail so within `_REST` seconds.
    """

    def __init__(self, name: str, patience: float, slow: float = _SLOW) -> None:
        self._name = name
        self._patience = patience
        self._slow = slow
        self._refuse_until = 0.0
        self._busy: deque[float] = deque([-_REST] * _BUSY, _BUSY)

    def check(self) -> float:
        """The moment it is (time.monotonic). Raises StoreDownError while it is better not to try."""
        now = time.monotonic()
        if now < self._refuse_until:
            raise StoreDownError(f"{self._name} did not answer a moment ago; look whether it runs")
        return now

    def enter(self) -> float:
        """To be called before what may have to wait, then one of the others; its moment. Raises StoreDownError."""
        now = self.check()
        if self._refuse_until and now < self._refuse_until + _REST + self._patience:  # else it was long ago
            self._refuse_until = now + self._patience
        return now

    def succeed(self) -> None:
        """It was not in vain."""
        self._refuse_until = 0.0

    def fail(self, entered: float, problem: StoreDownError) -> None:
        """It was, for so long and for this."""
        now = time.monotonic()
        self._busy.append(now)
        is_one_of_few = isinstance(problem, StoreBusyError) and now - self._busy[0] > _REST
        if now - entered > self._slow and not is_one_of_few:
            self._refuse_until = now + _REST

    def guard(self, work: Callable[[], T]) -> T:
        """Do what may have to wait. Raises StoreDownError, at once while it is better not to try."""
        entered = self.enter()
        try:
            result = work()
        except StoreDownError as exc:
            self.fail(entered, exc)
            raise
        self.succeed()
        return result


class Budget:
    """So many seconds for waiting, which come back at half the speed of the time between.

    Waits that end well trip no breaker; but where callers wait one after the other, each for something else's lock,
    they must not wait for long in all.
    """

    def __init__(self, seconds: float) -> None:
        self._most = self._left = seconds
        self._at = time.monotonic()

    def wait(self, seconds: float, until: float | None = None) -> bool:
        """Sleep so long; False, at once, where nothing is left of the budget or the moment `until` is over."""
        began = time.monotonic()
        self._left = min(self._most, self._left + (began - self._at) / 2)
        self._at = began
        if self._left < seconds or (until is not None and began > until):
            return False
        time.sleep(seconds)
        self._at = time.monotonic()
        self._left -= self._at - began
        return True


def in_time(
    seconds: float,
    name: str,
    thread: str,
    work: Callable[[], T],
    too_late: Callable[[T], object] = lambda result: None,
) -> T:
    """What `work` comes to, on a thread of its own: looking up a server's name knows no limit of time.

    Raises StoreDownError after so many seconds; what comes then goes to `too_late`.
    """
    done: Future[T] = Future()

    def run() -> None:
        try:
            result = work()
        except Exception as exc:
            if done.set_running_or_notify_cancel():
                done.set_exception(exc)
        else:
            if done.set_running_or_notify_cancel():
                done.set_result(result)
            else:
                too_late(result)

    if background.start(run, thread) is None:
        raise StoreDownError(f"{name} cannot be reached: this machine has no thread left")
    try:
        return done.result(seconds)
    except TimeoutError:
        if done.cancel():
            raise StoreDownError(f"{name} cannot be reached in time; look at its name") from None
        return done.result()


class Watchdog:
    """Cuts connections on which a statement has been running for longer than `longest` seconds.

    For drivers that wait for ever on a server that has stopped in the middle: cut, they tell that the connection broke.
    """

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._lock = threading.Lock()
        self._begun: dict[Any, float] = {}
        self._is_looking = False

    def add(self, connection: Any) -> None:
        """A statement begins on this connection, which has a `fileno()`; if one was running, it has ended."""
        with self._lock:
            self._begun[connection] = time.monotonic()
            if not self._is_looking:
                self._is_looking = background.start(self._look, "watchdog") is not None

    def remove(self, connection: Any) -> None:
        """No longer."""
        with self._lock:
            self._begun.pop(connection, None)

    @contextmanager
    def watch(self, connection: Any) -> Iterator[None]:
        """Around work on a connection."""
        self.add(connection)
        try:
            yield
        finally:
            self.remove(connection)

    def _look(self) -> None:
        """Until there is nothing to watch."""
        while True:
            time.sleep(self._longest / 10)
            late = time.monotonic() - self._longest
            with self._lock:
                for connection in [each for each, begun in self._begun.items() if begun < late]:
                    del self._begun[connection]
                    with suppress(
                        Exception
                    ):  # a driver has exceptions of its own for a connection that is gone
                        _cut(connection)
                if not self._begun:
                    self._is_looking = False
                    return


def _cut(connection: Any) -> None:
    same = socket.socket(fileno=os.dup(connection.fileno()))
    with same:
        same.shutdown(socket.SHUT_RDWR)
