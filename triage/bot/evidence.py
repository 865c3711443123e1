"""Pasted output of tools: what it proves, and a line of it in the incident that is spoken of."""

from __future__ import annotations

from triage.advice.adviser import Adviser
from triage.advice.pasted import summary
from triage.bot.commands import LONGEST_NOTE
from triage.bot.context import Context, Outcome
from triage.bot.conversation import Conversation
from triage.bot.meant import incident_spoken_of
from triage.evidence.judgement import Part
from triage.store import Action


def judged(
    adviser: Adviser, parts: tuple[Part, ...], context: Context | None, talk: Conversation | None
) -> Outcome:
    """The verdicts; a member's paste is noted at the open incident of the conversation."""
    text = adviser.evidence_page(parts)
    incident = incident_spoken_of(context, talk) if context and context.viewer.is_member else None
    if context is None or incident is None:
        return Outcome(text)
    note = Action("note", incident.id, context.viewer.person, summary(parts)[:LONGEST_NOTE])
    return Outcome(f"{text}\n记在事件 #{incident.id} 上了", actions=(note,))
