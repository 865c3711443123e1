"""What members do to incidents on pages: the same as by typed words in chat, recorded the same way."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from triage.bot.access import Viewer
from triage.bot.commands import LONGEST_NOTE
from triage.bot.together import AT_ONCE
from triage.incidents.correlation import Incident, State
from triage.store import Store


class Deed(enum.StrEnum):
    """What can be done to several incidents at once."""

    CLAIM = "claim"
    RELEASE = "release"
    NOTE = "note"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Done:
    """What became of it, by the numbers of the incidents."""

    done: tuple[int, ...] = ()
    left: tuple[int, ...] = ()
    """Those that are as they were: another one's by now, closed already, or not the visitor's to see."""


def carry_out(
    store: Store, viewer: Viewer, deed: Deed, numbers: Sequence[int], words: str, now: datetime
) -> Done:
    """Do it to each incident that the viewer may see, at most `AT_ONCE`. Raises StoreError."""
    wanted = list(dict.fromkeys(numbers))[:AT_ONCE]
    detail = words.strip()[:LONGEST_NOTE]
    if deed is Deed.NOTE and not detail:
        return Done((), tuple(wanted))
    seen = {incident.id: incident for incident in viewer.seen(store.following.condensed(wanted))}
    may = partial(_may, viewer, deed, is_alone=len(wanted) == 1)
    done = [
        number
        for number in wanted
        if number in seen and may(seen[number]) and _did(store, viewer, deed, number, detail, now)
    ]
    return Done(tuple(done), tuple(number for number in wanted if number not in done))


def _may(viewer: Viewer, deed: Deed, incident: Incident, *, is_alone: bool) -> bool:
    """Of several, what somebody else handles is not closed with the rest, as in chat."""
    if deed is Deed.NOTE:
        return True
    is_own = incident.owner is not None and incident.owner.is_same(viewer.person)
    if deed is Deed.RELEASE:
        return is_own
    if incident.state is State.CLOSED:  # a reason can be added later
        return deed is Deed.CLOSE and is_alone and not incident.closed_note
    return is_alone or incident.owner is None or is_own


def _did(store: Store, viewer: Viewer, deed: Deed, number: int, detail: str, now: datetime) -> bool:
    who = viewer.person
    if deed is Deed.CLAIM:
        owner = store.claim_incident(number, who, now)
        return owner is not None and owner.is_same(who)
    if deed is Deed.NOTE:
        return store.add_note(number, who, now, detail)
    if deed is Deed.CLOSE:
        return store.close_incident(number, who, now, detail)
    incident = store.incident(number)
    owner = incident.owner if incident else None  # of another account of the same channel, perhaps
    return owner is not None and store.release_incident(number, owner, now, detail or None)
