"""What happens to an incident is put into the outbox in the same transaction; what it makes wrong is taken back."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, or_, select, update

from triage.errors import OvertakenError
from triage.incidents.correlation import Sighting
from triage.message import Person
from triage.store.schema import ALERTS, INCIDENTS, OUTBOX
from triage.store.session import Session
from triage.store.statements import Statements
from triage.store.values import Lease, Outgoing, OutgoingKind, OutgoingState

_I, _A, _O = INCIDENTS.c, ALERTS.c, OUTBOX.c
_LOOKED_BACK = 50
"""Alerts of an incident among which the worst one is looked for."""
_WORST_RANK = (
    select(func.min(_A.rank))
    .select_from(INCIDENTS.join(ALERTS, _A.incident_id == _I.id))
    .where(_I.id == bindparam("incident"), _A.number > _I.alerts - _LOOKED_BACK)
)
_OUTDATED_BY: dict[str, tuple[OutgoingKind, ...]] = {
    "open": (),
    "worse": (),
    "reopen": (OutgoingKind.REMIND,),
    "claim": (OutgoingKind.PAGE, OutgoingKind.STEP),
    "give": (OutgoingKind.PAGE, OutgoingKind.STEP, OutgoingKind.REMIND),
    "release": (OutgoingKind.REMIND,),
    "close": (OutgoingKind.PAGE, OutgoingKind.STEP, OutgoingKind.REMIND),
}
"""What is put into the outbox, by the words of the timeline, and what of it that is still due is wrong from then on."""


_GIVEN = (
    update(OUTBOX)
    .where(
        _O.id == bindparam("row"),
        or_(_O.state == OutgoingState.DUE.value, _O.state == OutgoingState.FAILED.value),
    )
    .values(
        state=OutgoingState.SENT.value,
        reason=bindparam("why", type_=_O.reason.type),
        sent_at=bindparam("now", type_=_O.sent_at.type),
    )
)
_END = (
    update(OUTBOX)
    .where(
        _O.id == bindparam("row"),
        _O.state == OutgoingState.DUE.value,
        _O.lease_owner == bindparam("owner"),
    )
    .values(
        state=OutgoingState.DONE.value,
        reason=bindparam("why", type_=_O.reason.type),
        lease_until=bindparam("now", type_=_O.lease_until.type),
    )
)


def _cancelling(kinds: Sequence[OutgoingKind]) -> Any:
    return (
        update(OUTBOX)
        .where(
            _O.incident_id == bindparam("incident"),
            _O.state == OutgoingState.DUE.value,
            or_(*(_O.kind == kind.value for kind in kinds)),
        )
        .values(state=OutgoingState.CANCELLED.value, reason=bindparam("why", type_=_O.reason.type))
    )


_CANCEL = {what: _cancelling(kinds) for what, kinds in _OUTDATED_BY.items() if kinds}


def tell(session: Session, sql: Statements, incident: int, what: str, who: Person, at: datetime) -> None:
    """Put into the outbox what somebody did to an incident, where there is a team that may want to hear of it."""
    if not sql.tells_changes or what not in _OUTDATED_BY:
        return
    if what in _CANCEL:
        session.run(_CANCEL[what], {"incident": incident, "why": what})
    change = Outgoing(
        key=f"change/{uuid.uuid4().hex}",
        kind=OutgoingKind.CHANGE,
        destination=f"incident/{incident}",
        due_at=at,
        incident_id=incident,
        payload={"what": what, "who": str(who)},
    )
    put(session, sql, change, at)


def tell_if_worse(session: Session, sql: Statements, incident: int, alerts: Sequence[Sighting]) -> None:
    """The same where alerts that are about to be added to an incident are graver than those it has."""
    if not sql.tells_changes:
        return
    worst = min(alerts, key=lambda alert: alert.rank)
    row = session.first(_WORST_RANK, {"incident": incident})
    if row and row[0] is not None and worst.rank < row[0]:
        tell(session, sql, incident, "worse", worst.sender, worst.seen_at)


def put(session: Session, sql: Statements, outgoing: Outgoing, now: datetime) -> None:
    """Put a row into the outbox; nothing where one of its key was put there before."""
    row = {
        "key": outgoing.key,
        "kind": outgoing.kind.value,
        "incident_id": outgoing.incident_id,
        "destination": outgoing.destination,
        "payload": dict(outgoing.payload),
        "created_at": now,
        "due_at": outgoing.due_at,
        "expires_at": outgoing.expires_at,
        "lease_until": now,
        "tries": 0,
        "state": OutgoingState.DUE.value,
        "messages": 0,
    }
    session.run(sql.put_outgoing, row)


def give(session: Session, rows: Sequence[int], at: datetime) -> None:
    """Late answers were given with the reply to the next word. Raises OvertakenError where one went out meanwhile."""
    for row in rows:
        if not session.run(_GIVEN, {"row": row, "why": "given with the next reply", "now": at}):
            raise OvertakenError(f"the late answer {row} went out meanwhile")


def end(session: Session, lease: Lease, at: datetime) -> None:
    """The work on a row is done. Raises OvertakenError where the lease has ended and somebody else took the row."""
    values = {"row": lease.row, "owner": lease.owner, "why": lease.reason, "now": at}
    if not session.run(_END, values):
        raise OvertakenError(f"the row {lease.row} of the outbox is somebody else's by now")
