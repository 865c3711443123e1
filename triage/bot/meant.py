"""Which incident a command means: by its number, by the name of its account, else the one spoken of last."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from triage.bot.access import LISTED
from triage.bot.commands import COMMANDS, Command, Word, read_command
from triage.bot.context import Context, Outcome
from triage.bot.conversation import Conversation
from triage.bot.numbers import first_number, first_range, is_marked
from triage.incidents.correlation import RECALL, Incident, State
from triage.masking import foreign_word

LOOKED_BACK = timedelta(days=90)
"""Incidents without an alert for longer are in no list and have no name; their numbers still hold."""
EVERYTHING = frozenset({"全部", "所有", "全都", "all"})
"""Words in place of a number that mean more than one incident."""
_ENDS_NAME = re.compile(r"[\s,，、:：;；。!！]+")
_BEHIND_NAME = "。.，,！!？?~～ "
_APPID = re.compile(r"wx[0-9a-z]{16}")
_LONGEST_NAME = 60
"""Characters of a typed name of an account that are looked for."""


@dataclass(frozen=True, slots=True)
class Meant:
    """The incident that a command means."""

    incident: Incident
    detail: str
    """What the argument says beside which incident it is: the note or the reason; `""` for nothing."""


def find_meant(context: Context, command: Command, talk: Conversation | None) -> Meant | Outcome:
    """The incident that 状态, 认领, 备注 or 关闭 means; where that is not clear, what to say: nothing is done then."""
    if command.word is Word.CLOSE:
        others = [line for line in command.argument.splitlines()[1:] if read_command(line)]
        if others:  # a second command is no reason
            return _unclear(context, command, "rest", others[0])
    number, rest = first_number(command.argument)
    if number is not None:
        return _by_number(context, command, talk, number, rest)
    typed = first_range(command.argument)
    if typed is not None and command.word is not Word.NOTE:  # 关闭 1-3 must not close the one spoken of
        return _unclear(context, command, "range", typed)
    if command.argument and command.word in (Word.CLAIM, Word.STATUS):
        return _by_name(context, command, talk)
    return _by_first_word(context, command, talk)


def incident_spoken_of(context: Context, talk: Conversation | None) -> Incident | None:
    """The incident of the conversation, if the viewer may see it: the open one of its key, else the newest."""
    if talk is None or not talk.incident:
        return None
    known = context.store.incidents_for([talk.incident], context.now - RECALL)
    found = max(known, key=lambda item: (item.state is State.OPEN, item.last_seen), default=None)
    return found if found and context.viewer.may_see(found) else None


def _by_number(
    context: Context, command: Command, talk: Conversation | None, number: int, rest: str
) -> Meant | Outcome:
    found = context.store.incident(number)
    incident = found if found and context.viewer.may_see(found) else None
    takes_words = command.word in (Word.NOTE, Word.CLOSE)
    if rest and not takes_words:
        return _unclear(context, command, "rest", rest)
    if command.word is Word.CLOSE and (typed := _another_number(context, number, rest)):  # 关闭 1 2 好了
        return _unclear(context, command, "range", f"{number} {typed}")
    if rest and not is_marked(command.argument):  # 备注 500 错误少了: perhaps no incident's number
        spoken_of = incident_spoken_of(context, talk)
        if incident is None and spoken_of is not None:
            if command.word is Word.CLOSE:  # 关闭 99 好了: a mistyped number must not close another one
                return _unclear(context, command, "number", str(number), [spoken_of])
            return Meant(spoken_of, command.argument)
        if incident is not None and spoken_of is not None and spoken_of.id != incident.id:
            return _which(context, command, (spoken_of, incident))
    return Meant(incident, rest) if incident else nothing_meant(context, command, number)


def _another_number(context: Context, number: int, rest: str) -> int | None:
    """The number of another open incident right behind the first one; None where those digits begin the reason."""
    second, _ = first_number(rest)
    found = context.store.incident(second) if second is not None and second != number else None
    is_meant = found is not None and found.state is State.OPEN and context.viewer.may_see(found)
    return second if is_meant else None


def _by_name(context: Context, command: Command, talk: Conversation | None) -> Meant | Outcome:
    """认领 满仓商城: all of the argument is a name, or a part of one."""
    typed = command.argument.rstrip(_BEHIND_NAME)
    if typed.casefold() in EVERYTHING:
        return _unclear(context, command, "every", typed)
    found = _of_account(context, typed, State.OPEN)
    if not found and command.word is Word.STATUS:
        found = _of_account(context, typed, State.CLOSED)[:1]
    found = [incident for incident in found if _is_named(incident, typed)] or found
    if not found:
        return _unclear(context, command, "unknown", typed)
    chosen = _chosen(context, talk, found)
    return Meant(chosen, "") if chosen else _unclear(context, command, "several", typed, found)


def _by_first_word(context: Context, command: Command, talk: Conversation | None) -> Meant | Outcome:
    """关闭 满仓商城 好了: the first word may be a name, or all of it is the reason; a note keeps all its words."""
    argument = command.argument
    first, *behind = _ENDS_NAME.split(argument, maxsplit=1)
    rest = behind[0] if behind else ""
    if command.word is Word.CLOSE and first.casefold() in EVERYTHING:
        return _unclear(context, command, "every", first)
    found = _of_account(context, first, State.OPEN)
    named = [incident for incident in found if _is_named(incident, first)]
    spoken_of = incident_spoken_of(context, talk)
    if not named and command.word is Word.CLOSE and _APPID.fullmatch(first):
        return _unclear(context, command, "unknown", first)
    if not named and command.word is Word.CLOSE and spoken_of is not None:
        others = [incident for incident in found if _is_part_of_name(incident, first)]
        if others and spoken_of.id not in [incident.id for incident in others]:
            return _which(context, command, (spoken_of, others[0]))  # 关闭 果蔬 好了
    if not named:
        return Meant(spoken_of, argument) if spoken_of else nothing_meant(context, command, None)
    chosen = _chosen(context, talk, named)
    if chosen is None:
        return _unclear(context, command, "several", first, named)
    if command.word is Word.CLOSE:
        return Meant(chosen, rest.strip())
    if spoken_of is not None and spoken_of.id != chosen.id:
        return _which(context, command, (spoken_of, chosen))
    return Meant(chosen, argument)


def _of_account(context: Context, name: str, state: State) -> list[Incident]:
    """The incidents whose account has this in its name or AppID, the newest first."""
    if not name or len(name) > _LONGEST_NAME:
        return []
    wanted = replace(context.viewer.wanted(state), account=name)
    return context.viewer.seen(context.store.recent_incidents(context.now - LOOKED_BACK, LISTED, wanted))


def _is_named(incident: Incident, name: str) -> bool:
    names = {incident.appid, *(sighting.nickname for sighting in incident.sightings)}
    return name.casefold() in {each.casefold() for each in names if each}


def _is_part_of_name(incident: Incident, typed: str) -> bool:
    return len(typed) > 1 and any(typed in (sighting.nickname or "") for sighting in incident.sightings)


def _chosen(context: Context, talk: Conversation | None, found: Sequence[Incident]) -> Incident | None:
    """The only one, or of several the one spoken of last."""
    if len(found) == 1:
        return found[0]
    spoken_of = incident_spoken_of(context, talk)
    return next((incident for incident in found if spoken_of and incident.id == spoken_of.id), None)


def nothing_meant(context: Context, command: Command, number: int | None) -> Outcome:
    """That there is no incident of this number, or none that was spoken of."""
    word, in_group = command.word.value, context.viewer.is_overheard
    name = COMMANDS[command.word].names[0]
    said = context.adviser.say(
        "nothing_to", word=word, name=name, number=number, ended=False, in_group=in_group
    )
    return Outcome(said)


def unknown_number(context: Context, command: Command) -> int | None:
    """The number that a command begins with, where it is that of no incident the viewer may see."""
    number, _ = first_number(command.argument)
    found = context.store.incident(number) if number is not None else None
    return None if found and context.viewer.may_see(found) else number


def _which(context: Context, command: Command, both: tuple[Incident, Incident]) -> Outcome:
    """Ask which is meant: the one spoken of, or the other."""
    lines = context.viewer.lines(both, context.now)
    name, ids = COMMANDS[command.word].names[0], [incident.id for incident in both]
    return Outcome(context.adviser.say("which", name=name, ids=ids, lines=lines))


def _unclear(
    context: Context, command: Command, how: str, typed: str, found: Sequence[Incident] = ()
) -> Outcome:
    name, lines = COMMANDS[command.word].names[0], context.viewer.lines(found, context.now)
    return Outcome(context.adviser.say("unclear", how=how, name=name, typed=foreign_word(typed), lines=lines))
