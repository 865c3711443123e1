"""The outbox: what must go out, taken with a lease by one node at a time, and kept with what became of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, func, or_, select, update

from triage.store import changes, recording
from triage.store.database import Database
from triage.store.schema import OUTBOX
from triage.store.session import Session
from triage.store.statements import Statements
from triage.store.values import (
    Action,
    Backlog,
    Outgoing,
    OutgoingKind,
    OutgoingState,
    Queued,
    Settled,
)

_O = OUTBOX.c
_DUE = _O.state == OutgoingState.DUE.value
QUEUED = select(
    _O.id, _O.key, _O.kind, _O.destination, _O.incident_id, _O.payload, _O.created_at, _O.due_at,
    _O.expires_at, _O.tries, _O.state, _O.reason, _O.sent_at, _O.receipt,
)  # fmt: skip


def _lanes(kinds: Any) -> Any:
    return (
        select(_O.destination, func.min(_O.id))
        .where(_DUE, kinds, or_(_O.due_at <= bindparam("now"), _O.lease_until > bindparam("now")))
        .group_by(_O.destination)
        .having(func.max(_O.lease_until) <= bindparam("now"))
        .order_by(func.min(_O.due_at), func.min(_O.id))
        .limit(bindparam("most"))
    )


_LANES = _lanes(_O.kind != OutgoingKind.PICTURE.value)
_PICTURE_LANES = _lanes(_O.kind == OutgoingKind.PICTURE.value)
_LEADER = select(_O.id).where(_O.id == bindparam("leader"), _DUE).with_for_update(skip_locked=True)
_LEASED = select(_O.id).where(
    _O.destination == bindparam("lane"), _DUE, _O.lease_until > bindparam("now")
).limit(1)  # fmt: skip
_OF_LANE = (
    QUEUED.where(_O.destination == bindparam("lane"), _DUE, _O.due_at <= bindparam("now"))
    .order_by(_O.due_at, _O.id)
    .limit(bindparam("most"))
)
_THIS = update(OUTBOX).where(_O.id == bindparam("row"))
_LEASE = _THIS.values(
    lease_until=bindparam("until", type_=_O.lease_until.type),
    lease_owner=bindparam("owner", type_=_O.lease_owner.type),
    tries=_O.tries + 1,
)
_SENT = _THIS.values(
    state=OutgoingState.SENT.value,
    reason=bindparam("why", type_=_O.reason.type),
    receipt=bindparam("given", type_=_O.receipt.type),
    sent_at=bindparam("now", type_=_O.sent_at.type),
    lease_until=bindparam("now", type_=_O.lease_until.type),
    messages=_O.messages + bindparam("more", type_=_O.messages.type),
)
_MAY_BE_SENT = _THIS.values(
    sent_at=bindparam("now", type_=_O.sent_at.type),
    messages=_O.messages + bindparam("more", type_=_O.messages.type),
)
_OURS = _THIS.where(_DUE, _O.lease_owner == bindparam("owner"))
_END = _OURS.values(
    state=bindparam("to", type_=_O.state.type),
    reason=bindparam("why", type_=_O.reason.type),
    lease_until=bindparam("now", type_=_O.lease_until.type),
)
_AGAIN = _OURS.values(
    due_at=bindparam("due", type_=_O.due_at.type),
    reason=bindparam("why", type_=_O.reason.type),
    lease_until=bindparam("now", type_=_O.lease_until.type),
    tries=_O.tries - bindparam("untried", type_=_O.tries.type),
)
_MESSAGES_SENT = (
    select(_O.sent_at, _O.messages)
    .where(_O.destination == bindparam("lane"), _O.sent_at > bindparam("since"), _O.messages > 0)
    .order_by(_O.sent_at.desc())
    .limit(bindparam("most"))
)
_WITH_RECEIPT = QUEUED.where(
    _O.incident_id == bindparam("incident"), _O.sent_at > bindparam("since"), _O.receipt.is_not(None)
).order_by(_O.id)
_OF_INCIDENT = QUEUED.where(_O.incident_id == bindparam("incident")).order_by(_O.id)
_INCIDENTS_AT_ONCE = 20
"""Incidents that one statement asks about."""
_UNDECIDED = (
    QUEUED.where(
        _DUE,
        or_(_O.kind == OutgoingKind.CHANGE.value, _O.kind == OutgoingKind.STEP.value),
        _O.incident_id.in_([bindparam(f"id{n}") for n in range(_INCIDENTS_AT_ONCE)]),
    )
    .order_by(_O.due_at, _O.id)
    .limit(bindparam("most"))
)
_COUNTED: tuple[Any, ...] = (func.count(), func.min(_O.due_at))
_BACKLOG = select(*_COUNTED).where(_DUE, _O.due_at <= bindparam("now"), _O.kind != OutgoingKind.LATE.value)
_FAILED = select(*_COUNTED).where(
    or_(_O.state == OutgoingState.FAILED.value, _O.state == OutgoingState.EXPIRED.value),
    _O.due_at > bindparam("since"),
)
_LATE = (
    _O.kind == OutgoingKind.LATE.value,
    or_(_DUE, _O.state == OutgoingState.FAILED.value),
    _O.lease_until <= bindparam("now"),
    _O.expires_at > bindparam("now"),
)
_WAITING = QUEUED.where(_O.destination == bindparam("lane"), *_LATE).order_by(_O.id).limit(bindparam("most"))
_UNDECIDED_OF_EACH = 20
"""Of an incident the next step is due, one for each teammate whose night it is, and the minute after a MarkFail."""
_PICTURES_OF_LANE = select(func.count()).where(
    _O.destination == bindparam("lane"), _O.kind == OutgoingKind.PICTURE.value, _DUE
)
_BEING_READ = (_O.kind == OutgoingKind.PICTURE.value, _DUE, _O.expires_at > bindparam("now"))
_ANY_WAITING = select(_O.id).where(or_(and_(*_LATE), and_(*_BEING_READ))).limit(1)


def _undecided(session: Session, incidents: Sequence[int]) -> Sequence[Sequence[Any]]:
    padded = [*incidents, *[incidents[0]] * (_INCIDENTS_AT_ONCE - len(incidents))]
    asked = {f"id{n}": id_ for n, id_ in enumerate(padded)}
    return session.all(_UNDECIDED, {**asked, "most": _UNDECIDED_OF_EACH * len(incidents)})


class Outbox:
    """The outbox of one database."""

    def __init__(self, database: Database, sql: Statements) -> None:
        self._database = database
        self._sql = sql

    def put(self, outgoing: Sequence[Outgoing], now: datetime) -> None:
        """Put rows into the outbox; one whose key was put there before changes nothing."""
        self.settle((), outgoing, "", now)

    def lanes(self, now: datetime, limit: int) -> tuple[tuple[str, int], ...]:
        """Destinations for which something is due and nobody holds a lease, the longest due first, for `take`."""
        return self._lanes(_LANES, now, limit)

    def picture_lanes(self, now: datetime, limit: int) -> tuple[tuple[str, int], ...]:
        """The same of pictures that are to be read, which are no messages and have destinations of their own."""
        return self._lanes(_PICTURE_LANES, now, limit)

    def _lanes(self, question: Any, now: datetime, limit: int) -> tuple[tuple[str, int], ...]:
        rows = self._database.read(lambda session: session.all(question, {"now": now, "most": limit}))
        return tuple((destination, leader) for destination, leader in rows)

    def take(
        self, lane: tuple[str, int], owner: str, now: datetime, until: datetime, limit: int
    ) -> tuple[Queued, ...]:
        """Lease what is due for a destination, the longest due first; nothing where another node is at it.

        Whoever dies with a lease loses it at `until`. All nodes agree on the row that they lock first.
        """
        destination, leader = lane

        def lease(session: Session) -> tuple[Queued, ...]:
            if session.first(_LEADER, {"leader": leader}) is None:
                return ()
            if session.first(_LEASED, {"lane": destination, "now": now}):
                return ()
            rows = session.all(_OF_LANE, {"lane": destination, "now": now, "most": limit})
            if rows:
                session.run_all(_LEASE, [{"row": row[0], "until": until, "owner": owner} for row in rows])
            return tuple(map(queued, rows))

        return self._database.write(lease)

    def settle(
        self,
        settled: Sequence[Settled],
        follow_ups: Sequence[Outgoing],
        owner: str,
        now: datetime,
        actions: Sequence[Action] = (),
    ) -> None:
        """Say what became of rows, carry out and put into the outbox what follows from them, in one transaction.

        What was sent is kept as sent, even if the lease was lost or the row was cancelled meanwhile. The actions are
        carried out by who has all the rows still.
        """

        def write(session: Session) -> None:
            were_ours = [_settle(session, each, owner, now) for each in settled]
            for action in actions if all(were_ours) else ():
                recording.act(session, self._sql, action, now)
            for outgoing in follow_ups:
                changes.put(session, self._sql, outgoing, now)

        self._database.write(write, repeatable=True)

    def messages_sent(self, destination: str, since: datetime, limit: int) -> tuple[datetime, ...]:
        """When the newest messages went there, from any node, the newest first; several rows may be one message.

        A message that may have arrived counts, too, and with it the further tries of it.
        """
        asked = {"lane": destination, "since": since, "most": limit}
        rows = self._database.read(lambda session: session.all(_MESSAGES_SENT, asked))
        return tuple(at for at, messages in rows for _ in range(messages))[:limit]

    def with_receipt(self, incident: int, since: datetime) -> tuple[Queued, ...]:
        """What was sent of an incident and can be changed."""
        asked = {"incident": incident, "since": since}
        return tuple(map(queued, self._database.read(lambda session: session.all(_WITH_RECEIPT, asked))))

    def of_incident(self, incident: int) -> tuple[Queued, ...]:
        """Everything that was to go out, or was decided, because of an incident, in its order."""
        return tuple(
            map(
                queued,
                self._database.read(lambda session: session.all(_OF_INCIDENT, {"incident": incident})),
            )
        )

    def undecided(self, incidents: Collection[int]) -> tuple[Queued, ...]:
        """What is due to be decided about incidents while nobody has claimed them: a few of each, its soonest first."""
        ids = list(incidents)
        portions = [ids[at : at + _INCIDENTS_AT_ONCE] for at in range(0, len(ids), _INCIDENTS_AT_ONCE)]
        found = self._database.read(
            lambda session: [row for portion in portions for row in _undecided(session, portion)]
        )
        return tuple(map(queued, found))

    def backlog(self, now: datetime, since: datetime) -> Backlog:
        """What is due and not out, but for late answers, which may wait; how much was given up since then."""

        def ask(session: Session) -> Backlog:
            due, oldest = session.first(_BACKLOG, {"now": now}) or (0, None)
            failed, _ = session.first(_FAILED, {"since": since}) or (0, None)
            return Backlog(int(due), oldest, int(failed))

        return self._database.read(ask)

    def late_answers(self, destination: str, now: datetime, limit: int) -> tuple[Queued, ...]:
        """Late answers for somebody that have not gone out, the oldest first; none that a node is just sending."""
        asked = {"lane": destination, "now": now, "most": limit}
        return tuple(map(queued, self._database.read(lambda session: session.all(_WAITING, asked))))

    def has_late_answers(self, now: datetime) -> bool:
        """Whether a late answer for anybody has not gone out, or one to a picture is being made."""
        return self._database.read(lambda session: session.first(_ANY_WAITING, {"now": now})) is not None

    def pictures_waiting(self, destination: str) -> int:
        """How many messages with pictures of this destination are still to be read."""
        asked = {"lane": destination}
        (count,) = self._database.read(lambda session: session.first(_PICTURES_OF_LANE, asked)) or (0,)
        return int(count)

    def rows(self, states: Collection[OutgoingState], limit: int) -> tuple[Queued, ...]:
        """The newest rows of some states, the newest first."""
        question = (
            QUEUED.where(_O.state.in_([state.value for state in states])).order_by(_O.id.desc()).limit(limit)
        )
        found = self._database.read(lambda session: session.connection.execute(question).all())
        return tuple(map(queued, found))


def _settle(session: Session, settled: Settled, owner: str, now: datetime) -> bool:
    """Whether the row was still ours."""
    row = {"row": settled.id, "why": settled.reason, "now": now}
    count = {"row": settled.id, "now": now, "more": settled.messages}
    if settled.state is OutgoingState.SENT:
        return bool(session.run(_SENT, {**row, **count, "given": settled.receipt}))
    if settled.messages:
        session.run(_MAY_BE_SENT, count)
    if settled.state is OutgoingState.DUE:
        untried = int(not settled.was_tried)
        due = settled.due_at or now
        return bool(session.run(_AGAIN, {**row, "owner": owner, "due": due, "untried": untried}))
    return bool(session.run(_END, {**row, "owner": owner, "to": settled.state.value}))


def queued(row: Sequence[Any]) -> Queued:
    """A row of `QUEUED`."""
    id_, key, kind, destination, incident, payload, created, due, expires, tries, state, *rest = row
    return Queued(
        id_, key, OutgoingKind(kind), destination, incident, payload, created, due, expires, tries,
        OutgoingState(state), *rest,
    )  # fmt: skip
