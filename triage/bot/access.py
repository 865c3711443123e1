"""Who may see and do what: the one place that decides it, for chat, API and pages alike.

A member sees and works on the incidents of their accounts. What anybody else forwards is answered, and kept apart until
a member confirms it. Leads invite, remove and grant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from triage.incidents.correlation import QUIET, Incident, State
from triage.incidents.story import MemberNames, incident_line
from triage.message import Person
from triage.names import name_key
from triage.store import Member, Role, Store, Wanted

API = "api"
"""The channel of people who are named to the API and are no members."""
LISTED = 8
"""How many incidents a list names; the others are counted."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """The person who asks. A member sees whole incidents, a stranger only the alerts they sent themselves."""

    person: Person
    role: Role | None = None
    """None for somebody who is no member."""
    appids: tuple[str, ...] = ()
    """The accounts whose incidents a member sees; none named: those of every account."""
    names: MemberNames = field(default_factory=lambda: MemberNames({}))
    """What to call other people; empty for a stranger."""
    quiet: timedelta = QUIET
    """How long without an alert until an incident is shown as quiet."""
    in_public: bool = False
    """Whether others read the answer too: then it says what a stranger would be told."""
    is_overheard: bool = False
    """Whether others read what a member does: then an incident is called by its number alone."""

    @classmethod
    def of(
        cls, person: Person, store: Store, admins: Mapping[Person, str], quiet: timedelta = QUIET
    ) -> Viewer:
        """The rights of a person: a lead by setting, a member by the store, or a stranger. Raises StoreError."""
        if person in MemberNames(admins):
            return cls(person, Role.LEAD, (), names_of(store, admins), quiet)
        member = store.member(person)
        if member is None:
            return cls(person)
        return cls(person, member.role, member.appids, names_of(store, admins), quiet)

    @classmethod
    def of_api(cls, store: Store, admins: Mapping[Person, str], quiet: timedelta) -> Viewer:
        """A program that has the API key: it sees every incident. Raises StoreError."""
        return cls(Person(API, "", ""), Role.LEAD, (), names_of(store, admins), quiet)

    def in_group(self) -> Viewer:
        """The same person where others read the answer too."""
        return replace(self, in_public=True, names=MemberNames({}))

    @property
    def is_member(self) -> bool:
        """Whether incidents may be shown and worked on here."""
        return self.role is not None and not self.in_public

    @property
    def is_lead(self) -> bool:
        """Whether members may be invited, removed and granted accounts here."""
        return self.role is Role.LEAD and not self.in_public

    def may_change(self, appid: str | None) -> bool:
        """Whether an alert of this account that they forward goes to the members' incidents, not beside them."""
        return self.role is not None and self._includes(appid)

    def may_see(self, incident: Incident) -> bool:
        """Whether the whole incident may be shown: teams that share a bot see their own accounts."""
        return self.is_member and incident.is_confirmed and self._includes(incident.appid)

    def may_confirm(self, incident: Incident) -> bool:
        """Whether what is kept apart may be shown to them, and made the members' by them."""
        return self.is_member and not incident.is_confirmed and self._includes(incident.appid)

    def may_manage(self, member: Member) -> bool:
        """Whether they may remove somebody, or say what they see: a lead of all the accounts that one sees."""
        return self.is_lead and (not self.appids or (bool(member.appids) and self.may_grant(member.appids)))

    def may_grant(self, appids: Sequence[str]) -> bool:
        """Whether they see all of these accounts themselves; none named means every account."""
        return not self.appids or (bool(appids) and set(appids) <= set(self.appids))

    def _includes(self, appid: str | None) -> bool:
        return not self.appids or appid in self.appids

    def wanted(
        self, state: State | None = None, *, is_own: bool = False, is_confirmed: bool = True
    ) -> Wanted:
        """The incidents of a list that they may see, filtered where they are stored."""
        return Wanted(self.appids, state, self.person if is_own else None, is_confirmed)

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

    def lines(self, incidents: Sequence[Incident], now: datetime, total: int | None = None) -> list[str]:
        """One line for each of the first `LISTED` incidents, and how many more of `total` there are."""
        lines = [incident_line(incident, self.names, now, self.quiet) for incident in incidents[:LISTED]]
        rest = (len(incidents) if total is None else total) - len(lines)
        return [*lines, f"还有 {rest} 件"] if rest > 0 else lines


def names_of(store: Store, admins: Mapping[Person, str]) -> MemberNames:
    """What to call the members, by the store and by the settings. Raises StoreError."""
    return MemberNames({member.person: member.name or "" for member in store.members()} | dict(admins))


def person_called(name: str, names: MemberNames) -> Person:
    """The member of this name, so that the chat knows them too; else a person of `API`, known by the name alone."""
    return holder_of(name, names) or Person(API, "", name)


def holder_of(name: str, names: MemberNames) -> Person | None:
    """The member who has a name that people would take for this one; None if it is free."""
    key = name_key(name)
    return next((person for person, given in names.by_person.items() if name_key(given) == key), None)
