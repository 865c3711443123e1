"""Which rules fit an alert, best first, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from triage.alerts.causes import Cause, find_causes
from triage.alerts.facts import Fact, facts_of
from triage.alerts.parser import Alert
from triage.platform.pushes import AlertedPush
from triage.rules.conditions import Because, Test, View, first_failure, holds, passing_tests, prove
from triage.rules.index import ConditionIndex, SentenceIndex, fits_sentence
from triage.rules.model import MARK_FAIL, Rule, RuleSet
from triage.wording import Wording

UNKNOWN = "unknown"
"""The kind of an alert that no rule names."""


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that fits an alert."""

    rule: Rule
    alert: Alert
    sentence: str | None = None
    """The sentence of the rule that stands in the 内容 line; None where conditions alone fit."""
    held: tuple[tuple[Test, View], ...] = ()
    """The tests that held, each with the facts of which it held."""

    @property
    def because(self) -> tuple[Because, ...]:
        """What made it fit, each with the words that prove it and their place in the alert's text."""
        proofs = [prove(test, view) for test, view in self.held]
        if self.sentence is not None:
            proofs.insert(0, Because(f"内容: {self.sentence}", self.alert.description))
        return tuple(_located(proof, self.alert.text) for proof in proofs)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """An alert with its kind, what its sample proves, and the rules that fit it."""

    alert: Alert
    kind: str
    """The id of the rule that names it, or `UNKNOWN`."""
    causes: tuple[Cause, ...]
    facts: Mapping[str, Fact]
    matches: tuple[Match, ...]
    """Best first."""

    @property
    def best(self) -> Rule | None:
        """The rule that leads: its steps come first."""
        return self.matches[0].rule if self.matches else None

    @property
    def title(self) -> str:
        """What heads the reply: the kind, and behind it the rule that leads where that is another; else `UNKNOWN`."""
        named = [match for match in self.matches if match.rule.id == self.kind != UNKNOWN]
        titles = dict.fromkeys(match.rule.title for match in (*named, *self.matches[:1]))
        return " · ".join(titles) or UNKNOWN

    def as_json(self) -> dict[str, Any]:
        """The contract's JSON of one alert."""
        alert = self.alert
        return {
            "kind": self.kind,
            "appid": alert.appid,
            "nickname": alert.nickname,
            "first_seen": alert.first_seen.isoformat() if alert.first_seen else None,
            "description": alert.description,
            "window_minutes": alert.window_minutes,
            "count": alert.count,
            "sample": alert.sample.known(),
            "guide_url": alert.guide_url,
            "causes": [cause.id for cause in self.causes],
            **({} if alert.doubtful is None else {"doubtful": list(alert.doubtful)}),
        }


class Matcher:
    """Matches alerts against a rule set. Building an index over 10,000 rules takes about 0.2 s."""

    def __init__(self, rule_set: RuleSet) -> None:
        self.rule_set = rule_set
        self._sentences = SentenceIndex(rule_set.rules)
        self._signs = [rule for rule in rule_set.rules if rule.signs]
        self._advice = ConditionIndex(rule_set.rules)

    def match(self, alert: Alert, log_status: tuple[str, ...] = ()) -> Diagnosis:
        """The kind, the causes and all fitting rules of an alert; `log_status`: what log lines beside it say."""
        named = self._name(alert)
        kind = named.rule.id if named else UNKNOWN
        about = named.rule.push if named else AlertedPush.MESSAGE
        causes = find_causes(alert.sample, about, is_exact=alert.doubtful is None)
        facts = facts_of(alert, kind, [cause.id for cause in causes], looks_back=kind == MARK_FAIL)
        if log_status:
            facts["log_status"] = log_status
        view = View(facts)
        matches = [named] if named else []
        for rule in self.candidates(view):
            tests = passing_tests(rule.when, view)
            if tests is None or (rule.unless is not None and holds(rule.unless, view)):
                continue
            held = tuple((test, view) for test in tests)
            if named and rule is named.rule:
                matches[0] = Match(rule, alert, named.sentence, named.held + held)
            else:
                matches.append(Match(rule, alert, held=held))
        if len(matches) > 1:
            matches.sort(key=_rank)
        return Diagnosis(alert, kind, causes, facts, tuple(matches))

    def candidates(self, view: View) -> Iterator[Rule]:
        """The rules of advice that may fit these facts: all that do fit, and few others."""
        return self._advice.candidates(view)

    def _name(self, alert: Alert) -> Match | None:
        """The rule that names the kind: by its sentence, or by its signs where the 内容 line is missing."""
        if alert.description is not None:
            best = self._sentences.best(alert.description)
            return Match(best[0], alert, best[1]) if best else None
        view = View(facts_of(alert, "", ()))
        signs = [(rule, passing_tests(rule.signs, view)) for rule in self._signs]
        found = [
            Match(rule, alert, held=tuple((test, view) for test in tests))
            for rule, tests in signs
            if tests is not None
        ]
        return min(found, key=_rank, default=None)

    def why_not(self, diagnosis: Diagnosis, rule: Rule) -> str | None:
        """Why a rule does not fit an alert, in words; None if it fits."""
        if any(match.rule.id == rule.id for match in diagnosis.matches):
            return None
        view = View(diagnosis.facts)
        if rule.when:
            reason = first_failure(rule.when, view)
            return reason or Wording(
                "unless: {tests}", tests=", ".join(map(str, passing_tests(rule.unless, view) or ()))
            )
        if rule.sentences and diagnosis.alert.description is not None:
            return (
                Wording("another sentence fits better")
                if fits_sentence(rule, diagnosis.alert.description)
                else Wording("no sentence fits")
            )
        if rule.signs:
            return first_failure(rule.signs, view) or Wording("another rule's signs fit better")
        return (
            Wording("the alert has no description")
            if rule.sentences
            else Wording("a topic to ask for, not for alerts")
        )


def _rank(match: Match) -> tuple[int, int, bool, str]:
    rule = match.rule
    return -rule.priority, -(rule.when.size if rule.when else 0), not rule.names_kind, rule.id


def _located(proof: Because, text: str) -> Because:
    """The proof with the place of its words in the text, where they can be found."""
    return replace(proof, span=_find(proof.found, text)) if proof.found else proof


def _find(found: str, text: str) -> tuple[int, int] | None:
    """Where the words stand in the text. A bare number counts only if it stands there once."""
    words = found.removesuffix("…")
    if _DIGITS.fullmatch(words):
        places = [
            match.span() for match in re.finditer(rf"(?<![\w.:-]){re.escape(words)}(?![A-Za-z0-9.:-])", text)
        ]
        return places[0] if len(places) == 1 else None
    start = text.find(words)
    return (start, start + len(words)) if start >= 0 else None


_DIGITS = re.compile(r"[\d.]+")
