"""The way of a message, in order: read, match, render. The one place that knows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from jinja2 import TemplateError

from triage.alert import Reading, parse
from triage.errors import TextTooLargeError
from triage.matching import Matched, Matcher
from triage.query import Asked, Names
from triage.rendering import Renderer, plain, unread_excerpt, worst
from triage.rules import RuleSet


@dataclass(frozen=True, slots=True)
class Answer:
    """What the bot says to a text: its pages, the alerts it read, the topic it took the text for."""

    pages: tuple[str, ...]
    alerts: tuple[Matched, ...] = ()
    topic: str | None = None
    asked: Asked = field(default_factory=Asked)

    def as_json(self) -> dict[str, Any]:
        """The contract's JSON of `ask`."""
        matches = [(match.rule.id, match.because) for matched in self.alerts for match in matched.matches]
        return {
            "reply": self.pages[0],
            "pages": list(self.pages),
            "alerts": [matched.as_json() for matched in self.alerts],
            "topic": self.topic,
            "matches": [
                *(
                    {"rule": id_, "because": "; ".join(item.test for item in because)}
                    for id_, because in matches
                ),
                *({"rule": item.rule.id, "because": item.because} for item in self.asked.candidates),
            ],
        }


class Bot:
    """Answers texts by one rule set."""

    def __init__(self, rules: RuleSet, renderer: Renderer) -> None:
        self._rules = rules
        self._renderer = renderer
        self._matcher = Matcher(rules)
        self._names: Names | None = None

    def read(self, text: str) -> tuple[Reading, tuple[Matched, ...]]:
        """The alerts of a text, each with what the rules make of it. Raises TextTooLargeError."""
        reading = parse(text)
        return reading, tuple(self._matcher.match(alert) for alert in reading.alerts)

    def answer(self, text: str) -> Answer:
        """The reply to a text: to its alerts, else to what it asks for, else a short hint."""
        try:
            reading, alerts = self.read(text)
        except TextTooLargeError as exc:
            return Answer((f"这段文字有 {exc.size:,} 个字，最多读 {exc.limit:,} 个；请只发报警那一段",))
        if alerts:
            return Answer(self._alert_pages(alerts, unread_excerpt(reading)), alerts, worst(alerts).kind)
        return self._answer_query(text)

    def why(self, text: str) -> tuple[str, ...]:
        """Which rule answered the text's alerts, and why."""
        _, alerts = self.read(text)
        return tuple(page for matched in alerts for page in self._renderer.why(matched))

    def why_not(self, matched: Matched) -> list[tuple[str, str]]:
        """Every other rule about alerts with the reason why it does not fit."""
        reasons = ((rule, self._matcher.why_not(matched, rule)) for rule in self._rules.rules)
        return [(rule.id, reason) for rule, reason in reasons if reason and (rule.sentences or rule.when)]

    def _alert_pages(self, alerts: tuple[Matched, ...], unread: str) -> tuple[str, ...]:
        try:
            if len(alerts) == 1:
                return self._renderer.alert(alerts[0], self._rules, unread)
            return self._renderer.several(alerts, self._rules, unread)
        except TemplateError:
            return plain(worst(alerts))

    def _answer_query(self, text: str) -> Answer:
        if self._names is None:
            self._names = Names(self._rules)
        asked = self._names.ask(text)
        if asked.topic is None:
            return Answer(self._renderer.hint())
        pages = (
            self._renderer.topic(asked.topic, self._rules) if asked.is_clear else self._renderer.choice(asked)
        )
        return Answer(pages, (), asked.topic.id, asked)
