"""Plays an incident against the team: what is planned falls due in its order, as the outbox would have it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from tests.support.team import TEAM
from triage.incidents.correlation import Incident, Sighting, State
from triage.incidents.escalation import decide
from triage.incidents.occasions import (
    Again,
    Decision,
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
from triage.incidents.team import Override, Team, Teammate
from triage.message import Person


class Story:
    """One incident, a clock, and everything that was sent because of it: (minutes since the start, what, to whom)."""

    def __init__(self, incident: Incident, team: Team = TEAM) -> None:
        self.incident, self.team = incident, team
        self.began = self.now = incident.opened_at
        self.overrides: tuple[Override, ...] = ()
        self.sent: list[tuple[int, str, str]] = []
        self.planned: list[Planned] = []
        self.decisions: list[Decision] = []
        self.touched: datetime | None = None
        self.probed: Probed | None = None
        self._due: list[Again] = []
        self._keys: set[str] = set()

    def open(self) -> Story:
        """The incident is opened."""
        return self._happen(What.OPEN)

    def claim(self, mate: Teammate) -> Story:
        """Somebody claims it: the steps that are due are taken back, as the store does."""
        self._due = [again for again in self._due if again.occasion.what is What.MINUTE]
        self.incident = replace(self.incident, owner=mate.addresses[0])
        self.touched = self.now
        return self._happen(What.CLAIM, mate.addresses[0])

    def give(self, mate: Teammate, by: Teammate) -> Story:
        """The owner gives it to somebody else."""
        self._due = [again for again in self._due if again.occasion.what is What.MINUTE]
        self.incident = replace(self.incident, owner=mate.addresses[0])
        self.touched = self.now
        return self._happen(What.GIVE, by.addresses[0])

    def close(self, mate: Teammate) -> Story:
        """Somebody closes it."""
        self._due = []
        self.incident = replace(self.incident, state=State.CLOSED)
        return self._happen(What.CLOSE, mate.addresses[0])

    def touch(self) -> Story:
        """The owner does something to it."""
        self.touched = self.now
        return self

    def mute(self, time: timedelta) -> Story:
        """Somebody says that it is to call nobody for a time."""
        self.incident = replace(self.incident, muted_until=self.now + time)
        return self

    def alert(self, sighting: Sighting, *, is_worse: bool = False) -> Story:
        """Another alert of it comes."""
        alerts = (*self.incident.sightings, sighting)
        self.incident = replace(self.incident, sightings=alerts, last_seen=self.now)
        return self._happen(What.WORSE) if is_worse else self

    def wait(self, time: timedelta) -> Story:
        """What falls due within this time is decided, each at its time."""
        until = self.now + time
        while due := [again for again in self._due if again.due_at <= until]:
            first = min(due, key=lambda again: again.due_at)
            self._due.remove(first)
            self.now = max(self.now, first.due_at)
            self._decide(first.occasion)
        self.now = until
        return self

    def sleep(self, time: timedelta) -> Story:
        """Nothing is decided for this time, as if the database were away; what has fallen due is decided at its end."""
        self.now += time
        return self.wait(timedelta())

    def take(self) -> list[tuple[int, str, str]]:
        """What was sent since this was last asked."""
        sent, self.sent = self.sent, []
        return sent

    @property
    def due(self) -> list[tuple[datetime, Occasion]]:
        """What is still to be decided, and when."""
        return [(again.due_at, again.occasion) for again in self._due]

    @property
    def pages(self) -> list[tuple[int, str]]:
        """Who was called, and when."""
        return [(minutes, who) for minutes, what, who in self.sent if what == "page"]

    def _happen(self, what: What, who: Person | None = None) -> Story:
        self._decide(Occasion(what, self.now, who))
        return self

    def _decide(self, occasion: Occasion) -> None:
        called = tuple(item.teammate.id for item in self.planned if isinstance(item, Page))
        told = tuple(item.group for item in self.planned if isinstance(item, GroupNotice))
        known = Known(
            self.incident,
            tuple(dict.fromkeys(called)),
            tuple(dict.fromkeys(told)),
            self.touched,
            self.probed,
        )
        decision = decide(Occasion.from_json(occasion.as_json()), known, self.team, self.overrides, self.now)
        self.decisions.append(decision)
        for item in decision.planned:
            if item.key not in self._keys:
                self._keys.add(item.key)
                self.planned.append(item)
                self._carry_out(item)

    def _carry_out(self, item: Planned) -> None:
        minutes = (self.now - self.began) // timedelta(minutes=1)
        match item:
            case Again():
                self._due.append(item)
            case Page():
                self.sent.append((minutes, "page", item.teammate.id))
            case GroupNotice():
                self.sent.append((minutes, item.what, item.group))
            case Tell():
                to = item.to.id if isinstance(item.to, Teammate) else str(item.to)
                self.sent.append((minutes, item.what, to))
            case LetGo():
                self._due = [again for again in self._due if again.occasion.what is What.MINUTE]
                self.incident = replace(self.incident, owner=None)
                self._happen(What.RELEASE, item.owner)
