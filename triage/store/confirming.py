"""How what was kept apart becomes the members', inside a transaction that the caller holds."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, select, update

from triage.store.columns import index_key
from triage.store.schema import ALERTS, INCIDENTS, TIMELINE
from triage.store.session import Session
from triage.store.statements import OPEN_ID, PLACE_BY_ID, Statements

_I, _A, _T = INCIDENTS.c, ALERTS.c, TIMELINE.c
_KEPT_APART = (
    select(_I.key, _I.alerts, _I.last_seen)
    .where(_I.id == bindparam("incident"), _I.guest > "")
    .with_for_update()
)
_CONFIRM = (
    update(INCIDENTS)
    .where(_I.id == bindparam("incident"))
    .values(guest="", lookup=bindparam("called", type_=_I.lookup.type))
)
_MOVE = (
    update(ALERTS)
    .where(_A.incident_id == bindparam("incident"))
    .values(
        incident_id=bindparam("into", type_=_A.incident_id.type),
        number=_A.number + bindparam("before", type_=_A.number.type),
    )
)
_FORGET = delete(INCIDENTS).where(_I.id == bindparam("incident"))
_FORGET_EVENTS = delete(TIMELINE).where(_T.incident_id == bindparam("incident"))


def confirm(session: Session, sql: Statements, incident: int) -> int | None:
    """Make an incident the members'; the id of the one that has its alerts now, None if it was not kept apart.

    That is the open incident of its key, if there is one. Where another transaction opens one at the same moment, the
    unique key of open incidents makes this one fail, and be run again.
    """
    row = session.first(_KEPT_APART, {"incident": incident})
    if row is None:
        return None
    key, alerts, last_seen = row
    lookup = index_key(key)
    open_one = session.first(OPEN_ID, {"lookup": lookup})
    if open_one is None:
        session.run(_CONFIRM, {"incident": incident, "called": lookup})
        return incident
    into = int(open_one[0])
    joining = {"incident": into, "whose": "", "added": alerts, "seen": last_seen}
    session.run(sql.join_incident, joining)
    place = session.first(PLACE_BY_ID, {"incident": into, "whose": ""})
    before = place[1] - alerts if place else 0
    session.run(_MOVE, {"incident": incident, "into": into, "before": before})
    session.run(_FORGET_EVENTS, {"incident": incident})
    session.run(_FORGET, {"incident": incident})
    return into
