"""Which rules fit an alert, best first, and why: an index in front of the conditions.

A rule is looked up by the rarest thing it cannot do without: an exact fact, a network, a literal in a text. Only the
rules so found have their conditions evaluated; the rest cannot match. 10,000 rules are a normal load.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import ahocorasick
import re2

from triage.alerts.causes import Cause, find_causes
from triage.alerts.cleaning import fold
from triage.alerts.facts import Fact, facts_of
from triage.alerts.parser import Alert
from triage.platform.pushes import AlertedPush
from triage.rules.conditions import Because, Condition, Test, View, first_failure, holds, passing_tests, prove
from triage.rules.parser import Rule, RuleSet

UNKNOWN = "unknown"
"""The kind of an alert that no rule names."""


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that fits, and what made it fit: a sentence that fits the 内容 line, and tests that held of a view."""

    rule: Rule
    alert: Alert
    sentence: str | None = None
    held: tuple[tuple[Test, View], ...] = ()

    @property
    def because(self) -> tuple[Because, ...]:
        """What made it fit, each with the words and their place in the alert; looked for only when asked for."""
        proofs = [prove(test, view) for test, view in self.held]
        if self.sentence is not None:
            proofs.insert(0, Because(f"内容: {self.sentence}", self.alert.description))
        return tuple(_located(proof, self.alert.text) for proof in proofs)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What the rules make of one alert: `matches` best first."""

    alert: Alert
    kind: str
    causes: tuple[Cause, ...]
    facts: Mapping[str, Fact]
    matches: tuple[Match, ...]

    @property
    def best(self) -> Rule | None:
        return self.matches[0].rule if self.matches else None

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
        }


class Matcher:
    """An index over a rule set; building it costs time, matching hardly any."""

    def __init__(self, rule_set: RuleSet) -> None:
        self.rule_set = rule_set
        self._sentences = _SentenceIndex([rule for rule in rule_set.rules if rule.sentences])
        self._signs = [rule for rule in rule_set.rules if rule.signs]
        self._advice = _ConditionIndex([rule for rule in rule_set.rules if rule.when])

    def match(self, alert: Alert) -> Diagnosis:
        """The kind, the causes and all fitting rules of an alert."""
        named = self._name(alert)
        kind = named.rule.id if named else UNKNOWN
        causes = find_causes(alert.sample, named.rule.push if named else AlertedPush.MESSAGE)
        facts = facts_of(alert, kind, [cause.id for cause in causes])
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
        """The rules of advice that may fit these facts: all that do, and few that do not."""
        return self._advice.candidates(view)

    def _name(self, alert: Alert) -> Match | None:
        """The rule that names the kind: by the 内容 sentence, or by signs where that line is missing."""
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
        """Why a rule does not fit an alert, in words; None if it does."""
        if any(match.rule.id == rule.id for match in diagnosis.matches):
            return None
        view = View(diagnosis.facts)
        if rule.when:
            reason = first_failure(rule.when, view)
            return reason or f"unless: {', '.join(map(str, passing_tests(rule.unless, view) or ()))}"
        if rule.sentences and diagnosis.alert.description is not None:
            return (
                "another sentence fits better"
                if _fits(rule, diagnosis.alert.description)
                else "no sentence fits"
            )
        if rule.signs:
            return first_failure(rule.signs, view) or "another rule's signs fit better"
        return "the alert has no 内容 line" if rule.sentences else "a topic to ask for, not for alerts"


def _rank(match: Match) -> tuple[int, int, bool, str]:
    rule = match.rule
    return -rule.priority, -(rule.when.size if rule.when else 0), not rule.names_kind, rule.id


def _located(proof: Because, text: str) -> Because:
    """The proof with the place of its words in the alert."""
    return replace(proof, span=_find(proof.found, text)) if proof.found else proof


def _find(found: str, text: str) -> tuple[int, int] | None:
    words = found.removesuffix("…")
    if _DIGITS.fullmatch(words):
        places = [
            match.span() for match in re.finditer(rf"(?<![\w.:-]){re.escape(words)}(?![A-Za-z0-9.:-])", text)
        ]
        return places[0] if len(places) == 1 else None
    start = text.find(words)
    return (start, start + len(words)) if start >= 0 else None


_DIGITS = re.compile(r"[\d.]+")
"""A bare number: it may stand in a text for many things, so its place is known only if it stands there once."""
_SQUASHED = re.compile(r"[\s,，、。.\"“”'‘’]+")


def squash(sentence: str) -> str:
    """A sentence for comparing: folded, without white space, commas, full stops and quotation marks."""
    return _SQUASHED.sub("", fold(sentence))


def _parts(sentence: str) -> tuple[str, ...]:
    return tuple(part for piece in sentence.split("…") if (part := squash(piece)))


def _in_order(parts: Iterable[str], text: str) -> bool:
    position = 0
    for part in parts:
        position = text.find(part, position)
        if position < 0:
            return False
        position += len(part)
    return True


def _fits(rule: Rule, description: str) -> bool:
    return any(_in_order(_parts(sentence), squash(description)) for sentence in rule.sentences)


_SENTENCES = 256
"""The platform writes a dozen sentences, over and over; so many are kept with the rule that names them."""


class _SentenceIndex:
    """Sentences by one of their literal parts, the one that the fewest sentences share."""

    def __init__(self, rules: list[Rule]) -> None:
        sentences = [(rule, text, _parts(text)) for rule in rules for text in rule.sentences]
        shared = Counter(part for _, _, parts in sentences for part in parts)
        self._by_part: dict[str, list[tuple[Rule, str, tuple[str, ...]]]] = defaultdict(list)
        for rule, text, parts in sentences:
            if parts:
                rarest = min(parts, key=lambda part: (shared[part], -len(part)))
                self._by_part[rarest].append((rule, text, parts))
        self._literals = Literals(self._by_part)
        self.best = lru_cache(maxsize=_SENTENCES)(self._best)

    def _best(self, description: str) -> tuple[Rule, str] | None:
        """The rule whose fitting sentence has the most literal characters, and that sentence."""
        squashed = squash(description)
        fitting = [
            (-sum(map(len, parts)), -rule.priority, rule.id, text, rule)
            for part in self._literals.found_in(squashed)
            for rule, text, parts in self._by_part[part]
            if _in_order(parts, squashed)
        ]
        if not fitting:
            return None
        *_, text, rule = min(fitting, key=lambda item: item[:4])
        return rule, text


_Key = tuple[Any, ...]
"""What a rule is looked up by: ("=", fact, value), ("net", fact, version, bits, network), ("has", literal),
("re", fact, expression)."""


class _ConditionIndex:
    """Rules by the rarest key that their condition cannot do without."""

    def __init__(self, rules: list[Rule]) -> None:
        options = [list(_options(rule.when)) for rule in rules if rule.when]
        shared = Counter(key for choices in options for keys in choices for key in keys)
        self._by_key: dict[_Key, list[Rule]] = defaultdict(list)
        self._always: list[Rule] = []
        for rule, choices in zip(rules, options, strict=True):
            if not choices:
                self._always.append(rule)
                continue
            for key in min(choices, key=lambda keys: _cost(keys, shared)):
                self._by_key[key].append(rule)
        self._exact = {key[1] for key in self._by_key if key[0] == "="}
        self._networks = {key[1:4] for key in self._by_key if key[0] == "net"}
        self._literals = Literals(key[1] for key in self._by_key if key[0] == "has")
        self._texts = sorted({test.field for rule in rules if rule.when for test in _texts(rule.when)})
        self._sets = list(_sets(self._by_key))

    def candidates(self, view: View) -> Iterator[Rule]:
        """The rules whose key the facts show, and those without one; each once."""
        seen: set[str] = set()
        yield from self._always
        for key in self._keys(view):
            for rule in self._by_key.get(key, ()):
                if rule.id not in seen:
                    seen.add(rule.id)
                    yield rule

    def _keys(self, view: View) -> list[_Key]:
        keys: list[_Key] = []
        for field in self._exact:
            fact = view.facts.get(field)
            if isinstance(fact, (int, float)):
                keys.append(("=", field, float(fact)))
            elif fact is not None:
                keys += [("=", field, text) for text in view.folded(field)]
        for field, version, bits in self._networks:
            address = view.address(field)
            if address is not None and address.version == version:
                keys.append(("net", field, version, bits, int(address) >> (address.max_prefixlen - bits)))
        if self._literals:
            haystack = "\n".join([text for field in self._texts for text in view.folded(field)])
            keys += [("has", literal) for literal in self._literals.found_in(haystack)]
        for field, expressions, compiled in self._sets:
            for text in view.folded(field):
                keys += [("re", field, expressions[index]) for index in compiled.Match(text) or ()]
        return keys


def _options(condition: Condition) -> Iterator[list[_Key]]:
    """Every list of keys of which a matching alert must show at least one."""
    for test in condition.tests:
        yield from _test_options(test)
    if condition.any:
        parts = [next(_options(part), None) for part in condition.any]
        if all(parts):
            yield [key for keys in parts if keys for key in keys]


def _test_options(test: Test) -> Iterator[list[_Key]]:
    if test.op == "":
        yield [("=", test.field, value) for value in test.values]
    elif test.op == "cidr":
        yield [_network_key(test.field, network) for network in test.values]
    elif test.op in ("contains", "startswith", "endswith") and all(test.values):
        yield [("has", value) for value in test.values]
    elif test.op == "regex":
        literals = [max(required_literals(value), key=len, default="") for value in test.values]
        if all(len(literal) > 1 for literal in literals):
            yield [("has", literal) for literal in literals]
        else:
            yield [("re", test.field, value) for value in test.values]


def _network_key(field: str, network: Any) -> _Key:
    bits = network.prefixlen
    return "net", field, network.version, bits, int(network.network_address) >> (network.max_prefixlen - bits)


def _cost(keys: list[_Key], shared: Mapping[_Key, int]) -> tuple[int, int, int]:
    """How many rules a list of keys would bring up; long literals are rarer in texts than short ones."""
    loose = sum(key[0] == "re" for key in keys)
    return loose, sum(shared[key] for key in keys), -min(len(str(key[-1])) for key in keys)


def _texts(condition: Condition) -> Iterator[Test]:
    for test in condition.tests:
        if test.op in ("contains", "startswith", "endswith", "regex"):
            yield test
    for part in condition.any:
        yield from _texts(part)


def required_literals(expression: str) -> list[str]:
    """The texts, folded, that every match of an RE2 expression holds; none where that is not plain to see."""
    runs: list[str] = [""]
    position = depth = 0
    for match in _ATOM.finditer(expression):
        if match.start() != position:
            return []
        position = match.end()
        atom = match[0]
        if atom in "()":
            depth += 1 if atom == "(" else -1
            runs.append("")
        elif atom == "\\Q":
            return []
        elif depth:
            continue
        elif atom == "|" or _OBSCURE.match(atom):
            return []
        elif atom in "*?" or re.match(r"\{\d", atom):
            runs[-1] = runs[-1] if re.match(r"\{[1-9]", atom) else runs[-1][:-1]
            runs.append("")
        elif atom[0] in "[.^$+" or (atom[0] == "\\" and atom[1].isalnum()) or _has_case(atom):
            runs.append("")
        else:
            runs[-1] += fold(atom[-1])
    return [run for run in runs if run] if position == len(expression) and depth == 0 else []


_ATOM = re.compile(r"\\.|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]|\{\d+(?:,\d*)?\}|.", re.DOTALL)
_OBSCURE = re.compile(r"\\[pPx\d]")
"""Classes by name and characters by number."""


def _has_case(atom: str) -> bool:
    """Whether RE2 may find a letter in more shapes than folding knows (`σ` fits `ς`)."""
    return not atom.isascii() and atom.lower() != atom.upper()


def _sets(keys: Iterable[_Key]) -> Iterator[tuple[str, list[str], Any]]:
    """One RE2 set for each fact that has expressions without a literal."""
    by_field: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        if key[0] == "re":
            by_field[key[1]].append(key[2])
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = 64 << 20
    for field, expressions in by_field.items():
        compiled = re2.Set.SearchSet(options)
        for expression in expressions:
            compiled.Add(expression)
        compiled.Compile()
        yield field, expressions, compiled


class Literals:
    """Many literal texts, all found in one pass over a text."""

    def __init__(self, literals: Iterable[str]) -> None:
        self._automaton = ahocorasick.Automaton()
        for literal in literals:
            self._automaton.add_word(literal, literal)
        if self._automaton:
            self._automaton.make_automaton()

    def __bool__(self) -> bool:
        return bool(self._automaton)

    def found_in(self, text: str) -> set[str]:
        """The literals that stand in the text; both must be folded the same way."""
        return {literal for _, literal in self._automaton.iter(text)} if self and text else set()
