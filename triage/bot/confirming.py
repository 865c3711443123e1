"""待确认 and 确认: what people forwarded who are no members, until a member makes it the members'."""

from __future__ import annotations

from datetime import datetime, timedelta

from triage.bot.access import LISTED
from triage.bot.commands import Command, Word
from triage.bot.context import Context, Outcome
from triage.bot.numbers import first_number
from triage.incidents.correlation import Incident
from triage.incidents.story import account_line, clock_and_age, incident_name
from triage.store import Action

PENDING_SHOWN = timedelta(days=1)
"""How long something is shown that nobody confirms."""


def count_pending(context: Context) -> int:
    """How much there is that the viewer may confirm."""
    wanted = context.viewer.wanted(is_confirmed=False)
    return context.store.count_incidents(context.now - PENDING_SHOWN, wanted)


def act(context: Context, command: Command) -> Outcome:
    """待确认 lists; 确认 makes one of them the members'."""
    if command.word is Word.PENDING:
        return _listed(context)
    number, rest = first_number(command.argument)
    if number is None or rest:
        return Outcome(context.adviser.say("confirmed", how="numberless", id=None, into=None, what=""))
    return _confirmed(context, number)


def _listed(context: Context) -> Outcome:
    wanted = context.viewer.wanted(is_confirmed=False)
    found = context.store.recent_incidents(context.now - PENDING_SHOWN, LISTED, wanted)
    lines = [_line(incident, context.now) for incident in found]
    return Outcome(context.adviser.say("pending", total=count_pending(context), lines=lines))


def _line(incident: Incident, now: datetime) -> str:
    """`#7 连接超时 · 时令果蔬 wx01…2781 · 2 条 · 04-21 18:31（9 分钟前）`; short whatever a stranger wrote."""
    newest = incident.sightings[-1] if incident.sightings else None
    titles = "、".join(list(dict.fromkeys(sighting.title for sighting in incident.sightings))[:2])
    account = account_line(newest.nickname if newest else None, incident.appid)
    number = f"{len(incident.sightings)} 条"
    seen = clock_and_age(incident.last_seen, now, dated=True)
    parts = (f"#{incident.id} {titles}", account, number, seen)
    return " · ".join(filter(None, parts))


def _confirmed(context: Context, number: int) -> Outcome:
    """Recording fails with OvertakenError if somebody else has confirmed it by then."""
    store, viewer = context.store, context.viewer
    incident = store.incident(number)
    if incident is None or not viewer.may_confirm(incident):
        how = "already" if incident and viewer.may_see(incident) else "unknown"
        return Outcome(context.adviser.say("confirmed", how=how, id=number, into=None, what=""))
    known = store.incidents_for([incident.key], incident.opened_at)
    into = next((item.id for item in known if item.closed_at is None), None)
    how, what = "merged" if into else "now", incident_name(incident)
    text = context.adviser.say("confirmed", how=how, id=number, into=into, what=what)
    return Outcome(text, actions=(Action("confirm", number, viewer.person),))
