"""The store: a method for each question. Absent is None; a failure raises; nobody else writes SQL."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import (
    Select,
    bindparam,
    literal,
    select,
)

from triage.errors import SchemaError, StoreError
from triage.incidents.correlation import Incident, State
from triage.incidents.team import Override
from triage.message import Person
from triage.store import membership, purging, recording, shifts
from triage.store.columns import conversation_key, guest_lookup, index_key, person_key
from triage.store.database import Database
from triage.store.engine import UPGRADE_TIMEOUTS
from triage.store.file import make_private
from triage.store.following import Following
from triage.store.history import History
from triage.store.kept_texts import KeptText, kept_texts
from triage.store.outbox import Outbox
from triage.store.reading import incidents, known, known_to
from triage.store.schema import (
    ALERTS,
    CONVERSATIONS,
    INCIDENTS,
    METADATA,
    SIGNING_KEYS,
    TIMELINE,
    VERSIONS,
)
from triage.store.session import Session
from triage.store.signing import SignIns
from triage.store.statements import (
    ALERT_TEXT,
    KEYS_AT_ONCE,
    ONE_INCIDENT,
    REPLY,
    SIGNATURE_USED,
    counted,
    ids_of,
    listed,
    newest,
    statements_for,
    with_ids,
)
from triage.store.values import (
    EVERY,
    Action,
    Entry,
    Event,
    Grant,
    Invite,
    KnownToGuest,
    Member,
    Recorded,
    Removal,
    ShiftOverride,
    Wanted,
)
from triage.store.versions import UPGRADE, judge, version_of
from triage.wording import Wording

TABLES = tuple(sorted(set(METADATA.tables) - {SIGNING_KEYS.name}))
"""What can be exported: all but the key that signs links."""
_EXPORT_ROWS = 500
"""That one query of an export reads at most."""

_I, _A = INCIDENTS.c, ALERTS.c
_OPENED = select(_A.seen_at, _A.sender, literal("open"), _A.title).where(
    _A.incident_id == bindparam("incident"), _A.number == 1
)
_EVENTS = (
    select(TIMELINE.c.at, TIMELINE.c.who, TIMELINE.c.what, TIMELINE.c.detail)
    .where(TIMELINE.c.incident_id == bindparam("incident"))
    .order_by(TIMELINE.c.at, TIMELINE.c.id)
)
_OF_ONE_KIND = (
    _EVENTS.where(TIMELINE.c.what == bindparam("what"))
    .order_by(None)
    .order_by(TIMELINE.c.id.desc())
    .limit(bindparam("most"))
)
_TALK = select(CONVERSATIONS.c.state).where(
    CONVERSATIONS.c.person == bindparam("who"), CONVERSATIONS.c.expires_at > bindparam("now")
)


class Store:
    """One database, for many threads; a process that forks opens its own afterwards.

    Every method raises StoreDownError when the database does not answer, StoreError when it refuses.
    """

    def __init__(self, database: Database, *, has_team: bool = False) -> None:
        self._database = database
        self._sql = statements_for(database.dialect, tells_changes=has_team)
        self.outbox = Outbox(database, self._sql)
        self.history = History(database)
        self.following = Following(database)
        self.sign_ins = SignIns(database)

    @classmethod
    def open(cls, url: str, *, upgrade: bool = False, has_team: bool = False) -> Store:
        """The store at a URL: `sqlite:///triage.db`, `postgresql://…`, `mysql://…`.

        Raises SettingsError for a URL that cannot be used and SchemaError, naming the command, for a schema that is
        missing or old; `upgrade` makes or upgrades it instead. A newer program's schema is always refused.
        With `has_team` what happens to incidents is put into the outbox, for those who are on call.
        """
        store = cls(Database(url), has_team=has_team)
        try:
            if upgrade:
                store.upgrade()
            store.check()
        except BaseException:
            store.close()
            raise
        return store

    @property
    def is_local(self) -> bool:
        """Whether the database is a file or memory of this machine, so that asking it waits for no network."""
        return self._database.is_local

    def close(self) -> None:
        """Give the connections back; the store can still be used and opens new ones."""
        self._database.close()

    def upgrade(self) -> None:
        """Make the tables, or bring them up to date. May take an hour, unlike everything else here."""
        from triage.store.migrating import migrate  # Alembic is large, and not for those who only ask

        if self._database.file is not None:
            make_private(self._database.file)
        if self._database.is_in_memory:
            return self._database.write(lambda session: migrate(session.connection))
        with closing(Database(self._database.url, UPGRADE_TIMEOUTS)) as patient:
            return patient.write(lambda session: migrate(session.connection))

    def require_file(self) -> None:
        """Raises ReplacedFileError if the database is a file that was deleted or replaced after it was opened."""
        self._database.require_file()

    def check(self) -> None:
        """Raises unless the database is there, answers and has this program's schema."""
        self._database.require_file()
        file = self._database.file
        if file is not None and not file.exists():  # SQLite would make it, or go on with one that was deleted
            raise SchemaError(
                Wording(
                    "there is no database {file} yet; make it with: {upgrade}", file=file, upgrade=UPGRADE
                )
            )
        judge(self._database.read(lambda session: version_of(session.connection)), VERSIONS)

    # -- messages

    def reply_to(self, key: str) -> Recorded | None:
        """The reply that was recorded for a message, and its sender; None if the message is new."""
        row = self._first(REPLY, {"message": key})
        return None if row is None else Recorded(row[0], sender=row[1])

    def record(self, entry: Entry) -> Recorded:
        """Keep everything a message leaves behind, in one transaction.

        A message that is there already changes nothing: the reply that was recorded first comes back.
        """
        return self._database.write(partial(recording.record, sql=self._sql, entry=entry), repeatable=True)

    def signature_used(self, signature: str, key: str) -> bool:
        """Whether a signature came with another message, in plain or compatible mode."""
        if not signature:
            return False
        row = self._first(SIGNATURE_USED, {"signature": index_key(signature), "message": key})
        return bool(row and row[0])

    def conversation(self, person: Person, now: datetime, chat: str | None = None) -> dict[str, Any] | None:
        """What was last kept of the talk with somebody, alone or in a group, unless it has expired."""

        def ask(session: Session) -> dict[str, Any] | None:
            row = session.first(_TALK, {"who": conversation_key(person, chat), "now": now})
            return None if row is None else recording.expand(session, row[0])

        return self._database.read(ask)

    def kept_texts(
        self, since: datetime | None = None, wanted: Wanted | None = None, most: int | None = None
    ) -> Iterator[KeptText]:
        """The texts of the stored alerts, the newest first, as they are asked for; see `store.kept_texts`."""
        return kept_texts(self._database, since, wanted, most)

    # -- incidents

    def alert_text(self, incident: int) -> str | None:
        """The message that the newest alert of an incident came in; None where it is no longer kept."""
        row = self._first(ALERT_TEXT, {"incident": incident})
        return None if row is None else row[0]

    def incidents_for(self, keys: Collection[str], since: datetime) -> tuple[Incident, ...]:
        """The members' incidents of these keys, open or closed since; open ones first, then the newest."""
        lookups = list(dict.fromkeys(map(index_key, keys)))
        portions = [lookups[at : at + KEYS_AT_ONCE] for at in range(0, len(lookups), KEYS_AT_ONCE)]
        found = self._database.read(
            lambda session: [incident for portion in portions for incident in known(session, portion, since)]
        )
        ordered = sorted(found, key=lambda incident: (incident.last_seen, incident.id), reverse=True)
        return tuple(sorted(ordered, key=lambda incident: incident.state is not State.OPEN))

    def known_to(self, guest: Person, keys: Collection[str], fresh: datetime) -> KnownToGuest:
        """What is kept apart for somebody of at most `KEYS_AT_ONCE` keys, and how many alerts since `fresh` in all."""
        whose = person_key(guest)
        lookups = [guest_lookup(key, whose) for key in dict.fromkeys(keys)]
        return self._database.read(partial(known_to, guest=whose, lookups=lookups, fresh=fresh))

    def recent_incidents(
        self, since: datetime, limit: int = 200, wanted: Wanted = EVERY, *, skip: int = 0
    ) -> tuple[Incident, ...]:
        """The wanted incidents with an alert since then, the newest first, but for the first `skip` of them."""
        asked = {"since": since, "most": limit, "skip": skip}
        return tuple(incidents(self._all(newest(listed(wanted)), asked)))

    def incident_ids(self, since: datetime, limit: int, wanted: Wanted = EVERY) -> tuple[int, ...]:
        """The ids of the wanted incidents with an alert since then, the newest first."""
        question = ids_of(listed(wanted), limit)
        return self._database.read(
            lambda session: tuple(session.connection.execute(question, {"since": since}).scalars())
        )

    def incidents_with(self, ids: Collection[int]) -> tuple[Incident, ...]:
        """The incidents with these ids, the newest first; without those that are not there."""
        question = with_ids(ids)
        return self._database.read(
            lambda session: tuple(incidents(session.connection.execute(question).all()))
        )

    def count_incidents(self, since: datetime, wanted: Wanted = EVERY) -> int:
        """How many wanted incidents have had an alert since then."""
        return int(self._all(counted(listed(wanted)), {"since": since})[0][0])

    def incident(self, incident_id: int) -> Incident | None:
        """One incident."""
        return next(incidents(self._all(ONE_INCIDENT, {"incident": incident_id})), None)

    def timeline(self, incident_id: int) -> tuple[Event, ...]:
        """What happened to an incident beside its later alerts, oldest first."""
        asked = {"incident": incident_id}
        rows = self._database.read(lambda session: session.all(_OPENED, asked) + session.all(_EVENTS, asked))
        return tuple(Event(*row) for row in rows)

    def newest_events(self, incident_id: int, what: str, limit: int) -> tuple[Event, ...]:
        """The newest lines of one kind in an incident's timeline, at most `limit`, oldest first."""
        asked = {"incident": incident_id, "what": what, "most": limit}
        return tuple(Event(*row) for row in reversed(self._all(_OF_ONE_KIND, asked)))

    def claim_incident(self, incident_id: int, who: Person, at: datetime) -> Person | None:
        """Who owns the incident now: the first to claim it. None: there is none, or it was closed without an owner."""

        def claim(session: Session) -> Person | None:
            recording.act(session, self._sql, Action("claim", incident_id, who), at)
            return recording.owner_of(session, incident_id)

        return self._database.write(claim, repeatable=True)

    def add_note(self, incident_id: int, who: Person, at: datetime, note: str) -> bool:
        """Whether there is such an incident to write it to."""
        return self._act(Action("note", incident_id, who, note), at)

    def add_evidence(self, incident_id: int, who: Person, at: datetime, line: str) -> bool:
        """Whether there is such an incident to keep judged evidence at, as `evidence.transcript` writes it."""
        return self._act(Action("evidence", incident_id, who, line), at)

    def release_incident(self, incident_id: int, who: Person, at: datetime, why: str | None = None) -> bool:
        """Whether this freed it; not if somebody else owns it by now."""
        return self._act(Action("release", incident_id, who, why), at)

    def close_incident(self, incident_id: int, who: Person, at: datetime, note: str | None = None) -> bool:
        """Whether this closed it; not if it was closed already."""
        return self._act(Action("close", incident_id, who, note), at)

    def confirm_incident(self, incident_id: int, who: Person, at: datetime) -> int | None:
        """The incident that has its alerts now: itself, or the open one of its key; None if it was not kept apart."""
        action = Action("confirm", incident_id, who)
        return self._database.write(partial(recording.confirm, sql=self._sql, action=action, at=at))

    def _act(self, action: Action, at: datetime) -> bool:
        return self._database.write(partial(recording.act, sql=self._sql, action=action, at=at))

    # -- members

    def member(self, person: Person) -> Member | None:
        """Somebody who may see incidents; None for everybody else."""
        return self._database.read(partial(membership.member, person=person))

    def members(self) -> tuple[Member, ...]:
        """All members, in the order they joined."""
        return self._database.read(membership.members)

    def add_member(self, member: Member) -> None:
        """Add a member, or change what is known of one. Raises OvertakenError if somebody else has the name."""
        self._database.write(partial(membership.put, new=member), repeatable=True)

    def grant(self, grant: Grant) -> bool:
        """Give a member a role and the accounts they see; False if the person is none."""
        return self._database.write(partial(membership.grant, given=grant), repeatable=True)

    def remove_member(self, removal: Removal, at: datetime) -> bool:
        """Whether the person was a member; what they had claimed is free, their invitations and sign-ins are void."""
        return self._database.write(partial(membership.remove, sql=self._sql, removal=removal, at=at))

    def invite(self, invite: Invite) -> None:
        """Give out an invitation word. Raises StoreError if it was given out before."""
        self._database.write(partial(membership.invite, given=invite))

    def invitation(self, word: str, now: datetime) -> Invite | None:
        """The invitation by which somebody can still become a member; None if there is none of this word."""
        return self._database.read(partial(membership.invitation, word=word, now=now))

    # -- shifts

    def add_shift(self, override: ShiftOverride) -> None:
        """Somebody is on call in a time, whoever the rotation says."""
        self._database.write(partial(shifts.add, override=override))

    def shifts(self, since: datetime) -> tuple[Override, ...]:
        """The shifts taken over that end after `since`; of two that overlap the later one in the list holds."""
        return self._database.read(partial(shifts.overrides, since=since))

    # -- upkeep

    def purge(self, before: datetime, sleep: Callable[[float], object] = time.sleep) -> int:
        """Forget what is older; how many rows that were. An incident goes with its alerts and timeline.

        In small transactions, and after each of them a rest of as many seconds as it took: a push that waits for the
        lock asks again within half the time that it has waited.
        """
        gone = purging.purge(self._database, before, sleep)
        self.following.forget()
        return gone

    def export(self, table: str) -> Iterator[dict[str, Any]]:
        """The rows of a table in the order of its key, read in portions."""
        if table not in TABLES:
            raise StoreError(
                Wording(
                    "there is no table '{table}'; choose from {tables}", table=table, tables=", ".join(TABLES)
                )
            )
        exported = METADATA.tables[table]
        (key,) = exported.primary_key.columns
        portion = select(exported).order_by(key).limit(_EXPORT_ROWS)
        rows = self._portion(portion)
        while rows:
            yield from (dict(row) for row in rows)
            rows = self._portion(portion.where(key > rows[-1][key]))

    def _portion(self, question: Select[Any]) -> Sequence[Any]:
        return self._database.read(lambda session: session.connection.execute(question).mappings().all())

    def _first(self, question: Select[Any], values: Mapping[str, Any]) -> Sequence[Any] | None:
        return self._database.read(lambda session: session.first(question, values))

    def _all(self, question: Select[Any], values: Mapping[str, Any]) -> list[Sequence[Any]]:
        return self._database.read(lambda session: session.all(question, values))
