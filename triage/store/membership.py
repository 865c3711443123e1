"""Members, and the invitations that make them, inside a transaction that the caller holds."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime

from sqlalchemy import bindparam, insert, select, update

from triage.errors import OvertakenError, StoreError
from triage.message import Person
from triage.store.schema import INVITATIONS, MEMBERS
from triage.store.session import Session
from triage.store.statements import Statements
from triage.store.values import Invite, Join, Member

_M, _V = MEMBERS.c, INVITATIONS.c
_MEMBERS = select(*(_M[field.name] for field in fields(Member))).order_by(_M.since, _M.person)
_ONE_MEMBER = _MEMBERS.where(_M.person == bindparam("who"))
_INVITE = insert(INVITATIONS).inline()
_INVITATION = select(_V.team, _V.appids, _V.used_by, _V.expires_at).where(_V.word == bindparam("given"))
_USE_INVITATION = (
    update(INVITATIONS)
    .where(_V.word == bindparam("given"), _V.used_by.is_(None), _V.expires_at > bindparam("now"))
    .values(used_by=bindparam("who"), used_at=bindparam("now"))
)


def member(session: Session, person: Person) -> Member | None:
    """Somebody who may see incidents; None for everybody else."""
    row = session.first(_ONE_MEMBER, {"who": person})
    return Member(*row) if row else None


def members(session: Session) -> tuple[Member, ...]:
    """All members, in the order they joined."""
    return tuple(Member(*row) for row in session.all(_MEMBERS, {}))


def put(session: Session, sql: Statements, new: Member) -> None:
    """Add a member, or change what is known of one."""
    session.run(sql.put_member, {field.name: getattr(new, field.name) for field in fields(Member)})


def invite(session: Session, given: Invite) -> None:
    """Raises StoreError if the word was given out before."""
    if session.first(_INVITATION, {"given": given.word}):
        raise StoreError("this invitation word was given out before; choose another")
    inviting = member(session, given.by)
    row = {
        "word": given.word,
        "invited_by": given.by,
        "team": given.team,
        "appids": inviting.appids if inviting else (),
        "expires_at": given.expires_at,
    }
    session.run(_INVITE, row)


def is_open(session: Session, word: str, now: datetime) -> bool:
    """Whether an invitation word can still be used."""
    row = session.first(_INVITATION, {"given": word})
    return row is not None and row[2] is None and row[3] > now


def join(session: Session, sql: Statements, joining: Join, at: datetime) -> None:
    """Raises OvertakenError if the word is unknown, has expired or was used."""
    if not session.run(_USE_INVITATION, {"given": joining.word, "who": joining.person, "now": at}):
        raise OvertakenError("the invitation was used or has expired meanwhile")
    [(team, appids, *_)] = session.all(_INVITATION, {"given": joining.word})
    before = member(session, joining.person)
    since = before.since if before else at
    put(session, sql, Member(joining.person, joining.name, team, appids, since))
