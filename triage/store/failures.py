"""What the exceptions of a driver mean: whether to try again, and which one of ours each becomes."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy.engine import URL
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from triage.errors import StoreBusyError, StoreDownError, StoreError
from triage.wording import Wording

_ROLLED_BACK = frozenset({"40001", "40P01", 1213})
"""Chosen by the server as the victim of a deadlock: the transaction may simply be run again."""
_BUSY = _ROLLED_BACK | {"55P03", "57014", 1205, 1969, 3024}
"""Beside those: a lock or a statement that took too long."""
_WRONG_STATEMENT = frozenset({1054, 1136, 1364, 1366, sqlite3.SQLITE_ERROR})
"""MySQL and SQLite call these operational, yet the database is well: an unknown column or table, a bad value."""
_READ_ONLY = "25006"
"""PostgreSQL's code for a server that takes no writes, as a standby does."""


def is_locked(exc: BaseException) -> bool:
    """Whether SQLite says that another connection holds a lock."""
    cause = _cause(exc)
    return (
        isinstance(cause, sqlite3.OperationalError) and cause.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
    )


class Failures:
    """Judges the exceptions of one driver, for the database at a URL."""

    def __init__(self, driver: Any, url: URL) -> None:
        self._driver = driver
        self._dialect = url.get_backend_name()
        self._is_local = self._dialect == "sqlite"
        self._where = url.database if self._is_local else url.host

    def is_passing(self, exc: BaseException) -> bool:
        """Whether another try may do at once: the transaction was the victim of another, or a connection had broken."""
        cause = _cause(exc)
        if isinstance(cause, self._driver.IntegrityError) or _code(cause) in _ROLLED_BACK:
            return True
        was_connected = cause is exc or getattr(exc, "connection_invalidated", False)
        return was_connected and not self._is_local and self._is_down(cause) and _code(cause) not in _BUSY

    def as_ours(self, exc: BaseException) -> StoreError:
        """The StoreError, StoreBusyError or StoreDownError to raise; it repeats no value that was to be stored."""
        cause = _cause(exc)
        name = Wording("the database ({dialect}, {where})", dialect=self._dialect, where=self._where)
        if isinstance(cause, PoolTimeoutError):
            return StoreBusyError(Wording("{name} is busy: every connection to it is in use", name=name))
        if is_locked(cause) or _code(cause) in _BUSY:
            return StoreBusyError(Wording("{name} is busy: another connection holds the lock", name=name))
        if self._is_down(cause):
            return StoreDownError(self._down(name, cause))
        return StoreError(
            Wording(
                "{name} refused a statement: {error}; run `triage db check`",
                name=name,
                error=type(cause).__name__,
            )
        )

    def _down(self, name: Wording, cause: BaseException) -> Wording:
        said = next(iter(str(cause).splitlines()), "")[:200]
        if (
            isinstance(cause, sqlite3.OperationalError)
            and cause.sqlite_errorcode & 0xFF == sqlite3.SQLITE_CANTOPEN
        ):
            return Wording(
                "{name} cannot be opened: {said}; look whether its directory is there and may be written, "
                "and at TRIAGE_DATABASE_URL",
                name=name,
                said=said,
            )
        return Wording(
            "{name} does not answer: {said}; look whether it runs, and at TRIAGE_DATABASE_URL",
            name=name,
            said=said,
        )

    def _is_down(self, cause: BaseException) -> bool:
        """Whether the database is to blame, not the statement."""
        if isinstance(cause, self._driver.InterfaceError) or _code(cause) == _READ_ONLY:
            return True
        is_operational = isinstance(cause, self._driver.OperationalError)
        return is_operational and _code(cause) not in _WRONG_STATEMENT


def _cause(exc: BaseException) -> BaseException:
    """The driver's exception: SQLAlchemy wraps those of its own way of executing."""
    return getattr(exc, "orig", None) or exc


def _code(exc: BaseException) -> object:
    """The database's own code: MySQL's and SQLite's number, PostgreSQL's SQLSTATE."""
    first = next(iter(exc.args), None)
    return (
        first if isinstance(first, int) else getattr(exc, "sqlite_errorcode", getattr(exc, "sqlstate", None))
    )
