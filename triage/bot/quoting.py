"""What somebody quotes beside what they say: an alert, an answer of ours, or any other words.

What is quoted was said by somebody, perhaps long ago: it is never a command.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

from triage.advice.adviser import Adviser
from triage.advice.pasted import is_evidence
from triage.advice.several import worst_first
from triage.bot.commands import Command, Word
from triage.bot.context import Asking, Context
from triage.bot.conversation import Conversation
from triage.bot.numbers import first_number, first_range, is_marked
from triage.errors import TextTooLargeError
from triage.evidence.judge import judge
from triage.incidents.correlation import Incident, key_of, sighting_of
from triage.message import Message

_NUMBER = re.compile(r"(?<![\w/&?#])#(\d{1,9})(?!\w)")
_NUMBERED = frozenset({Word.CLAIM, Word.NOTE, Word.CLOSE, Word.STATUS})
"""Commands about an incident that may be named by its number."""


def quoted_number(quote: str) -> int | None:
    """The incident that a quoted answer of ours is about; None where it names none, or several."""
    numbers = set(_NUMBER.findall(quote))
    return int(numbers.pop()) if len(numbers) == 1 else None


def says_something(adviser: Adviser, text: str) -> bool:
    """Whether a text is what we are for: alerts, or output of tools."""
    try:
        _, alerts = adviser.diagnose(text)
    except TextTooLargeError:
        return True
    return bool(alerts) or is_evidence(text, judge(text), adviser.ask(text))


def about_quote(command: Command, quote: str) -> Command:
    """The command about the incident of the quoted answer, where it names none itself."""
    number = quoted_number(quote)
    argument = command.argument
    named, rest = first_number(argument)
    names_itself = is_marked(argument) or first_range(argument) or (named is not None and not rest)
    is_named = names_itself or (command.word in (Word.CLAIM, Word.STATUS) and argument)
    if number is None or command.word not in _NUMBERED or is_named:
        return command
    return replace(command, argument=f"#{number} {argument}".strip())


def talk_about(
    adviser: Adviser, message: Message, now: datetime, context: Asking, before: Conversation | None
) -> Conversation | None:
    """The talk as if what is quoted had just been said; the one before where that is nothing to go on from."""
    quote = message.quote or ""
    try:
        _, alerts = adviser.diagnose(quote)
    except TextTooLargeError:
        return before
    if alerts:
        worst = sighting_of(worst_first(alerts)[0], message.person, now)
        return Conversation(quote, incident=key_of(worst))
    number = quoted_number(quote)
    found = context() if number is not None else None
    incident = found.store.incident(number) if found and number is not None else None
    if found is None or incident is None or not found.viewer.may_see(incident):
        return before
    return about_incident(found, incident) if before is None or before.incident != incident.key else before


def about_incident(context: Context, incident: Incident) -> Conversation:
    """The talk as if the newest alert of an incident had just been sent."""
    return about_text(context, incident, context.store.alert_text(incident.id) or "")


def about_text(context: Context, incident: Incident, text: str) -> Conversation:
    """The same by the message that the alert came in; it asks the store for nothing."""
    newest = incident.sightings[-1].digest if incident.sightings else None
    _, alerts = context.adviser.diagnose(text)
    found = [sighting_of(alert, context.viewer.person, context.now).digest for alert in worst_first(alerts)]
    chosen = found.index(newest) + 1 if len(found) > 1 and newest in found else 0
    return Conversation(text, chosen=chosen, incident=incident.key)
