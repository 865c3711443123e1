"""A reason to decide with all that it is decided by; what may be planned then, each with its key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from triage.findings import Severity
from triage.incidents.correlation import Incident
from triage.incidents.occasions import Again, Because, GroupNotice, Known, News, Occasion, Tell
from triage.incidents.team import Escalation, Override, Team, Teammate
from triage.message import Person

_WORST_FIRST = tuple(Severity)


def severity_of(incident: Incident) -> Severity:
    """That of its gravest alert; INFO where that has none."""
    return _WORST_FIRST[rank_of(incident)]


def rank_of(incident: Incident) -> int:
    """That of its severity: 0 for the worst."""
    return min([Severity.INFO.rank, *[alert.rank for alert in incident.sightings]])


@dataclass(frozen=True, slots=True)
class Case:
    """An occasion with all that it is decided by."""

    occasion: Occasion
    known: Known
    team: Team
    overrides: Sequence[Override]
    now: datetime

    @property
    def incident(self) -> Incident:
        return self.known.incident

    @property
    def escalation(self) -> Escalation | None:
        return self.team.escalation(severity_of(self.incident))

    def key(self, what: str, who: str = "") -> str:
        """`12/20260112T020500/page/0.1/li`: the same for what must not be done twice."""
        number = f"{self.occasion.round}.{self.occasion.step}"
        return f"{self.incident.id}/{_stamp(self.occasion.since)}/{what}/{number}/{who}"

    def at(self, **changes: Any) -> Case:
        """The case at another occasion, which follows from this one."""
        return replace(self, occasion=replace(self.occasion, **changes))

    def again(self, due_at: datetime, because: Because, **changes: Any) -> Again:
        """Decide again at such an occasion."""
        other = self.at(**changes)
        whom = other.occasion.held or (other.occasion.who.id if other.occasion.who else "")
        key = other.key(other.occasion.what, f"{whom}@{_stamp(due_at)}")
        return Again(key, other.occasion, due_at, because)

    def tell(self, to: Teammate | Person, what: News, because: Because, at: datetime | None = None) -> Tell:
        who = to.id if isinstance(to, Teammate) else f"{to.channel}/{to.id}"
        return Tell(self.key(what, who), to, what, because, at)

    def tell_owner(
        self, owner: Person, what: News, because: Because, at: datetime | None = None
    ) -> tuple[Tell]:
        """Word to an owner, in whichever way they can be reached."""
        return (self.tell(self.team.find(owner) or owner, what, because, at),)

    def tell_groups(
        self, groups: Sequence[str], what: News, because: Because, **more: Any
    ) -> tuple[GroupNotice, ...]:
        """Word to those of the groups that hear of the account."""
        heard = [group for group in map(self.team.group, groups) if group is not None]
        mine = [group.id for group in heard if not group.accounts or self.incident.appid in group.accounts]
        return tuple(GroupNotice(self.key(what, id_), id_, what, because, **more) for id_ in mine)

    def tell_called(self, what: News, because: Because) -> tuple[Tell, ...]:
        """Word to those who have been paged, but for who did it."""
        mates = [mate for mate in map(self.team.teammate, self.known.called) if mate is not None]
        who = self.occasion.who
        return tuple(
            self.tell(mate, what, because) for mate in mates if who is None or not mate.is_person(who)
        )


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%S}"
