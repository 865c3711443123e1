"""The answer to alerts: the checklist, with what is known of them from before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from triage.advice.adviser import Adviser
from triage.advice.rendering import worst
from triage.alerts.parser import Reading
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

    known: tuple[Incident, ...]
    """The incidents of the same callbacks."""
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
    memory = _recall(context, sightings)
    verdicts = [correlate(sighting, memory.known, now) for sighting in sightings]
    changes = tuple(map(_change, sightings, verdicts))
    meant = sightings[sent.alerts.index(worst(sent.alerts))]
    storm = storm_size(viewer.seen(memory.recent), now, viewer.names)
    if storm:
        lines = viewer.lines(memory.recent, now)
        text = context.adviser.say("storm", count=storm, title=meant.title, incidents=lines)
        talk = Conversation(sent.text, page=-1, incident=key_of(meant))
        return Outcome(text, sent.kinds, changes, conversation=talk, gap=sent.gap)
    story, lead = "", None
    if len(sightings) == 1:
        story, lead = _story(context, sightings[0], verdicts[0], memory)
    page = next(context.adviser.alert_pages(sent.reading, sent.alerts, story=story, lead=lead))
    talk = Conversation(sent.text, shown=page.shown, lead=lead, incident=key_of(meant))
    return Outcome(page.text, sent.kinds, changes, conversation=talk, gap=sent.gap)


def _recall(context: Context, sightings: Sequence[Sighting]) -> _Memory:
    store, now = context.store, context.now
    known = store.incidents_for(sorted({key_of(sighting) for sighting in sightings}), now - RECALL)
    is_member = context.viewer.is_member
    return _Memory(known, store.recent_incidents(now - RECENT, RECENT_LIMIT) if is_member else ())


def _story(context: Context, sighting: Sighting, own: Verdict, memory: _Memory) -> tuple[str, str | None]:
    """What the viewer may know of the alert's past, and the kind of the alert that led to it."""
    viewer = context.viewer
    shown = viewer.visible(memory.known)
    verdict = own if shown == memory.known else correlate(sighting, shown, context.now)
    recent = viewer.visible(memory.recent)
    values = story_values(sighting, verdict, recent, viewer.names, context.now)
    return context.adviser.story(values), verdict.root.kind if verdict.root else None


def _change(sighting: Sighting, verdict: Verdict) -> tuple[Sighting, Change]:
    incident = verdict.incident.id if verdict.incident else None
    return sighting, Change(key_of(sighting), incident, verdict.reason)
