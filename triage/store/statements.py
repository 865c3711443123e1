"""The statements of the hot path, built once; where the databases differ, here is how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Insert, Select, Update, bindparam, case, insert, select, update
from sqlalchemy.dialects import mysql, postgresql, sqlite

from triage.store.schema import ALERTS, CONVERSATIONS, GAPS, INCIDENTS, MEMBERS, MESSAGES, MYSQL, TIMELINE

_I = INCIDENTS.c


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

_JOIN = (
    update(INCIDENTS)
    .where(_I.id == bindparam("incident"))
    .values(
        alerts=_I.alerts + bindparam("added", type_=_I.alerts.type),
        last_seen=case(
            (
                _I.last_seen < bindparam("seen", type_=_I.last_seen.type),
                bindparam("seen", type_=_I.last_seen.type),
            ),
            else_=_I.last_seen,
        ),
    )
)


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
            index_elements=["sender"],
            set_={"state": talk.excluded.state, "expires_at": talk.excluded.expires_at},
        ),
        put_member=member.on_conflict_do_update(
            index_elements=["openid"],
            set_={name: member.excluded[name] for name in ("name", "team", "appids", "since")},
        ),
        join_incident=_JOIN.returning(*_PLACE),
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
        join_incident=_JOIN,
        returns=False,
    )


def _joined(new: Any) -> dict[str, Any]:
    """What becomes of an incident that another worker opened a moment ago."""
    return {
        "alerts": _I.alerts + new.alerts,
        "last_seen": case((_I.last_seen < new.last_seen, new.last_seen), else_=_I.last_seen),
    }
