"""认领 and 关闭 of several incidents at once: of typed numbers, or of all that the last reply was about."""

from __future__ import annotations

from collections.abc import Sequence

from triage.bot.access import LISTED
from triage.bot.commands import Command, Word
from triage.bot.context import Context, Outcome
from triage.bot.conversation import Conversation
from triage.bot.meant import EVERYTHING
from triage.bot.numbers import several_numbers
from triage.bot.several import keys_of
from triage.incidents.correlation import RECALL, Incident, State
from triage.incidents.story import incident_name, spaced
from triage.store import Action

AT_ONCE = 50
"""Incidents that one message claims or closes at most."""
_LEFT_NAMED = 10
"""Incidents whose number is given where nothing was done."""


def several_meant(
    context: Context, command: Command, talk: Conversation | None
) -> tuple[tuple[Incident, ...], tuple[str, ...], str] | None:
    """The incidents that 认领 or 关闭 means, the numbers that are none, and the reason; None if it means at most one.

    `认领 1 2 3`, `关闭 #1 和 #2 换了证书`, `关闭 1 2`, and 全部 after a list or after several alerts.
    """
    if command.word not in (Word.CLAIM, Word.CLOSE):
        return None
    argument = command.argument
    first, _, rest = argument.partition(" ")
    if first.casefold() in EVERYTHING and (command.word is Word.CLOSE or not rest):
        found = _spoken_of(context, talk)
        return (found, (), rest.strip()) if found else None
    typed = several_numbers(argument)
    if typed is None or (command.word is Word.CLAIM and typed[1]):
        return None
    ids, reason = typed
    found = tuple(context.viewer.seen(context.store.incidents_with(ids)))
    known = {incident.id for incident in found}
    missing = tuple(f"#{number} 没有这件事" for number in ids if number not in known)
    return found, missing, reason


def _spoken_of(context: Context, talk: Conversation | None) -> tuple[Incident, ...]:
    """The open incidents of the list, or of the alerts, that the last reply showed."""
    if talk is None:
        return ()
    if talk.listed:
        found = context.store.incidents_with(talk.listed)
    else:
        keys = keys_of(context, talk)
        found = context.store.incidents_for(keys, context.now - RECALL) if keys else ()
    return tuple(item for item in context.viewer.seen(found) if item.state is State.OPEN)


def act_on_several(
    context: Context, word: Word, found: Sequence[Incident], missing: Sequence[str], reason: str
) -> Outcome:
    """Claim or close them, and say of which that was not possible and why.

    Recording fails with OvertakenError if one to be claimed has an owner by then.
    """
    refusals = {incident.id: _refusal(context, word, incident) for incident in found}
    possible = [incident for incident in found if not refusals[incident.id]]
    done = possible[:AT_ONCE]
    left = [f"#{id_} {why}" for id_, why in refusals.items() if why] + list(missing)
    text = context.adviser.say(
        "together",
        word=word.value,
        done=[f"#{incident.id} {incident_name(incident)}" for incident in done[:LISTED]],
        rest=len(done[LISTED:]),
        left=left[:_LEFT_NAMED] + ([f"另外 {len(left) - _LEFT_NAMED} 件"] if len(left) > _LEFT_NAMED else []),
        later=len(possible) - len(done),
    )
    who = context.viewer.person
    actions = [
        Action("claim", incident.id, who) if word is Word.CLAIM else Action("close", incident.id, who, reason)
        for incident in done
    ]
    return Outcome(text, actions=tuple(actions))


def _refusal(context: Context, word: Word, incident: Incident) -> str:
    """Why an incident is left as it is; `""` if it is not."""
    viewer = context.viewer
    if incident.state is State.CLOSED:
        return "已经关闭"
    if incident.owner is None:
        return ""
    if viewer.person.is_same(incident.owner):
        return "已经是你的" if word is Word.CLAIM else ""
    return f"{spaced(viewer.names.of(incident.owner))}在处理"
