"""Clicks on the buttons of cards: 认领, 看步骤 and 关闭 of the incident that the card is about."""

from __future__ import annotations

import re
from dataclasses import replace

from triage.bot.commands import Command, Word
from triage.bot.context import Context, Outcome
from triage.bot.conversation import Conversation
from triage.bot.meant import nothing_meant
from triage.bot.quoting import about_incident
from triage.channels.delivery import Button
from triage.incidents.correlation import Incident, State
from triage.incidents.story import spaced
from triage.message import Message
from triage.store import Action

_KEY = re.compile(r"(claim|steps|close):(\d{1,9})")


def clicked(context: Context, message: Message) -> Outcome:
    """What a click leads to: a few words for the button, or the steps; nothing for a button that is not ours."""
    key = _KEY.fullmatch(message.event_key or "")
    if key is None:
        return Outcome(None)
    button, number = Button(key[1]), int(key[2])
    member = context if context.member is None else replace(context, viewer=context.member)
    if not member.viewer.is_member:
        return _only_members(context, button)
    if button is Button.STEPS:
        return steps_of(context, number)
    incident = member.store.incident(number)
    if incident is None or not member.viewer.may_see(incident):
        return nothing_meant(context, Command(Word.CLAIM if button is Button.CLAIM else Word.CLOSE), number)
    if button is Button.CLOSE:
        return _closed(member, incident)
    # what is typed next, as 关闭 and its reason, is about the incident of the card
    talk = (
        Conversation(incident=incident.key) if context.viewer.in_public else about_incident(member, incident)
    )
    return replace(_claimed(member, incident), conversation=talk)


def _only_members(context: Context, button: Button) -> Outcome:
    """A stranger is told so; in a group nothing happens, for the card would change for everybody."""
    if context.viewer.in_public:
        return Outcome(None)
    return Outcome(context.adviser.say("members_only", name=button.label, is_member=False, in_group=False))


def _claimed(context: Context, incident: Incident) -> Outcome:
    """Recording fails with OvertakenError if somebody else has claimed it by then."""
    viewer = context.viewer
    is_free = incident.owner is None and incident.state is State.OPEN
    action = (Action("claim", incident.id, viewer.person),) if is_free else ()
    return _label(context, incident, action, is_closed=incident.state is State.CLOSED)


def _closed(context: Context, incident: Incident) -> Outcome:
    is_open = incident.state is State.OPEN
    action = (Action("close", incident.id, context.viewer.person, ""),) if is_open else ()
    return _label(context, incident, action, is_closed=True)


def _label(context: Context, incident: Incident, actions: tuple[Action, ...], *, is_closed: bool) -> Outcome:
    """Who has it now, in the words that stand on the button from then on."""
    viewer = context.viewer
    who = viewer.person if actions else None if is_closed else incident.owner
    name = spaced(viewer.names.of(who)) if who else ""
    return Outcome(context.adviser.say("clicked", who=name, is_closed=is_closed), actions=actions)


def steps_of(context: Context, number: int) -> Outcome:
    """The checklist of an incident's newest alert; in a group that of its kind, without what is in the alert."""
    incident = context.store.incident(number)
    member = context.member or context.viewer
    if incident is None or not replace(member, in_public=False).may_see(incident):
        return nothing_meant(context, Command(Word.STATUS), number)
    if context.viewer.in_public:
        return _steps_of_kind(context, incident)
    talk = about_incident(context, incident)
    reading, alerts = context.adviser.diagnose(talk.text)
    if not alerts:
        return _steps_of_kind(context, incident)
    page = next(context.adviser.alert_pages(reading, alerts))
    return Outcome(page.text, conversation=replace(talk, shown=page.shown))


def _steps_of_kind(context: Context, incident: Incident) -> Outcome:
    kind = incident.sightings[-1].kind if incident.sightings else ""
    asked = context.adviser.ask(kind)
    if asked.topic is None:
        return nothing_meant(context, Command(Word.STATUS), incident.id)
    return Outcome(next(context.adviser.topic_pages(asked)).text)
