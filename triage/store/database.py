"""Connections: opened quickly or not at all, mended when they break; every foreign exception becomes one of ours.

The drivers run in autocommit mode. So a question is one round trip, and a transaction is what this module begins and
commits by its own statements.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from itertools import count
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from triage import background
from triage.errors import StoreBusyError, StoreDownError, StoreError
from triage.store.engine import TRY_AGAIN, is_busy, is_in_memory, make_engine, read_url
from triage.store.patience import Breaker, Budget, Watchdog, in_time
from triage.store.session import Prepared, Session, Statement
from triage.store.sqlite_log import empty

T = TypeVar("T")

_ATTEMPTS = 4
_ROLLED_BACK = frozenset({"40001", "40P01", 1213})
"""Chosen by the server as the victim of a deadlock: the transaction may simply be run again."""
_BUSY = _ROLLED_BACK | {"55P03", "57014", 1205, 1969, 3024}
"""Beside those: a lock or a statement that took too long."""
_WRONG_STATEMENT = frozenset({1054, 1136, 1364, 1366})
"""MySQL calls these operational, yet the database is well: an unknown column, a bad value."""
_REACHED = 2.5
"""A connection, in patiences; a driver may take two."""
_CHECKPOINT = 200
"""Writes between two checkpoints of SQLite: some 10 MB."""
_UNTIL: ContextVar[float | None] = ContextVar("until", default=None)
"""When the time is over that somebody has for all questions (time.monotonic)."""


class Database:
    """One database. `patience` is how many seconds a connection, a lock or a statement may take."""

    def __init__(self, url: str | URL, patience: float = 1.0) -> None:
        self.url = read_url(url)
        self.dialect = self.url.get_backend_name()
        self.is_sqlite = self.dialect == "sqlite"
        self._in_memory = is_in_memory(self.url)
        self._begin = "BEGIN IMMEDIATE" if self.is_sqlite else "BEGIN"
        self._patience = patience
        self._watchdog = Watchdog(2.5 * patience) if self.dialect == "postgresql" else None
        self._engine = make_engine(self.url, patience, self._watchdog)
        # SQLite has one writer: threads take turns here, fairly, rather than sleep and ask in SQLite.
        self._turn = threading.Lock() if self.is_sqlite else None
        # What cannot be read cannot be written; a lock may keep out writers alone.
        self._connecting, self._reading, self._writing = (Breaker(self._name, patience) for _ in range(3))
        self._budget = Budget(patience)
        self._prepared: dict[Statement, Prepared] = {}
        # Connections that nobody uses. SQLAlchemy's own pool takes longer for each loan than SQLite for a question.
        self._idle: deque[Session] = deque()
        self._writes = count(1)
        self._checkpointing = threading.Lock()

    @property
    def file(self) -> Path | None:
        """The file of a SQLite database, if the URL names it plainly."""
        name = self.url.database
        return Path(name) if self.is_sqlite and name and not name.startswith(("file:", ":")) else None

    def patient(self, patience: float) -> Database:
        """The same database for work that takes its time; this one if it is in memory, which has no second door."""
        return self if self._in_memory else Database(self.url, patience)

    def close(self) -> None:
        self._close_idle()
        self._engine.dispose()

    def _close_idle(self) -> None:
        with suppress(IndexError):  # another thread may take the last one
            while True:
                self._idle.pop().discard()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """What is asked inside has so much time in all; then StoreBusyError is raised."""
        before = _UNTIL.set(time.monotonic() + seconds)
        try:
            yield
        finally:
            _UNTIL.reset(before)

    def read(self, question: Callable[[Session], T]) -> T:
        """Ask; asked again if the connection turns out to be an old broken one."""
        return self._reading.guard(partial(self._attempt, question))

    def write(self, work: Callable[[Session], T], *, repeatable: bool = False) -> T:
        """Run `work` in one transaction, again if it lost a race.

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
                _undo(session)
                raise
            return result

        self._reading.check()
        result = self._writing.guard(
            partial(self._in_turn, transaction, lambda: repeatable or not committing)
        )
        if self._turn is not None and not self._in_memory:
            self._checkpoint_aside()
        return result

    def _checkpoint_aside(self) -> None:
        """Now and then move what was written from SQLite's log into the file, on a thread of its own.

        That waits for the disk, some 10 ms, and SQLite itself would do it within somebody's reply.
        """
        if next(self._writes) % _CHECKPOINT or not self._checkpointing.acquire(blocking=False):
            return
        if background.start(self._checkpoint, "checkpoint") is None:
            self._checkpointing.release()

    def _checkpoint(self) -> None:
        try:
            self.read(empty)
        except (StoreError, sqlite3.Error):
            pass  # what stays in the log is safe there, and the next one takes it
        finally:
            self._checkpointing.release()

    def _attempt(self, work: Callable[[Session], T], may_repeat: Callable[[], bool] = lambda: True) -> T:
        end = time.monotonic() + self._patience
        attempts = 0
        while True:
            try:
                return self._on_connection(work)
            except DBAPIError as exc:
                if exc.connection_invalidated:  # the server is back, or away: the idle ones are broken too
                    self._close_idle()
                if is_busy(exc.orig):
                    is_last = not self._budget.wait(TRY_AGAIN, _UNTIL.get())
                else:
                    attempts += 1
                    is_last = attempts == _ATTEMPTS or not _is_passing(exc)
                if is_last or time.monotonic() > end or not may_repeat():
                    raise self._translated(exc) from exc
            except (SQLAlchemyError, ValueError, OverflowError) as exc:
                raise self._translated(exc) from exc

    def _on_connection(self, work: Callable[[Session], T]) -> T:
        """Work on an idle connection, else on a new one; one that saw a failure is not used again."""
        try:
            session = self._idle.pop()
        except IndexError:
            session = Session(self._connect(), self._prepared, self._budget, self._watchdog)
        session.until = _UNTIL.get()
        try:
            if self._watchdog is None:
                result = work(session)
            else:
                with self._watchdog.watch(session.raw):
                    result = work(session)
        except BaseException:
            self._give_back(session, is_good=False)
            raise
        self._give_back(session, is_good=True)
        return result

    def _give_back(self, session: Session, *, is_good: bool) -> None:
        if self._in_memory:  # the connection is the database: it goes to whoever waits for it
            session.connection.close()
        elif is_good:
            self._idle.append(session)
        else:
            session.discard()

    def _connect(self) -> Connection:
        def connect() -> Connection:
            try:
                return self._engine.connect() if self.is_sqlite else self._reach()
            except SQLAlchemyError as exc:
                raise self._translated(exc) from exc

        return self._connecting.guard(connect)

    def _reach(self) -> Connection:
        """Connect, or give up; a connection that comes later is closed."""

        def reach() -> Connection:
            connection = self._engine.connect()
            if self._watchdog:
                self._watchdog.remove(connection.connection.dbapi_connection)
            return connection

        return in_time(_REACHED * self._patience, self._name, "connect", reach, Connection.close)

    def _in_turn(self, work: Callable[[Session], T], may_repeat: Callable[[], bool]) -> T:
        if self._turn is None:
            return self._attempt(work, may_repeat)
        if not self._turn.acquire(timeout=self._patience):
            raise StoreDownError(f"{self._name} is busy; too many writers wait for it")
        try:
            return self._attempt(work, may_repeat)
        finally:
            self._turn.release()

    @property
    def _name(self) -> str:
        where = self.url.database if self.is_sqlite else self.url.host
        return f"the database ({self.dialect}, {where})"

    def _translated(self, exc: Exception) -> StoreError:
        """Ours for a foreign exception; the message repeats no value that was to be stored."""
        if isinstance(exc, DBAPIError) and _code(exc) in _BUSY:
            return StoreBusyError(f"{self._name} is busy: somebody else holds what is needed")
        if is_busy(getattr(exc, "orig", None)):
            return StoreDownError(f"{self._name} is busy; another process holds its lock")
        if _is_down(exc):
            said = str(getattr(exc, "orig", exc) or exc).splitlines() or [""]
            return StoreDownError(
                f"{self._name} does not answer: {said[0][:200]}; look whether it runs, and at TRIAGE_DATABASE_URL"
            )
        kind = type(getattr(exc, "orig", None) or exc).__name__
        return StoreError(f"{self._name} refused a statement: {kind}; run `triage db check`")


def _undo(session: Session) -> None:
    with suppress(SQLAlchemyError):  # a broken connection is not used again
        if not session.connection.invalidated:
            session.command("ROLLBACK")


def _is_passing(exc: DBAPIError) -> bool:
    """A broken connection of the pool, a lost race for a key, a deadlock."""
    return exc.connection_invalidated or isinstance(exc, IntegrityError) or _code(exc) in _ROLLED_BACK


def _code(exc: DBAPIError) -> object:
    """The server's own code: PostgreSQL's SQLSTATE, MySQL's number."""
    cause = exc.orig
    return getattr(cause, "sqlstate", None) or (cause.args[0] if cause and cause.args else None)


def _is_down(exc: Exception) -> bool:
    """Whether the database is to blame, not the statement."""
    if isinstance(exc, PoolTimeoutError | InterfaceError):
        return True
    if not isinstance(exc, DBAPIError):
        return False
    cause = exc.orig
    if exc.connection_invalidated or getattr(cause, "sqlstate", None) == "25006":  # a read-only standby
        return True
    if not isinstance(exc, OperationalError):
        return False
    sqlite_code = getattr(cause, "sqlite_errorcode", None)
    code = cause.args[0] if cause is not None and cause.args else None
    return sqlite_code != 1 and code not in _WRONG_STATEMENT  # 1: SQLITE_ERROR, as "no such table"
