"""Which closed incidents an incident resembles: the same kind of failure on what it shares with them, or one cause."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from triage.incidents.correlation import Incident, Sighting

MOST_TRAITS = 24
"""Traits of one incident that are compared at most."""
MOST_ALIKE = 5
"""Similar incidents that are shown."""


class Likeness(enum.StrEnum):
    """What two incidents have in common, the most telling first."""

    ACCOUNT = "account"
    """The same kind of alert for the same account."""
    HOST = "host"
    """The same kind of alert for callbacks on the same host."""
    MACHINE = "machine"
    """The same kind of alert from the same address."""
    CAUSE = "cause"
    """The same cause, as the samples of their alerts prove it."""


@dataclass(frozen=True, slots=True)
class Trait:
    """Something by which incidents resemble each other."""

    likeness: Likeness
    kind: str
    """The kind of alert; `""` for a cause."""
    value: str

    def __str__(self) -> str:
        return f"{self.likeness}|{self.kind}|{self.value}"


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed incident that shares some traits."""

    id: int
    has_note: bool
    """Whether somebody wrote what closed it."""


@dataclass(frozen=True, slots=True)
class Similar:
    """A closed incident, and in what it resembles another one."""

    incident: Incident
    likenesses: tuple[Likeness, ...]
    """The most telling first."""


def traits_of(incident: Incident) -> tuple[Trait, ...]:
    """What an incident is compared by, the most telling first."""
    found = dict.fromkeys(trait for alert in incident.sightings for trait in _traits(alert))
    order = list(Likeness)
    return tuple(sorted(found, key=lambda trait: order.index(trait.likeness))[:MOST_TRAITS])


def most_alike(
    found: Mapping[Trait, Sequence[Closed]], most: int = MOST_ALIKE
) -> dict[int, tuple[Likeness, ...]]:
    """The ids of the most similar incidents with what they share: first those with a note, then by what is shared."""
    shared: dict[int, dict[Likeness, None]] = {}
    has_note: dict[int, bool] = {}
    for trait, incidents in found.items():
        for closed in incidents:
            shared.setdefault(closed.id, {})[trait.likeness] = None
            has_note[closed.id] = closed.has_note
    order = list(Likeness)

    def place(id_: int) -> tuple[bool, list[int], int]:
        return not has_note[id_], [order.index(likeness) for likeness in shared[id_]], -id_

    return {id_: tuple(sorted(shared[id_], key=order.index)) for id_ in sorted(shared, key=place)[:most]}


def _traits(alert: Sighting) -> Iterable[Trait]:
    if alert.appid:
        yield Trait(Likeness.ACCOUNT, alert.kind, alert.appid)
    host = _host(alert.callback)
    if host:
        yield Trait(Likeness.HOST, alert.kind, host)
    if alert.ip:
        yield Trait(Likeness.MACHINE, alert.kind, alert.ip)
    for cause in alert.causes:
        yield Trait(Likeness.CAUSE, "", cause)


def _host(callback: str | None) -> str | None:
    """The host of a callback; None for what is no URL, as only a hostile alert has it."""
    try:
        return urlsplit(callback or "").hostname
    except ValueError:
        return None
