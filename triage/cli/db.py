"""`triage db`: the database's schema."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

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
