"""Checkpoints of SQLite's write-ahead log, on a thread beside the writers.

A checkpoint waits for the disk, some 10 ms; SQLite's own is made by the writer, who would answer later.
https://www.sqlite.org/wal.html#ckpt
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import count

from triage import background
from triage.errors import StoreError
from triage.store.session import Session

WRITES_PER_CHECKPOINT = 50
"""Some 3 MB of log: pushes beside a checkpoint take longer, beside a short one hardly."""
_LONG_LOG = 16_000
"""Pages, some 64 MB: SQLite begins a log anew only when all of it was moved, which is rare under load."""
_RESTART_WAIT = 50
"""Milliseconds that a RESTART waits for readers; writers wait for it."""


class Checkpointer:
    """Runs a checkpoint on a thread of its own after every `writes` transactions, one at a time."""

    def __init__(self, run: Callable[[Callable[[Session], None]], None], writes: int) -> None:
        self._run = run
        self._writes = writes
        self._written = count(1)
        self._running = threading.Lock()

    def count_write(self) -> None:
        """Count a transaction that was committed."""
        if next(self._written) % self._writes or not self._running.acquire(blocking=False):
            return
        if background.start(self._checkpoint, "checkpoint") is None:
            self._running.release()

    def _checkpoint(self) -> None:
        try:
            self._run(checkpoint)
        except StoreError:
            pass  # what stays in the log is safe there, and the next checkpoint moves it
        finally:
            self._running.release()


def checkpoint(session: Session, long_log: int = _LONG_LOG) -> None:
    """Move the log into the file: PASSIVE, then RESTART if the log has more than `long_log` pages."""
    connection = session.connection
    _, pages, _ = connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").one()
    if pages <= long_log:
        return
    before = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {_RESTART_WAIT}")
    try:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(RESTART)")
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {before}")
