"""One database: what is asked is repeated where that is safe; every foreign exception becomes one of ours.

The drivers run in autocommit mode. So a question is one round trip, and a transaction is what this module begins and
commits by its own statements.
"""

from __future__ import annotations

import sqlite3
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from triage.errors import StoreBusyError, StoreDownError, StoreError
from triage.store.engine import POOL_SIZE, Timeouts, is_file, is_in_memory, make_engine, read_url
from triage.store.file import OpenedFile, file_of
from triage.store.session import Prepared, Session, Statement
from triage.store.wal import ROWS_PER_CHECKPOINT, Checkpointer
from triage.wording import Wording

T = TypeVar("T")

_ATTEMPTS = POOL_SIZE + 1
"""Every idle connection may be one that a server has dropped; each attempt closes one."""
_REPEAT_WITHIN = 1.0
"""Seconds: what fails later than this is not repeated, as the caller has waited long enough."""
_BUSY_PAUSE = 0.001
"""Seconds until SQLite is asked again for a lock."""
_ROLLED_BACK = frozenset({"40001", "40P01", 1213})
"""Chosen by the server as the victim of a deadlock: the transaction may simply be run again."""
_BUSY = _ROLLED_BACK | {"55P03", "57014", 1205, 1969, 3024}
"""Beside those: a lock or a statement that took too long."""
_WRONG_STATEMENT = frozenset({1054, 1136, 1364, 1366, sqlite3.SQLITE_ERROR})
"""MySQL and SQLite call these operational, yet the database is well: an unknown column or table, a bad value."""
_READ_ONLY = "25006"
"""PostgreSQL's code for a server that takes no writes, as a standby does."""


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
        self._driver: Any = self._engine.dialect.loaded_dbapi
        self._driver_error: type[Exception] = self._driver.Error
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
                    raise self._translated(getattr(exc, "orig", None) or exc) from exc
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
        cause = getattr(exc, "orig", None) or exc
        if _is_locked(cause):
            return _BUSY_PAUSE if elapsed < self._lock_timeout and not _is_on_event_loop() else None
        is_rolled_back = isinstance(cause, self._driver.IntegrityError) or _code(cause) in _ROLLED_BACK
        was_connected = cause is exc or getattr(exc, "connection_invalidated", False)
        is_broken = was_connected and not self.is_local and self._is_down(cause) and _code(cause) not in _BUSY
        if attempts == _ATTEMPTS or elapsed > _REPEAT_WITHIN:
            return None
        return 0.0 if is_rolled_back or is_broken else None

    def _translated(self, cause: BaseException) -> StoreError:
        """Ours for a foreign exception; the message repeats no value that was to be stored."""
        where = self.url.database if self.is_local else self.url.host
        name = Wording("the database ({dialect}, {where})", dialect=self.dialect, where=where)
        if isinstance(cause, PoolTimeoutError):
            return StoreBusyError(Wording("{name} is busy: every connection to it is in use", name=name))
        if _is_locked(cause) or _code(cause) in _BUSY:
            return StoreBusyError(Wording("{name} is busy: another connection holds the lock", name=name))
        if self._is_down(cause):
            said = next(iter(str(cause).splitlines()), "")[:200]
            return StoreDownError(
                Wording(
                    "{name} does not answer: {said}; look whether it runs, and at TRIAGE_DATABASE_URL",
                    name=name,
                    said=said,
                )
            )
        return StoreError(
            Wording(
                "{name} refused a statement: {error}; run `triage db check`",
                name=name,
                error=type(cause).__name__,
            )
        )

    def _is_down(self, cause: BaseException) -> bool:
        """Whether the database is to blame, not the statement."""
        if isinstance(cause, self._driver.InterfaceError) or _code(cause) == _READ_ONLY:
            return True
        is_operational = isinstance(cause, self._driver.OperationalError)
        return is_operational and _code(cause) not in _WRONG_STATEMENT

    def _roll_back(self, session: Session) -> None:
        """A connection that cannot roll back is closed instead."""
        try:
            session.command("ROLLBACK")
        except self._driver_error:
            session.connection.invalidate()


def _is_locked(exc: BaseException | None) -> bool:
    """Whether SQLite says that another connection holds a lock."""
    return isinstance(exc, sqlite3.OperationalError) and exc.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY


def _is_on_event_loop() -> bool:
    """Whether the calling thread runs an event loop, which must not wait."""
    from asyncio import get_running_loop  # a program without a loop need not import it

    try:
        get_running_loop()
    except RuntimeError:
        return False
    return True


def _code(exc: BaseException) -> object:
    """The database's own code: MySQL's and SQLite's number, PostgreSQL's SQLSTATE."""
    first = next(iter(exc.args), None)
    return (
        first if isinstance(first, int) else getattr(exc, "sqlite_errorcode", getattr(exc, "sqlstate", None))
    )
