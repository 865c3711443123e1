"""SQLite's write-ahead log, kept short while everybody goes on writing."""

from __future__ import annotations

from triage.store.session import Session

_WAIT = 50
"""Milliseconds that writers wait at most while readers are in the way of a new beginning."""
_LONG = 8000
"""Pages, some 32 MB. SQLite begins a log anew only when all of it was moved: under load that is rare."""


def empty(session: Session) -> None:
    """Move the log into the file while others write; a long log is begun anew, for which they wait a moment.

    Raises sqlite3.Error, or what `Session.command` raises; what was not moved is safe in the log.
    """
    wait = session.raw.execute("PRAGMA busy_timeout").fetchone()[0]
    _, pages, _ = session.raw.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    if pages > _LONG:
        session.command(f"PRAGMA busy_timeout = {_WAIT}")
        try:
            session.command("PRAGMA wal_checkpoint(RESTART)")
        finally:
            session.command(f"PRAGMA busy_timeout = {wait}")
