"""Checkpoints of SQLite's write-ahead log, on a thread beside the writers.

SQLite's own is made by the writer, who would answer later. Pushes beside one take longer too, as both wait for the
disk. The more of the log it moves the less it costs for each push, as they share pages: so it is rare, and long.
https://www.sqlite.org/wal.html#ckpt
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from triage import background
from triage.errors import StoreError
from triage.store.session import Session

ROWS_PER_CHECKPOINT = 4_000
"""Those of 1,000 pushes, in some 26,000 pages of log. At 200 pushes a second 1.2 % of them are beside a checkpoint; it
was 4 % and more with one every 50 pushes. Rows are counted because a purge writes hundreds in a transaction.
"""
_LONG_LOG = 12_000
"""Pages: a log as long as that is to be begun anew, before SQLite's own checkpoint comes."""
_PASSIVE_TRIES = 20
"""Each moves what was written during the one before: the first 1,000 pushes, then a few or none."""
_PAUSE = 0.01
"""Seconds between two, in which a writer may begin the log anew."""
_RESTART_WAIT = 50
"""Milliseconds that a RESTART waits for readers; writers wait for it."""


class Checkpointer:
    """Runs a checkpoint on a thread of its own after every so many `rows`, one at a time."""

    def __init__(self, run: Callable[[Callable[[Session], None]], None], rows: int) -> None:
        self._run = run
        self._rows = rows
        self._written = 0
        self._counting = threading.Lock()
        self._running = threading.Lock()

    def count(self, rows: int) -> None:
        """Count the rows that a transaction has written."""
        with self._counting:
            self._written += rows
            if self._written < self._rows or not self._running.acquire(blocking=False):
                return
            self._written = 0
        if background.start(self._checkpoint, "checkpoint") is None:
            self._running.release()

    def _checkpoint(self) -> None:
        try:
            self._run(checkpoint)
        except StoreError:
            pass  # what stays in the log is safe there, and the next checkpoint moves it
        finally:
            self._running.release()


def checkpoint(
    session: Session, long_log: int = _LONG_LOG, pause: Callable[[float], object] = time.sleep
) -> None:
    """Move the log into the file: PASSIVE, again while the log has more than `long_log` pages, and RESTART in the end.

    Nobody waits for a PASSIVE. The writer after one during which nobody wrote begins the log anew; a load without gaps
    has no such moment. Writers wait for a RESTART while it moves what is left.
    """
    connection = session.connection
    for _ in range(_PASSIVE_TRIES):
        _, pages, _ = connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").one()
        if pages <= long_log:
            return
        pause(_PAUSE)
    before = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {_RESTART_WAIT}")
    try:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(RESTART)")
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {before}")
