"""The statements of the hot path, built once; where the databases differ, here is how."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Insert, Select, Update, and_, bindparam, case, insert, or_, select, update
from sqlalchemy.dialects import mysql, postgresql, sqlite

from triage.incidents.correlation import Incident, Sighting
from triage.store.schema import ALERTS, CONVERSATIONS, GAPS, INCIDENTS, MEMBERS, MESSAGES, MYSQL, TIMELINE

_I, _A = INCIDENTS.c, ALERTS.c
_SHOWN = 50
"""How many of an incident's sightings come with it, the newest."""


@dataclass(frozen=True, slots=True)
class Statements:
    """What `record` runs, in a dialect. If it `returns`, an incident's row comes back from its write, else one asks."""

    add_message: Insert
    open_incident: Insert
    put_conversation: Insert
    put_member: Insert
    join_incident: Update
    returns: bool


REPLY: Select[Any] = select(MESSAGES.c.reply).where(MESSAGES.c.key == bindparam("message"))
ADD_ALERT = insert(ALERTS).inline()
ADD_EVENT = insert(TIMELINE).inline()
ADD_GAP = insert(GAPS).inline()
OPEN_ID = select(_I.id).where(_I.lookup == bindparam("lookup"), _I.closed_as == 0)
_PLACE = (_I.id, _I.alerts)
PLACE_BY_KEY = select(*_PLACE).where(_I.lookup == bindparam("lookup"), _I.closed_as == 0)
PLACE_BY_ID = select(*_PLACE).where(_I.id == bindparam("incident"))

INCIDENT_FIELDS = tuple(field.name for field in fields(Incident) if field.name != "sightings")
_SIGHTING_FIELDS = tuple(field.name for field in fields(Sighting))


def with_sightings(found: Select[Any]) -> Select[Any]:
    """The incidents that are found, the newest first: a row for each of their newest sightings, one without any."""
    incident = found.subquery()
    shown = and_(_A.incident_id == incident.c.id, _A.number > incident.c.alerts - _SHOWN)
    columns = [incident.c[name] for name in INCIDENT_FIELDS] + [_A[name] for name in _SIGHTING_FIELDS]
    newest = (incident.c.last_seen.desc(), incident.c.id.desc(), _A.number)
    return select(*columns).select_from(incident.outerjoin(ALERTS, shown)).order_by(*newest)


_INCIDENT = select(INCIDENTS)
KNOWN_IDS = select(_I.id, _I.closed_as).where(
    _I.lookup == bindparam("key"), or_(_I.closed_as == 0, _I.closed_at >= bindparam("since"))
)
KNOWN = 10
"""How many incidents of one key are remembered: the open one, then the newest."""
KNOWN_INCIDENTS = with_sightings(_INCIDENT.where(_I.id.in_([bindparam(f"id{n}") for n in range(KNOWN)])))
RECENT = (
    _INCIDENT.where(_I.last_seen >= bindparam("since"))
    .order_by(_I.last_seen.desc(), _I.id.desc())
    .limit(bindparam("most"))
)
RECENT_INCIDENTS = with_sightings(RECENT)
ONE_INCIDENT = with_sightings(_INCIDENT.where(_I.id == bindparam("incident")))


def statements_for(dialect: str) -> Statements:
    """The statements as this database wants them."""
    if dialect in MYSQL:
        return _for_mysql()
    add = sqlite.insert if dialect == "sqlite" else postgresql.insert
    opening = add(INCIDENTS)
    talk, member = add(CONVERSATIONS), add(MEMBERS)
    return Statements(
        add_message=add(MESSAGES).on_conflict_do_nothing(index_elements=["key"]),
        open_incident=opening.on_conflict_do_update(
            index_elements=["lookup", "closed_as"], set_=_joined(opening.excluded)
        ).returning(*_PLACE),
        put_conversation=talk.on_conflict_do_update(
            index_elements=["person"],
            set_={"state": talk.excluded.state, "expires_at": talk.excluded.expires_at},
        ),
        put_member=member.on_conflict_do_update(
            index_elements=["person"],
            set_={name: member.excluded[name] for name in ("name", "team", "appids", "since")},
        ),
        join_incident=_joining().returning(*_PLACE),
        returns=True,
    )


def _for_mysql() -> Statements:
    opening = mysql.insert(INCIDENTS)
    talk, member = mysql.insert(CONVERSATIONS), mysql.insert(MEMBERS)
    return Statements(
        add_message=insert(MESSAGES),
        open_incident=opening.on_duplicate_key_update(_joined(opening.inserted)),
        put_conversation=talk.on_duplicate_key_update(
            state=talk.inserted.state, expires_at=talk.inserted.expires_at
        ),
        put_member=member.on_duplicate_key_update(
            {name: member.inserted[name] for name in ("name", "team", "appids", "since")}
        ),
        join_incident=_joining(),
        returns=False,
    )


def _joined(new: Any) -> dict[str, Any]:
    """What becomes of an incident that another worker opened a moment ago."""
    return {
        "alerts": _I.alerts + new.alerts,
        "last_seen": case((_I.last_seen < new.last_seen, new.last_seen), else_=_I.last_seen),
    }


def _joining() -> Update:
    """Made anew for each dialect: SQLAlchemy hands what it remembers of a statement on to its copies."""
    alerts, last_seen = _I.alerts, _I.last_seen
    seen = bindparam("seen", type_=last_seen.type)
    return (
        update(INCIDENTS)
        .where(_I.id == bindparam("incident"))
        .values(
            alerts=alerts + bindparam("added", type_=alerts.type),
            last_seen=case((last_seen < seen, seen), else_=last_seen),
        )
    )
