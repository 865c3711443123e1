"""Who may see what: the one place that decides it, for chat, API and pages alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from triage.incidents.correlation import QUIET, Incident
from triage.incidents.story import MemberNames, incident_line
from triage.store import Member, Store

_LISTED = 8


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, what they may see, and what to call the others. A stranger sees only what they sent themselves."""

    openid: str = ""
    is_member: bool = False
    appids: tuple[str, ...] = ()
    names: MemberNames = field(default_factory=lambda: MemberNames({}))
    quiet: timedelta = QUIET

    @classmethod
    def of(cls, openid: str, store: Store, admins: Mapping[str, str], quiet: timedelta = QUIET) -> Asker:
        """The person behind an OpenID, by setting or by the store. Raises StoreError."""
        if openid in admins:
            member: Member | None = None
        else:
            member = store.member(openid)
            if member is None:
                return cls(openid)
        names = {known.openid: known.name or "" for known in store.members()} | dict(admins)
        return cls(openid, True, member.appids if member else (), MemberNames(names), quiet)

    def may_see(self, incident: Incident) -> bool:
        """Teams that share a bot see their own accounts."""
        return self.is_member and (not self.appids or incident.appid in self.appids)

    def seen(self, incidents: Sequence[Incident]) -> list[Incident]:
        """The incidents this person may see."""
        return [incident for incident in incidents if self.may_see(incident)]

    def lines(self, incidents: Sequence[Incident], now: datetime) -> list[str]:
        """The incidents this person may see, one line each, and how many more there are."""
        seen = self.seen(incidents)
        lines = [incident_line(incident, self.names, now, self.quiet) for incident in seen[:_LISTED]]
        return [*lines, f"还有 {len(seen) - _LISTED} 件"] if len(seen) > _LISTED else lines


def visible(incidents: Sequence[Incident], asker: Asker) -> tuple[Incident, ...]:
    """The incidents as a person may know them: whole, or only with the alerts they sent."""
    shown = []
    for incident in incidents:
        if asker.may_see(incident):
            shown.append(incident)
            continue
        own = tuple(sighting for sighting in incident.sightings if sighting.sender == asker.openid)
        if own:
            shown.append(replace(incident, sightings=own, owner=None, closed_note=None, step=0))
    return tuple(shown)
