"""What members do with incidents by typed words: list, describe, claim, annotate and close them."""

from __future__ import annotations

from datetime import timedelta

from triage.bot.access import LISTED
from triage.bot.commands import COMMANDS, LONGEST_NOTE, Command, Word
from triage.bot.confirming import count_pending
from triage.bot.context import Context, Outcome
from triage.bot.conversation import Conversation
from triage.incidents.correlation import RECALL, Incident, State, story_of
from triage.incidents.story import MemberNames, clock, incident_line
from triage.masking import mask
from triage.printing import one_line
from triage.store import Action, Event

EVENTS_SHOWN = 10
"""How many lines of an incident's timeline 状态 shows, the newest; the others are counted."""
_HISTORY = timedelta(days=90)
_DID = {
    "open": "转来第一条报警",
    "reopen": "重新打开",
    "claim": "认领",
    "note": "备注",
    "close": "关闭",
    "step": "做到第",
    "confirm": "确认转来的报警",
    "release": "收回认领",
}


def list_incidents(context: Context, word: Word) -> Outcome:
    """状态, 历史 or 我的: the open incidents, the closed ones, or the open ones that the viewer has claimed."""
    if word is Word.HISTORY:
        return _list(context, "以前的事件", State.CLOSED, "发「状态 编号」看经过")
    if word is Word.MINE:
        return _list(context, "你认领的", State.OPEN, "弄好了发「关闭 #编号 原因」", is_own=True)
    return _list(context, "现在的事件", State.OPEN, "发「状态 编号」看经过，「认领 编号」接手")


def act_on_incident(context: Context, command: Command, talk: Conversation | None) -> Outcome:
    """状态, 认领, 备注 or 关闭: of the incident whose number was typed, else of the one spoken of last."""
    word, argument = command.word, command.argument
    number, rest = _number(argument)
    if word is Word.STATUS and number is None:
        return list_incidents(context, word)
    incident = incident_spoken_of(context, talk) if number is None else _numbered(context, number)
    is_words = bool(number is not None and rest and not argument.startswith("#"))
    if is_words and word in (Word.NOTE, Word.CLOSE):  # 备注 500 错误少了: perhaps no incident's number
        spoken_of = incident_spoken_of(context, talk)
        if incident is None:
            incident, rest, number = spoken_of, argument, None
        elif spoken_of is not None and spoken_of.id != incident.id:
            ids = (spoken_of.id, number)
            return Outcome(context.adviser.say("which", name=COMMANDS[word].names[0], ids=ids))
    if incident is None:
        name = COMMANDS[word].names[0]
        return Outcome(
            context.adviser.say("nothing_to", word=word.value, name=name, number=number, ended=False)
        )
    if word is Word.STATUS:
        return Outcome(_described(context, incident))
    if word is Word.CLAIM:
        return _claim(context, incident)
    return _note_or_close(context, word, incident, rest)


def incident_spoken_of(context: Context, talk: Conversation | None) -> Incident | None:
    """The incident of the conversation, if the viewer may see it: the open one of its key, else the newest."""
    if talk is None or not talk.incident:
        return None
    known = context.store.incidents_for([talk.incident], context.now - RECALL)
    found = max(known, key=lambda item: (item.state is State.OPEN, item.last_seen), default=None)
    return found if found and context.viewer.may_see(found) else None


def _numbered(context: Context, number: int) -> Incident | None:
    found = context.store.incident(number)
    return found if found and context.viewer.may_see(found) else None


def _number(argument: str) -> tuple[int | None, str]:
    """`12 已修复` and `#12 已修复` are incident 12 and the rest; anything else is all rest."""
    first, _, rest = argument.partition(" ")
    digits = first.removeprefix("#")
    return (int(digits), rest.strip()) if digits.isdecimal() and len(digits) < 10 else (None, argument)


def _claim(context: Context, incident: Incident) -> Outcome:
    """Claim an incident without an owner; recording fails with OvertakenError if it has one by then."""
    viewer = context.viewer
    action: tuple[Action, ...] = ()
    if incident.state is State.CLOSED:
        how = "closed"
    elif incident.owner is None:
        how, action = "now", (Action("claim", incident.id, viewer.person),)
    else:
        how = "again" if viewer.person.is_same(incident.owner) else "others"
    owner = viewer.names.of(incident.owner) if how == "others" else ""
    return Outcome(context.adviser.say("claimed", id=incident.id, how=how, owner=owner), actions=action)


def _note_or_close(context: Context, word: Word, incident: Incident, detail: str) -> Outcome:
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
        cut=len(detail) >= LONGEST_NOTE,
    )
    return Outcome(text, actions=() if is_empty else (action,))


def _list(context: Context, title: str, state: State, hint: str, *, is_own: bool = False) -> Outcome:
    viewer, since = context.viewer, context.now - _HISTORY
    wanted = viewer.wanted(state, is_own=is_own)
    found = viewer.seen(context.store.recent_incidents(since, LISTED, wanted))
    total = context.store.count_incidents(since, wanted) if len(found) == LISTED else len(found)
    lines = viewer.lines(found, context.now, total)
    pending = count_pending(context) if state is State.OPEN and not is_own else 0
    text = context.adviser.say(
        "incidents", title=f"{title} {total} 件", lines=lines, hint=hint if lines else "", pending=pending
    )
    return Outcome(text)


def _described(context: Context, incident: Incident) -> str:
    viewer = context.viewer
    path = " → ".join(f"{clock(step.first_seen or step.seen_at)} {step.title}" for step in story_of(incident))
    events = context.store.timeline(incident.id)
    timeline = [_event_line(event, viewer.names) for event in events[-EVENTS_SHOWN:]]
    if len(events) > EVENTS_SHOWN:
        timeline.insert(0, f"（前面还有 {len(events) - EVENTS_SHOWN} 条）")
    line = incident_line(incident, viewer.names, context.now, viewer.quiet)
    return context.adviser.say("incident", line=line, path=path, timeline=timeline)


def _event_line(event: Event, names: MemberNames) -> str:
    what = _DID.get(event.what, event.what)
    detail = f"{event.detail} 步" if event.what == "step" else one_line(mask(event.detail or ""))
    return " ".join(filter(None, (clock(event.at, dated=True), names.of(event.who), what, detail)))
