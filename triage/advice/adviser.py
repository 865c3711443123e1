"""A text and its answer, without a memory: parse, match, render."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from triage.advice.pasted import is_evidence, told
from triage.advice.query import Asked, TopicIndex
from triage.advice.rendering import Page, Renderer, led, steps_of, unread_excerpt
from triage.advice.several import with_own_checklist, worst, worst_first
from triage.advice.shown_steps import ShownStep, shown_steps
from triage.advice.ticks import Lines
from triage.alerts.facts import log_statuses
from triage.alerts.ocr_damage import parse_picture
from triage.alerts.parser import Reading, parse
from triage.errors import TextTooLargeError
from triage.evidence.causes import NamedCause
from triage.evidence.judgement import Part
from triage.message import PageSize
from triage.rules.conditions import View, holds
from triage.rules.matching import Diagnosis, Matcher
from triage.rules.model import RuleSet, Step

_LEAD_STEPS = 3
"""Steps of the alert that led to this one, shown before its own."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole reply to a text, and what it rests on."""

    pages: tuple[str, ...]
    diagnoses: tuple[Diagnosis, ...] = ()
    """The alerts of the text, in order of appearance."""
    topic: str | None = None
    """The rule that leads: the kind of the worst alert, or the topic that the text asks for."""
    asked: Asked = field(default_factory=Asked)
    parts: tuple[Part, ...] = ()
    """The output of tools in the text."""

    def as_json(self) -> dict[str, Any]:
        """The contract's JSON of `ask`."""
        matches = [
            (match.rule.id, match.because) for diagnosis in self.diagnoses for match in diagnosis.matches
        ]
        return {
            "reply": self.pages[0],
            "pages": list(self.pages),
            "alerts": [diagnosis.as_json() for diagnosis in self.diagnoses],
            "topic": self.topic,
            "topics": [self.topic] if self.diagnoses else [item.rule.id for item in self.asked.candidates],
            "facts": dict(self.asked.facts),
            "parts": [part.as_json() for part in self.parts],
            "matches": [
                *(
                    {"rule": id_, "because": "; ".join(item.test for item in because)}
                    for id_, because in matches
                ),
                *(
                    {"rule": item.rule.id, "because": "; ".join(item.because)}
                    for item in self.asked.candidates
                ),
            ],
        }


@dataclass(frozen=True, slots=True)
class Understood:
    """A text as it was understood: its alerts, or the output of tools, or the words of a question."""

    reading: Reading
    diagnoses: tuple[Diagnosis, ...] = ()
    """The alerts in it; where there is one, nothing else is answered."""
    asked: Asked = field(default_factory=Asked)
    """The topics that the words ask for; none where the text is the output of tools."""
    parts: tuple[Part, ...] = ()
    """The output of tools in it."""
    is_evidence: bool = False
    """Whether that output is what is answered, and not the words."""


class Adviser:
    """Answers texts by one rule set."""

    def __init__(self, rules: RuleSet, renderer: Renderer) -> None:
        self.rules = rules
        self._matcher = Matcher(rules)
        self._names: TopicIndex | None = None
        self._use(renderer)

    def _use(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self.say = renderer.say
        self.story = renderer.story
        self.alert_list = renderer.alert_list
        self.alike = renderer.alike

    @property
    def page_size(self) -> PageSize:
        """The largest page of the channel that the answers are made for."""
        return self._renderer.page_size

    def for_pages(self, size: PageSize) -> Adviser:
        """The same adviser for a channel with another size of page; rules and indexes are shared."""
        return self if size == self._renderer.page_size else self.worded_by(self._renderer.for_pages(size))

    def worded_by(self, renderer: Renderer) -> Adviser:
        """A copy of this adviser that renders its answers by another renderer and shares rules and indexes."""
        self._topics()  # built once for all of them
        other = copy.copy(self)
        other._use(renderer)
        return other

    def _topics(self) -> TopicIndex:
        if self._names is None:
            self._names = TopicIndex(self.rules)
        return self._names

    def diagnose(self, text: str, *, is_picture: bool = False) -> tuple[Reading, tuple[Diagnosis, ...]]:
        """The alerts of a text, each with what the rules make of it. Raises TextTooLargeError.

        Of a text that was read from a picture they say what is doubtful.
        """
        reading = parse_picture(text) if is_picture else parse(text)
        return reading, self.judge_alerts(reading)

    def judge_alerts(self, reading: Reading) -> tuple[Diagnosis, ...]:
        """What the rules make of each alert of a text that was read already."""
        statuses = log_statuses(reading)
        return tuple(self._matcher.match(alert, statuses) for alert in reading.alerts)

    def ask(self, text: str) -> Asked:
        """The topics that typed words ask for, or the cited item (`R4`, `4.b`) that no topic is called."""
        asked = self._topics().ask(text)
        source = None if asked.is_exact else self._renderer.sources.typed(text)
        return Asked(source=source) if source else asked

    def nearest(self, text: str) -> tuple[str, ...]:
        """The ids of the topics nearest to a text, however far they are: hints for rule authors."""
        return self._topics().nearest(text)

    def answer(self, text: str, *, is_picture: bool = False) -> Answer:
        """The whole reply to a text: to its alerts, else to what it asks for, else a short hint."""
        try:
            read = self.understand(text, is_picture=is_picture)
        except TextTooLargeError as exc:
            return Answer((f"这段文字有 {exc.size:,} 个字，最多读 {exc.limit:,} 个；请只发报警那一段",))
        pages = tuple(page.text for page in self.pages(read))
        topic = read.asked.topic.id if read.asked.topic and read.asked.is_clear else None
        topic = worst(read.diagnoses).kind if read.diagnoses else topic
        return Answer(pages, read.diagnoses, topic, read.asked, read.parts)

    def understand(self, text: str, *, is_picture: bool = False) -> Understood:
        """What a text is: alerts, else the output of tools, else words. Raises TextTooLargeError."""
        reading, diagnoses = self.diagnose(text, is_picture=is_picture)
        if diagnoses:
            return Understood(reading, diagnoses)
        from triage.evidence.judge import judge  # the readers of all tools, which an alert does not need

        asked, parts = self.ask(text), judge(text)
        if is_evidence(text, parts, asked):
            return Understood(reading, parts=parts, is_evidence=True)
        return Understood(reading, asked=asked, parts=parts)

    def pages(self, read: Understood) -> Iterator[Page]:
        """The pages of the whole reply, made as they are asked for."""
        if read.diagnoses:
            yield from self.alert_pages(read.reading, read.diagnoses)
        elif read.is_evidence:
            yield Page(self.evidence_page(read.parts))
        else:
            yield from self.topic_pages(read.asked)

    def evidence_page(
        self,
        parts: tuple[Part, ...],
        incident: int | None = None,
        cause: NamedCause | None = None,
        answered: Sequence[str] = (),
        next_step: int | None = None,
    ) -> str:
        """What pasted output of tools proves, the incident that it is kept at, and the cause that several name.

        `answered` are the steps that it decides, `next_step` is the number of the one that comes next.
        """
        shown = [told(part, self.rules) for part in parts]
        return self.say(
            "evidence", parts=shown, incident=incident, cause=cause, answered=answered, next_step=next_step
        )

    def alert_pages(
        self,
        reading: Reading,
        diagnoses: tuple[Diagnosis, ...],
        *,
        story: str = "",
        lead: str | None = None,
        skip: int = 0,
        now: datetime | None = None,
        parts: Sequence[Part] = (),
    ) -> Iterator[Page]:
        """The pages for a text's alerts, made as they are asked for.

        Of a single alert, `story` is what is known from before, `lead` the kind of the alert that led to it, whose
        first steps come first, `skip` how many steps have been shown already, `now` what its age is told by, and
        `parts` the evidence that its steps are ticked by.
        """
        unread = unread_excerpt(reading)
        if len(diagnoses) == 1:
            yield from self.checklist(
                diagnoses[0], unread=unread, story=story, lead=lead, skip=skip, now=now, parts=parts
            )
        else:
            yield from self._renderer.several(diagnoses, self.rules, unread)

    def checklist(
        self,
        diagnosis: Diagnosis,
        *,
        unread: str = "",
        story: str = "",
        lead: str | None = None,
        skip: int = 0,
        now: datetime | None = None,
        parts: Sequence[Part] = (),
    ) -> Iterator[Page]:
        """The pages for one alert, as `alert_pages` gives them for a single one."""
        first = self._lead(lead, diagnosis)
        yield from self._renderer.alert(diagnosis, self.rules, unread, story, first, skip, now, parts)

    def _lead(self, kind: str | None, diagnosis: Diagnosis) -> tuple[Step, ...]:
        """The first steps of the kind that led to this alert, chosen by this alert's own sample."""
        rule = self.rules.get(kind) if kind else None
        if rule is None:
            return ()
        view = View({**diagnosis.facts, "kind": rule.id})
        return tuple(step for step in rule.steps if holds(step.when, view))[:_LEAD_STEPS]

    def topic_pages(self, asked: Asked, *, skip: int = 0, parts: Sequence[Part] = ()) -> Iterator[Page]:
        """The pages for typed words: a cited item, a topic, a choice of topics, or the short hint.

        The first `skip` steps of a topic are left out, and its head with them; `parts` tick its steps.
        """
        if asked.source:
            yield Page(self._renderer.source(asked.source, self.rules))
        elif asked.topic is None:
            yield Page(self.say("hint"))
        elif asked.is_clear:
            yield from self._renderer.topic(asked.topic, asked, self.rules, skip, parts)
        else:
            yield Page(self._renderer.choice(asked))

    def steps(
        self, text: str, lead: str | None = None, chosen: int = 0, parts: Sequence[Part] = ()
    ) -> Lines | None:
        """The steps for an alert of a text or the topic it asks for, ticked by `parts`; None if it is about neither.

        Of several alerts it is the `chosen` one, by its number in the list, or the worst for 0.
        """
        _, diagnoses = self.diagnose(text)
        if diagnoses:
            meant = worst_first(diagnoses)[max(0, chosen - 1)]
            return self._renderer.alert_steps(meant, self._lead(lead, meant), parts)
        asked = self.ask(text)
        if asked.topic is None or not asked.is_clear:
            return None
        return self._renderer.topic_steps(asked.topic, asked, parts)

    def shown_steps(
        self, text: str, lead: str | None = None, chosen: int = 0, parts: Sequence[Part] = ()
    ) -> tuple[ShownStep, ...]:
        """The steps of `steps` as values, for a page; none if the text is about neither alert nor topic."""
        _, diagnoses = self.diagnose(text)
        if diagnoses:
            meant = worst_first(diagnoses)[max(0, chosen - 1)]
            return shown_steps(led(meant, self._lead(lead, meant)), meant.facts, parts)
        asked = self.ask(text)
        if asked.topic is None:
            return ()
        return shown_steps(steps_of(asked.topic, asked.facts), {"kind": asked.topic.id, **asked.facts}, parts)

    def why(self, text: str, lead: str | None = None, chosen: int = 0) -> tuple[str, ...]:
        """Which rule answered the text's alerts or its question, and why; empty if it has neither.

        Several alerts are explained in the order in which `alert_pages` shows their checklists, the first with what
        led to it; or only the `chosen` one, by its number in the list.
        """
        _, diagnoses = self.diagnose(text)
        if diagnoses:
            explained = (
                worst_first(diagnoses)[chosen - 1 : chosen] if chosen else with_own_checklist(diagnoses)
            )
            pages = (
                self._renderer.why(diagnosis, () if place else self._lead(lead, diagnosis))
                for place, diagnosis in enumerate(explained)
            )
            return tuple(page.text for several in pages for page in several)
        asked = self.ask(text)
        if not asked.is_clear:
            return ()
        return tuple(page.text for page in self._renderer.why_topic(asked))

    def why_not(self, diagnosis: Diagnosis) -> list[tuple[str, str]]:
        """Every other rule about alerts with the reason why it does not fit."""
        reasons = ((rule, self._matcher.why_not(diagnosis, rule)) for rule in self.rules.rules)
        return [(rule.id, reason) for rule, reason in reasons if reason and (rule.sentences or rule.when)]
