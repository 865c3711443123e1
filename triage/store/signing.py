"""Who may enter the console: one-time links, the sessions they begin, links to one incident; and what was done there.

Tokens are random and long, so their SHA-256 is kept without salt: whoever reads the database cannot sign in.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select, update

from triage.errors import StoreError
from triage.message import Person
from triage.store.database import Database
from triage.store.schema import AUDIT, SIGN_INS, SIGNING_KEYS, VOIDED_LINKS
from triage.store.session import Session
from triage.store.values import Audited, SignInLink

LINK, SESSION = "link", "session"
_S, _V, _A = SIGN_INS.c, VOIDED_LINKS.c, AUDIT.c
_KEY = select(SIGNING_KEYS.c.secret).where(SIGNING_KEYS.c.name == "links")
_ADD = insert(SIGN_INS).inline()
_OF_TOKEN = (
    _S.digest == bindparam("token"),
    _S.kind == bindparam("sort"),
    _S.ended_at.is_(None),
    _S.expires_at > bindparam("now"),
)
_HOLDER = select(_S.person).where(*_OF_TOKEN)
_END = update(SIGN_INS).where(*_OF_TOKEN).values(ended_at=bindparam("now"))
_END_ALL = (
    update(SIGN_INS)
    .where(_S.person == bindparam("holder"), _S.ended_at.is_(None), _S.expires_at > bindparam("now"))
    .values(ended_at=bindparam("now"))
)
_VOIDED = select(_V.at).where(_V.incident_id == bindparam("incident"))
_FORGET_VOIDED = delete(VOIDED_LINKS).where(_V.incident_id == bindparam("incident"))
_VOID = insert(VOIDED_LINKS).inline()
_ADD_AUDITED = insert(AUDIT).inline()
_AUDITED = (
    select(_A.at, _A.who, _A.how, _A.what, _A.incident_id, _A.detail, _A.address)
    .order_by(_A.id.desc())
    .limit(bindparam("most"))
)


def digest_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def add_link(session: Session, link: SignInLink, at: datetime) -> None:
    """Keep a link that was sent to somebody."""
    _add(session, link.digest, LINK, link.person, at, link.expires_at)


def end_all(session: Session, person: Person, at: datetime) -> int:
    """Sign somebody out everywhere, and void the links that were sent to them; how many that were."""
    return session.run(_END_ALL, {"holder": person, "now": at})


class SignIns:
    """The sign-ins of one database. Tokens are compared by their digests; none that has expired or ended counts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def key(self) -> str:
        """What links to incidents are signed with, the same on every node."""
        row = self._database.read(lambda session: session.first(_KEY, {}))
        if row is None:
            raise StoreError("the table signing_keys is empty; put back its row from a backup")
        return str(row[0])

    def link_holder(self, token: str, now: datetime) -> Person | None:
        """Whom a link would sign in; None where it was used or has expired."""
        return self._holder(token, LINK, now)

    def session_holder(self, token: str, now: datetime) -> Person | None:
        """Who has signed in with this session; None where it has ended."""
        return self._holder(token, SESSION, now)

    def use_link(self, link: str, session_token: str, now: datetime, until: datetime) -> Person | None:
        """Use a link up and begin a session that lasts `until`; None, and no session, where somebody was faster."""

        def use(session: Session) -> Person | None:
            asked = {"token": digest_of(link), "sort": LINK, "now": now}
            row = session.first(_HOLDER, asked)
            if row is None or not session.run(_END, asked):
                return None
            person: Person = row[0]
            _add(session, digest_of(session_token), SESSION, person, now, until)
            return person

        return self._database.write(use)

    def begin(self, session_token: str, person: Person, now: datetime, until: datetime) -> None:
        """Begin a session."""
        digest = digest_of(session_token)
        self._database.write(lambda session: _add(session, digest, SESSION, person, now, until))

    def end(self, session_token: str, now: datetime) -> bool:
        """End a session; whether it had not ended before."""
        ended = {"token": digest_of(session_token), "sort": SESSION, "now": now}
        return bool(self._database.write(lambda session: session.run(_END, ended)))

    def end_all(self, person: Person, now: datetime) -> int:
        """Sign somebody out everywhere, and void the links that were sent to them; how many that were."""
        return self._database.write(lambda session: end_all(session, person, now))

    def void_links(self, incident: int, now: datetime) -> None:
        """Let no link that was made until now open this incident any more."""

        def void(session: Session) -> None:
            session.run(_FORGET_VOIDED, {"incident": incident})
            session.run(_VOID, {"incident_id": incident, "at": now})

        self._database.write(void, repeatable=True)

    def links_voided_at(self, incident: int) -> datetime | None:
        """Until when links to this incident were voided; None where none were."""
        row = self._database.read(lambda session: session.first(_VOIDED, {"incident": incident}))
        return row[0] if row else None

    def note(self, audited: Audited) -> None:
        """Write a line into the audit log."""
        row = {name: getattr(audited, name) for name in Audited.__slots__}
        self._database.write(lambda session: session.run(_ADD_AUDITED, row))

    def audited(self, limit: int) -> tuple[Audited, ...]:
        """The newest lines of the audit log, the newest first."""
        rows = self._database.read(lambda session: session.all(_AUDITED, {"most": limit}))
        return tuple(Audited(*row) for row in rows)

    def _holder(self, token: str, kind: str, now: datetime) -> Person | None:
        asked = {"token": digest_of(token), "sort": kind, "now": now}
        row = self._database.read(lambda session: session.first(_HOLDER, asked))
        return row[0] if row else None


def _add(
    session: Session, digest: str, kind: str, person: Person, created_at: datetime, expires_at: datetime
) -> None:
    row = {
        "digest": digest,
        "kind": kind,
        "person": person,
        "created_at": created_at,
        "expires_at": expires_at,
    }
    session.run(_ADD, row)
