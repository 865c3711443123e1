"""What the store knows around some alerts, what of it their sender may know, and what is to be recorded of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from triage.bot.access import Viewer
from triage.bot.context import Context
from triage.incidents.correlation import (
    RECALL,
    UNNUMBERED,
    Incident,
    Sighting,
    Verdict,
    correlate_together,
    key_of,
)
from triage.incidents.story import story_values
from triage.store import Change

RECENT = timedelta(hours=1)
"""Incidents with an alert within this time are looked at for what several have in common, and for storms."""
RECENT_LIMIT = 25
"""How many of them, the newest; a storm is fewer."""
REMEMBERED = 20
"""Different alerts of one message that are remembered, the most severe; so that no text costs more than that."""
_MINUTE = timedelta(minutes=1)
KEPT_APART_A_MINUTE = 20
"""Alerts that one person may leave within a minute for members to confirm; what is more is answered and forgotten."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What the store knows around some alerts."""

    remembered: tuple[Sighting, ...]
    """Those of them that are to be recorded."""
    known: tuple[Incident, ...]
    """The incidents of the same callbacks: the members', or for what is kept apart the sender's own."""
    recent: tuple[Incident, ...]
    """The incidents of the last hour, for members only."""


@dataclass(frozen=True, slots=True)
class Story:
    """What a reply tells of an alert's past."""

    text: str = ""
    lead: str | None = None
    """The kind of the alert that led to it."""


def recall(context: Context, sightings: Sequence[Sighting]) -> Memory:
    """What is known around the alerts; of those that are kept apart no more are remembered than one may leave."""
    store, viewer, now = context.store, context.viewer, context.now
    sightings = _most_severe(sightings)
    ours = [sighting for sighting in sightings if viewer.may_change(sighting.appid)]
    known = store.incidents_for(sorted(set(map(key_of, ours))), now - RECALL) if ours else ()
    if len(ours) < len(sightings):
        apart = [sighting for sighting in sightings if sighting not in ours]
        theirs = store.known_to(viewer.person, sorted(set(map(key_of, apart))), now - _MINUTE)
        known += theirs.incidents
        too_many = apart[max(0, KEPT_APART_A_MINUTE - theirs.fresh) :]
        sightings = [sighting for sighting in sightings if sighting not in too_many]
    recent = store.recent_incidents(now - RECENT, RECENT_LIMIT, viewer.wanted()) if viewer.is_member else ()
    return Memory(tuple(sightings), known, recent)


def _most_severe(sightings: Sequence[Sighting]) -> list[Sighting]:
    """Each alert once, as many as one message may leave, in their order."""
    different = list({sighting.digest: sighting for sighting in reversed(sightings)}.values())[::-1]
    if len(different) <= REMEMBERED:
        return different
    kept = {sighting.digest for sighting in sorted(different, key=lambda each: each.rank)[:REMEMBERED]}
    return [sighting for sighting in different if sighting.digest in kept]


def changes_of(context: Context, memory: Memory) -> tuple[tuple[Sighting, Change], ...]:
    """The alerts as they are to be recorded."""
    verdicts, _ = correlate_together(memory.remembered, memory.known, context.now)
    return tuple(
        (sighting, _change(context.viewer, sighting, verdict))
        for sighting, verdict in zip(memory.remembered, verdicts, strict=True)
    )


def _change(viewer: Viewer, sighting: Sighting, verdict: Verdict) -> Change:
    number = verdict.incident.id if verdict.incident else UNNUMBERED
    incident = None if number == UNNUMBERED else number
    return Change(key_of(sighting), incident, verdict.reason, viewer.may_change(sighting.appid))


def told(
    context: Context,
    sighting: Sighting,
    verdict: Verdict,
    memory: Memory,
    *,
    is_repeated: bool = True,
    listed: Sequence[Sighting] = (),
) -> Story:
    """What the viewer may know of an alert's past; `is_repeated`: whether that it was forwarded before is told.

    Numbers, claims and closing are the members': for others they are left out. In a list of alerts, `listed`, the root
    is named by its number; and where each has an incident beside it, what holds for the first one alone is left to its
    checklist.
    """
    viewer = context.viewer
    recent = viewer.visible(memory.recent)
    values = story_values(sighting, verdict, recent, viewer.names, context.now)
    is_of_several = len(set(map(key_of, listed))) > 1
    if not viewer.is_member or is_of_several:
        values |= {"incident": None, "owner": ""}
    if is_of_several:
        values |= {"repeated": "", "over": False, "path": "", "before": ""}
    if not viewer.is_member:
        values |= {"reopened": False, "over": False}
    if not is_repeated:
        values["repeated"] = ""
    number = next((place for place, each in enumerate(listed, 1) if _is_root(each, verdict)), 0)
    if number:
        values["root"] = f"{values['root']}（第 {number} 条）"
    return Story(context.adviser.story(values), verdict.root.kind if verdict.root else None)


def _is_root(sighting: Sighting, verdict: Verdict) -> bool:
    return verdict.root is not None and sighting.digest == verdict.root.digest
