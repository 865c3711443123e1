"""The way of a message: dedupe, read, match, correlate, render, record, reply. The one place that knows the order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from triage.advice.adviser import Adviser
from triage.advice.pasted import is_evidence
from triage.bot import (
    cards,
    confirming,
    duty_commands,
    evidence,
    follow_ups,
    groups,
    membership,
    pictures,
    signing_in,
)
from triage.bot.access import Viewer
from triage.bot.alerts import AlertText, advise, advise_and_remember, holds_alert
from triage.bot.commands import Command, Word, read_command
from triage.bot.context import Context, Outcome, refused
from triage.bot.conversation import EXPIRES, Conversation
from triage.bot.incident_commands import act_on_incident
from triage.bot.late import MOST_GIVEN, is_mere_word, late_answer, with_late_answers
from triage.bot.links import Links
from triage.bot.lists import list_incidents
from triage.bot.observer import NoObserver, Observer
from triage.bot.pictures import Promise, ReadPicture, never_read
from triage.bot.quoting import about_quote, quoted_number, says_something, talk_about
from triage.bot.usage import explain
from triage.bot.warning import warned
from triage.channels.registry import CHANNELS
from triage.errors import OvertakenError, RefusedError, StoreDownError, TextTooLargeError
from triage.evidence.judge import judge
from triage.incidents.correlation import QUIET
from triage.incidents.team import Team
from triage.masking import mask_paste
from triage.message import Message, MessageKind, PageSize, Person, Reply
from triage.store import Entry, Lease, Queued, Recorded, Store
from triage.store.columns import conversation_key

LONGEST_NUMBER = 2
"""Digits of a typed number: of a topic that was offered, or of the platform's guide."""
LONGEST_ID = 9
"""Digits of the number of an incident, which may be typed alone after a list that names it."""
_UNREADABLE = {
    MessageKind.IMAGE: "图片",
    MessageKind.VOICE: "语音",
    MessageKind.VIDEO: "视频",
    MessageKind.LOCATION: "位置",
    MessageKind.UNSUPPORTED: "这种转发",
}
_WORDS = frozenset({MessageKind.TEXT, MessageKind.VOICE, MessageKind.LINK})
_GREETED = frozenset({"subscribe", "enter_chat"})


def _never() -> bool:
    return False


def _refuse_replay(store: Store, message: Message, recorded: Recorded | None) -> None:
    """Raises RefusedError for a signature of another message, and for a MsgId that another sender had."""
    if store.signature_used(message.signature, message.key):
        raise RefusedError("the signature has signed another message before", "replayed")
    if recorded is not None and recorded.sender != message.sender:
        raise RefusedError("the message of this MsgId came from somebody else", "replayed")


@dataclass(frozen=True, slots=True)
class Bot:
    """Answers messages, with a store or without a memory."""

    adviser: Adviser
    store: Store | None
    invitation: Callable[[], str]
    """Makes a new invitation word."""
    admins: Mapping[Person, str] = field(default_factory=dict)
    """The members by setting, with their names; a person of `ANY_ACCOUNT` stands for every account of the channel."""
    observer: Observer = field(default_factory=NoObserver)
    quiet: timedelta = QUIET
    """How long without an alert until an incident is shown as quiet."""
    has_late_answers: Callable[[], bool] = _never
    """Whether one waits for anybody: nearly always none does, and nobody is looked up."""
    team: Team | None = None
    """Who is on call; None where no file says so."""
    promise: Callable[[Message], Promise] = never_read
    """What becomes of the pictures of a message."""
    links: Links | None = None
    """Links to the console; None where it has no address."""

    def without_memory(self) -> Bot:
        """The same bot without its store: what answers while the database does not."""
        return replace(self, store=None)

    def handle(self, message: Message, now: datetime, expired: Callable[[], bool] = _never) -> Reply:
        """The reply to a message; a retry of it gets the same one, whichever node answered first.

        `expired` is asked just before the message is recorded: whether it has been answered meanwhile in another way.

        Raises StoreError, with nothing recorded, so that the message can be handled again; RefusedError for a
        signature that has signed another message: outside safe mode it does not cover the body, so that anything
        could be sent with a signature that was seen once.
        """
        return self._for_pages(CHANNELS[message.channel].page_size)._handle(message, now, expired)

    def _for_pages(self, size: PageSize) -> Bot:
        adviser = self.adviser.for_pages(size)
        return self if adviser is self.adviser else replace(self, adviser=adviser)

    def _handle(self, message: Message, now: datetime, expired: Callable[[], bool]) -> Reply:
        if self.store is None:
            outcome = self._outcome(message, now)
            self._report(outcome)
            return Reply(outcome.text)
        # what safe mode signs is never replayed, and a retry is found when it is recorded
        if not message.encrypted:
            recorded = self.store.reply_to(message.key)
            _refuse_replay(self.store, message, recorded)
            if recorded is not None:
                self.observer.retry_answered(message.kind)
                return Reply(recorded.reply)
        try:
            return self._record(self.store, message, now, expired)
        except OvertakenError:
            return self._record(self.store, message, now, expired)

    def catch_up(self, message: Message, received_at: datetime, now: datetime) -> bool:
        """Record the alerts of a message that was answered without the memory; whether there were any to record.

        Their sender is told of it, and what the memory adds.

        What else it was stays undone: its sender was told so, and may have done it again meanwhile.

        Raises StoreError while the memory is still away, RefusedError as `handle` does.
        """
        if self.store is None:
            raise StoreDownError("the database cannot be opened; the log says why")
        try:
            return self._catch_up(self.store, message, received_at, now)
        except OvertakenError:
            return self._catch_up(self.store, message, received_at, now)

    def _catch_up(self, store: Store, message: Message, received_at: datetime, now: datetime) -> bool:
        if not message.encrypted:
            _refuse_replay(store, message, store.reply_to(message.key))
        outcome, context = self._outcome(message, received_at), self._context(message, now)
        if context is None or not outcome.sightings:
            return False
        is_member = context.viewer.is_member
        late = late_answer(self.adviser, message, outcome, received_at, now, is_member=is_member)
        return store.record(replace(self._entry(message, outcome, received_at), late=late)).is_new

    def _late_answers(self, store: Store, message: Message, outcome: Outcome, now: datetime) -> Outcome:
        """The outcome with the late answers that waited for the sender's next word."""
        is_silent = outcome.text is None and outcome.asked is None
        if message.task_id is not None or is_silent or not self.has_late_answers():
            return outcome
        whose = conversation_key(message.person, message.chat)
        waiting = store.outbox.late_answers(whose, now, MOST_GIVEN)
        if not waiting and is_mere_word(outcome, message):
            is_being_read = store.outbox.pictures_waiting(pictures.destination_of(message))
            return Outcome(pictures.say(self.adviser, "still")) if is_being_read else outcome
        return with_late_answers(outcome, message, waiting, CHANNELS[message.channel].page_size)

    def answer_picture(self, row: Queued, lease: Lease, read: ReadPicture, now: datetime) -> bool:
        """Answer a picture's message as if its text had been sent, and end its row; False where that was done before.

        Raises StoreError; OvertakenError where the lease has ended and somebody else has taken the row.
        """
        if self.store is None:
            raise StoreDownError("the database cannot be opened; the log says why")
        try:
            return self._answer_picture(self.store, row, lease, read, now)
        except OvertakenError:
            return self._answer_picture(self.store, row, lease, read, now)

    def _answer_picture(
        self, store: Store, row: Queued, lease: Lease, read: ReadPicture, now: datetime
    ) -> bool:
        pushed = pictures.message_of(row)
        message = pictures.as_read(pushed, read)
        outcome = self._of_picture(message, read, now)
        entry = self._entry(message, outcome, now)
        answer = pictures.answer_row(row, pushed, now)
        recorded = store.record(replace(entry, answer=answer, ends=lease))
        if recorded.is_new:
            self._report(outcome)
        return recorded.is_new

    def _of_picture(self, message: Message, read: ReadPicture, now: datetime) -> Outcome:
        """Alerts, output of tools or a topic in what was read; never a command."""
        size = CHANNELS[message.channel].page_size
        say = partial(pictures.say, self.adviser, unread=read.unread)
        if message.text is None:
            return Outcome(say("failed", note=read.problem or ""))
        head = say("read")
        bot = self._for_pages(pictures.room_for(head, size))
        outcome = bot._read(message, message.text, now, is_picture=True)
        if outcome.text is None or (outcome.asked is not None and not outcome.asked.is_clear):
            seen = pictures.excerpt(message.text)  # no more of it is kept: it may be anything
            return Outcome(say("nothing", note=seen), kept=seen)
        return outcome.below(say("read_alerts") if outcome.kinds else head)

    def _record(self, store: Store, message: Message, now: datetime, expired: Callable[[], bool]) -> Reply:
        """Decide, and record the decision in one transaction before the reply is sent."""
        outcome = self._late_answers(store, message, self._outcome(message, now), now)
        entry = self._entry(message, outcome, now)
        if expired():
            raise StoreDownError("too late to record the message: it has been answered without the memory")
        recorded = store.record(entry)
        if not recorded.is_new:
            if not message.encrypted:
                _refuse_replay(store, message, recorded)
            self.observer.retry_answered(message.kind)
            return Reply(recorded.reply)
        self._report(outcome)
        return Reply(recorded.reply)

    def _entry(self, message: Message, outcome: Outcome, received_at: datetime) -> Entry:
        talk = outcome.conversation
        return Entry(
            message=message if outcome.kept is None else replace(message, text=outcome.kept),
            received_at=received_at,
            reply=outcome.text,
            sightings=outcome.sightings,
            actions=outcome.actions,
            conversation=talk.as_json() if talk else None,
            expires_at=received_at + EXPIRES if talk else None,
            gap=outcome.gap,
            numbered=outcome.numbered,
            told=outcome.told,
            given=outcome.given,
        )

    def _report(self, outcome: Outcome) -> None:
        for kind in outcome.kinds:
            self.observer.alert_read(kind)
        if outcome.asked is not None:
            self.observer.topic_asked(outcome.asked.topic.id if outcome.asked.topic else None)

    def _outcome(self, message: Message, now: datetime) -> Outcome:
        if message.kind is MessageKind.EVENT:
            return self._event(message, now)
        if message.kind is MessageKind.WARNING:
            return warned(message, self.store, self.admins, now) if self.store else Outcome(None)
        if message.kind is MessageKind.ALERT:
            return self._handed_in(message, message.text or "", now)
        if pictures.speaks_by_picture(self.adviser, message, self.promise):
            return self._pictured(message, now)
        if message.quote is not None and message.kind in _WORDS:
            return self._quoted(message, (message.text or "").strip(), message.quote, now)
        if message.text and message.kind in _WORDS:
            return self._text(message, message.text, now)
        what = _UNREADABLE.get(message.kind)
        return Outcome(self.adviser.say("unreadable", what=what, is_reader_missing=False) if what else None)

    def _pictured(self, message: Message, now: datetime) -> Outcome:
        promise = self.promise(message)
        if promise in (Promise.SENT, Promise.WAITS):
            if self.store is None:
                return Outcome(pictures.say(self.adviser, "no_memory"))
            waiting = self.store.outbox.pictures_waiting(pictures.destination_of(message))
            if waiting >= pictures.MOST_WAITING:
                return Outcome(pictures.say(self.adviser, "too_many"))
        return pictures.acknowledged(self.adviser, message, promise, now)

    def _event(self, message: Message, now: datetime) -> Outcome:
        """A greeting for who is new, a typed word for a menu click, a button's order, silence for the rest."""
        event = (message.event or "").casefold()
        if event in _GREETED:
            return Outcome(self.adviser.say("welcome"))
        if message.task_id is not None:
            context = self._context(message, now)
            return cards.clicked(context, message) if context else Outcome(None)
        if event == "click" and message.event_key:
            return self._text(message, message.event_key, now)
        return Outcome(None)

    def _text(self, message: Message, text: str, now: datetime) -> Outcome:
        """What was typed or heard: a command, a digit, alerts, or a question."""
        command = read_command(text)
        if command is not None and not holds_alert(self.adviser, command.argument):
            return self._command(message, command, now)
        digits = text.strip()
        if digits.isdecimal() and len(digits) <= LONGEST_ID:
            talk, asking = self._talk(message, now), partial(self._context, message, now)
            if len(digits) <= LONGEST_NUMBER or (talk and int(digits) in talk.listed):
                return follow_ups.choose(self.adviser, int(digits), talk, asking)
        return self._read(message, text, now)

    def _quoted(self, message: Message, words: str, quote: str, now: datetime) -> Outcome:
        """A command about what is quoted; else the quote itself, wherever it says more than the words beside it."""
        command = read_command(words) if words else None
        if command is not None:
            return self._command(message, about_quote(command, quote), now)
        if words and says_something(self.adviser, words):
            return self._text(message, words, now)
        has_content = says_something(self.adviser, quote)
        number = None if has_content else quoted_number(quote)
        if number is not None and not (words and self.adviser.ask(words).topic):
            return self._steps_of(message, number, now)
        if words and not has_content:
            return self._text(message, words, now)
        outcome = self._read(message, quote, now)
        return outcome if outcome.kept is not None else replace(outcome, kept=quote)

    def _steps_of(self, message: Message, number: int, now: datetime) -> Outcome:
        context = self._context(message, now)
        return cards.steps_of(context, number) if context else Outcome(self.adviser.say("no_memory"))

    def _read(self, message: Message, text: str, now: datetime, *, is_picture: bool = False) -> Outcome:
        """Alerts, pasted output, or a question."""
        try:
            reading, alerts = self.adviser.diagnose(text, is_picture=is_picture)
        except TextTooLargeError:
            return Outcome(self.adviser.answer(text).pages[0])
        if not alerts:
            return self._question(message, text, now)
        sent, context = AlertText(text, reading, alerts), self._context(message, now)
        return advise_and_remember(context, sent) if context else advise(self.adviser, sent)

    def _handed_in(self, message: Message, text: str, now: datetime) -> Outcome:
        """Alerts of a program, which has no talk with us; no words where they cannot be recorded."""
        reading, alerts = self.adviser.diagnose(text)
        context = self._context(message, now)
        if context is None or not alerts:
            return Outcome(None)
        context = replace(context, links=None)  # who knows where a program shows the answer
        return replace(advise_and_remember(context, AlertText(text, reading, alerts)), conversation=None)

    def _question(self, message: Message, text: str, now: datetime) -> Outcome:
        """Pasted output of tools, or typed words."""
        talk, parts = self._talk(message, now), judge(text)
        if is_evidence(text, parts, self.adviser.ask(text)):
            outcome = evidence.judged(self.adviser, text, parts, self._context(message, now), talk)
            return replace(outcome, kept=mask_paste(text))
        return follow_ups.ask(self.adviser, text, talk, is_overheard=message.chat is not None)

    def _command(self, message: Message, command: Command, now: datetime) -> Outcome:
        word = command.word
        if word is Word.HELP:
            return explain(self.adviser, self._talk(message, now), has_memory=self.store is not None)
        if word in (Word.MORE, Word.NEXT, Word.USELESS, Word.WHY):
            return self._follow_up(message, word, now)
        context = self._context(message, now)
        if context is None:
            return Outcome(self.adviser.say("no_memory"))
        if message.chat is not None and word in groups.WORK and context.member is not None:
            return groups.act(context.overheard(), command, self._talk(message, now))
        if word is Word.LOGIN:
            return signing_in.act(context)
        if word in duty_commands.WORDS:
            return duty_commands.act(context, command, self._talk(message, now), self.team)
        return refused(context, word) or self._allowed(message, command, context, now)

    def _allowed(self, message: Message, command: Command, context: Context, now: datetime) -> Outcome:
        """What somebody typed who may."""
        word = command.word
        if word in membership.WORDS:
            return membership.act(context, command, self.invitation, self.admins)
        if word in (Word.PENDING, Word.CONFIRM):
            return confirming.act(context, command)
        if word in (Word.MINE, Word.HISTORY):
            return list_incidents(context, word, self._talk(message, now))
        return act_on_incident(context, command, self._talk(message, now))

    def _follow_up(self, message: Message, word: Word, now: datetime) -> Outcome:
        talk = self._talk(message, now)
        if talk is None or not (talk.text or (word is Word.MORE and talk.listed)):
            return Outcome(follow_ups.nothing_to(self.adviser, word))
        if word is Word.WHY:
            return follow_ups.why(self.adviser, replace(talk, reasons=0))
        if word is Word.MORE:
            return follow_ups.more(self.adviser, talk, partial(self._context, message, now))
        has_incident = bool(talk.incident) and not talk.is_question
        context = self._context(message, now) if has_incident else None
        return follow_ups.step(self.adviser, replace(talk, reasons=0), word, context)

    def _context(self, message: Message, now: datetime) -> Context | None:
        if self.store is None:
            return None
        viewer = Viewer.of(message.person, self.store, self.admins, self.quiet)
        if message.chat is None:
            return Context(self.adviser, self.store, viewer, now, links=self.links)
        return Context(self.adviser, self.store, viewer.in_group(), now, viewer if viewer.role else None)

    def _talk(self, message: Message, now: datetime) -> Conversation | None:
        value = self.store.conversation(message.person, now, message.chat) if self.store else None
        talk = None if value is None else Conversation.from_json(value)
        if message.quote is None:
            return talk
        return talk_about(self.adviser, message, now, partial(self._context, message, now), talk)
