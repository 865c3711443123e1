"""What SQLite reads to answer a statement: the plans of everything that is asked meanwhile."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

SMALL = frozenset({"alembic_version", "members", "shifts"})
"""Tables that may be read whole: they have as many rows as a team has people, or shifts that one took over of late."""
_SCANNED = re.compile(r"SCAN (\w+)")
_DERIVED = re.compile(r"anon_\d+|CONSTANT|\(")
"""What SQLAlchemy calls a subquery, whose rows have been found by then."""


_ENDS_SOON = re.compile(r"\sORDER BY \w+\.id( DESC)?\s+LIMIT \d+")
"""It reads by the key as many rows as it gives back, where no condition passes any over."""


@contextmanager
def noted_statements() -> Iterator[set[str]]:
    """The statements, with their values, on every SQLite connection that is opened meanwhile."""
    statements: set[str] = set()

    def trace(connection: Any, _record: object) -> None:
        connection.set_trace_callback(statements.add)

    event.listen(Engine, "connect", trace)
    try:
        yield statements
    finally:
        event.remove(Engine, "connect", trace)


def read_whole(file: Path, statement: str) -> list[str]:
    """The tables and indexes that a statement reads from end to end, as SQLite's plan names them.

    https://www.sqlite.org/eqp.html
    """
    if not statement.lstrip().upper().startswith(("SELECT", "WITH", "UPDATE", "DELETE")):
        return []
    if _ENDS_SOON.search(statement) and " WHERE " not in statement.replace("\n", " "):
        return []
    with closing(sqlite3.connect(file)) as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
    scanned = [(step, _SCANNED.match(step)) for step in plan]
    return [
        step for step, found in scanned if found and found[1] not in SMALL and not _DERIVED.match(found[1])
    ]
