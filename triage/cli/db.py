"""`triage db`: the database's schema."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from triage.cli._commands import Group
from triage.cli._language import gettext
from triage.cli._output import write
from triage.settings import load_settings
from triage.store import Store


def database_url() -> str:
    """What `TRIAGE_DATABASE_URL` says, else the SQLite file that `triage serve` uses."""
    return load_settings().database_url


@click.group("db", cls=Group)
def command() -> None:
    """Look after the database that TRIAGE_DATABASE_URL names."""


@command.command("upgrade", examples=("triage db upgrade",))
def upgrade() -> None:
    """Make the tables, or bring them up to date. Back the database up first."""
    Store.open(database_url(), upgrade=True).close()
    write(gettext("the database is up to date"))


@command.command("backup", examples=("triage db backup /backup/triage-monday.db",))
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
def backup(file: Path) -> None:
    """Copy the SQLite database to FILE, whole, while the service goes on; a server has tools of its own."""
    from triage.store.copying import back_up

    back_up(database_url(), file)
    write(gettext("{file} is a whole copy of the database", file=file))


@command.command("restore", examples=("triage db restore /backup/triage-monday.db",))
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
def restore(file: Path) -> None:
    """Put FILE, which `triage db backup` made, in place of the SQLite database, and upgrade it.

    What was there is kept beside it. A running service notices and remembers nothing until it is restarted.
    """
    from triage.store.copying import restore as put_back

    aside = put_back(database_url(), file, datetime.now(UTC))
    write(gettext("the database is that of {file}; restart the service", file=file))
    if aside is not None:
        write(gettext("what was there is now {file}", file=aside))


@command.command("purge", examples=("TRIAGE_RETENTION_DAYS=90 triage db purge",))
def purge() -> None:
    """Delete what is older than TRIAGE_RETENTION_DAYS: messages, alerts, incidents. `triage serve` does it daily."""
    settings = load_settings()
    store = Store.open(settings.database_url)
    gone = store.purge(datetime.now(UTC) - timedelta(days=settings.retention_days))
    store.close()
    write(gettext("{rows} rows older than {days} days are gone", rows=gone, days=settings.retention_days))


@command.command("check", examples=("triage db check",))
def check() -> None:
    """See whether the database answers and has the schema of this program; exit 2 if not."""
    Store.open(database_url()).close()
    write(gettext("the database answers and its schema is right"))
