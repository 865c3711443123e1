"""Who may see what: the one place that decides it, for chat, API and pages alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from triage.incidents.correlation import QUIET, Incident
from triage.incidents.story import MemberNames, incident_line
from triage.message import Person
from triage.store import Store

API = "api"
"""The channel of people who are named to the API and are no members."""
LISTED = 8
"""How many incidents a list names; the others are counted."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """The person who asks. A member sees whole incidents, a stranger only the alerts they sent themselves."""

    person: Person
    is_member: bool = False
    appids: tuple[str, ...] = ()
    """The accounts whose incidents a member sees; none named: those of every account."""
    names: MemberNames = field(default_factory=lambda: MemberNames({}))
    """What to call other people; empty for a stranger."""
    quiet: timedelta = QUIET
    """How long without an alert until an incident is shown as quiet."""

    @classmethod
    def of(
        cls, person: Person, store: Store, admins: Mapping[Person, str], quiet: timedelta = QUIET
    ) -> Viewer:
        """The rights of a person: a member by setting, a member by the store, or a stranger. Raises StoreError."""
        is_admin = person in MemberNames(admins)
        member = None if is_admin else store.member(person)
        if member is None and not is_admin:
            return cls(person)
        return cls(person, True, member.appids if member else (), names_of(store, admins), quiet)

    @classmethod
    def of_api(cls, store: Store, admins: Mapping[Person, str], quiet: timedelta) -> Viewer:
        """A program that has the API key: it sees every incident. Raises StoreError."""
        return cls(Person(API, "", ""), True, (), names_of(store, admins), quiet)

    def in_group(self) -> Viewer:
        """The same person where others read the answer too: they are told what a stranger would be told."""
        return Viewer(self.person, quiet=self.quiet)

    def may_see(self, incident: Incident) -> bool:
        """Whether the whole incident may be shown: teams that share a bot see their own accounts."""
        return self.is_member and (not self.appids or incident.appid in self.appids)

    def seen(self, incidents: Sequence[Incident]) -> list[Incident]:
        """The incidents that may be shown whole."""
        return [incident for incident in incidents if self.may_see(incident)]

    def visible(self, incidents: Sequence[Incident]) -> tuple[Incident, ...]:
        """The incidents as this person may know them: whole, or only with the alerts they sent."""
        shown = []
        for incident in incidents:
            if self.may_see(incident):
                shown.append(incident)
                continue
            own = tuple(sighting for sighting in incident.sightings if sighting.sender == self.person)
            if own:
                shown.append(replace(incident, sightings=own, owner=None, closed_note=None, step=0))
        return tuple(shown)

    def lines(self, incidents: Sequence[Incident], now: datetime) -> list[str]:
        """The incidents that may be shown, one line each for the first `LISTED`, and how many more there are."""
        seen = self.seen(incidents)
        lines = [incident_line(incident, self.names, now, self.quiet) for incident in seen[:LISTED]]
        return [*lines, f"还有 {len(seen) - LISTED} 件"] if len(seen) > LISTED else lines


def names_of(store: Store, admins: Mapping[Person, str]) -> MemberNames:
    """What to call the members, by the store and by the settings. Raises StoreError."""
    return MemberNames({member.person: member.name or "" for member in store.members()} | dict(admins))


def person_called(name: str, names: MemberNames) -> Person:
    """The member of this name, so that the chat knows them too; else a person of `API`, known by the name alone."""
    known = (person for person, given in names.by_person.items() if given == name)
    return next(known, Person(API, "", name))
