"""Many incidents at once, grouped by what they share: a machine, an account, else the kind of alert."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from triage.incidents.correlation import MIN_ALIKE, Incident, Shape


@dataclass(frozen=True, slots=True)
class Group:
    """Incidents that share something."""

    shape: Shape | None
    """`HOST`: one address, several accounts; `CODE`: one account; None: nothing but the kind of their first alert."""
    shared: str
    """The address, the AppID or the kind."""
    incidents: tuple[Incident, ...]
    """In the order they were given."""

    @property
    def accounts(self) -> int:
        """How many accounts they are of."""
        return len({incident.appid for incident in self.incidents if incident.appid})


def grouped(incidents: Sequence[Incident]) -> tuple[Group, ...]:
    """Each incident in one group, the largest groups first: by machine, what is left by account, then by kind."""
    groups, rest = explained(incidents)
    kinds = [Group(None, kind, of_kind) for kind, of_kind in _by(rest, _kind).items()]
    return tuple(sorted([*groups, *kinds], key=lambda group: -len(group.incidents)))


def explained(incidents: Sequence[Incident]) -> tuple[list[Group], list[Incident]]:
    """The groups that one machine or one account explains, and the incidents that are in none of them."""
    hosts, rest = _alike(incidents, Shape.HOST, _address, lambda group: group.accounts)
    accounts, rest = _alike(rest, Shape.CODE, lambda item: item.appid, lambda group: len(group.incidents))
    return hosts + accounts, rest


def _alike(
    incidents: Sequence[Incident],
    shape: Shape,
    shared: Callable[[Incident], str | None],
    size: Callable[[Group], int],
) -> tuple[list[Group], list[Incident]]:
    """The groups that are large enough, and the incidents that are in none of them."""
    groups = [
        Group(shape, value, alike)
        for value, alike in _by(incidents, shared).items()
        if value and len(alike) >= MIN_ALIKE
    ]
    large = [group for group in groups if size(group) >= MIN_ALIKE]
    if not large:
        return [], list(incidents)
    taken = {incident.id for group in large for incident in group.incidents}
    return large, [incident for incident in incidents if incident.id not in taken]


def _by(
    incidents: Sequence[Incident], shared: Callable[[Incident], str | None]
) -> dict[str, tuple[Incident, ...]]:
    found: dict[str, list[Incident]] = {}
    for incident in incidents:
        found.setdefault(shared(incident) or "", []).append(incident)
    return {value: tuple(alike) for value, alike in found.items()}


def _address(incident: Incident) -> str | None:
    """The address of its newest alert that has one."""
    return next((alert.ip for alert in reversed(incident.sightings) if alert.ip), None)


def _kind(incident: Incident) -> str:
    return incident.sightings[0].kind if incident.sightings else ""
