"""Who is called next for an incident, and when, if until then nobody claims it and nothing else happens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from triage.incidents.correlation import Incident
from triage.incidents.escalation import decide
from triage.incidents.occasions import Again, Known, Occasion, Page
from triage.incidents.team import Override, Team, Teammate

_DECISIONS_AHEAD = 20
"""How many decisions in a row that call nobody are looked through: quiet hours, steps that only tell a group."""


@dataclass(frozen=True, slots=True)
class Call:
    """People who are to be called at a time."""

    at: datetime
    teammates: tuple[Teammate, ...]


def next_call(
    incident: Incident,
    due: Sequence[tuple[datetime, Occasion]],
    team: Team,
    overrides: Sequence[Override],
    now: datetime,
) -> Call | None:
    """The next call for an incident by what is due to be decided; None where nobody is going to be called.

    It asks the same decisions that will be made then, so shifts, quiet hours and a mute count as they stand now.
    """
    if incident.owner is not None:
        return None
    known, waiting = Known(incident), list(due)
    for _ in range(_DECISIONS_AHEAD):
        if not waiting:
            return None
        first = min(waiting, key=lambda each: each[0])
        waiting.remove(first)
        due_at, occasion = first
        at = max(due_at, now)
        planned = decide(occasion, known, team, overrides, at).planned
        called = tuple(item.teammate for item in planned if isinstance(item, Page))
        if called:
            return Call(at, called)
        waiting += [(item.due_at, item.occasion) for item in planned if isinstance(item, Again)]
    return None
