"""Logs as one line of JSON for each event, with nothing in them that must not be repeated.

An exception leaves its type and where it happened. What it says stays out: that may be a message body.
"""

from __future__ import annotations

import logging
import queue
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from triage import background
from triage.masking import mask
from triage.printing import dump_json

_FIELDS = "triage_fields"
_FRAMES = 12
_QUEUED = 10_000
"""Lines that may wait for a reader."""
_LAST_SECONDS = 1.0
"""For the lines that are left when the process ends."""
_LOG = logging.getLogger(__name__)


def log_event(logger: logging.Logger, level: int, event: str, **fields: object) -> None:
    """One event with its fields; never give it a secret, an OpenID, a body or a query string."""
    logger.log(level, event, extra={_FIELDS: fields})


def log_failure(logger: logging.Logger, event: str, exc: BaseException, **fields: object) -> None:
    """An exception that nobody foresaw, without its words."""
    log_event(logger, logging.ERROR, event, **fields, error=type(exc).__name__, where=_where(exc))


class JsonFormatter(logging.Formatter):
    """Writes a record as a line of JSON; also those of libraries, masked."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": mask(record.getMessage()),
        }
        fields: Mapping[str, object] = getattr(record, _FIELDS, {})
        line |= {name: _value(value) for name, value in fields.items() if value is not None}
        if record.exc_info and record.exc_info[1]:
            exc = record.exc_info[1]
            line |= {"error": type(exc).__name__, "where": _where(exc)}
        return dump_json(line)


@contextmanager
def logging_aside(level: str, stream: TextIO | None = None, size: int = _QUEUED) -> Iterator[None]:
    """Everything this process logs goes to standard error as JSON.

    A thread writes the lines, so that a log nobody reads stops no reply: while the reader
    hangs, the first `size` lines are kept and the rest are counted in a line of their own.
    """
    writer = logging.StreamHandler(stream or sys.stderr)
    writer.setFormatter(JsonFormatter())
    waiting = _Waiting(size)
    thread = background.start(partial(waiting.write_to, writer), "log")
    _install(level, writer if thread is None else waiting)
    try:
        yield
    finally:
        waiting.close()
        if thread is not None:
            thread.join(_LAST_SECONDS)


class _Waiting(logging.Handler):
    """Log records on their way to a thread."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._records: queue.Queue[logging.LogRecord | None] = queue.Queue(size)
        self._lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._records.put_nowait(record)
        except queue.Full:
            self._lost += 1

    def close(self) -> None:
        super().close()
        with suppress(queue.Full):
            self._records.put_nowait(None)

    def write_to(self, writer: logging.Handler) -> None:
        while (record := self._records.get()) is not None:
            writer.handle(record)
            if self._lost and self._records.empty():
                lost, self._lost = self._lost, 0
                log_event(_LOG, logging.WARNING, "log_lines_lost", lines=lost)


def _install(level: str, handler: logging.Handler) -> None:
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for library in ("alembic", "sqlalchemy", "urllib3"):
        logging.getLogger(library).setLevel(logging.WARNING)
    logging.getLogger("uvicorn").setLevel(logging.ERROR)  # its warnings are what strangers send
    logging.captureWarnings(True)


def _value(value: object) -> object:
    return value if isinstance(value, int | float | list) else mask(str(value))


def _where(exc: BaseException) -> list[str]:
    """The last frames, outermost first."""
    frames = traceback.extract_tb(exc.__traceback__)[-_FRAMES:]
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
