"""Shifts that somebody took over by a typed word: they beat the rotation of the team's file."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, insert, select

from triage.incidents.team import Override
from triage.store.schema import SHIFTS
from triage.store.session import Session
from triage.store.values import ShiftOverride

_S = SHIFTS.c
_ADD = insert(SHIFTS).inline()
_FROM = (
    select(_S.rotation, _S.teammate, _S.starts_at, _S.ends_at)
    .where(_S.ends_at > bindparam("since"))
    .order_by(_S.id)
)


def add(session: Session, override: ShiftOverride) -> None:
    """Keep a shift that was taken over."""
    row = {
        "rotation": override.rotation,
        "teammate": override.teammate,
        "starts_at": override.starts_at,
        "ends_at": override.ends_at,
        "made_by": override.made_by,
        "made_at": override.made_at,
    }
    session.run(_ADD, row)


def overrides(session: Session, since: datetime) -> tuple[Override, ...]:
    """Those that end after `since`, in the order they were made: of two that overlap the later one holds."""
    return tuple(Override(*row) for row in session.all(_FROM, {"since": since}))
