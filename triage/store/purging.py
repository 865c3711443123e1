"""Forgets what is old, in transactions so small that pushes go on meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Column, Select, delete, select

from triage.store.database import Database
from triage.store.schema import (
    ALERTS,
    AUDIT,
    CONVERSATIONS,
    GAPS,
    INCIDENTS,
    INVITATIONS,
    MESSAGES,
    OUTBOX,
    SHIFTS,
    SIGN_INS,
    TICKS,
    TIMELINE,
    TRAITS,
    VOIDED_LINKS,
)
from triage.store.session import Session

PURGE_ROWS = 100
"""Messages, alerts or incidents that one transaction deletes at most: on SQLite nobody else writes meanwhile."""

_I, _A = INCIDENTS.c, ALERTS.c
_AGING = (
    (MESSAGES.c.key, MESSAGES.c.received_at),
    (GAPS.c.id, GAPS.c.seen_at),
    (CONVERSATIONS.c.person, CONVERSATIONS.c.expires_at),
    (INVITATIONS.c.word, INVITATIONS.c.expires_at),
    (OUTBOX.c.id, OUTBOX.c.created_at),
    (SHIFTS.c.id, SHIFTS.c.ends_at),
    (SIGN_INS.c.digest, SIGN_INS.c.expires_at),
    (VOIDED_LINKS.c.incident_id, VOIDED_LINKS.c.at),
    (AUDIT.c.id, AUDIT.c.at),
)


def purge(database: Database, before: datetime, sleep: Callable[[float], object]) -> int:
    """Forget what is older; how many rows that were. After each transaction `sleep` rests as long as that took."""
    deletions = [
        partial(_delete, old=select(key).where(age < before).limit(PURGE_ROWS), key=key)
        for key, age in _AGING
    ]
    oldest = select(_A.id, _A.seen_at).order_by(_A.id).limit(PURGE_ROWS).subquery()
    old_alerts = select(oldest.c.id).where(oldest.c.seen_at < before)
    deletions.append(partial(_delete, old=old_alerts, key=_A.id))
    for whose in (_I.guest == "", _I.guest > ""):
        old = select(_I.id).where(whose, _I.last_seen < before).limit(PURGE_ROWS).with_for_update()
        deletions.append(partial(_delete_incidents, old=old))
    return sum(_repeatedly(database, deletion, sleep) for deletion in deletions)


def _repeatedly(database: Database, work: Callable[[Session], int], sleep: Callable[[float], object]) -> int:
    """Until nothing is left; one transaction each time."""
    total = 0
    started = time.monotonic()
    while done := database.write(work):
        total += done
        sleep(time.monotonic() - started)
        started = time.monotonic()
    return total


def _delete(session: Session, old: Select[Any], key: Column[Any]) -> int:
    """Delete a portion; MySQL cannot limit within the statement that deletes."""
    connection = session.connection
    keys = connection.execute(old).scalars().all()
    return connection.execute(delete(key.table).where(key.in_(keys))).rowcount if keys else 0


def _delete_incidents(session: Session, old: Select[Any]) -> int:
    """Delete a portion of incidents with all that hangs on them."""
    connection = session.connection
    ids = connection.execute(old).scalars().all()
    if not ids:
        return 0
    parts = (TIMELINE.c.incident_id, TICKS.c.incident_id, TRAITS.c.incident_id, _A.incident_id, _I.id)
    return sum(connection.execute(delete(part.table).where(part.in_(ids))).rowcount for part in parts)
