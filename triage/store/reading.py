"""How incidents are read: the few of some keys, and what a row of them becomes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from triage.incidents.correlation import Incident, Sighting, State
from triage.store.session import Session
from triage.store.statements import INCIDENT_COLUMNS, KNOWN_IDS, KNOWN_INCIDENTS, KNOWN_LIMIT, OF_GUEST
from triage.store.values import KnownToGuest


def incidents(rows: Iterable[Sequence[Any]]) -> Iterator[Incident]:
    """Incidents from rows that hold one and one of its sightings each."""
    width = len(INCIDENT_COLUMNS)
    for _, group in groupby(rows, key=lambda row: row[0]):
        parts = list(group)
        sightings = tuple(Sighting(*row[width:]) for row in parts if row[width] is not None)
        yield incident_of(parts[0], sightings)


def incident_of(row: Sequence[Any], sightings: tuple[Sighting, ...]) -> Incident:
    """An incident of a row that begins with its columns."""
    values = dict(zip(INCIDENT_COLUMNS, row, strict=False))
    guest = values.pop("guest")
    values |= {"state": State(values["state"]), "sightings": sightings, "is_confirmed": not guest}
    return Incident(**values)


def known(session: Session, lookups: Sequence[str], since: datetime) -> Iterable[Incident]:
    """The incidents of some keys; mostly there is none, so that is asked first."""
    width, keys = _padded(lookups)
    rows = session.all(KNOWN_IDS[width], {**keys, "since": since})
    ids = [id_ for _, id_ in rows[:KNOWN_LIMIT]] if len(lookups) == 1 else _first_of_each(rows)
    return _of_ids(session, ids)


def known_to(session: Session, guest: str, lookups: Sequence[str], fresh: datetime) -> KnownToGuest:
    """The incidents of some keys that are kept apart, and how many alerts of the guest have come since `fresh`."""
    width, keys = _padded(lookups)
    rows = session.all(OF_GUEST[width], {**keys, "whose": guest, "fresh": fresh})
    ids = [id_ for lookup, id_ in rows if lookup is not None]
    (number,) = (count for lookup, count in rows if lookup is None)
    return KnownToGuest(tuple(_of_ids(session, ids)), int(number))


def _padded(lookups: Sequence[str]) -> tuple[int, dict[str, str]]:
    """How many keys a statement takes, and so many of them."""
    width = next(width for width in KNOWN_IDS if width >= len(lookups))
    keys = [*lookups, *[lookups[0]] * (width - len(lookups))]
    return width, {f"key{n}": key for n, key in enumerate(keys)}


def _of_ids(session: Session, ids: list[int]) -> Iterable[Incident]:
    if not ids:
        return ()
    size = next(size for size in KNOWN_INCIDENTS if size >= len(ids))
    padded = ids + [0] * (size - len(ids))
    return incidents(session.all(KNOWN_INCIDENTS[size], {f"id{n}": id_ for n, id_ in enumerate(padded)}))


def _first_of_each(rows: Sequence[Sequence[Any]]) -> list[int]:
    """The first incident of each key, then the second of each, as many as are read at once."""
    of_key: dict[str, int] = {}
    ranked = []
    for at, (lookup, id_) in enumerate(rows):
        of_key[lookup] = of_key.get(lookup, 0) + 1
        ranked.append((of_key[lookup], at, id_))
    return [id_ for *_, id_ in sorted(ranked)[: 2 * KNOWN_LIMIT]]
