"""What members do with incidents by typed words: describe, claim, annotate and close them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from triage.advice.pasted import summary
from triage.advice.ticks import check_lines
from triage.bot.access import Viewer
from triage.bot.commands import LONGEST_NOTE, Command, Word
from triage.bot.context import Context, Outcome
from triage.bot.conversation import Conversation
from triage.bot.evidence import parts_at, parts_of
from triage.bot.lists import list_incidents
from triage.bot.meant import EVERYTHING, Meant, find_meant
from triage.bot.quoting import about_incident
from triage.bot.together import act_on_several, several_meant
from triage.incidents.correlation import Incident, State, story_of
from triage.incidents.story import (
    MemberNames,
    clock_and_age,
    incident_line,
    incident_name,
    path_line,
    set_off,
    spaced,
)
from triage.masking import mask
from triage.printing import one_line
from triage.store import Action, Event

EVENTS_SHOWN = 10
"""How many lines of an incident's timeline 状态 shows: its opening, its claim, the newest; the others are counted."""
_DID = {
    "open": "转来第一条报警",
    "reopen": "重新打开",
    "claim": "认领",
    "note": "备注",
    "evidence": "贴了",
    "close": "关闭",
    "step": "做到第",
    "confirm": "确认转来的报警",
    "release": "收回认领",
    "give": "转出",
    "mute": "静音",
    "tick": "勾上第",
    "untick": "取消勾选第",
}
_NAMED = {"evidence", "confirm"}
"""Deeds whose detail is what they were done with; of the others it says more of them."""
_WITH_DETAIL = {"give": "转给{}", "mute": "静音到{}"}
"""Deeds that are told by their detail, where it was kept."""
_STEPS = {"step", "tick", "untick"}
"""Deeds whose detail is the number of a step."""


def act_on_incident(context: Context, command: Command, talk: Conversation | None) -> Outcome:
    """状态, 认领, 备注 or 关闭, of the incident that is meant; 状态 alone lists them."""
    if command.word is Word.STATUS and command.argument.casefold() in {"", *EVERYTHING}:
        return list_incidents(context, command.word, talk)
    at_once = several_meant(context, command, talk)
    if at_once is not None:
        return act_on_several(context, command.word, *at_once)
    meant = find_meant(context, command, talk)
    if isinstance(meant, Outcome):
        return meant
    return replace(_done(context, command.word, meant), conversation=_about(context, meant.incident, talk))


def _done(context: Context, word: Word, meant: Meant) -> Outcome:
    if word is Word.STATUS:
        return described(context, meant.incident)
    if word is Word.CLAIM:
        return claim(context, meant.incident)
    return note_or_close(context, word, meant.incident, meant.detail)


def _about(context: Context, incident: Incident, talk: Conversation | None) -> Conversation | None:
    """The talk from then on: 关闭 and its reason mean the incident that was named last; None: as it was."""
    if talk is not None and talk.incident == incident.key:
        return None
    about = about_incident(context, incident)
    if talk is None:
        return about
    return replace(about, listed=talk.listed, listed_shown=talk.listed_shown, groups=talk.groups)


def claim(context: Context, incident: Incident) -> Outcome:
    """Claim an incident without an owner; recording fails with OvertakenError if it has one by then."""
    viewer = context.viewer
    action: tuple[Action, ...] = ()
    if incident.state is State.CLOSED:
        how = "closed"
    elif incident.owner is None:
        how, action = "now", (Action("claim", incident.id, viewer.person),)
    else:
        how = "again" if viewer.person.is_same(incident.owner) else "others"
    who = incident.owner if how == "others" else viewer.person if viewer.is_overheard else None
    owner = spaced(viewer.names.of(who)) if who else ""
    text = context.adviser.say("claimed", id=incident.id, how=how, owner=owner, what=_name(viewer, incident))
    return Outcome(context.with_link(text, incident.id), actions=action)


def note_or_close(context: Context, word: Word, incident: Incident, detail: str) -> Outcome:
    """A reason for closing that comes late is added where there was none, else it becomes a note."""
    is_late = word is Word.CLOSE and incident.state is State.CLOSED
    is_note = word is Word.NOTE or (is_late and bool(incident.closed_note))
    action = Action("note" if is_note else "close", incident.id, context.viewer.person, detail)
    is_empty = not detail and (word is Word.NOTE or is_late)
    text = context.adviser.say(
        "noted",
        id=incident.id,
        note=is_note,
        late=is_late,
        detail=detail,
        what=_name(context.viewer, incident),
        closed_note="" if context.viewer.is_overheard else one_line(mask(incident.closed_note or "")),
        cut=len(detail) >= LONGEST_NOTE,
    )
    return Outcome(text, actions=() if is_empty else (action,))


def _name(viewer: Viewer, incident: Incident) -> str:
    """What an answer calls an incident beside its number; nothing where others read along."""
    return "" if viewer.is_overheard else incident_name(incident)


def described(context: Context, incident: Incident) -> Outcome:
    """状态 of one incident: who has it, the path, what was looked at, the timeline."""
    viewer = context.viewer
    path = path_line(story_of(incident))
    first, others = _told_first(context.store.timeline(incident.id), is_claimed=bool(incident.owner))
    newest = others[-(EVENTS_SHOWN - len(first)) :]
    timeline = [_event_line(event, viewer.names, context.now) for event in (*first, *newest)]
    if len(newest) < len(others):
        timeline.insert(len(first), f"（前面还有 {len(others) - len(newest)} 条）")
    line = incident_line(incident, viewer.names, context.now, viewer.quiet)
    kinds = dict.fromkeys(sighting.kind for sighting in incident.sightings)
    rules = [rule for kind in kinds if (rule := context.adviser.rules.get(kind))]
    checks = check_lines(rules, parts_at(context, incident))
    text = context.adviser.say("incident", line=line, path=path, checks=checks, timeline=timeline)
    return Outcome(context.with_link(text, incident.id))


def _told_first(events: Sequence[Event], *, is_claimed: bool) -> tuple[list[Event], list[Event]]:
    """How it began and who has it now, and all the rest; of somebody's steps the last one stands for all."""
    reached = {event.who: event for event in events if event.what == "step"}
    events = [event for event in events if event.what != "step" or event is reached[event.who]]
    claims = [event for event in events if event.what == "claim"] if is_claimed else []
    first = [*events[:1], *claims[-1:]]
    return first, [event for event in events if event not in first]


def _event_line(event: Event, names: MemberNames, now: datetime) -> str:
    did = _DID.get(event.what, event.what)
    detail = one_line(mask(event.detail or ""))
    if parts := parts_of(event):
        detail = one_line(summary(parts))
    if event.what in _STEPS:
        did += f" {detail} 步"
    elif event.what in _WITH_DETAIL and detail:
        did = _WITH_DETAIL[event.what].format(set_off(detail).rstrip())
    elif detail:
        did += f" {detail}" if event.what in _NAMED else f"：{detail}"
    return spaced(clock_and_age(event.at, now, dated=True)) + spaced(names.of(event.who)) + did
