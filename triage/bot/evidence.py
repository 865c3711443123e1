"""Pasted output of tools: what it proves, alone and with what was pasted before for the same incident."""

from __future__ import annotations

from typing import Final

from triage.advice.adviser import Adviser
from triage.bot.context import Context, Outcome
from triage.bot.conversation import Conversation
from triage.bot.meant import incident_spoken_of
from triage.evidence.causes import name_cause
from triage.evidence.judgement import Part
from triage.evidence.transcript import read_line, write_line
from triage.masking import mask
from triage.store import Action, Event

EVIDENCE: Final = "evidence"
"""What the timeline calls judged evidence."""
_LONGEST = 2_000
"""Characters of what is kept of one paste."""
PASTES_READ = 50
"""Earlier pastes of an incident that are read with a new one, the newest."""


def judged(
    adviser: Adviser, parts: tuple[Part, ...], context: Context | None, talk: Conversation | None
) -> Outcome:
    """The verdicts; a member's paste is kept at the open incident of the conversation, and what agrees is named."""
    incident = incident_spoken_of(context, talk) if context and context.viewer.is_member else None
    if context is None or incident is None:
        return Outcome(adviser.evidence_page(parts))
    kept_before = context.store.newest_events(incident.id, EVIDENCE, PASTES_READ)
    before = [part for event in kept_before for part in parts_of(event)]
    cause = name_cause([*before, *parts])
    agreed = cause if cause and cause.is_agreed else None
    text = adviser.evidence_page(parts, incident=incident.id, cause=agreed)
    kept = Action(EVIDENCE, incident.id, context.viewer.person, mask(write_line(parts))[:_LONGEST])
    return Outcome(text, actions=(kept,))


def parts_of(event: Event) -> tuple[Part, ...]:
    """The judged parts that a line of the timeline keeps; none for other lines."""
    return read_line(event.detail or "") if event.what == EVIDENCE else ()
