"""How each database is opened: the driver, what a connection is told first, how long anything may take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from triage.errors import SettingsError
from triage.store.columns import MYSQL
from triage.wording import Wording

POOL_SIZE = 16
"""Connections at most: more than there are threads that ask the store."""
_DRIVERS = {
    "sqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds after which a driver or a server gives up; whole ones, as some drivers know no others."""

    connect: int = 2
    """Also how long a thread waits for a connection of the pool."""
    lock: int = 1
    statement: int = 2


UPGRADE_TIMEOUTS = Timeouts(connect=10, lock=300, statement=3600)
"""An upgrade may have to rewrite a large table, and to wait for another process that does."""


def read_url(url: str | URL) -> URL:
    """The URL with the driver we speak. Raises SettingsError; the message never repeats a URL, it holds a password."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as exc:
        raise SettingsError(
            Wording("TRIAGE_DATABASE_URL is not a URL; write for example sqlite:///triage.db")
        ) from exc
    if "@" in (parsed.host or ""):  # the rest of a password; drivers and logs would name it as the host
        raise SettingsError(Wording("TRIAGE_DATABASE_URL: write an @ of the password as %40"))
    backend = parsed.drivername.partition("+")[0]
    if backend not in _DRIVERS:
        known = ", ".join(sorted(_DRIVERS))
        raise SettingsError(
            Wording(
                "TRIAGE_DATABASE_URL: '{backend}' is not supported; choose from {known}",
                backend=backend,
                known=known,
            )
        )
    return parsed.set(drivername=_DRIVERS[backend])


def is_in_memory(url: URL) -> bool:
    """Whether the database is SQLite's and lives in its connection alone."""
    return url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:")


def is_file(url: URL) -> bool:
    """Whether the database is a file of SQLite's."""
    return url.get_backend_name() == "sqlite" and not is_in_memory(url)


def make_engine(url: URL, timeouts: Timeouts) -> Engine:
    """An engine in autocommit mode, so that a question is one round trip. Raises SettingsError."""
    backend = url.get_backend_name()
    try:
        engine = create_engine(
            url,
            isolation_level="AUTOCOMMIT",
            skip_autocommit_rollback=True,
            hide_parameters=True,
            paramstyle="named" if backend == "sqlite" else "pyformat",
            poolclass=QueuePool,
            pool_size=1 if is_in_memory(url) else POOL_SIZE,  # in memory each is a database of its own
            max_overflow=-1 if is_file(url) else 0,  # `Database` keeps those of a file
            pool_timeout=timeouts.connect,
            pool_use_lifo=True,
            pool_reset_on_return=None,
            connect_args=_connect_arguments(backend, timeouts),
        )
    except ImportError as exc:
        extra = "postgresql" if backend == "postgresql" else "mysql"
        raise SettingsError(
            Wording(
                "TRIAGE_DATABASE_URL: the driver is missing; pip install 'wechat-triage[{extra}]'",
                extra=extra,
            )
        ) from exc
    except (SQLAlchemyError, TypeError) as exc:
        raise SettingsError(
            Wording("TRIAGE_DATABASE_URL cannot be used: {why}", why=type(exc).__name__)
        ) from exc
    statements = _first_statements(backend, timeouts)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()

    return engine


def _connect_arguments(backend: str, timeouts: Timeouts) -> dict[str, Any]:
    if backend == "sqlite":
        # SQLite's own busy handler is off: it sleeps up to 100 ms, longer than a hundred of our writes, and would
        # do so on an event loop as well. `Database` waits instead, where a thread may.
        return {"timeout": 0, "check_same_thread": False}
    if backend in MYSQL:  # https://pymysql.readthedocs.io/en/latest/modules/connections.html
        return {
            "charset": "utf8mb4",
            "connect_timeout": timeouts.connect,
            "read_timeout": timeouts.statement,
            "write_timeout": timeouts.statement,
        }
    return {  # https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
        "connect_timeout": timeouts.connect,
        "tcp_user_timeout": timeouts.statement * 1000,
        "keepalives_idle": 30,
    }


def _first_statements(backend: str, timeouts: Timeouts) -> tuple[str, ...]:
    if backend == "sqlite":
        # NORMAL under WAL: a killed process loses nothing, a power cut at most the last moments, the file stays whole.
        # SQLite's own checkpoint, within a reply, is for a very long log only: `store.wal` makes them earlier.
        # A push changes a little of many pages, each written to the log whole: pages of a new file are small.
        # With 16 MB of them at hand instead of 2 a push reads fewer of them back.
        return (
            "PRAGMA page_size=1024",
            "PRAGMA journal_mode=WAL",
            "PRAGMA synchronous=NORMAL",
            "PRAGMA wal_autocheckpoint=64000",
            "PRAGMA cache_size=-16000",
            "PRAGMA foreign_keys=ON",
        )
    if backend in MYSQL:
        return (
            "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
            f"SET SESSION innodb_lock_wait_timeout={timeouts.lock}",
            f"SET SESSION lock_wait_timeout={timeouts.lock}",
            "SET SESSION sql_mode='STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
            "SET SESSION time_zone='+00:00'",
        )
    return (
        f"SET lock_timeout='{timeouts.lock}s'",
        f"SET statement_timeout='{timeouts.statement}s'",
        "SET timezone='UTC'",
    )
