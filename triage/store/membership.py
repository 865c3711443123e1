"""Members, and the invitations that make them, inside a transaction that the caller holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from triage.errors import OvertakenError, StoreError
from triage.message import Person
from triage.names import name_key
from triage.store import changes, signing
from triage.store.schema import INCIDENTS, INVITATIONS, MEMBERS
from triage.store.session import Session
from triage.store.statements import ADD_EVENT, Statements
from triage.store.values import Grant, Invite, Join, Member, Removal, Role
from triage.wording import Wording

_M, _V, _I = MEMBERS.c, INVITATIONS.c, INCIDENTS.c
_FIELDS = tuple(field.name for field in fields(Member))
_MEMBERS = select(*(_M[name] for name in _FIELDS)).order_by(_M.since, _M.person)
_ONE_MEMBER = _MEMBERS.where(_M.person == bindparam("who"))
_CALLED = select(_M.person).where(_M.name_key == bindparam("called"))
_ADD = insert(MEMBERS).inline()
_CHANGE = (
    update(MEMBERS)
    .where(_M.person == bindparam("who"))
    .values({name: bindparam(name, type_=_M[name].type) for name in (*_FIELDS[1:], "name_key")})
)
_GRANT = update(MEMBERS).where(_M.person == bindparam("who"))
_GRANT = _GRANT.values({name: bindparam(name, type_=_M[name].type) for name in ("role", "appids")})
_REMOVE = delete(MEMBERS).where(_M.person == bindparam("who"))
_OWNED = select(_I.id).where(_I.owner == bindparam("who"), _I.closed_as == 0)
_RELEASE = update(INCIDENTS).where(_I.owner == bindparam("who"), _I.closed_as == 0).values(owner=None)
_INVITE = insert(INVITATIONS).inline()
_INVITATION = select(
    *(_V[name] for name in ("word", "invited_by", "expires_at", "team", "appids", "role", "name", "used_by"))
).where(_V.word == bindparam("given"))
_USE_INVITATION = (
    update(INVITATIONS)
    .where(_V.word == bindparam("given"), _V.used_by.is_(None), _V.expires_at > bindparam("now"))
    .values(used_by=bindparam("who"), used_at=bindparam("now"))
)
_REVOKE = (
    update(INVITATIONS)
    .where(_V.invited_by == bindparam("who"), _V.used_by.is_(None), _V.expires_at > bindparam("now"))
    .values(expires_at=bindparam("now"))
)


def member(session: Session, person: Person) -> Member | None:
    """Somebody who may see incidents; None for everybody else."""
    row = session.first(_ONE_MEMBER, {"who": person})
    return _member(row) if row else None


def members(session: Session) -> tuple[Member, ...]:
    """All members, in the order they joined."""
    return tuple(map(_member, session.all(_MEMBERS, {})))


def _member(row: Sequence[Any]) -> Member:
    values = dict(zip(_FIELDS, row, strict=True))
    return Member(**values | {"role": Role(values["role"])})


def put(session: Session, new: Member) -> None:
    """Add a member, or change what is known of one. Raises OvertakenError if somebody else has the name."""
    key = name_key(new.name or "") or None
    if key is not None and any(holder != new.person for (holder,) in session.all(_CALLED, {"called": key})):
        raise OvertakenError(Wording("another member is called '{name}' already", name=new.name))
    row = {name: getattr(new, name) for name in _FIELDS} | {"role": new.role.value, "name_key": key}
    if not session.run(_CHANGE, {**{name: row[name] for name in row if name != "person"}, "who": new.person}):
        session.run(_ADD, row)


def grant(session: Session, given: Grant) -> bool:
    """Whether the person was a member, who now has this role and these accounts."""
    return bool(session.run(_GRANT, {"who": given.person, "role": given.role.value, "appids": given.appids}))


def remove(session: Session, sql: Statements, removal: Removal, at: datetime) -> bool:
    """Whether the person was a member; what they had claimed is free, their invitations and sign-ins are void."""
    who = {"who": removal.person}
    if not session.run(_REMOVE, who):
        return False
    released = [
        {"incident_id": incident, "at": at, "who": removal.by, "what": "release", "detail": None}
        for (incident,) in session.all(_OWNED, who)
    ]
    if released:
        session.run(_RELEASE, who)
        session.run_all(ADD_EVENT, released)
        for row in released:
            changes.tell(session, sql, row["incident_id"], "release", removal.by, at)
    session.run(_REVOKE, {**who, "now": at})
    signing.end_all(session, removal.person, at)
    return True


def invite(session: Session, given: Invite) -> None:
    """Raises StoreError if the word was given out before."""
    if session.first(_INVITATION, {"given": given.word}):
        raise StoreError(Wording("this invitation word was given out before; choose another"))
    row = {
        "word": given.word,
        "invited_by": given.by,
        "team": given.team,
        "appids": given.appids,
        "expires_at": given.expires_at,
        "role": given.role.value,
        "name": given.name,
    }
    session.run(_INVITE, row)


def invitation(session: Session, word: str, now: datetime) -> Invite | None:
    """The invitation of a word, unless it was used or has expired."""
    row = session.first(_INVITATION, {"given": word})
    if row is None:
        return None
    *values, used_by = row
    given = Invite(*values)
    return given if used_by is None and given.expires_at > now else None


def join(session: Session, joining: Join, at: datetime) -> None:
    """Raises OvertakenError if the word is unknown, has expired or was used, or the name is somebody else's."""
    given = invitation(session, joining.word, at)
    used = {"given": joining.word, "who": joining.person, "now": at}
    if given is None or not session.run(_USE_INVITATION, used):
        raise OvertakenError("the invitation was used or has expired meanwhile")
    before = member(session, joining.person)
    since = before.since if before else at
    name = joining.name or given.name
    put(session, Member(joining.person, name, given.team, given.appids, since, Role(given.role)))
