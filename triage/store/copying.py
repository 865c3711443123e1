"""Copies of a SQLite database: made while others write, and put back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from triage.errors import InputError, SettingsError, StoreError, reason_of
from triage.store.engine import read_url
from triage.store.file import SIDECARS, file_of, make_private
from triage.store.schema import VERSIONS
from triage.store.store import Store
from triage.store.versions import judge
from triage.wording import Wording


def back_up(url: str, copy: Path) -> None:
    """Write the database to a file of its own, as it is at one moment; others may go on writing.

    Raises InputError for a copy that cannot be written, StoreError for a database that cannot be read whole.
    """
    file = _file(url)
    if copy.exists():
        raise InputError(Wording("{copy} is there already; name another file, or move it away", copy=copy))
    if not file.exists():
        raise StoreError(
            Wording("there is no database {file} to back up; look at TRIAGE_DATABASE_URL", file=file)
        )
    _copy(file, copy, "rw")  # a reader alone would leave a log beside it


def restore(url: str, copy: Path, now: datetime) -> Path | None:
    """Put a copy in place of the database and upgrade it; where that is kept which was there, None if nothing was.

    A service that has the old file open notices, and goes on with the new one when it is restarted.
    Raises InputError for a copy that is none, SchemaError for that of a newer program.
    """
    file = _file(url)
    if not copy.is_file():
        raise InputError(Wording("there is no file {copy}", copy=copy))
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    _copy(copy, new, "ro")
    aside = file.with_name(f"{file.name}.before-{now:%Y%m%d-%H%M%S}")
    was_there = file.exists()
    with _told(file):
        for ending in SIDECARS:  # the log belongs to the file that it lies beside
            if (part := Path(f"{file}{ending}")).exists():
                part.rename(f"{aside}{ending}")
        new.rename(file)
    Store.open(url, upgrade=True).close()
    return aside if was_there else None


def _file(url: str) -> Path:
    read = read_url(url)
    file = file_of(read)
    if file is None:
        tool = {
            "postgresql": "pg_dump, pg_restore",
            "sqlite": Wording("nothing: it is in memory"),
        }.get(read.get_backend_name(), "mysqldump --single-transaction, mysql")
        raise SettingsError(
            Wording("TRIAGE_DATABASE_URL names no SQLite file; for this database use {tool}", tool=tool)
        )
    return file


def _copy(source: Path, target: Path, mode: str) -> None:
    """Copy a database of ours into a single file that its owner alone can read; whole, or not at all."""
    partial = target.with_name(f"{target.name}.part")
    partial.unlink(missing_ok=True)
    try:
        with _told(source), closing(_open(source, mode)) as read:
            _check(source, read)
            with _told(target):
                make_private(partial)
                with closing(_open(partial, "rw")) as written:
                    read.backup(written)
                    written.execute("PRAGMA journal_mode=DELETE")
                partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)


def _open(file: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode={mode}", uri=True)


def _check(file: Path, connection: sqlite3.Connection) -> None:
    """Raises unless the database is ours, undamaged, and no newer program's."""
    (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        raise StoreError(Wording("{file} is damaged: {why}", file=file, why=verdict.splitlines()[-1]))
    tables = connection.execute("SELECT name FROM sqlite_master WHERE name = 'alembic_version'").fetchall()
    version = connection.execute("SELECT version_num FROM alembic_version").fetchone() if tables else None
    if version is None:
        raise InputError(Wording("{file} is no database of triage: it has none of its tables", file=file))
    if version[0] not in VERSIONS:
        judge(version[0])


@contextmanager
def _told(file: Path) -> Iterator[None]:
    """What SQLite or the system says against a file, as one of ours."""
    try:
        yield
    except (sqlite3.Error, OSError) as exc:
        if getattr(exc, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_CORRUPT:
            raise StoreError(Wording("{file} is damaged: {why}", file=file, why=str(exc))) from exc
        reason = reason_of(exc) if isinstance(exc, OSError) else str(exc)
        raise InputError(Wording("cannot use {file}: {why}", file=file, why=reason)) from exc
