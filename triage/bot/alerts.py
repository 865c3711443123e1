"""The answer to alerts: the checklist, with what is known of them from before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from triage.advice.adviser import Adviser
from triage.advice.several import worst
from triage.alerts.parser import Reading
from triage.bot import lists, several
from triage.bot.context import Context, Outcome
from triage.bot.conversation import Conversation
from triage.bot.evidence import parts_at
from triage.bot.memory import Memory, changes_of, recall, told
from triage.incidents.correlation import (
    STORM_WINDOW,
    Reason,
    Sighting,
    State,
    correlate,
    key_of,
    sighting_of,
    storm_size,
)
from triage.rules.matching import UNKNOWN, Diagnosis
from triage.store import Change

_SHORTEST = 40
"""Characters behind a command that may hold an alert."""
_IN_FULL = 2
"""Alerts with the same steps that one person gets in full within a minute; then they have them before them."""


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


def holds_alert(adviser: Adviser, argument: str) -> bool:
    """Whether an alert was pasted behind a command: it is read then, for the command may mean its incident."""
    return len(argument) > _SHORTEST and bool(adviser.diagnose(argument)[1])


def advise(adviser: Adviser, sent: AlertText) -> Outcome:
    """The checklist alone, where there is no store."""
    page = next(adviser.alert_pages(sent.reading, sent.alerts))
    return Outcome(page.text, sent.kinds)


def advise_and_remember(context: Context, sent: AlertText) -> Outcome:
    """The checklist with what is known from before, and the alerts as they are to be recorded."""
    viewer, now = context.viewer, context.now
    sightings = [sighting_of(alert, viewer.person, now) for alert in sent.alerts]
    meant = sightings[sent.alerts.index(worst(sent.alerts))]
    memory = recall(context, sightings)
    changes = changes_of(context, memory)
    gap = sent.gap if memory.remembered else None
    storm = storm_size(memory.recent, now, viewer.names)
    if storm:
        recent = context.store.recent_incidents(now - STORM_WINDOW, lists.MOST_LISTED, viewer.wanted())
        talk = Conversation(sent.text, page=-1, incident=key_of(meant))
        answer = lists.storm(context, recent, sightings, meant, talk)
        return replace(answer, kinds=sent.kinds, sightings=changes, gap=gap)
    if len(sightings) > 1:
        answer = several.listed(context, sent.text, sent.reading, sent.alerts, memory)
        return replace(answer, kinds=sent.kinds, sightings=changes, gap=gap)
    verdict = correlate(meant, viewer.visible(memory.known), now)
    story = told(context, meant, verdict, memory)
    over = _is_over(meant, changes, memory)
    if _is_one_of_many(context, meant, memory):
        text = context.adviser.alike(sent.alerts[0], story.text, over=over)
        talk = Conversation(sent.text, page=-1, lead=story.lead, incident=key_of(meant))
        numbered = _with_number(context, meant, text, over=over)
        return Outcome(
            text, sent.kinds, changes, conversation=talk, gap=gap, story=story.text, numbered=numbered
        )
    parts = parts_at(context, verdict.incident)
    page = next(
        context.leaving_room().alert_pages(
            sent.reading, sent.alerts, story=story.text, lead=story.lead, now=now, parts=parts
        )
    )
    talk = Conversation(sent.text, shown=page.shown, lead=story.lead, incident=key_of(meant))
    numbered = _with_number(context, meant, page.text, over=over)
    return Outcome(
        page.text, sent.kinds, changes, conversation=talk, gap=gap, story=story.text, numbered=numbered
    )


def _with_number(
    context: Context, sighting: Sighting, text: str, *, over: bool
) -> Callable[[Mapping[str, int]], str] | None:
    """The answer to a member ends with the incident's number in a group, where anybody can claim it; else its link."""
    if not (context.member or context.viewer).may_change(sighting.appid):
        return None
    if context.member is None and context.links is None:
        return None
    key = key_of(sighting)

    def numbered(numbers: Mapping[str, int]) -> str:
        if key not in numbers:
            return text
        if context.member is None:
            return context.with_link(text, numbers[key])
        return f"{text}\n{context.adviser.say('number', id=numbers[key], over=over)}"

    return numbered


def _is_over(sighting: Sighting, changes: Sequence[tuple[Sighting, Change]], memory: Memory) -> bool:
    """Whether an alert goes to an incident that is closed and stays so."""
    closed = {incident.id for incident in memory.known if incident.state is State.CLOSED}
    return any(
        alert.digest == sighting.digest
        and change.incident_id in closed
        and change.reason is not Reason.REOPENED
        for alert, change in changes
    )


def _is_one_of_many(context: Context, sighting: Sighting, memory: Memory) -> bool:
    def deciding(alert: Sighting) -> tuple[object, ...]:
        """The facts of an alert that decide which steps its checklist has."""
        return alert.sender, alert.kind, alert.causes, alert.event

    alike = [
        old for incident in memory.recent for old in incident.sightings if deciding(old) == deciding(sighting)
    ]
    return sum(context.now - old.seen_at <= STORM_WINDOW for old in alike) >= _IN_FULL
