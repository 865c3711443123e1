"""The way up to this program's schema, by Alembic."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, text

from triage.store.columns import MYSQL
from triage.store.schema import VERSIONS
from triage.store.versions import judge, version_of

SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 8_147_520_391
"""The name, to PostgreSQL, of the lock that lets one process upgrade at a time."""
_MYSQL_LOCK = "CONCAT('triage ', SHA1(DATABASE()))"
"""The same to MySQL, as SQL: its locks are of the whole server, and it refuses names of more than 64 characters."""


def migrate(connection: Connection, scripts: Path = SCRIPTS, versions: Sequence[str] = VERSIONS) -> None:
    """Bring the schema up to date; a second process waits, then finds nothing to do."""
    dialect = connection.dialect.name
    if dialect == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:name)"), {"name": _LOCK})
    elif dialect in MYSQL:
        connection.execute(text(f"SELECT GET_LOCK({_MYSQL_LOCK}, 60)"))
    try:
        version = version_of(connection)
        if version == versions[-1]:
            return
        if version is not None and version not in versions:
            judge(version, versions)
        # takes longer to import than all else that a start does with the database
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(scripts).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    finally:
        if dialect in MYSQL:
            connection.execute(text(f"SELECT RELEASE_LOCK({_MYSQL_LOCK})"))
