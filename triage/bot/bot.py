"""The way of a message: dedupe, read, match, correlate, render, record, reply. The one place that knows the order.

Every step has its fallback: a store that is down costs the memory, never the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from triage.advice.adviser import Adviser
from triage.advice.rendering import worst
from triage.alerts.parser import Reading
from triage.bot.access import Asker, visible
from triage.bot.commands import Word, read_command
from triage.bot.conversation import EXPIRES, Conversation
from triage.bot.desk import Desk, Outcome
from triage.cohort import pause
from triage.errors import RefusedError, StoreError, TextTooLargeError
from triage.incidents.correlation import (
    QUIET,
    RECALL,
    Incident,
    Sighting,
    Verdict,
    correlate,
    is_storm,
    key_of,
    sighting_of,
)
from triage.incidents.story import story_values
from triage.message import Message, MessageKind, Reply
from triage.rules.matching import UNKNOWN, Diagnosis
from triage.store import Change, Entry, Store

_RECENT = timedelta(hours=1)
_RECENT_LIMIT = 25
"""Incidents looked at for shapes and storms; a storm shows in fewer."""
_UNREADABLE = {
    MessageKind.IMAGE: "图片",
    MessageKind.VOICE: "语音",
    MessageKind.VIDEO: "视频",
    MessageKind.LOCATION: "位置",
    MessageKind.UNSUPPORTED: "这种转发",
}


@dataclass(frozen=True, slots=True)
class _Memory:
    """What the store knows around some alerts; all empty if it is down or absent."""

    known: tuple[Incident, ...] = ()
    recent: tuple[Incident, ...] = ()
    asker: Asker = field(default_factory=Asker)
    works: bool = False


@dataclass(frozen=True, slots=True)
class Bot:
    """Answers messages. Without a `store` it has no memory; `admins` (OpenID to name) are members by setting.

    An incident without an alert for `quiet` is shown as quiet. `observe(event, label)` is told what happened, for the
    counters; `invitation()` makes a new invitation word.
    """

    adviser: Adviser
    store: Store | None
    invitation: Callable[[], str]
    admins: Mapping[str, str] = field(default_factory=dict)
    observe: Callable[[str, str], None] = lambda event, label: None
    quiet: timedelta = QUIET

    def handle(self, message: Message, now: datetime) -> Reply:
        """The reply to a message; a retry of it gets the same one, whichever worker answered first.

        Raises RefusedError for a signature that has signed another message: outside safe mode it does not cover the
        body, so whoever has seen one could send anything with it.
        """
        recorded = self._recorded(message)
        pause()
        if recorded is not None:
            self.observe("deduped", message.kind)
            return recorded
        if not message.encrypted and self._replayed(message):
            raise RefusedError("replay")
        outcome = self._outcome(message, now)
        pause()
        return self._record(message, outcome, now)

    def _replayed(self, message: Message) -> bool:
        try:
            return self.store is not None and self.store.signature_used(message.signature, message.key)
        except StoreError:
            self.observe("store_error", "signature_used")
            return False

    def _recorded(self, message: Message) -> Reply | None:
        """The reply that was given before."""
        try:
            found = self.store.reply_to(message.key) if self.store else None
        except StoreError:
            self.observe("store_error", "reply_to")
            return None
        return Reply(found.reply) if found else None

    def _record(self, message: Message, outcome: Outcome, now: datetime) -> Reply:
        """Keep what happened, in one transaction, before the reply is sent; an answer beats a record."""
        if self.store is None:
            return Reply(outcome.text)
        talk = outcome.conversation
        entry = Entry(
            message=message,
            received_at=now,
            reply=outcome.text,
            sightings=outcome.sightings,
            actions=outcome.actions,
            conversation=talk.as_json() if talk else None,
            expires_at=now + EXPIRES if talk else None,
            gap=outcome.gap,
        )
        try:
            return Reply(self.store.record(entry).reply)
        except StoreError:
            self.observe("store_error", "record")
            self.observe("unrecorded", message.kind)
            return Reply(outcome.text)

    def _outcome(self, message: Message, now: datetime) -> Outcome:
        if message.kind is MessageKind.EVENT:
            return self._event(message, now)
        if message.text and message.kind in (MessageKind.TEXT, MessageKind.VOICE, MessageKind.LINK):
            return self._text(message, message.text, now)
        what = _UNREADABLE.get(message.kind)
        return Outcome(self.adviser.say("unreadable", what=what) if what else None)

    def _event(self, message: Message, now: datetime) -> Outcome:
        """A greeting for a new follower, a typed word for a menu click, silence for the rest."""
        event = (message.event or "").casefold()
        if event == "subscribe":
            return Outcome(self.adviser.say("welcome"))
        if event == "click" and message.event_key:
            return self._text(message, message.event_key, now)
        return Outcome(None)

    def _text(self, message: Message, text: str, now: datetime) -> Outcome:
        """What was typed or heard: a command, a digit, alerts, or a question."""
        command = read_command(text)
        if command is not None and command.word in (Word.MORE, Word.NEXT, Word.USELESS, Word.WHY):
            return self._go_on(message, command.word, now)
        if command is not None:
            desk = Desk(self.adviser, self.store, self.invitation, self.admins, self.observe, self.quiet)
            return desk.handle(command, message.sender, self._talk(message, now), now)
        if text.strip().isdecimal() and len(text.strip()) <= 2:
            return self._digit(message, int(text), now)
        try:
            reading, alerts = self.adviser.read(text)
        except TextTooLargeError:
            return Outcome(self.adviser.answer(text).pages[0])
        pause()
        if alerts:
            return self._alerts(message, text, reading, alerts, now)
        return self._ask(text, self._talk(message, now))

    def _talk(self, message: Message, now: datetime) -> Conversation | None:
        try:
            value = self.store.conversation(message.sender, now) if self.store else None
        except StoreError:
            self.observe("store_error", "conversation")
            return None
        return Conversation.from_json(value) if value is not None else None

    # -- questions, and going on with them

    def _ask(self, text: str, before: Conversation | None) -> Outcome:
        """What is known of a topic; the incident that was spoken of before is still meant."""
        asked = self.adviser.ask(text)
        self.observe("query", asked.topic.id if asked.topic else "none")
        page = next(self.adviser.topic_pages(asked))
        if asked.topic is None:
            return Outcome(page.text)
        talk = Conversation(
            text, shown=page.shown, incident=before.incident if before else None, choices=asked.choices
        )
        return Outcome(page.text, conversation=replace(talk, is_question=True))

    def _digit(self, message: Message, number: int, now: datetime) -> Outcome:
        """A choice where one was offered by its place, else a number of the guide."""
        talk = self._talk(message, now)
        if talk and 0 < number <= len(talk.choices):
            return self._ask(talk.choices[number - 1], talk)
        return self._ask(str(number), talk)

    def _go_on(self, message: Message, word: Word, now: datetime) -> Outcome:
        talk = self._talk(message, now)
        if talk is None or not talk.text:
            return Outcome(self._nothing_to(word))
        if word is Word.WHY:
            return self._why(talk)
        if word is Word.MORE:
            return self._more(talk)
        desk = Desk(self.adviser, self.store, self.invitation, self.admins, self.observe, self.quiet)
        return desk.step(talk, word, message.sender, now)

    def _why(self, talk: Conversation) -> Outcome:
        pages = self.adviser.why(talk.text, talk.lead) or (self._nothing_to(Word.WHY),)
        return Outcome(pages[0], conversation=talk)

    def _nothing_to(self, word: Word, *, ended: bool = False) -> str:
        return self.adviser.say("nothing_to", word=word.value, name="", number=None, ended=ended)

    def _more(self, talk: Conversation) -> Outcome:
        """The page behind the last one: of several alerts by its number, else behind the steps shown."""
        reading, alerts = self.adviser.read(talk.text)
        if len(alerts) > 1:
            pages = list(self.adviser.alert_pages(reading, alerts))[talk.page + 1 : talk.page + 2]
        elif alerts:
            pages = list(self.adviser.alert_pages(reading, alerts, lead=talk.lead, skip=talk.shown))[:1]
        else:
            pages = list(self.adviser.topic_pages(self.adviser.ask(talk.text), skip=talk.shown))[:1]
        if not pages or not pages[0].text:
            return Outcome(self._nothing_to(Word.MORE, ended=True), conversation=talk)
        return Outcome(pages[0].text, conversation=talk.turned(pages[0].shown))

    # -- alerts

    def _alerts(
        self, message: Message, text: str, reading: Reading, alerts: tuple[Diagnosis, ...], now: datetime
    ) -> Outcome:
        """The checklist with what is known from before, and the alerts as they are to be remembered."""
        sightings = [sighting_of(diagnosis, message.sender, now) for diagnosis in alerts]
        for diagnosis in alerts:
            self.observe("alert", diagnosis.kind)
        memory = self._memory(message, sightings, now)
        pause()
        verdicts = [correlate(sighting, memory.known, now) for sighting in sightings]
        changes = tuple(map(_change, sightings, verdicts))
        gap = text if any(diagnosis.kind == UNKNOWN for diagnosis in alerts) else None
        meant = sightings[alerts.index(worst(alerts))]
        storm = is_storm(memory.asker.seen(memory.recent), now, memory.asker.names.by_openid)
        if storm:
            lines = memory.asker.lines(memory.recent, now)
            values = {"count": storm, "title": meant.title, "incidents": lines}
            talk = Conversation(text, page=-1, incident=key_of(meant))  # its first page is still to be shown
            return Outcome(self.adviser.say("storm", **values), changes, conversation=talk, gap=gap)
        story, lead = self._story(sightings, verdicts[0], memory, now) if len(alerts) == 1 else ("", None)
        page = next(self.adviser.alert_pages(reading, alerts, story=story, lead=lead))
        talk = Conversation(text, shown=page.shown, lead=lead, incident=key_of(meant))
        return Outcome(page.text, changes, conversation=talk, gap=gap)

    def _memory(self, message: Message, sightings: Sequence[Sighting], now: datetime) -> _Memory:
        if self.store is None:
            return _Memory()
        try:
            keys = sorted({key_of(sighting) for sighting in sightings})
            known = self.store.incidents_for(keys, now - RECALL)
            asker = Asker.of(message.sender, self.store, self.admins, self.quiet)
            recent = self.store.recent_incidents(now - _RECENT, _RECENT_LIMIT) if asker.is_member else ()
        except StoreError:
            self.observe("store_error", "memory")
            return _Memory()
        return _Memory(known, recent, asker, works=True)

    def _story(
        self, sightings: Sequence[Sighting], own: Verdict, memory: _Memory, now: datetime
    ) -> tuple[str, str | None]:
        """What this person may know of the alert's past, and the kind of the alert that led to it."""
        if not memory.works:
            return "", None
        asker = memory.asker
        shown = visible(memory.known, asker)
        verdict = own if shown == memory.known else correlate(sightings[0], shown, now)
        recent = visible(memory.recent, asker)
        values = story_values(sightings[0], verdict, recent, asker.names, now)
        return self.adviser.story(values), verdict.root.kind if verdict.root else None


def _change(sighting: Sighting, verdict: Verdict) -> tuple[Sighting, Change]:
    incident = verdict.incident.id if verdict.incident else None
    return sighting, Change(key_of(sighting), incident, verdict.reason)
