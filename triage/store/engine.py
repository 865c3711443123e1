"""How each database is opened: the driver, what a connection is told first, how long anything may take."""

from __future__ import annotations

import socket
import sqlite3
import time
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool, QueuePool

from triage.errors import SettingsError
from triage.store.patience import Watchdog
from triage.store.schema import MYSQL

TRY_AGAIN = 0.0003
"""Seconds until SQLite is asked again for a lock. Its own busy handler, which is off, sleeps up to 100 ms between two
tries: longer than a hundred of our writes."""
_DRIVERS = {
    "sqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}


def read_url(url: str | URL) -> URL:
    """The URL with the driver we speak. Raises SettingsError; the message never repeats a URL, it holds a password."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as exc:
        raise SettingsError(
            "TRIAGE_DATABASE_URL is not a URL; write for example sqlite:///triage.db"
        ) from exc
    backend = parsed.drivername.partition("+")[0]
    if backend not in _DRIVERS:
        known = ", ".join(sorted(_DRIVERS))
        raise SettingsError(f"TRIAGE_DATABASE_URL: '{backend}' is not supported; choose from {known}")
    return parsed.set(drivername=_DRIVERS[backend])


def is_in_memory(url: URL) -> bool:
    return url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:")


def make_engine(url: URL, patience: float, watchdog: Watchdog | None) -> Engine:
    """New connections are added to the watchdog; who gets one removes it. Raises SettingsError."""
    backend = url.get_backend_name()
    options: dict[str, Any] = {"poolclass": NullPool}
    if backend == "sqlite":
        if is_in_memory(url):  # one connection, or each thread had a database of its own
            options = {"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0, "pool_timeout": patience}
        options["connect_args"] = {"timeout": 0, "check_same_thread": False}
    elif backend == "postgresql":
        wait = round(patience * 1000)
        options["connect_args"] = {
            "connect_timeout": max(1, round(patience)),
            "tcp_user_timeout": 2 * wait,
            "keepalives_idle": 30,
        }
    else:
        seconds = max(1, round(patience))
        options["connect_args"] = {
            "charset": "utf8mb4",
            "connect_timeout": seconds,
            "read_timeout": 2 * seconds,
            "write_timeout": 2 * seconds,
        }
    try:
        engine = create_engine(
            url,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
            pool_reset_on_return=None,
            **options,
        )
    except ImportError as exc:
        extra = "postgresql" if backend == "postgresql" else "mysql"
        raise SettingsError(
            f"TRIAGE_DATABASE_URL: the driver is missing; pip install 'wechat-triage[{extra}]'"
        ) from exc
    except (SQLAlchemyError, TypeError) as exc:
        raise SettingsError(f"TRIAGE_DATABASE_URL cannot be used: {type(exc).__name__}") from exc
    _prepare_connections(engine, patience, watchdog)
    return engine


def _prepare_connections(engine: Engine, patience: float, watchdog: Watchdog | None) -> None:
    """What every new connection is told once."""
    statements = _first_statements(engine.dialect.name, patience)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        deadline = time.monotonic() + patience
        for statement in statements:
            while not _done(cursor, statement, deadline):
                time.sleep(TRY_AGAIN)
        cursor.close()

    if watchdog is None:
        return

    @event.listens_for(engine, "do_connect")
    def reach(dialect: Any, _record: object, arguments: Any, options: dict[str, Any]) -> Any:
        """A dead host is given up after `patience`, while psycopg itself waits at least two seconds.

        A server that falls silent behind the login is left to the watchdog.
        """
        host, port = options.get("host"), options.get("port", 5432)
        if isinstance(host, str) and not host.startswith("/") and "," not in host:
            try:
                socket.create_connection((host, int(port)), patience).close()
            except OSError as exc:
                raise dialect.loaded_dbapi.OperationalError(f"cannot connect: {exc}") from exc
        connection = dialect.connect(*arguments, **options)
        watchdog.add(connection)
        return connection


def _first_statements(dialect: str, patience: float) -> tuple[str, ...]:
    wait = round(patience * 1000)
    if dialect == "sqlite":
        # NORMAL under WAL: a killed process loses nothing, a power cut at most the last moments, the file stays whole.
        # SQLite's own checkpoint, within a reply, is for a log of 128 MB only: we make them in time.
        return (
            "PRAGMA journal_mode=WAL",
            "PRAGMA synchronous=NORMAL",
            "PRAGMA wal_autocheckpoint=32000",
            "PRAGMA foreign_keys=ON",
        )
    if dialect in MYSQL:
        return (
            "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
            f"SET SESSION innodb_lock_wait_timeout={max(1, round(patience))}",
            f"SET SESSION lock_wait_timeout={max(1, round(patience))}",
            "SET SESSION sql_mode='STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
            "SET SESSION time_zone='+00:00'",
        )
    return (f"SET lock_timeout={wait}", f"SET statement_timeout={2 * wait}", "SET timezone='UTC'")


def _done(cursor: Any, statement: str, deadline: float) -> bool:
    """Whether a first statement was carried out; SQLite refuses WAL at once while another process turns it on."""
    try:
        cursor.execute(statement)
    except sqlite3.OperationalError as exc:
        if not is_busy(exc) or time.monotonic() > deadline:
            raise
        return False
    return True


def is_busy(exc: BaseException | None) -> bool:
    """Whether SQLite says that somebody else holds a lock."""
    return isinstance(exc, sqlite3.OperationalError) and exc.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
