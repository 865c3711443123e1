"""The answer to alerts: the checklist, with what is known of them from before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from triage.advice.adviser import Adviser
from triage.advice.rendering import worst
from triage.alerts.parser import Reading
from triage.bot.access import Viewer
from triage.bot.context import Context, Outcome
from triage.bot.conversation import Conversation
from triage.incidents.correlation import (
    RECALL,
    Incident,
    Sighting,
    Verdict,
    correlate,
    key_of,
    sighting_of,
    storm_size,
)
from triage.incidents.story import story_values
from triage.rules.matching import UNKNOWN, Diagnosis
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
class AlertText:
    """A message with alerts in it, read and matched."""

    text: str
    reading: Reading
    alerts: tuple[Diagnosis, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kind of each alert."""
        return tuple(alert.kind for alert in self.alerts)

    @property
    def gap(self) -> str | None:
        """The text, if no rule names one of its alerts."""
        return self.text if UNKNOWN in self.kinds else None


@dataclass(frozen=True, slots=True)
class _Memory:
    """What the store knows around some alerts."""

    remembered: tuple[Sighting, ...]
    """Those of them that are to be recorded."""
    known: tuple[Incident, ...]
    """The incidents of the same callbacks: the members', or for what is kept apart the sender's own."""
    recent: tuple[Incident, ...]
    """The incidents of the last hour, for members only."""


def advise(adviser: Adviser, sent: AlertText) -> Outcome:
    """The checklist alone, where there is no store."""
    page = next(adviser.alert_pages(sent.reading, sent.alerts))
    return Outcome(page.text, sent.kinds)


def advise_and_remember(context: Context, sent: AlertText) -> Outcome:
    """The checklist with what is known from before, and the alerts as they are to be recorded."""
    viewer, now = context.viewer, context.now
    sightings = [sighting_of(alert, viewer.person, now) for alert in sent.alerts]
    meant = sightings[sent.alerts.index(worst(sent.alerts))]
    memory = _recall(context, _most_severe(sightings))
    remembered = memory.remembered
    gap = sent.gap if remembered else None
    verdicts = [correlate(sighting, memory.known, now) for sighting in remembered]
    changes = tuple(_change(viewer, *each) for each in zip(remembered, verdicts, strict=True))
    storm = storm_size(memory.recent, now, viewer.names)
    if storm:
        lines = viewer.lines(memory.recent, now)
        text = context.adviser.say("storm", count=storm, title=meant.title, incidents=lines)
        talk = Conversation(sent.text, page=-1, incident=key_of(meant))
        return Outcome(text, sent.kinds, changes, conversation=talk, gap=gap)
    story, lead = "", None
    if len(sightings) == 1:
        story, lead = _story(context, meant, verdicts[0] if verdicts else None, memory)
    page = next(context.adviser.alert_pages(sent.reading, sent.alerts, story=story, lead=lead))
    talk = Conversation(sent.text, shown=page.shown, lead=lead, incident=key_of(meant))
    return Outcome(page.text, sent.kinds, changes, conversation=talk, gap=gap)


def _most_severe(sightings: Sequence[Sighting]) -> list[Sighting]:
    """Each alert once, as many as one message may leave, in their order."""
    different = list({sighting.digest: sighting for sighting in reversed(sightings)}.values())[::-1]
    if len(different) <= REMEMBERED:
        return different
    kept = {sighting.digest for sighting in sorted(different, key=lambda each: each.rank)[:REMEMBERED]}
    return [sighting for sighting in different if sighting.digest in kept]


def _recall(context: Context, sightings: list[Sighting]) -> _Memory:
    """What is known around the alerts; of those that are kept apart no more are remembered than one may leave."""
    store, viewer, now = context.store, context.viewer, context.now
    ours = [sighting for sighting in sightings if viewer.may_change(sighting.appid)]
    known = store.incidents_for(sorted(set(map(key_of, ours))), now - RECALL) if ours else ()
    if len(ours) < len(sightings):
        apart = [sighting for sighting in sightings if sighting not in ours]
        theirs = store.known_to(viewer.person, sorted(set(map(key_of, apart))), now - _MINUTE)
        known += theirs.incidents
        too_many = apart[max(0, KEPT_APART_A_MINUTE - theirs.fresh) :]
        sightings = [sighting for sighting in sightings if sighting not in too_many]
    recent = store.recent_incidents(now - RECENT, RECENT_LIMIT, viewer.wanted()) if viewer.is_member else ()
    return _Memory(tuple(sightings), known, recent)


def _story(
    context: Context, sighting: Sighting, own: Verdict | None, memory: _Memory
) -> tuple[str, str | None]:
    """What the viewer may know of the alert's past, and the kind of the alert that led to it.

    Numbers, claims and closing are the members': for others they are left out.
    """
    viewer = context.viewer
    shown = viewer.visible(memory.known)
    verdict = own if own and shown == memory.known else correlate(sighting, shown, context.now)
    recent = viewer.visible(memory.recent)
    values = story_values(sighting, verdict, recent, viewer.names, context.now)
    if not viewer.is_member:
        values |= {"incident": None, "owner": "", "reopened": False}
    return context.adviser.story(values), verdict.root.kind if verdict.root else None


def _change(viewer: Viewer, sighting: Sighting, verdict: Verdict) -> tuple[Sighting, Change]:
    incident = verdict.incident.id if verdict.incident else None
    is_confirmed = viewer.may_change(sighting.appid)
    return sighting, Change(key_of(sighting), incident, verdict.reason, is_confirmed)
