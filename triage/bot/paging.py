"""What the outbox is about for a team: decides what follows from a change, and writes what goes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from triage.bot.access import names_of
from triage.bot.links import Links
from triage.bot.notices import UNDELIVERED, Words
from triage.bot.reaching import Reaching
from triage.bot.sending import Decided, Merged, Ready, Unwanted
from triage.channels.delivery import Sender
from triage.incidents.correlation import Incident, State
from triage.incidents.escalation import decide, shift_notices
from triage.incidents.occasions import (
    Again,
    GroupNotice,
    Known,
    LetGo,
    Occasion,
    Page,
    Planned,
    Probed,
    Tell,
    What,
)
from triage.incidents.team import Team, TeamAccount, Teammate
from triage.message import PageSize, Person
from triage.store import Action, Outgoing, OutgoingKind, OutgoingState, Queued, Store
from triage.store.columns import index_key, person_key

EXPIRES = timedelta(hours=2)
"""After this a message about an incident helps nobody any more."""
CARD_LIFE = timedelta(hours=72)
"""How long WeCom lets a card be changed: https://developer.work.weixin.qq.com/document/path/94888"""
_TOUCHES = frozenset({"claim", "give", "note", "evidence", "step", "tick"})
_AGAIN_AS = {
    What.STEP: OutgoingKind.STEP,
    What.WATCH: OutgoingKind.STEP,
    What.REMIND: OutgoingKind.REMIND,
    What.LET_GO: OutgoingKind.REMIND,
    What.MINUTE: OutgoingKind.CHANGE,  # goes on, whoever claims
}
_SETTLES = {What.CLAIM: "已由{}认领", What.GIVE: "已转给{}", What.CLOSE: "已关闭"}
_REACHED = frozenset({OutgoingState.DUE, OutgoingState.SENT})


@dataclass(frozen=True, slots=True)
class Paging:
    """The desk of a team; see `sending.Desk`."""

    store: Store
    team: Team
    reaching: Reaching
    say: Callable[..., str]
    """Fills a reply template."""
    admins: Mapping[Person, str]
    probe: Callable[[TeamAccount], Probed | None] = lambda _account: None
    """Asks the callback of an account whether it answers again; None where that cannot be told."""
    links: Links | None = None
    """Links to the console; None where it has no address."""

    def decide(self, row: Queued, now: datetime) -> Decided:
        """As `Desk.decide`."""
        number = _number(row)
        incident = self.store.incident(number)
        if incident is None:
            return Decided("the incident is forgotten")
        occasion = occasion_of(row)
        known = self._known(incident, occasion)
        decision = decide(occasion, known, self.team, self.store.shifts(now), now)
        let_go = tuple(
            Action("release", number, item.owner, "认领后没有动静")
            for item in decision.planned
            if isinstance(item, LetGo)
        )
        follow_ups = [
            self._outgoing(item, number, now) for item in decision.planned if not isinstance(item, LetGo)
        ]
        follow_ups += self._cards(occasion, incident, now)
        return Decided(decision.because.value, tuple(follow_ups), let_go)

    def write(self, row: Queued, now: datetime) -> Ready | Unwanted:
        """As `Desk.write`."""
        incident = None if row.incident_id is None else self.store.incident(row.incident_id)
        sender = self.sender(row) if incident else None
        return self._words().write(row, incident, now, sender.page_size if sender else None)

    def merge(self, several: Sequence[Ready], size: PageSize) -> Merged:
        """As `Desk.merge`."""
        return self._words().merge(several, size)

    def sender(self, row: Queued) -> Sender | None:
        """As `Desk.sender`."""
        if row.kind is OutgoingKind.GROUP:
            return self.reaching.sender_of(row.payload["group"])
        to = Person.parse(row.payload["to"])
        if row.payload.get("answer_url"):
            return self.reaching.answerer_for(to)
        return self.reaching.sender_for(to)

    def other_way(self, row: Queued, now: datetime) -> tuple[Outgoing, ...]:
        """As `Desk.other_way`."""
        if row.kind not in (OutgoingKind.PAGE, OutgoingKind.NOTICE):
            return ()
        to = Person.parse(row.payload["to"])
        ways = self.reaching.ways(self.team.find(to) or to)
        later = ways[ways.index(to) + 1 :] if to in ways else ways
        if not later:
            return ()
        key = f"{row.key.partition('>')[0]}>{len(ways) - len(later)}"
        return (_to_person(key, row.kind, later[0], row.payload, row.incident_id, now),)

    def warn(self, row: Queued, reason: str, now: datetime) -> tuple[Outgoing, ...]:
        """Word to the groups, or where there is no other one to everybody, once a day for each destination."""
        if row.payload.get("news") == UNDELIVERED or row.kind is OutgoingKind.LATE:
            return ()
        about = f"warn/{now:%Y%m%d}/{row.destination}"
        payload = {"news": UNDELIVERED, "name": self._named(row), "note": reason}
        groups = [group for group in self.team.groups if group.id != row.payload.get("group")]
        if groups:
            return tuple(_to_group(f"{about}/{group.id}", group.id, payload, None, now) for group in groups)
        ways = [(mate, self.reaching.ways(mate)) for mate in self.team.people]
        return tuple(
            _to_person(f"{about}/{mate.id}", OutgoingKind.NOTICE, way[0], payload, None, now)
            for mate, way in ways
            if way and str(way[0]) != row.payload.get("to")
        )

    def announce_shifts(self, now: datetime) -> None:
        """Tell those whose shift begins soon; each once, however often this is called. Raises StoreError."""
        told = shift_notices(self.team, self.store.shifts(now), now)
        self.store.outbox.put([self._outgoing(tell, None, now) for tell in told], now)

    # -- what is known

    def _words(self) -> Words:
        names = names_of(self.store, {**self.team.members, **self.admins})
        return Words(self.say, self.team, names, self.links)

    def _named(self, row: Queued) -> str:
        if row.kind is OutgoingKind.GROUP:
            return f"群 {row.payload['group']}"
        to = Person.parse(row.payload["to"])
        mate = self.team.find(to)
        return mate.name if mate else "同事"

    def _known(self, incident: Incident, occasion: Occasion) -> Known:
        rows = [row for row in self.store.outbox.of_incident(incident.id) if row.state in _REACHED]
        called = [row.payload["mate"] for row in rows if row.kind is OutgoingKind.PAGE]
        told = [row.payload["group"] for row in rows if row.kind is OutgoingKind.GROUP]
        touches = [event.at for event in self.store.timeline(incident.id) if event.what in _TOUCHES]
        return Known(
            incident,
            tuple(dict.fromkeys(called)),
            tuple(dict.fromkeys(told)),
            max(touches, default=None),
            self._probed(incident, occasion),
        )

    def _probed(self, incident: Incident, occasion: Occasion) -> Probed | None:
        """What the callback says when the minute after a MarkFail is over, where that is not known already."""
        is_asked = incident.state is State.OPEN and incident.last_seen <= occasion.since
        if occasion.what is not What.MINUTE or not is_asked:
            return None
        account = self.team.account(incident.appid, incident.callback)
        return self.probe(account) if account and account.probe else None

    # -- what follows

    def _outgoing(self, item: Planned, incident: int | None, now: datetime) -> Outgoing:
        match item:
            case Again():
                return Outgoing(
                    index_key(item.key),
                    _AGAIN_AS[item.occasion.what],
                    f"incident/{incident}",
                    item.due_at,
                    incident_id=incident,
                    payload=item.occasion.as_json(),
                )
            case Page():
                payload: dict[str, Any] = {"mate": item.teammate.id, "next_at": _iso(item.next_at)}
                return self._to(item.teammate, item.key, OutgoingKind.PAGE, payload, incident, now)
            case Tell():
                payload = {"news": item.what.value, "at": _iso(item.at), "note": item.note}
                return self._to(item.to, item.key, OutgoingKind.NOTICE, payload, incident, now)
            case GroupNotice():
                payload = {
                    "news": item.what.value,
                    "called": list(item.called),
                    "next_at": _iso(item.next_at),
                    "note": item.note,
                }
                return _to_group(item.key, item.group, payload, incident, now)
            case LetGo():
                raise TypeError("is done to the incident, and nothing goes out for it")

    def _to(
        self,
        to: Teammate | Person,
        key: str,
        kind: OutgoingKind,
        payload: Mapping[str, Any],
        incident: int | None,
        now: datetime,
    ) -> Outgoing:
        """To the first address that can be written to; where there is none, to one that shows why not."""
        ways = self.reaching.ways(to) or (to.addresses if isinstance(to, Teammate) else (to,))
        person = ways[0] if ways else Person("", "", to.id)
        return _to_person(key, kind, person, payload, incident, now)

    def _cards(self, occasion: Occasion, incident: Incident, now: datetime) -> list[Outgoing]:
        """New words for the cards that are out, once for each: a receipt works once."""
        label = _SETTLES.get(occasion.what)
        if label is None:
            return []
        owner = self._words().names.of(incident.owner)
        return [
            Outgoing(
                f"card/{row.id}",
                OutgoingKind.CARD,
                row.destination,
                now,
                now + EXPIRES,
                incident.id,
                {"to": row.payload["to"], "receipt": row.receipt, "label": label.format(owner)},
            )
            for row in self.store.outbox.with_receipt(incident.id, now - CARD_LIFE)
        ]


def _to_person(
    key: str,
    kind: OutgoingKind,
    to: Person,
    payload: Mapping[str, Any],
    incident: int | None,
    now: datetime,
) -> Outgoing:
    whole = {**payload, "to": str(to)}
    return Outgoing(index_key(key), kind, person_key(to), now, now + EXPIRES, incident, whole)


def _to_group(
    key: str, group: str, payload: Mapping[str, Any], incident: int | None, now: datetime
) -> Outgoing:
    whole = {**payload, "group": group}
    return Outgoing(index_key(key), OutgoingKind.GROUP, f"group/{group}", now, now + EXPIRES, incident, whole)


def occasion_of(row: Queued) -> Occasion:
    """Why a decision is due: the store says what happened, a decision before this one what was to be looked at."""
    if "since" in row.payload:
        return Occasion.from_json(row.payload)
    return Occasion(What(row.payload["what"]), row.created_at, Person.parse(row.payload["who"]))


def _number(row: Queued) -> int:
    if row.incident_id is None:
        raise LookupError("of no incident")
    return row.incident_id


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
