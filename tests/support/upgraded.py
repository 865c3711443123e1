"""Databases with our tables and nothing in them: a test that only uses the tables need not wait for the migrations.

A SQLite file is the copy of one that was upgraded before. A server's database is emptied and handed out again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select, text

from tests.support.stores import end_users, fresh_database
from triage.store import Store
from triage.store.database import Database
from triage.store.engine import UPGRADE_TIMEOUTS
from triage.store.schema import METADATA

Rows = dict[Table, list[dict[str, Any]]]


@cache
def _file() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "triage.db"
        Store.open(f"sqlite:///{file}", upgrade=True).close()
        return file.read_bytes()


def new_file(file: Path) -> str:
    """The URL of a SQLite file with our tables, for its owner alone to read; one that is there stays as it is."""
    with suppress(FileExistsError):
        descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(_file())
    return f"sqlite:///{file}"


def new_store(file: Path, *, has_team: bool = False) -> Store:
    """A store over a new SQLite file."""
    return Store.open(new_file(file), has_team=has_team)


class UpgradedDatabases:
    """One database of each server, with our tables; made when it is first asked for, dropped with `kept`."""

    def __init__(self, kept: ExitStack) -> None:
        self._kept = kept
        self._made: dict[str, tuple[str, Rows]] = {}

    @contextmanager
    def database(self, kind: str, folder: Path) -> Iterator[str]:
        """The URL of a database as an upgrade leaves it; afterwards it is somebody else's."""
        if kind == "sqlite":
            yield new_file(folder / "triage.db")
            return
        if kind not in self._made:
            url = self._kept.enter_context(fresh_database(kind, folder))
            Store.open(url, upgrade=True).close()
            self._made[kind] = url, _rows(url)
        url, rows = self._made[kind]
        try:
            yield url
        finally:
            end_users(url)
            _write_back(url, rows)


def _rows(url: str) -> Rows:
    """What stands in the tables."""
    with closing(Database(url)) as database:
        return database.read(lambda session: _read(session.connection))


def _read(connection: Connection) -> Rows:
    return {
        table: [dict(row) for row in connection.execute(select(table)).mappings()]
        for table in METADATA.sorted_tables
    }


def _write_back(url: str, rows: Rows) -> None:
    """Leave these rows and no others, and let ids begin with 1."""
    with closing(Database(url, UPGRADE_TIMEOUTS)) as database:
        database.write(lambda session: _replace(session.connection, rows))


def _replace(connection: Connection, rows: Rows) -> None:
    if connection.dialect.name == "postgresql":
        names = ", ".join(METADATA.tables)
        connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY"))
    else:
        for table in reversed(METADATA.sorted_tables):
            connection.execute(delete(table))
            if table.autoincrement_column is not None:
                connection.execute(text(f"ALTER TABLE {table.name} AUTO_INCREMENT = 1"))
    for table, kept in rows.items():
        if kept:
            connection.execute(insert(table), kept)
