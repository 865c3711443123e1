"""Several alerts in one message: their list with its story, and each of them by its number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from triage.advice.rendering import unread_excerpt
from triage.advice.several import with_own_checklist, worst_first
from triage.alerts.parser import Reading
from triage.bot.context import Context, Outcome
from triage.bot.conversation import Conversation
from triage.bot.evidence import known_parts, parts_at
from triage.bot.memory import REMEMBERED, Memory, recall, told
from triage.incidents.correlation import (
    UNNUMBERED,
    Incident,
    Reason,
    Sighting,
    State,
    Verdict,
    correlate,
    correlate_together,
    key_of,
    sighting_of,
)
from triage.incidents.story import closed_line, spaced
from triage.rules.matching import Diagnosis

_LONGEST_NUMBER = 999_999
"""As long as the number of an incident is likely to be: room is kept for it in a list that must fit a page."""


@dataclass(frozen=True, slots=True)
class _Together:
    """The alerts of a message, the worst first, and what comes of their being in one message."""

    sightings: tuple[Sighting, ...]
    numbered: frozenset[str]
    """The digests of those whose incident may be named."""
    verdict: Verdict
    """That on the worst."""
    incidents: Mapping[str, Incident]
    """The incidents with these alerts, by key."""
    reopened: tuple[Incident, ...]
    """Those that these alerts open again, as they were."""


def listed(
    context: Context, text: str, reading: Reading, alerts: Sequence[Diagnosis], memory: Memory
) -> Outcome:
    """The list of the alerts, with what is known of the first from before and the incidents they are in."""
    together = _together(context, alerts, memory)
    first = together.sightings[0]
    unread = unread_excerpt(reading)

    def page(numbers: Mapping[str, int]) -> str:
        story = _story(context, together, memory, numbers)
        notes = _notes(context, together, numbers)
        return context.adviser.alert_list(alerts, unread=unread, story=story, notes=notes).text

    longest = dict.fromkeys(together.incidents, _LONGEST_NUMBER)
    shown = context.adviser.alert_list(
        alerts,
        unread=unread,
        story=_story(context, together, memory, longest),
        notes=_notes(context, together, longest),
    ).shown
    root = together.verdict.root
    talk = Conversation(text, shown=shown, lead=root.kind if root else None, incident=key_of(first))
    return Outcome(page({}), conversation=talk, numbered=page if together.numbered else None)


def _together(context: Context, alerts: Sequence[Diagnosis], memory: Memory) -> _Together:
    viewer, now = context.viewer, context.now
    sightings = tuple(sighting_of(alert, viewer.person, now) for alert in worst_first(alerts))
    different = {sighting.digest: sighting for sighting in (sightings[0], *memory.remembered)}
    verdicts, after = correlate_together(tuple(different.values()), viewer.visible(memory.known), now)
    keys = {key_of(sighting) for sighting in different.values()}
    reopened = [verdict.incident for verdict in verdicts if verdict.reason is Reason.REOPENED]
    numbered = [sighting for sighting in memory.remembered if viewer.is_member]
    return _Together(
        sightings=sightings,
        numbered=frozenset(item.digest for item in numbered if viewer.may_change(item.appid)),
        verdict=verdicts[0],
        incidents={incident.key: incident for incident in after if incident.key in keys},
        reopened=tuple(incident for incident in reopened if incident),
    )


def _story(context: Context, together: _Together, memory: Memory, numbers: Mapping[str, int]) -> str:
    """What is known of the first alert, and of the other incidents that are open again how they were closed."""
    first = together.sightings[0]
    incident = _with_number(together.incidents[key_of(first)], numbers)
    verdict = replace(together.verdict, incident=incident)
    others = []
    for closed in together.reopened:
        if closed.key == incident.key:
            again = replace(incident, closed_at=closed.closed_at, closed_note=closed.closed_note)
            verdict = replace(verdict, reason=Reason.REOPENED, incident=again)
        elif context.viewer.is_member:
            others.append(
                context.adviser.say("reopened", id=closed.id, closed=closed_line(closed, context.now))
            )
    recent = replace(memory, recent=(*memory.recent, *together.incidents.values()))
    return "\n".join(
        filter(None, (told(context, first, verdict, recent, listed=together.sightings).text, *others))
    )


def _with_number(incident: Incident, numbers: Mapping[str, int]) -> Incident:
    return replace(incident, id=numbers[incident.key]) if incident.key in numbers else incident


def _notes(context: Context, together: _Together, numbers: Mapping[str, int]) -> dict[int, str]:
    """The incident of each alert that has one, by the alert's number; none where all of them are in the first's."""
    if len(set(map(key_of, together.sightings))) == 1:
        return {}
    notes = {}
    for number, sighting in enumerate(together.sightings, start=1):
        found = together.incidents.get(key_of(sighting))
        incident = found and _with_number(found, numbers)
        if incident and sighting.digest in together.numbered and incident.id != UNNUMBERED:
            notes[number] = f"事件 #{incident.id}{_owned(context, incident)}"
    return notes


def _owned(context: Context, incident: Incident) -> str:
    viewer = context.viewer
    if incident.state is State.CLOSED:
        return "，已关闭"
    return f"，{spaced(viewer.names.of(incident.owner, viewer.person))}在处理" if incident.owner else ""


def keys_of(context: Context, talk: Conversation) -> list[str]:
    """The keys of the incidents of several alerts that were the last message; none for anything else."""
    if not talk.text or talk.is_question:
        return []
    _, alerts = context.adviser.diagnose(talk.text)
    sightings = [sighting_of(alert, context.viewer.person, context.now) for alert in worst_first(alerts)]
    return list(dict.fromkeys(map(key_of, sightings)))[:REMEMBERED] if len(alerts) > 1 else []


def choose(context: Context, talk: Conversation, number: int) -> Outcome | None:
    """The checklist of the alert with this number in the list, with its story; None if there is none."""
    _, alerts = context.adviser.diagnose(talk.text)
    if len(alerts) < 2 or not 0 < number <= len(alerts):
        return None
    viewer, now = context.viewer, context.now
    alert = worst_first(alerts)[number - 1]
    sighting = sighting_of(alert, viewer.person, now)
    memory = recall(context, [sighting])
    verdict = correlate(sighting, viewer.visible(memory.known), now)
    story = told(context, sighting, verdict, memory, is_repeated=False)
    parts = parts_at(context, verdict.incident)
    page = next(context.adviser.checklist(alert, story=story.text, lead=story.lead, now=now, parts=parts))
    chosen = Conversation(
        talk.text, shown=page.shown, lead=story.lead, chosen=number, incident=key_of(sighting)
    )
    return Outcome(page.text, conversation=chosen)


def more(context: Context, talk: Conversation, alerts: Sequence[Diagnosis]) -> Outcome | None:
    """The rest of the list, then the checklists one after the other; None at the end."""
    adviser = context.adviser
    if not talk.chosen:
        skip = 0 if talk.page < 0 else talk.shown
        if skip < len(alerts):
            page = adviser.alert_list(alerts, skip)
            return Outcome(page.text, conversation=talk.turned(page.shown))
        return choose(context, talk, 1)
    ordered = worst_first(alerts)
    parts = known_parts(context, talk)
    rest = adviser.checklist(ordered[talk.chosen - 1], lead=talk.lead, skip=talk.shown, parts=parts)
    following = next(rest, None) if talk.shown else None
    if following is not None:
        return Outcome(following.text, conversation=talk.turned(following.shown))
    later = [ordered.index(alert) + 1 for alert in with_own_checklist(alerts)]
    return next((choose(context, talk, number) for number in later if number > talk.chosen), None)
