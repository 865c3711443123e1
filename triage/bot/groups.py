"""What a member does in a group: claim, annotate and close, where others read along.

The answer calls an incident by its number, and says who has it: the group knows the alert, or it does not. Lists and
stories are told in single chats.
"""

from __future__ import annotations

from dataclasses import replace

from triage.bot.commands import Command, Word
from triage.bot.context import Context, Outcome
from triage.bot.conversation import Conversation
from triage.bot.incident_commands import claim, note_or_close
from triage.bot.meant import find_meant, nothing_meant, unknown_number
from triage.bot.numbers import several_numbers

WORK = frozenset({Word.CLAIM, Word.NOTE, Word.CLOSE})
"""What members may do in a group."""


def act(context: Context, command: Command, talk: Conversation | None) -> Outcome:
    """One of `WORK`, for the one incident that is meant; where that is not clear, to name it by its number."""
    if several_numbers(command.argument) is not None and command.word is not Word.NOTE:
        return nothing_meant(context, command, None)
    meant = find_meant(context, command, talk)
    if isinstance(meant, Outcome):
        return nothing_meant(context, command, unknown_number(context, command))
    if command.word is Word.CLAIM:
        done = claim(context, meant.incident)
    else:
        done = note_or_close(context, command.word, meant.incident, meant.detail)
    if talk is not None and talk.incident == meant.incident.key:
        return done
    return replace(done, conversation=Conversation(incident=meant.incident.key))
