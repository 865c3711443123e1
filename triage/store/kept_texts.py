"""The texts in which alerts came, for trying rules on them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, select, true

from triage.store.database import Database
from triage.store.schema import ALERTS, INCIDENTS, MESSAGES
from triage.store.session import Session
from triage.store.values import Wanted

_PORTION = 200
"""Alerts that one query looks at."""
_I, _A, _M = INCIDENTS.c, ALERTS.c, MESSAGES.c
_BEYOND = 2**62
"""More than every id."""
_OLDER = (
    select(_A.id, _A.message_key, _A.seen_at, _A.incident_id)
    .where(_A.id < bindparam("before"))
    .order_by(_A.id.desc())
    .limit(bindparam("most"))
    .subquery()
)


@dataclass(frozen=True, slots=True)
class KeptText:
    """A message with alerts in it."""

    text: str
    seen_at: datetime


def kept_texts(
    database: Database, since: datetime | None = None, wanted: Wanted | None = None, most: int | None = None
) -> Iterator[KeptText]:
    """The texts of the stored alerts, each once, those that were recorded last first; read in portions.

    `since` leaves out older ones. With `wanted`, whose `appids` and `is_confirmed` count, only those of such incidents
    come. `most` is how many alerts are looked at: so no query is ever longer than a portion, however few are wanted.
    """
    before, left = _BEYOND, most
    told: set[str] = set()
    while left is None or left > 0:
        size = _PORTION if left is None else min(_PORTION, left)
        rows = database.read(partial(_portion, before=before, size=size, wanted=wanted))
        young = [row for row in rows if since is None or row.seen_at >= since]
        if not young:
            return
        new = {row.message_key: row.seen_at for row in young if row.is_wanted and row.message_key not in told}
        texts = database.read(partial(_texts, keys=new)) if new else {}
        for key, seen_at in new.items():
            if text := texts.get(key):
                yield KeptText(text, seen_at)
        told = {row.message_key for row in rows}  # the alerts of one message stand together
        before = rows[-1].id
        left = None if left is None else left - len(rows)


def _portion(session: Session, before: int, size: int, wanted: Wanted | None) -> Sequence[Any]:
    """The next alerts towards the oldest, each with whether its incident is wanted."""
    tests: list[ColumnElement[bool]] = [true()]
    if wanted is not None:
        tests.append(_I.guest == "" if wanted.is_confirmed else _I.guest > "")
        tests += [_I.appid.in_(wanted.appids)] if wanted.appids else []
    question = (
        select(_OLDER, and_(*tests).label("is_wanted"))
        .select_from(_OLDER.join(INCIDENTS, _I.id == _OLDER.c.incident_id))
        .order_by(_OLDER.c.id.desc())
    )
    return session.connection.execute(question, {"before": before, "most": size}).all()


def _texts(session: Session, keys: Collection[str]) -> Mapping[str, str | None]:
    question = select(_M.key, _M.text).where(_M.key.in_(keys))
    return {row.key: row.text for row in session.connection.execute(question)}
