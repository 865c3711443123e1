"""What pages ask about incidents: each question reads a bounded number of rows, however many alerts there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import (
    BindParameter,
    Select,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.types import NULLTYPE

from triage.incidents.correlation import Incident, Reason, Sighting
from triage.incidents.likeness import Closed, Similar, most_alike, traits_of
from triage.message import Person
from triage.store.columns import index_key
from triage.store.database import Database
from triage.store.outbox import QUEUED, queued
from triage.store.reading import incident_of
from triage.store.schema import ALERTS, INCIDENTS, OUTBOX, TICKS, TIMELINE, TRAITS
from triage.store.session import Session
from triage.store.statements import ADD_EVENT, INCIDENT_COLUMNS, SIGHTING_FIELDS, counted, listed
from triage.store.values import EVERY, Event, Failures, OutgoingKind, Queued, TickedStep, Wanted

MOST_OPEN = 100
"""Open incidents that are read at most: those with the newest alerts."""
_LOOKED_AT = 50
"""Alerts of an incident among which the first and the newest of each kind are looked for: the newest ones."""
MOST_COUNTED = 1_000
"""Alerts of an incident whose failures are counted: the newest ones."""
_MOST_KEPT = 1_000
_OF_A_TRAIT = 50
"""Incidents with a trait that are looked at: the newest ones."""
_FOREVER = datetime(1970, 1, 1, tzinfo=UTC)

_I, _A, _T = INCIDENTS.c, ALERTS.c, TRAITS.c
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_ROWS = [_I[name] for name in INCIDENT_COLUMNS]
_CHANGING = ("last_seen", "alerts", "owner", "step", "muted_until", "guest")
"""The columns that something writes while an incident stays open."""
_SOME = select(*_ROWS).where(_I.id.in_(_IDS))
_FIRST_AND_NEWEST = (
    select(func.min(_A.id), func.max(_A.id))
    .select_from(INCIDENTS.join(ALERTS, and_(_A.incident_id == _I.id, _A.number > _I.alerts - _LOOKED_AT)))
    .where(_I.id.in_(_IDS))
    .group_by(_A.incident_id, _A.kind)
)
_ALERTS = (
    select(_A.incident_id, *(_A[name] for name in SIGHTING_FIELDS)).where(_A.id.in_(_IDS)).order_by(_A.id)
)
_COUNTS: Select[Any] = (
    select(func.coalesce(_A.first_seen, _A.seen_at), _A["count"])
    .where(
        _A.incident_id == bindparam("incident"),
        _A["count"].is_not(None),
        _A.reason != Reason.REPEATED.value,
    )
    .order_by(_A.number.desc())
    .limit(MOST_COUNTED)
)
_TICKED = (
    select(TICKS.c.step, TICKS.c.who, TICKS.c.at)
    .where(TICKS.c.incident_id == bindparam("incident"))
    .order_by(TICKS.c.id)
)
_IS_TICKED = select(TICKS.c.id).where(
    TICKS.c.incident_id == bindparam("incident"), TICKS.c.step == bindparam("ticked")
)
_ADD_TICK = insert(TICKS).inline()
_REMOVE_TICK = delete(TICKS).where(
    TICKS.c.incident_id == bindparam("incident"), TICKS.c.step == bindparam("ticked")
)
_EXISTS = select(_I.id).where(_I.id == bindparam("incident"))
_NEWEST_EVENTS = (
    select(TIMELINE.c.at, TIMELINE.c.who, TIMELINE.c.what, TIMELINE.c.detail)
    .where(TIMELINE.c.incident_id == bindparam("incident"))
    .order_by(TIMELINE.c.id.desc())
    .limit(bindparam("most"))
)
_EVENTS_COUNTED: Select[Any] = select(func.count()).where(TIMELINE.c.incident_id == bindparam("incident"))
_TOLD = (OutgoingKind.PAGE, OutgoingKind.GROUP, OutgoingKind.NOTICE)
_SENT = (
    QUEUED.where(
        OUTBOX.c.incident_id == bindparam("incident"), or_(*(OUTBOX.c.kind == kind.value for kind in _TOLD))
    )
    .order_by(OUTBOX.c.id.desc())
    .limit(bindparam("most"))
)


class Following:
    """What pages ask of one database about incidents."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: dict[Sequence[Any], Incident] = {}

    def open_incidents(self, wanted: Wanted = EVERY) -> tuple[Incident, ...]:
        """The wanted open incidents with the newest alerts, at most `MOST_OPEN`.

        Of their alerts they have the first and the newest of each kind. An incident is read again only when something
        in its row has changed: whoever adds an alert counts it there.
        """

        def ask(session: Session) -> tuple[Incident, ...]:
            if len(self._kept) > _MOST_KEPT:
                self.forget()
            kept = self._kept
            states = session.all(_open(wanted), {"since": _FOREVER})
            if changed := {state[0]: state for state in states if state not in kept}:
                kept.update(
                    (changed[incident.id], incident) for incident in _with_ids(session, list(changed))
                )
            found = [kept.get(state) for state in states]
            return tuple([incident for incident in found if incident is not None])

        return self._database.read(ask)

    def forget(self) -> None:
        """Read all alerts again, some of which have been deleted."""
        self._kept = {}

    def count_open(self, wanted: Wanted = EVERY) -> int:
        """How many wanted incidents are open."""
        question = counted(_still_open(wanted))
        return self._database.read(lambda session: int(session.all(question, {"since": _FOREVER})[0][0]))

    def condensed(self, ids: Sequence[int]) -> tuple[Incident, ...]:
        """These incidents, in their order; of their alerts the first and the newest of each kind."""
        found = self._database.read(partial(_with_ids, ids=ids))
        return tuple(sorted(found, key=lambda incident: ids.index(incident.id)))

    def failures(self, incident: int) -> tuple[Failures, ...]:
        """How many failures the newest `MOST_COUNTED` alerts of an incident counted, each alert once; oldest first."""
        rows = self._database.read(lambda session: session.all(_COUNTS, {"incident": incident}))
        return tuple(Failures(at, count) for at, count in reversed(rows))

    def newest_events(self, incident: int, most: int) -> tuple[Event, ...]:
        """The newest lines of an incident's timeline, oldest first."""
        asked = {"incident": incident, "most": most}
        rows = self._database.read(lambda session: session.all(_NEWEST_EVENTS, asked))
        return tuple(Event(*row) for row in reversed(rows))

    def count_events(self, incident: int) -> int:
        """How many lines an incident's timeline has."""
        return self._database.read(
            lambda session: int(session.all(_EVENTS_COUNTED, {"incident": incident})[0][0])
        )

    def sent(self, incident: int, most: int) -> tuple[Queued, ...]:
        """The newest calls and notices of an incident, whatever became of them, oldest first."""
        asked = {"incident": incident, "most": most}
        rows = self._database.read(lambda session: session.all(_SENT, asked))
        return tuple(queued(row) for row in reversed(rows))

    # -- the checklist that a team shares

    def ticks(self, incident: int) -> tuple[TickedStep, ...]:
        """The steps of an incident that somebody has ticked, in the order of that."""
        rows = self._database.read(lambda session: session.all(_TICKED, {"incident": incident}))
        return tuple(TickedStep(*row) for row in rows)

    def tick(self, incident: int, step: str, number: int, who: Person, at: datetime) -> bool:
        """Whether this ticked a step, which the timeline tells by its number; the first who ticks it stays."""

        def write(session: Session) -> bool:
            asked = {"incident": incident, "ticked": index_key(step)}
            if session.first(_IS_TICKED, asked) or not session.first(_EXISTS, {"incident": incident}):
                return False
            row = {"incident_id": incident, "step": index_key(step), "who": who, "at": at}
            session.run(_ADD_TICK, row)
            _tell(session, incident, "tick", who, at, number)
            return True

        return self._database.write(write)

    def untick(self, incident: int, step: str, number: int, who: Person, at: datetime) -> bool:
        """Whether this took a tick back, which the timeline tells by the number of the step."""

        def write(session: Session) -> bool:
            if not session.run(_REMOVE_TICK, {"incident": incident, "ticked": index_key(step)}):
                return False
            _tell(session, incident, "untick", who, at, number)
            return True

        return self._database.write(write)

    # -- what was like it before

    def similar(self, incident: Incident, wanted: Wanted = EVERY) -> tuple[Similar, ...]:
        """The closed incidents that resemble one the most, of the accounts that are wanted."""
        keys = {trait: index_key(str(trait)) for trait in traits_of(incident)}
        question = _closed_with(wanted.appids)

        def ask(session: Session) -> tuple[Similar, ...]:
            found = {trait: _closed(session, question, key, incident.id) for trait, key in keys.items()}
            alike = most_alike(found)
            by_id = {each.id: each for each in _with_ids(session, list(alike))}
            return tuple(Similar(by_id[id_], shared) for id_, shared in alike.items() if id_ in by_id)

        return self._database.read(ask)


def _tell(session: Session, incident: int, what: str, who: Person, at: datetime, number: int) -> None:
    event = {"incident_id": incident, "at": at, "who": who, "what": what, "detail": str(number)}
    session.run(ADD_EVENT, event)


@lru_cache(100)
def _still_open(wanted: Wanted) -> Select[Any]:
    """The wanted open incidents, in words that SQLite and PostgreSQL know their index of open ones by."""
    return listed(replace(wanted, state=None)).where(_I.closed_as == literal_column("0"))


@lru_cache(100)
def _open(wanted: Wanted) -> Select[Any]:
    """The id of each, and whatever may change while it is open, as the driver gives it."""
    columns: list[Any] = [_I.id, *(type_coerce(_I[name], NULLTYPE) for name in _CHANGING)]
    newest = (_I.last_seen.desc(), _I.id.desc())
    return _still_open(wanted).with_only_columns(*columns).order_by(*newest).limit(MOST_OPEN)


@lru_cache(100)
def _closed_with(appids: tuple[str, ...]) -> Select[Any]:
    """The newest incidents with a trait that are closed, and whether somebody wrote why."""
    newest = (
        select(_T.incident_id).where(_T.trait == bindparam("key")).order_by(_T.incident_id.desc())
        .limit(_OF_A_TRAIT).subquery()
    )  # fmt: skip
    question = (
        select(_I.id, _I.closed_note)
        .select_from(newest.join(INCIDENTS, _I.id == newest.c.incident_id))
        .where(_I.closed_as != 0, _I.guest == "")
        .order_by(_I.id.desc())
    )
    return question.where(_I.appid.in_(appids)) if appids else question


def _closed(session: Session, question: Select[Any], key: str, but_for: int) -> list[Closed]:
    rows = session.connection.execute(question, {"key": key}).all()
    return [Closed(id_, bool(note)) for id_, note in rows if id_ != but_for]


def _with_ids(session: Session, ids: Sequence[int]) -> tuple[Incident, ...]:
    """Incidents with the first and the newest alert of each kind; without those that are not there."""
    if not ids:
        return ()
    rows = session.connection.execute(_SOME, {"ids": list(ids)}).all()
    ends = session.connection.execute(_FIRST_AND_NEWEST, {"ids": list(ids)}).all()
    wanted = sorted({id_ for pair in ends for id_ in pair})
    found = session.connection.execute(_ALERTS, {"ids": wanted}).all() if wanted else ()
    alerts: dict[int, list[Sighting]] = {}
    for incident, *values in found:
        alerts.setdefault(incident, []).append(Sighting(*values))
    return tuple(incident_of(row, tuple(alerts.get(row[0], ()))) for row in rows)
