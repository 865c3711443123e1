"""Which version of the schema a database has, and whether this program can use it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, inspect, text

from triage.errors import SchemaError
from triage.store.schema import VERSIONS
from triage.wording import Wording

UPGRADE = "triage db upgrade"
_VERSION = text("SELECT version_num FROM alembic_version")


def version_of(connection: Connection) -> str | None:
    """The version the database has; None for a database without our tables."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.execute(_VERSION).scalar()
    return version


def judge(version: str | None, versions: Sequence[str] = VERSIONS) -> None:
    """Raises SchemaError unless the version is this program's."""
    if version == versions[-1]:
        return
    if version is None:
        raise SchemaError(
            Wording("the database has no tables of triage yet; make them with: {upgrade}", upgrade=UPGRADE)
        )
    if version in versions:
        raise SchemaError(
            Wording(
                "the database has schema {version}, this program needs {newest}; back it up, then run: "
                "{upgrade}",
                version=version,
                newest=versions[-1],
                upgrade=UPGRADE,
            )
        )
    raise SchemaError(
        Wording(
            "the database has schema {version} of a newer program, this one knows {newest}; "
            "install the newer program, `{upgrade}` cannot go back",
            version=version,
            newest=versions[-1],
            upgrade=UPGRADE,
        )
    )
