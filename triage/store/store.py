"""The store: a method for each question. Absent is None; a failure raises; nobody else writes SQL."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Row,
    Select,
    bindparam,
    case,
    delete,
    exists,
    insert,
    or_,
    select,
    update,
)

from triage.errors import SchemaError, StoreError
from triage.incidents import Incident, Sighting, State
from triage.store import recording
from triage.store.database import Database
from triage.store.schema import (
    ALERTS,
    CONVERSATIONS,
    GAPS,
    INCIDENTS,
    INVITATIONS,
    MEMBERS,
    MESSAGES,
    METADATA,
    TIMELINE,
    VERSIONS,
    index_key,
)
from triage.store.statements import REPLY, statements_for
from triage.store.values import Action, Entry, Event, Member, Recorded
from triage.store.versions import UPGRADE, judge, version_of

TABLES = tuple(sorted(METADATA.tables))
"""What can be exported."""
_REPLAY = timedelta(minutes=10)
_SHOWN = 50
"""How many of an incident's sightings come with it, the newest."""
_KNOWN = 10
"""How many incidents of one key are remembered: the open one, then the newest."""
_BATCH = 500
_UPGRADE_PATIENCE = 300.0

_I, _A, _M, _V = INCIDENTS.c, ALERTS.c, MEMBERS.c, INVITATIONS.c
_INCIDENT = select(
    *(_I[field.name] for field in fields(Incident) if field.name != "sightings"),
)
_SIGHTINGS = (
    select(_A.incident_id, *(_A[field.name] for field in fields(Sighting)))
    .join(INCIDENTS, _A.incident_id == _I.id)
    .where(_I.id.in_(bindparam("incidents", expanding=True)), _A.number > _I.alerts - _SHOWN)
    .order_by(_A.incident_id, _A.number)
)
_KNOWN_INCIDENTS = (
    _INCIDENT.where(
        _I.lookup.in_(bindparam("keys", expanding=True)),
        or_(_I.open_key.is_not(None), _I.closed_at >= bindparam("since")),
    )
    .order_by(case((_I.open_key.is_not(None), 0), else_=1), _I.last_seen.desc(), _I.id.desc())
    .limit(bindparam("most"))
)
_RECENT_INCIDENTS = (
    _INCIDENT.where(_I.last_seen >= bindparam("since"))
    .order_by(_I.last_seen.desc(), _I.id.desc())
    .limit(bindparam("most"))
)
_RECENT_OF_APPIDS = _RECENT_INCIDENTS.where(_I.appid.in_(bindparam("appids", expanding=True)))
_ONE_INCIDENT = _INCIDENT.where(_I.id == bindparam("incident"))
_SIGNATURE_USED = select(
    exists().where(
        MESSAGES.c.signature == bindparam("signature"),
        MESSAGES.c.key != bindparam("message"),
        MESSAGES.c.received_at >= bindparam("since"),
    )
)
_EVENTS = (
    select(TIMELINE.c.at, TIMELINE.c.who, TIMELINE.c.what, TIMELINE.c.detail)
    .where(TIMELINE.c.incident_id == bindparam("incident"))
    .order_by(TIMELINE.c.at, TIMELINE.c.id)
)
_MEMBER = select(*(_M[field.name] for field in fields(Member)))
_ONE_MEMBER = _MEMBER.where(_M.openid == bindparam("who"))
_TALK = select(CONVERSATIONS.c.state).where(
    CONVERSATIONS.c.sender == bindparam("who"), CONVERSATIONS.c.expires_at > bindparam("now")
)
_USE_INVITATION = (
    update(INVITATIONS)
    .where(_V.word == bindparam("given"), _V.used_by.is_(None), _V.expires_at > bindparam("now"))
    .values(used_by=bindparam("who"), used_at=bindparam("now"))
)
_INVITATION = select(_V.team, _V.appids, _V.used_by).where(_V.word == bindparam("given"))
_AGING = (
    (MESSAGES.c.key, MESSAGES.c.received_at),
    (GAPS.c.id, GAPS.c.seen_at),
    (CONVERSATIONS.c.sender, CONVERSATIONS.c.expires_at),
    (_V.word, _V.expires_at),
    (_A.id, _A.seen_at),
)
_EPOCH = datetime.fromtimestamp(0, UTC)


class Store:
    """One database, for many threads; a process that forks opens its own afterwards.

    Every method raises StoreDownError when the database does not answer, StoreError when it refuses.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = statements_for(database.dialect)

    @classmethod
    def open(cls, url: str, *, upgrade: bool = False) -> Store:
        """The store at a URL: `sqlite:///triage.db`, `postgresql://…`, `mysql://…`.

        Raises SettingsError for a URL that cannot be used and SchemaError, naming the command, for a schema that is
        missing or old; `upgrade` makes or upgrades it instead. A newer program's schema is always refused.
        """
        store = cls(Database(url))
        try:
            if upgrade:
                store.upgrade()
            file = store._database.file
            if file is not None and not file.exists():
                raise SchemaError(f"there is no database {file} yet; make it with: {UPGRADE}")
            store.check()
        except BaseException:
            store.close()
            raise
        return store

    def close(self) -> None:
        """Give the connections back; the store can still be used and opens new ones."""
        self._database.close()

    def upgrade(self) -> None:
        """Make the tables, or bring them up to date. Takes its time, unlike everything else here."""
        from triage.store.migrating import migrate  # Alembic is large, and not for those who only ask

        patient = self._database.patient(_UPGRADE_PATIENCE)
        try:
            patient.write(migrate)
        finally:
            if patient is not self._database:
                patient.close()

    def check(self) -> None:
        """Raises unless the database answers and has this program's schema."""
        judge(self._database.read(version_of), VERSIONS)

    # -- messages

    def reply_to(self, key: str) -> Recorded | None:
        """The reply that was recorded for a message, None if the message is new."""
        row = self._first(REPLY, {"message": key})
        return None if row is None else Recorded(row[0])

    def record(self, entry: Entry) -> Recorded:
        """Keep everything a message leaves behind, in one transaction.

        A message that is there already changes nothing: the reply that was recorded first comes back.
        """
        return self._database.write(partial(recording.record, sql=self._sql, entry=entry), repeatable=True)

    def signature_used(self, signature: str, key: str, now: datetime | None = None) -> bool:
        """Whether a signature came with another message, within ten minutes before `now`, if that is given."""
        if not signature:
            return False
        since = now - _REPLAY if now else _EPOCH
        row = self._first(
            _SIGNATURE_USED, {"signature": index_key(signature), "message": key, "since": since}
        )
        return bool(row and row[0])

    def conversation(self, sender: str, now: datetime) -> dict[str, Any] | None:
        """What was last kept of the talk with somebody, unless it has expired."""
        row = self._first(_TALK, {"who": index_key(sender), "now": now})
        return None if row is None else row[0]

    # -- incidents

    def incidents_for(self, keys: Sequence[str], since: datetime) -> tuple[Incident, ...]:
        """The incidents of these keys that are open or were closed since; open ones first, then the newest."""
        if not keys:
            return ()
        lookups = sorted({index_key(key) for key in keys})
        return self._incidents(
            _KNOWN_INCIDENTS, {"keys": lookups, "since": since, "most": _KNOWN * len(lookups)}
        )

    def recent_incidents(
        self, since: datetime, limit: int = 200, appids: Collection[str] | None = None
    ) -> tuple[Incident, ...]:
        """The incidents with an alert since then, the newest first; `appids` None means those of every account."""
        if appids is None:
            return self._incidents(_RECENT_INCIDENTS, {"since": since, "most": limit})
        if not appids:
            return ()
        return self._incidents(
            _RECENT_OF_APPIDS, {"since": since, "most": limit, "appids": sorted(set(appids))}
        )

    def incident(self, incident_id: int) -> Incident | None:
        """One incident."""
        return next(iter(self._incidents(_ONE_INCIDENT, {"incident": incident_id})), None)

    def timeline(self, incident_id: int) -> tuple[Event, ...]:
        """What happened to an incident beside its alerts, oldest first."""
        return tuple(Event(*row) for row in self._all(_EVENTS, {"incident": incident_id}))

    def claim_incident(self, incident_id: int, who: str, at: datetime) -> str | None:
        """Who owns the incident now: the first to claim it. None: there is none, or it was closed without an owner."""

        def claim(connection: Connection) -> str | None:
            recording.act(connection, Action("claim", incident_id, who), at)
            return recording.owner_of(connection, incident_id)

        return self._database.write(claim, repeatable=True)

    def add_note(self, incident_id: int, who: str, at: datetime, note: str) -> bool:
        """Whether there is such an incident to write it to."""
        return self._act(Action("note", incident_id, who, note), at)

    def close_incident(self, incident_id: int, who: str, at: datetime, note: str | None = None) -> bool:
        """Whether this closed it; not if it was closed already."""
        return self._act(Action("close", incident_id, who, note), at)

    def set_step(self, incident_id: int, who: str, at: datetime, step: int) -> bool:
        """Whether this moved it to another step."""
        return self._act(Action("step", incident_id, who, str(step)), at)

    def reopen(self, incident_id: int, who: str, at: datetime, note: str | None = None) -> bool:
        """Whether this reopened it; not if it is open, or another one of its key is."""
        return self._act(Action("reopen", incident_id, who, note), at)

    def _act(self, action: Action, at: datetime) -> bool:
        return self._database.write(partial(recording.act, action=action, at=at))

    def _incidents(self, question: Select[Any], values: Mapping[str, Any]) -> tuple[Incident, ...]:
        """The incidents a question finds, with their sightings: two round trips however many they are."""

        def ask(connection: Connection) -> tuple[Incident, ...]:
            rows = connection.execute(question, values).all()
            if not rows:
                return ()
            found = connection.execute(_SIGHTINGS, {"incidents": [row[0] for row in rows]}).all()
            seen = {
                incident: tuple(Sighting(*row[1:]) for row in group)
                for incident, group in groupby(found, key=lambda row: row[0])
            }
            return tuple(_incident(row, seen.get(row[0], ())) for row in rows)

        return self._database.read(ask)

    # -- members

    def member(self, openid: str) -> Member | None:
        """Somebody who may see incidents."""
        return self._database.read(partial(_member, openid=openid))

    def members(self) -> tuple[Member, ...]:
        """Everybody who may, the longest first."""
        return tuple(Member(*row) for row in self._all(_MEMBER.order_by(_M.since, _M.openid), {}))

    def add_member(self, member: Member) -> None:
        """Let somebody in, or change what is known of them."""
        self._database.write(partial(self._put_member, member=member), repeatable=True)

    def remove_member(self, openid: str) -> bool:
        """Whether there was one to remove."""
        gone = delete(MEMBERS).where(_M.openid == openid)
        return self._database.write(lambda connection: bool(connection.execute(gone).rowcount))

    def invite(self, word: str, by: str, team: str | None, expires: datetime) -> None:
        """Give out a word that makes one person a member, with the appids of the member who invites.

        Raises StoreError if the word was given out before.
        """

        def write(connection: Connection) -> None:
            if connection.execute(_INVITATION, {"given": word}).first():
                raise StoreError("this invitation word was given out before; choose another")
            inviting = _member(connection, by)
            appids = inviting.appids if inviting else ()
            row = {"word": word, "invited_by": by, "team": team, "appids": appids, "expires_at": expires}
            connection.execute(insert(INVITATIONS), row)

        self._database.write(write)

    def use_invitation(self, word: str, openid: str, at: datetime) -> Member | None:
        """The member that the word makes of somebody; None if it is unknown, has expired or somebody else used it."""

        def write(connection: Connection) -> Member | None:
            used = connection.execute(_USE_INVITATION, {"given": word, "who": openid, "now": at}).rowcount
            before = _member(connection, openid)
            team, appids, user = connection.execute(_INVITATION, {"given": word}).first() or (None, (), None)
            if not used:
                return before if user == openid else None
            name, since = (before.name, before.since) if before else (None, at)
            member = Member(openid, name, team, appids, since)
            self._put_member(connection, member)
            return member

        return self._database.write(write, repeatable=True)

    def _put_member(self, connection: Connection, member: Member) -> None:
        row = {field.name: getattr(member, field.name) for field in fields(Member)}
        connection.execute(self._sql.put_member, row)

    # -- upkeep

    def purge(self, before: datetime) -> int:
        """Forget what is older; how many rows that were. An incident goes with its alerts and timeline.

        In small transactions, so that nobody waits.
        """
        gone = 0
        for key, age in _AGING:
            old = select(key).where(age < before).limit(_BATCH)
            gone += self._repeatedly(partial(_delete, old=old, key=key))
        old = select(_I.id).where(_I.last_seen < before).limit(_BATCH).with_for_update()
        return gone + self._repeatedly(partial(_delete_incidents, old=old))

    def _repeatedly(self, work: Callable[[Connection], int]) -> int:
        """Until nothing is left; one transaction each time."""
        total = 0
        while done := self._database.write(work):
            total += done
        return total

    def export(self, table: str) -> Iterator[dict[str, Any]]:
        """The rows of a table in the order of its key, read in portions."""
        if table not in TABLES:
            raise StoreError(f"there is no table '{table}'; choose from {', '.join(TABLES)}")
        exported = METADATA.tables[table]
        (key,) = exported.primary_key.columns
        portion = select(exported).order_by(key).limit(_BATCH)
        rows = self._all(portion, {})
        while rows:
            yield from (dict(row._mapping) for row in rows)
            rows = self._all(portion.where(key > rows[-1]._mapping[key]), {})

    def _first(self, question: Select[Any], values: Mapping[str, Any]) -> Any:
        return self._database.read(lambda connection: connection.execute(question, values).first())

    def _all(self, question: Select[Any], values: Mapping[str, Any]) -> Sequence[Any]:
        return self._database.read(lambda connection: connection.execute(question, values).all())


def _incident(row: Row[Any], sightings: tuple[Sighting, ...]) -> Incident:
    values = dict(row._mapping)
    return Incident(**values | {"state": State(values["state"]), "sightings": sightings})


def _member(connection: Connection, openid: str) -> Member | None:
    row: Any = connection.execute(_ONE_MEMBER, {"who": openid}).first()
    return Member(*row) if row else None


def _delete(connection: Connection, old: Select[Any], key: Column[Any]) -> int:
    """Delete a portion; MySQL cannot limit within the statement that deletes."""
    keys = connection.execute(old).scalars().all()
    return connection.execute(delete(key.table).where(key.in_(keys))).rowcount if keys else 0


def _delete_incidents(connection: Connection, old: Select[Any]) -> int:
    """Delete a portion of incidents with all that hangs on them."""
    ids = connection.execute(old).scalars().all()
    if not ids:
        return 0
    parts = (TIMELINE.c.incident_id, _A.incident_id, _I.id)
    return sum(connection.execute(delete(part.table).where(part.in_(ids))).rowcount for part in parts)
