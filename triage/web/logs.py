"""Logs as one line of JSON for each event, with nothing in them that must not be repeated.

An exception leaves its type and where it happened. What it says stays out: that may be a message body.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from triage.masking import mask

_FIELDS = "triage_fields"
_FRAMES = 12


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
        return json.dumps(line, ensure_ascii=False)


def start_logging(level: str, stream: TextIO | None = None) -> None:
    """Everything this process logs goes to standard error as JSON."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for library in ("alembic", "sqlalchemy", "urllib3"):
        logging.getLogger(library).setLevel(logging.WARNING)
    logging.captureWarnings(True)


def _value(value: object) -> object:
    return value if isinstance(value, int | float | list) else mask(str(value))


def _where(exc: BaseException) -> list[str]:
    """The last frames, outermost first."""
    frames = traceback.extract_tb(exc.__traceback__)[-_FRAMES:]
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
