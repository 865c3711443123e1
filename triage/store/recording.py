"""Writes a message with its alerts and actions, inside a transaction that the caller holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, bindparam, or_, select, update

from triage.errors import OvertakenError
from triage.incidents.correlation import Reason, Sighting, State
from triage.message import Message, Person
from triage.store import changes, confirming, membership, shifts, signing, statements
from triage.store.columns import conversation_key, guest_lookup, index_key, person_key, storable
from triage.store.schema import INCIDENTS, MESSAGES
from triage.store.session import Session
from triage.store.statements import Statements
from triage.store.traits import keep_traits
from triage.store.values import (
    Action,
    Change,
    Entry,
    Grant,
    Invite,
    Join,
    MembershipChange,
    Recorded,
    Removal,
    ShiftOverride,
    SignInLink,
)

_I = INCIDENTS.c
_THIS = update(INCIDENTS).where(_I.id == bindparam("incident"))
_CLAIM = _THIS.where(_I.owner.is_(None), _I.closed_as == 0).values(owner=bindparam("who"))
_RELEASE = _THIS.where(_I.owner == bindparam("who"), _I.closed_as == 0).values(owner=None)
_GIVE = _THIS.where(
    or_(_I.owner.is_(None), _I.owner != bindparam("to", type_=_I.owner.type)), _I.closed_as == 0
).values(owner=bindparam("to", type_=_I.owner.type))
_MUTE = _THIS.where(_I.closed_as == 0).values(muted_until=bindparam("until", type_=_I.muted_until.type))
_STEP = _THIS.where(_I.step != bindparam("to", type_=_I.step.type)).values(
    step=bindparam("to", type_=_I.step.type)
)
_CLOSE = _THIS.where(_I.closed_as == 0).values(
    state=State.CLOSED.value,
    closed_as=_I.id,
    closed_at=bindparam("at", type_=_I.closed_at.type),
    closed_note=bindparam("note", type_=_I.closed_note.type),
)
_SAY_WHY = _THIS.where(_I.closed_as != 0, or_(_I.closed_note.is_(None), _I.closed_note == "")).values(
    closed_note=bindparam("note", type_=_I.closed_note.type)
)
_REOPEN = _THIS.where(_I.closed_as != 0).values(
    state=State.OPEN.value,
    closed_as=0,
    closed_at=None,
    closed_note=None,
    owner=None,
    step=0,
    muted_until=None,
)
_PROMISED = frozenset({"claim", "release", "give", "mute"})
"""Actions that the reply says were carried out."""
_OF_OWNER = {"claim": _CLAIM, "release": _RELEASE}
_SET_REPLY = (
    update(MESSAGES)
    .where(MESSAGES.c.key == bindparam("message"))
    .values(reply=bindparam("said", type_=MESSAGES.c.reply.type))
)
_OWNER = select(_I.owner).where(_I.id == bindparam("incident"))
_TEXT_OF = "text_of"
_MESSAGE_TEXT = select(MESSAGES.c.text).where(MESSAGES.c.key == bindparam("message"))
_LOOKUP = select(_I.lookup).where(_I.id == bindparam("incident"))


@dataclass(slots=True)
class _Place:
    """An incident that sightings of one message go into, and the number its next alert gets."""

    id: int
    next_number: int


def record(session: Session, sql: Statements, entry: Entry) -> Recorded:
    """Write an entry; if its message is there already, write nothing and return the reply that stands.

    Raises OvertakenError where the reply would not be true any more: the incident it claims is another one's by now,
    the invitation was used, or a late answer in it went out; and where the row that asked for it is another one's.
    """
    key = entry.message.key
    if not _add_message(session, sql, entry, key):
        [(reply, sender)] = session.all(statements.REPLY, {"message": key})
        return Recorded(reply, sender=sender)
    reply = entry.reply
    if entry.sightings:
        numbers = _add_alerts(session, sql, entry, key)
        if entry.numbered is not None:
            reply = entry.numbered(numbers)
            session.run(_SET_REPLY, {"message": key, "said": reply})
    for action in entry.actions:
        _carry_out(session, sql, action, entry.received_at)
    _go_out(session, sql, entry, reply)
    if entry.conversation is not None:
        talk = {
            "person": conversation_key(entry.message.person, entry.message.chat),
            "state": _compact(entry.conversation, entry.message),
            "expires_at": entry.expires_at or datetime.max.replace(tzinfo=UTC),
        }
        session.run(sql.put_conversation, talk)
    if entry.gap is not None:
        gap = {"message_key": key, "text": entry.gap, "seen_at": entry.received_at}
        session.run(statements.ADD_GAP, gap)
    return Recorded(None if reply is None else storable(reply), is_new=True)


def _go_out(session: Session, sql: Statements, entry: Entry, reply: str | None) -> None:
    """What goes out because of the message, what has gone with its reply, and the end of what asked for it."""
    for outgoing in (*entry.told, entry.late):
        if outgoing is not None:
            changes.put(session, sql, outgoing, outgoing.due_at)
    changes.give(session, entry.given, entry.received_at)
    if entry.ends is not None:
        changes.end(session, entry.ends, entry.received_at)
    if entry.answer is not None:
        answer = replace(entry.answer, payload={**entry.answer.payload, "text": reply})
        changes.put(session, sql, answer, entry.received_at)


def _carry_out(
    session: Session,
    sql: Statements,
    action: Action | MembershipChange | ShiftOverride | SignInLink,
    at: datetime,
) -> None:
    match action:
        case Invite() | Join() | Grant() | Removal():
            _change_members(session, sql, action, at)
        case ShiftOverride():
            shifts.add(session, action)
        case SignInLink():
            signing.add_link(session, action, at)
        case Action(kind="confirm"):
            if confirm(session, sql, action, at) is None:
                raise OvertakenError(f"incident {action.incident_id} was confirmed meanwhile")
        case Action():
            if not act(session, sql, action, at) and action.kind in _PROMISED:
                raise OvertakenError(f"incident {action.incident_id} was claimed, let go or closed meanwhile")


def _change_members(session: Session, sql: Statements, change: MembershipChange, at: datetime) -> None:
    match change:
        case Invite():
            membership.invite(session, change)
        case Join():
            membership.join(session, change, at)
        case Grant():
            membership.grant(session, change)
        case Removal():
            membership.remove(session, sql, change, at)


def confirm(session: Session, sql: Statements, action: Action, at: datetime) -> int | None:
    """Make an incident the members', and say so in the timeline; see `confirming.confirm`."""
    into = confirming.confirm(session, sql, action.incident_id)
    if into is not None:
        detail = None if into == action.incident_id else f"#{action.incident_id}"
        _add_event(session, into, at, action.who, "confirm", detail)
        if into == action.incident_id:
            changes.tell(session, sql, into, "open", action.who, at)
    return into


def _compact(talk: Mapping[str, Any], message: Message) -> dict[str, Any]:
    """A conversation without the text of the message it begins with, which is kept already; `expand` undoes it."""
    if message.text is None or talk.get("text") != message.text:
        return dict(talk)
    return {name: value for name, value in talk.items() if name != "text"} | {_TEXT_OF: message.key}


def expand(session: Session, talk: dict[str, Any]) -> dict[str, Any]:
    """A conversation as it was before it was stored."""
    key = talk.pop(_TEXT_OF, None)
    return talk if key is None else talk | {"text": _value(session, _MESSAGE_TEXT, message=key) or ""}


def _add_message(session: Session, sql: Statements, entry: Entry, key: str) -> bool:
    """Whether the message was new. Another transaction that adds it at the same time waits for this one."""
    message = entry.message
    row = {
        "key": key,
        "channel": message.channel,
        "account": message.account,
        "sender": message.sender,
        "recipient": message.recipient,
        "kind": message.kind.value,
        "created": message.created,
        "message_id": message.id,
        "text": message.text,
        "event": message.event,
        "event_key": message.event_key,
        "push": message.push,
        "signature": index_key(message.signature),
        "encrypted": message.encrypted,
        "received_at": entry.received_at,
        "reply": entry.reply,
    }
    try:
        return session.run(sql.add_message, row) == 1
    except session.integrity_error:  # MySQL; it undoes the statement alone, so the transaction can go on
        if sql.returns:
            raise
        return False


def _add_alerts(session: Session, sql: Statements, entry: Entry, key: str) -> dict[str, int]:
    """Put every sighting into its incident; the numbers of the incidents by their keys.

    Incidents are written in the order of their keys, so that two messages with the same alerts cannot wait for each
    other; the alerts keep the order they were forwarded in.
    """
    groups: dict[tuple[str, int], list[tuple[Sighting, Change]]] = {}
    for sighting, change in entry.sightings:
        groups.setdefault((change.incident_key, change.incident_id or 0), []).append((sighting, change))
    places = {which: _place(session, sql, groups[which]) for which in sorted(groups)}
    rows = []
    for sighting, change in entry.sightings:
        place = places[change.incident_key, change.incident_id or 0]
        rows.append(_alert_row(sighting, change.reason, key, place))
        place.next_number += 1
    session.run_all(statements.ADD_ALERT, rows)
    return {incident_key: place.id for (incident_key, _), place in places.items()}


def _alert_row(sighting: Sighting, reason: Reason, key: str, place: _Place) -> dict[str, Any]:
    return {
        "message_key": key,
        "incident_id": place.id,
        "number": place.next_number,
        "reason": reason.value,
        "digest": sighting.digest,
        "kind": sighting.kind,
        "title": sighting.title,
        "rank": sighting.rank,
        "appid": sighting.appid,
        "nickname": sighting.nickname,
        "callback": sighting.callback,
        "ip": sighting.ip,
        "event": sighting.event,
        "first_seen": sighting.first_seen,
        "count": sighting.count,
        "causes": sighting.causes,
        "sender": sighting.sender,
        "seen_at": sighting.seen_at,
    }


def _place(session: Session, sql: Statements, group: Sequence[tuple[Sighting, Change]]) -> _Place:
    """The incident named, else the open one of the key, else a new one."""
    first, change = group[0]
    seen = max(sighting.seen_at for sighting, _ in group)
    if change.incident_id is not None:
        incident = change.incident_id
        reopening = next((alert for alert, made in group if made.reason is Reason.REOPENED), None)
        if reopening is not None:
            incident = _reopened(session, sql, incident, reopening)
        guest = _guest(first, change)
        place = _join(session, sql, incident, guest, len(group), seen)
        if place is not None:  # None: purged or confirmed meanwhile
            if not guest:
                changes.tell_if_worse(session, sql, place.id, [alert for alert, _ in group])
            return place
    return _open(session, sql, group, seen)


def _guest(sighting: Sighting, change: Change) -> str:
    """Whose incident it goes into: `""` is the members'."""
    return "" if change.is_confirmed else person_key(sighting.sender)


def _join(
    session: Session, sql: Statements, incident: int, guest: str, added: int, seen: datetime
) -> _Place | None:
    joining = {"incident": incident, "whose": guest, "added": added, "seen": seen}
    if sql.returns:
        row = session.first(sql.join_incident, joining)
    else:
        session.run(sql.join_incident, joining)
        row = session.first(statements.PLACE_BY_ID, {"incident": incident, "whose": guest})
    return _Place(row[0], row[1] - added + 1) if row else None


def _open(
    session: Session,
    sql: Statements,
    group: Sequence[tuple[Sighting, Change]],
    seen: datetime,
) -> _Place:
    """Open an incident, or join the one that another worker opened for the key a moment ago."""
    first, change = group[0]
    guest = _guest(first, change)
    lookup = guest_lookup(change.incident_key, guest) if guest else index_key(change.incident_key)
    opening = {
        "key": change.incident_key,
        "lookup": lookup,
        "closed_as": 0,
        "appid": first.appid,
        "callback": first.callback,
        "state": State.OPEN.value,
        "opened_at": first.seen_at,
        "last_seen": seen,
        "step": 0,
        "alerts": len(group),
        "guest": guest,
    }
    if sql.returns:
        [(id_, alerts)] = session.all(sql.open_incident, opening)
    else:
        session.run(sql.open_incident, opening)
        [(id_, alerts)] = session.all(statements.PLACE_BY_KEY, {"lookup": lookup})
    if not guest and alerts == len(group):
        changes.tell(session, sql, id_, "open", first.sender, first.seen_at)
    return _Place(id_, alerts - len(group) + 1)


def _reopened(session: Session, sql: Statements, incident: int, sighting: Sighting) -> int:
    """The incident to join: this one, open again and up for claiming, or the one that is open for its key by now."""
    lookup = _value(session, _LOOKUP, incident=incident)
    other = _value(session, statements.OPEN_ID, lookup=lookup) if lookup else None
    if other is not None:
        return int(other)
    if session.run(_REOPEN, {"incident": incident}):
        _add_event(session, incident, sighting.seen_at, sighting.sender, "reopen", sighting.title)
        changes.tell(session, sql, incident, "reopen", sighting.sender, sighting.seen_at)
    return incident


def act(session: Session, sql: Statements, action: Action, at: datetime) -> bool:
    """Carry out an action; True if it changed the incident, which the timeline then says."""
    incident, kind, detail = action.incident_id, action.kind, action.detail
    if kind in _OF_OWNER:
        done = session.run(_OF_OWNER[kind], {"incident": incident, "who": action.who})
    elif kind == "give":
        done = session.run(_GIVE, {"incident": incident, "to": action.to})
    elif kind == "mute":
        done = session.run(_MUTE, {"incident": incident, "until": action.until})
    elif kind == "step":
        done = session.run(_STEP, {"incident": incident, "to": int(detail or 0)})
    elif kind == "close":
        done = session.run(_CLOSE, {"incident": incident, "at": at, "note": detail})
        if done:
            keep_traits(session, incident)
        elif detail:
            done = session.run(_SAY_WHY, {"incident": incident, "note": detail})
    elif _value(session, _LOOKUP, incident=incident) is None:  # a note for nothing
        return False
    else:
        _add_event(session, incident, at, action.who, kind, detail)
        return True
    if done:
        _add_event(session, incident, at, action.who, kind, detail)
        changes.tell(session, sql, incident, kind, action.who, at)
    return bool(done)


def owner_of(session: Session, incident: int) -> Person | None:
    """Who owns an incident; None if nobody does, or there is none."""
    owner: Person | None = _value(session, _OWNER, incident=incident)
    return owner


def _add_event(
    session: Session, incident: int, at: datetime, who: Person, what: str, detail: str | None
) -> None:
    event = {"incident_id": incident, "at": at, "who": who, "what": what, "detail": detail}
    session.run(statements.ADD_EVENT, event)


def _value(session: Session, question: Select[Any], **values: Any) -> Any:
    """The one value asked for; None where there is no row."""
    (value,) = session.first(question, values) or (None,)
    return value
