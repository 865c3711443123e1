"""Pasted output of tools: what it proves, alone and with what was pasted before for the same incident."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from triage.advice.adviser import Adviser
from triage.advice.ticks import answered, next_step
from triage.bot.context import Context, Outcome
from triage.bot.conversation import Conversation
from triage.bot.meant import incident_spoken_of
from triage.evidence.causes import name_cause
from triage.evidence.judgement import Part
from triage.evidence.network.names import against_sample
from triage.evidence.transcript import read_line, write_line
from triage.incidents.correlation import UNNUMBERED, Incident
from triage.masking import mask
from triage.store import Action, Event

EVIDENCE: Final = "evidence"
"""What the timeline calls judged evidence."""
_LONGEST = 2_000
"""Characters of what is kept of one paste."""
PASTES_READ = 50
"""Earlier pastes of an incident that are read with a new one, the newest."""


def judged(
    adviser: Adviser, text: str, parts: tuple[Part, ...], context: Context | None, talk: Conversation | None
) -> Outcome:
    """The verdicts; a member's paste is kept at the open incident of the conversation, and what agrees is named.

    It answers the steps that asked for it, and decides which of them comes next.
    """
    incident = _incident(context, talk)
    if context is None or talk is None or incident is None:
        return Outcome(adviser.evidence_page(parts))
    newest = incident.sightings[-1] if incident.sightings else None
    if newest is not None and newest.callback and newest.ip:
        parts = against_sample(parts, text, urlsplit(newest.callback).hostname or "", newest.ip)
    before = parts_at(context, incident)
    cause = name_cause([*before, *parts])
    agreed = cause if cause and cause.is_agreed else None
    steps, following = _steps(adviser, talk, before, [*before, *parts])
    said = adviser.evidence_page(parts, incident.id, agreed, steps, following)
    kept = Action(EVIDENCE, incident.id, context.viewer.person, kept_line(parts))
    return Outcome(said, actions=(kept,))


def kept_line(parts: Sequence[Part]) -> str:
    """What the timeline keeps of judged evidence, masked."""
    return mask(write_line(parts))[:_LONGEST]


def known_parts(context: Context | None, talk: Conversation | None) -> tuple[Part, ...]:
    """What is kept at the incident that a member speaks of, the newest last; none for others."""
    return parts_at(context, _incident(context, talk)) if context else ()


def parts_at(context: Context, incident: Incident | None) -> tuple[Part, ...]:
    """What is kept at an incident, for members; none where it is none of theirs."""
    if incident is None or incident.id == UNNUMBERED or not context.viewer.is_member:
        return ()
    events = context.store.newest_events(incident.id, EVIDENCE, PASTES_READ)
    return tuple(part for event in events for part in parts_of(event))


def _incident(context: Context | None, talk: Conversation | None) -> Incident | None:
    return incident_spoken_of(context, talk) if context and context.viewer.is_member else None


def _steps(
    adviser: Adviser, talk: Conversation, before: Sequence[Part], after: Sequence[Part]
) -> tuple[list[str], int | None]:
    """The steps of the conversation that new parts decide, and the number of the one that comes next."""
    then, now = (adviser.steps(talk.text, talk.lead, talk.chosen, parts) for parts in (before, after))
    if then is None or now is None:
        return [], None
    return answered(then.ticks, now.ticks), next_step(now.ticks, talk.walked)


def parts_of(event: Event) -> tuple[Part, ...]:
    """The judged parts that a line of the timeline keeps; none for other lines."""
    return read_line(event.detail or "") if event.what == EVIDENCE else ()
