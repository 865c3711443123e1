"""The next call of several incidents, for those who look at all of them at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from triage.bot.paging import occasion_of
from triage.incidents.correlation import Incident
from triage.incidents.occasions import Occasion
from triage.incidents.team import Team
from triage.incidents.upcoming import Call, next_call
from triage.store import Store


def next_calls(store: Store, incidents: Sequence[Incident], team: Team, now: datetime) -> Mapping[int, Call]:
    """Who is called next and when, by the incident's id; nothing for one for which nobody is going to be called.

    Two questions to the database, however many incidents there are. Raises StoreError.
    """
    free = [incident for incident in incidents if incident.owner is None]
    if not free:
        return {}
    due: dict[int, list[tuple[datetime, Occasion]]] = {incident.id: [] for incident in free}
    for row in store.outbox.undecided(tuple(due)):
        if row.incident_id is not None:
            due[row.incident_id].append((row.due_at, occasion_of(row)))
    overrides = store.shifts(now)
    found = {incident.id: next_call(incident, due[incident.id], team, overrides, now) for incident in free}
    return {id_: call for id_, call in found.items() if call is not None}
