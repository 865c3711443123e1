"""One database: what is asked is repeated where that is safe; every foreign exception becomes one of ours.

The drivers run in autocommit mode. So a question is one round trip, and a transaction is what this module begins and
commits by its own statements.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from triage.store.engine import POOL_SIZE, Timeouts, is_file, is_in_memory, make_engine, read_url
from triage.store.failures import Failures, is_locked
from triage.store.file import OpenedFile, file_of
from triage.store.session import Prepared, Session, Statement
from triage.store.wal import ROWS_PER_CHECKPOINT, Checkpointer

T = TypeVar("T")

_ATTEMPTS = POOL_SIZE + 1
"""Every idle connection may be one that a server has dropped; each attempt closes one."""
_REPEAT_WITHIN = 1.0
"""Seconds: what fails later than this is not repeated, as the caller has waited long enough."""
_BUSY_PAUSE = 0.001
"""Seconds until SQLite is asked again for a lock."""


class Database:
    """One database, for many threads; a process that forks opens its own afterwards.

    Every failure is raised as StoreBusyError, StoreDownError or StoreError with its cause chained.
    """

    def __init__(
        self,
        url: str | URL,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - a frozen value
        rows_per_checkpoint: int = ROWS_PER_CHECKPOINT,
    ) -> None:
        self.url = read_url(url)
        self.dialect = self.url.get_backend_name()
        self.is_local = self.dialect == "sqlite"
        self.is_in_memory = is_in_memory(self.url)
        self._lock_timeout = timeouts.lock
        self._engine = make_engine(self.url, timeouts)
        driver: Any = self._engine.dialect.loaded_dbapi
        self._driver_error: type[Exception] = driver.Error
        self._failures = Failures(driver, self.url)
        self._prepared: dict[Statement, Prepared] = {}
        self._begin = "BEGIN IMMEDIATE" if self.is_local else "BEGIN"
        self._keeps_sessions = is_file(self.url)
        self._idle: deque[Session] = deque()
        """Sessions on a file that no thread uses at the moment."""
        self.file = file_of(self.url)
        self._opened: OpenedFile | None = None
        if self._keeps_sessions:
            event.listen(self._engine, "close", self._on_closed)
        self._checkpointer = Checkpointer(self.read, rows_per_checkpoint) if self._keeps_sessions else None

    def require_file(self) -> None:
        """Raises ReplacedFileError if the file that was opened, or its log, is not there any more, or another one."""
        if self._opened is not None:
            self._opened.require()

    def _on_closed(self, _connection: object, _record: object) -> None:
        if self._opened is not None:
            self._opened.forget_log()

    def close(self) -> None:
        """Close the connections that nobody uses; the next question opens a new one, and takes the file it finds."""
        self._opened = None
        with suppress(IndexError):  # another thread may take the last one
            while True:
                self._idle.pop().connection.close()
        self._engine.dispose()

    def read(self, question: Callable[[Session], T]) -> T:
        """Ask something, which may be repeated."""
        return self._attempt(question, lambda: True)

    def write(self, work: Callable[[Session], T], *, repeatable: bool = False) -> T:
        """Run `work` in one transaction, again if it was rolled back or the connection was broken before the commit.

        `repeatable` work is also run again when the connection breaks during the commit, when nobody knows whether it
        was committed.
        """
        committing = False

        def transaction(session: Session) -> T:
            nonlocal committing
            committing = False
            session.command(self._begin)
            try:
                result = work(session)
                committing = True
                session.command("COMMIT")
            except BaseException:
                self._roll_back(session)
                raise
            if self._checkpointer is not None:
                self._checkpointer.count(session.rows_since_asked())
            return result

        return self._attempt(transaction, lambda: repeatable or not committing)

    def _attempt(self, work: Callable[[Session], T], may_repeat: Callable[[], bool]) -> T:
        started = time.monotonic()
        attempts = 0
        while True:
            attempts += 1
            try:
                return self._on_connection(work)
            except (SQLAlchemyError, self._driver_error, ValueError, OverflowError) as exc:
                pause = self._pause_after(exc, attempts, time.monotonic() - started)
                if pause is None or not may_repeat():
                    raise self._failures.as_ours(exc) from exc
                time.sleep(pause)

    def _on_connection(self, work: Callable[[Session], T]) -> T:
        """Run `work` on a connection; on a file without asking the pool, which would take a tenth of a push's time."""
        if not self._keeps_sessions:
            with self._engine.connect() as connection:
                try:
                    return work(Session(connection, self._prepared))
                except self._driver_error:
                    if not self.is_local:  # it may be broken, which its next use would show
                        connection.invalidate()
                    raise
        self.require_file()
        try:
            session = self._idle.pop()
        except IndexError:
            session = self._connect()
        try:
            result = work(session)
        except BaseException:
            session.connection.close()
            raise
        self._idle.append(session)
        return result

    def _connect(self) -> Session:
        session = Session(self._engine.connect(), self._prepared)
        if self._opened is None and self.file is not None:
            self._opened = OpenedFile(self.file)
        return session

    def _pause_after(self, exc: Exception, attempts: int, elapsed: float) -> float | None:
        """Seconds until the next attempt after a failure; None if there is to be none."""
        if is_locked(exc):
            return _BUSY_PAUSE if elapsed < self._lock_timeout and not _is_on_event_loop() else None
        if attempts == _ATTEMPTS or elapsed > _REPEAT_WITHIN:
            return None
        return 0.0 if self._failures.is_passing(exc) else None

    def _roll_back(self, session: Session) -> None:
        """A connection that cannot roll back is closed instead."""
        try:
            session.command("ROLLBACK")
        except self._driver_error:
            session.connection.invalidate()


def _is_on_event_loop() -> bool:
    """Whether the calling thread runs an event loop, which must not wait."""
    from asyncio import get_running_loop  # a program without a loop need not import it

    try:
        get_running_loop()
    except RuntimeError:
        return False
    return True
