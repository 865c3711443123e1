"""The SQL statements of the message path, built once, in the form that each database needs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    CompoundSelect,
    Insert,
    Select,
    Update,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects import mysql, postgresql, sqlite

from triage.incidents.correlation import Incident, Sighting
from triage.message import ANY_ACCOUNT
from triage.store.columns import MYSQL
from triage.store.schema import ALERTS, CONVERSATIONS, GAPS, INCIDENTS, MESSAGES, OUTBOX, TIMELINE
from triage.store.values import Wanted

_I, _A = INCIDENTS.c, ALERTS.c
_SIGHTINGS_LIMIT = 50
"""Sightings that are read with an incident at most: the newest."""


@dataclass(frozen=True, slots=True)
class Statements:
    """The statements that differ between databases."""

    add_message: Insert
    open_incident: Insert
    put_conversation: Insert
    join_incident: Update
    put_outgoing: Insert
    """Puts a row into the outbox, unless one of its key is there."""
    returns: bool
    """Whether `open_incident` and `join_incident` give the incident's row back; where not, it is read afterwards."""
    tells_changes: bool
    """Whether what happens to incidents is put into the outbox: there is a team that may want to hear of it."""


REPLY: Select[Any] = select(MESSAGES.c.reply, MESSAGES.c.sender).where(MESSAGES.c.key == bindparam("message"))
SIGNATURE_USED: Select[Any] = select(
    exists().where(
        MESSAGES.c.signature == bindparam("signature"),
        MESSAGES.c.encrypted == false(),
        MESSAGES.c.key != bindparam("message"),
    )
)
ALERT_TEXT: Select[Any] = (
    select(MESSAGES.c.text)
    .select_from(ALERTS.join(MESSAGES, MESSAGES.c.key == _A.message_key))
    .where(_A.incident_id == bindparam("incident"))
    .order_by(_A.number.desc())
    .limit(1)
)
ADD_ALERT = insert(ALERTS).inline()
ADD_EVENT = insert(TIMELINE).inline()
ADD_GAP = insert(GAPS).inline()
OPEN_ID = select(_I.id).where(_I.lookup == bindparam("lookup"), _I.closed_as == 0)
_PLACE = (_I.id, _I.alerts)
PLACE_BY_KEY = select(*_PLACE).where(_I.lookup == bindparam("lookup"), _I.closed_as == 0)
PLACE_BY_ID = select(*_PLACE).where(_I.id == bindparam("incident"), _I.guest == bindparam("whose"))

_COMPUTED = {"sightings", "is_confirmed"}
INCIDENT_COLUMNS = (*(field.name for field in fields(Incident) if field.name not in _COMPUTED), "guest")
"""The columns of an incident's row, in the order in which `with_sightings` selects them."""
SIGHTING_FIELDS = tuple(field.name for field in fields(Sighting))


def with_sightings(found: Select[Any]) -> Select[Any]:
    """The found incidents, the newest first, with their sightings.

    A row holds an incident and one sighting; an incident without any has one row with NULLs.
    """
    incident = found.subquery()
    shown = and_(_A.incident_id == incident.c.id, _A.number > incident.c.alerts - _SIGHTINGS_LIMIT)
    columns = [incident.c[name] for name in INCIDENT_COLUMNS] + [_A[name] for name in SIGHTING_FIELDS]
    newest = (incident.c.last_seen.desc(), incident.c.id.desc(), _A.number)
    return select(*columns).select_from(incident.outerjoin(ALERTS, shown)).order_by(*newest)


_INCIDENT = select(INCIDENTS)
KEYS_AT_ONCE = 20
"""Keys whose incidents one statement looks up at most."""
KNOWN_LIMIT = 10
"""Incidents of one key that are read at most: the open one, then the newest. Of several keys twice as many in all."""
_KNOWN_ROWS = 200
_COUNTED = 20
"""Alerts of one incident that are counted as new at most."""


def _known_ids(keys: int) -> Select[Any]:
    """The ids of the incidents of so many keys: open ones first, then the newest."""
    return (
        select(_I.lookup, _I.id)
        .where(
            _I.lookup.in_([bindparam(f"key{n}") for n in range(keys)]),
            or_(_I.closed_as == 0, _I.closed_at >= bindparam("since")),
        )
        .order_by(case((_I.closed_as == 0, 0), else_=1), _I.id.desc())
        .limit(_KNOWN_ROWS)
    )


def _of_guest(keys: int) -> CompoundSelect[Any]:
    """The open incidents of so many keys, none of which is ever closed, after a row with how many alerts are new."""
    fresh = (
        select(literal(None), func.count())
        .select_from(INCIDENTS.join(ALERTS, _A.incident_id == _I.id))
        .where(
            _I.guest == bindparam("whose"),
            _I.last_seen >= bindparam("fresh"),
            _A.number > _I.alerts - _COUNTED,
            _A.seen_at >= bindparam("fresh"),
        )
    )
    known = select(_I.lookup, _I.id).where(_I.lookup.in_([bindparam(f"key{n}") for n in range(keys)]))
    return union_all(fresh, known)


def _with_ids(count: int) -> Select[Any]:
    return with_sightings(_INCIDENT.where(_I.id.in_([bindparam(f"id{n}") for n in range(count)])))


OF_GUEST = {keys: _of_guest(keys) for keys in (1, KEYS_AT_ONCE)}
KNOWN_IDS = {keys: _known_ids(keys) for keys in (1, KEYS_AT_ONCE)}
KNOWN_INCIDENTS = {count: _with_ids(count) for count in (KNOWN_LIMIT, 2 * KNOWN_LIMIT)}


@lru_cache(100)
def listed(wanted: Wanted) -> Select[Any]:
    """The wanted incidents of a time, without a limit."""
    found = _INCIDENT.where(_I.guest == "" if wanted.is_confirmed else _I.guest > "")
    found = found.where(_I.last_seen >= bindparam("since"))
    if wanted.appids:
        found = found.where(_I.appid.in_([literal(appid) for appid in wanted.appids]))
    if wanted.state is not None:
        found = found.where(_I.state == wanted.state.value)
    if wanted.owner is not None:
        anywhere = replace(wanted.owner, account=ANY_ACCOUNT)
        found = found.where(or_(_I.owner == wanted.owner, _I.owner == anywhere))
    if wanted.account is not None:
        named = select(_A.id).where(
            _A.incident_id == _I.id, _A.nickname.contains(wanted.account, autoescape=True)
        )
        found = found.where(or_(_I.appid.contains(wanted.account, autoescape=True), named.exists()))
    return found


@lru_cache(100)
def counted(found: Select[Any]) -> Select[Any]:
    """How many incidents are found."""
    return found.with_only_columns(func.count())


@lru_cache(100)
def newest(found: Select[Any]) -> Select[Any]:
    """The newest of the found incidents, with their sightings."""
    return with_sightings(
        found.order_by(_I.last_seen.desc(), _I.id.desc()).limit(bindparam("most")).offset(bindparam("skip"))
    )


def ids_of(found: Select[Any], limit: int) -> Select[Any]:
    """The ids of the newest of the found incidents."""
    return found.with_only_columns(_I.id).order_by(_I.last_seen.desc(), _I.id.desc()).limit(limit)


def with_ids(ids: Collection[int]) -> Select[Any]:
    """The incidents with these ids, with their sightings."""
    return with_sightings(_INCIDENT.where(_I.id.in_(ids)))


ONE_INCIDENT = with_sightings(_INCIDENT.where(_I.id == bindparam("incident")))


def statements_for(dialect: str, *, tells_changes: bool = False) -> Statements:
    """The statements for a dialect, by SQLAlchemy's name of it."""
    if dialect in MYSQL:
        return _for_mysql(tells_changes)
    add = sqlite.insert if dialect == "sqlite" else postgresql.insert
    opening = add(INCIDENTS)
    talk = add(CONVERSATIONS)
    return Statements(
        add_message=add(MESSAGES).on_conflict_do_nothing(index_elements=["key"]),
        open_incident=opening.on_conflict_do_update(
            index_elements=["lookup", "closed_as"], set_=_joined(opening.excluded)
        ).returning(*_PLACE),
        put_conversation=talk.on_conflict_do_update(
            index_elements=["person"],
            set_={"state": talk.excluded.state, "expires_at": talk.excluded.expires_at},
        ),
        join_incident=_joining().returning(*_PLACE),
        put_outgoing=add(OUTBOX).on_conflict_do_nothing(index_elements=["key"]),
        returns=True,
        tells_changes=tells_changes,
    )


def _for_mysql(tells_changes: bool) -> Statements:
    opening = mysql.insert(INCIDENTS)
    talk = mysql.insert(CONVERSATIONS)
    return Statements(
        add_message=insert(MESSAGES),
        open_incident=opening.on_duplicate_key_update(_joined(opening.inserted)),
        put_conversation=talk.on_duplicate_key_update(
            state=talk.inserted.state, expires_at=talk.inserted.expires_at
        ),
        join_incident=_joining(),
        put_outgoing=mysql.insert(OUTBOX).on_duplicate_key_update(key=OUTBOX.c.key),
        returns=False,
        tells_changes=tells_changes,
    )


def _joined(new: Any) -> dict[str, Any]:
    """The columns to set where another process has just opened an incident of the same key."""
    return {
        "alerts": _I.alerts + new.alerts,
        "last_seen": case((_I.last_seen < new.last_seen, new.last_seen), else_=_I.last_seen),
    }


def _joining() -> Update:
    """A new UPDATE for each dialect, as SQLAlchemy copies what it has memoized with a statement."""
    alerts, last_seen = _I.alerts, _I.last_seen
    seen = bindparam("seen", type_=last_seen.type)
    return (
        update(INCIDENTS)
        .where(_I.id == bindparam("incident"), _I.guest == bindparam("whose"))
        .values(
            alerts=alerts + bindparam("added", type_=alerts.type),
            last_seen=case((last_seen < seen, seen), else_=last_seen),
        )
    )
