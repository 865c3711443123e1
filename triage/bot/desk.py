"""The incident desk: what members do with incidents by typed words, and who may see what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from triage.advice.adviser import Adviser
from triage.bot.access import Asker
from triage.bot.commands import COMMANDS, LONGEST_NOTE, Command, Word, usage
from triage.bot.conversation import Conversation
from triage.errors import StoreError
from triage.incidents.correlation import QUIET, RECALL, Incident, Sighting, State, story_of
from triage.incidents.story import MemberNames, clock, incident_line
from triage.masking import mask
from triage.rules.parser import HELP_TOPIC
from triage.store import Action, Change, Event, Store

_EVENTS = 10
_INVITATION = timedelta(days=1)
_HISTORY = timedelta(days=90)
_LONGEST_NAME = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one message leads to: the reply, and what is to be recorded of it."""

    text: str | None
    sightings: tuple[tuple[Sighting, Change], ...] = ()
    actions: tuple[Action, ...] = ()
    conversation: Conversation | None = None
    gap: str | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """Carries out typed commands."""

    adviser: Adviser
    store: Store | None
    invitation: Callable[[], str]
    admins: Mapping[str, str]
    observe: Callable[[str, str], None]
    quiet: timedelta = QUIET

    def handle(self, command: Command, sender: str, talk: Conversation | None, now: datetime) -> Outcome:
        """The reply to a command, and what it changes."""
        if command.word is Word.HELP:
            return self._help()
        if self.store is None:
            return Outcome(self.adviser.say("no_memory"))
        try:
            asker = Asker.of(sender, self.store, self.admins, self.quiet)
            if COMMANDS[command.word].members_only and not asker.is_member:
                return Outcome(self.adviser.say("members_only", name=COMMANDS[command.word].names[0]))
            return self._carry_out(self.store, command, asker, talk, now)
        except StoreError:
            self.observe("store_error", "command")
            return Outcome(self.adviser.say("no_memory"))

    def _help(self) -> Outcome:
        rule = self.adviser.rules.get(HELP_TOPIC)
        page = next(self.adviser.topic_pages(self.adviser.ask("帮助"))).text if rule else ""
        return Outcome(f"{page}\n{self.adviser.say('commands', lines=usage())}".strip())

    def _carry_out(
        self, store: Store, command: Command, asker: Asker, talk: Conversation | None, now: datetime
    ) -> Outcome:
        word, argument = command.word, command.argument
        if word is Word.JOIN:
            return self._join(store, argument, asker, now)
        if word is Word.INVITE:
            invitation = self.invitation()
            store.invite(invitation, asker.openid, None, now + _INVITATION)
            return Outcome(self.adviser.say("invitation", word=invitation))
        if word is Word.MINE:
            own = [item for item in store.recent_incidents(now - _HISTORY) if item.owner == asker.openid]
            own = [item for item in own if item.state is State.OPEN]
            return self._list("你认领的", own, asker, now, "弄好了发「关闭 #编号 原因」")
        if word is Word.HISTORY:
            closed = [item for item in store.recent_incidents(now - _HISTORY) if item.state is State.CLOSED]
            return self._list("以前的事件", closed, asker, now, "发「状态 编号」看经过")
        number, rest = _number(argument)
        if word is Word.STATUS and number is None:
            opened = [item for item in store.recent_incidents(now - _HISTORY) if item.state is State.OPEN]
            hint = "发「状态 编号」看经过，「认领 编号」接手"
            return self._list("现在的事件", opened, asker, now, hint)
        incident = self._meant(store, number, asker, talk, now)
        if number is not None and rest and not argument.startswith("#") and word in (Word.NOTE, Word.CLOSE):
            spoken = self._meant(store, None, asker, talk, now)
            if incident is None:  # words that begin with a number
                incident, rest = spoken, argument
                number = None
            elif spoken is not None and spoken.id != incident.id:
                return Outcome(
                    self.adviser.say("which", name=COMMANDS[word].names[0], ids=(spoken.id, number))
                )
        if incident is None:
            name = COMMANDS[word].names[0]
            return Outcome(
                self.adviser.say("nothing_to", word=word.value, name=name, number=number, ended=False)
            )
        return self._act(store, word, incident, rest, asker, now)

    def _meant(
        self, store: Store, number: int | None, asker: Asker, talk: Conversation | None, now: datetime
    ) -> Incident | None:
        """The incident of the number, else the one that was just talked about."""
        if number is not None:
            found = store.incident(number)
        elif talk is not None and talk.incident:
            known = store.incidents_for([talk.incident], now - RECALL)
            found = max(known, key=lambda item: (item.state is State.OPEN, item.last_seen), default=None)
        else:
            found = None
        return found if found and asker.may_see(found) else None

    def _act(
        self, store: Store, word: Word, incident: Incident, detail: str, asker: Asker, now: datetime
    ) -> Outcome:
        if word is Word.STATUS:
            return Outcome(self._described(store, incident, asker, now))
        if word is Word.CLAIM:
            return self._claim(store, incident, asker, now)
        is_late = word is Word.CLOSE and incident.state is State.CLOSED
        is_note = word is Word.NOTE or (is_late and bool(incident.closed_note))
        action = Action("note" if is_note else "close", incident.id, asker.openid, detail)
        is_empty = not detail and (word is Word.NOTE or is_late)
        values = {
            "id": incident.id,
            "note": is_note,
            "late": is_late,
            "detail": detail,
            "cut": len(detail) >= LONGEST_NOTE,
        }
        return Outcome(self.adviser.say("noted", **values), actions=() if is_empty else (action,))

    def _claim(self, store: Store, incident: Incident, asker: Asker, now: datetime) -> Outcome:
        if incident.state is State.CLOSED:
            return Outcome(self.adviser.say("claimed", id=incident.id, how="closed", owner=""))
        owner = store.claim_incident(incident.id, asker.openid, now)
        how = "others" if owner != asker.openid else "again" if incident.owner == owner else "now"
        return Outcome(self.adviser.say("claimed", id=incident.id, how=how, owner=asker.names.of(owner)))

    def _described(self, store: Store, incident: Incident, asker: Asker, now: datetime) -> str:
        steps = story_of(incident)
        path = " → ".join(f"{clock(step.first_seen or step.seen_at)} {step.title}" for step in steps)
        events = store.timeline(incident.id)
        timeline = [_entry(event, asker.names) for event in events[-_EVENTS:]]
        if len(events) > _EVENTS:
            timeline.insert(0, f"（前面还有 {len(events) - _EVENTS} 条）")
        line = incident_line(incident, asker.names, now, asker.quiet)
        return self.adviser.say("incident", line=line, path=path, timeline=timeline)

    def _list(
        self, title: str, incidents: Sequence[Incident], asker: Asker, now: datetime, hint: str
    ) -> Outcome:
        lines = asker.lines(incidents, now)
        hint = hint if lines else ""
        return Outcome(
            self.adviser.say(
                "incidents", title=f"{title} {len(asker.seen(incidents))} 件", lines=lines, hint=hint
            )
        )

    def _join(self, store: Store, argument: str, asker: Asker, now: datetime) -> Outcome:
        word, _, name = argument.partition(" ")
        if asker.is_member or not word or not name.strip():
            how = "member" if asker.is_member else "nameless" if word else "wordless"
            return Outcome(self.adviser.say("joined", how=how, word=word[:_LONGEST_NAME], name=""))
        member = store.use_invitation(word, asker.openid, now)
        if member is None:
            return Outcome(self.adviser.say("joined", how="wrong", word="", name=""))
        called = name.strip()[:_LONGEST_NAME]
        store.add_member(replace(member, name=called))
        return Outcome(self.adviser.say("joined", how="now", word="", name=called))

    def step(self, talk: Conversation, word: Word, sender: str, now: datetime) -> Outcome:
        """The next step alone; it is written down where a member is at, and what was of no use."""
        steps = self.adviser.steps(talk.text, talk.lead)
        number = talk.step + 1
        if steps is None:
            values = {"word": word.value, "name": "", "number": None, "ended": False}
            return Outcome(self.adviser.say("nothing_to", **values), conversation=talk)
        if number > steps.count:
            return Outcome(self.adviser.say("step_alone", done=True), conversation=talk)
        text = self.adviser.say(
            "step_alone", done=False, number=number, total=steps.count, step=steps.line(number - 1)
        )
        actions = self._walked(talk, word, sender, now)
        return Outcome(text, actions=actions, conversation=replace(talk, step=number))

    def _walked(self, talk: Conversation, word: Word, sender: str, now: datetime) -> tuple[Action, ...]:
        if self.store is None or talk.incident is None or talk.is_question:
            return ()
        try:
            asker = Asker.of(sender, self.store, self.admins, self.quiet)
            incident = self._meant(self.store, None, asker, talk, now)
        except StoreError:
            self.observe("store_error", "step")
            return ()
        if incident is None:
            return ()
        actions = [Action("step", incident.id, sender, str(talk.step + 1))]
        if word is Word.USELESS and talk.step:
            actions.insert(0, Action("note", incident.id, sender, f"第 {talk.step} 步没用"))
        return tuple(actions)


def _number(argument: str) -> tuple[int | None, str]:
    """`12 已修复` and `#12 已修复` are incident 12 and the rest; anything else is all rest."""
    first, _, rest = argument.partition(" ")
    digits = first.removeprefix("#")
    return (int(digits), rest.strip()) if digits.isdecimal() and len(digits) < 10 else (None, argument)


_DID = {
    "open": "转来第一条报警",
    "reopen": "重新打开",
    "claim": "认领",
    "note": "备注",
    "close": "关闭",
    "step": "做到第",
}


def _entry(event: Event, names: MemberNames) -> str:
    what = _DID.get(event.what, event.what)
    detail = f"{event.detail} 步" if event.what == "step" else mask(event.detail or "")
    return " ".join(filter(None, (clock(event.at, dated=True), names.of(event.who), what, detail)))
