"""When a request was signed: one that somebody has recorded and sends much later is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from triage.errors import RefusedError

_TIMESTAMP = re.compile(r"[0-9]{10}")
_NONCE = re.compile(r"[A-Za-z0-9_.-]{1,128}")


def require_fresh(query: Mapping[str, str], window: timedelta, now: datetime) -> tuple[str, str]:
    """Timestamp and nonce. The signature holds with the two swapped, hence the strict shapes. Raises RefusedError."""
    timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
    if not _TIMESTAMP.fullmatch(timestamp) or not _NONCE.fullmatch(nonce):
        raise RefusedError("timestamp or nonce is missing or has not the platform's shape", "malformed")
    if (off := abs(now.timestamp() - int(timestamp))) > window.total_seconds():
        raise RefusedError(f"the timestamp is {off:.0f} s off; check this server's clock", "stale")
    return timestamp, nonce
