"""Finds the few rules that may fit an alert: indexes over sentences and over conditions.

A rule is looked up by the rarest thing that its condition requires: an exact fact, a network, a literal in a text.
Only the rules found so are evaluated. 10,000 rules are a normal load.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import ahocorasick
import re2

from triage.alerts.cleaning import fold
from triage.rules.conditions import Condition, Network, Test, View
from triage.rules.model import Rule

_SQUASHED = re.compile(r"[\s,，、。.\"“”'‘’]+")
_MAX_CACHED_SENTENCES = 256
"""The platform writes a dozen sentences, over and over."""


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


def fits_sentence(rule: Rule, description: str) -> bool:
    """Whether one of the rule's sentences stands in the 内容 line."""
    return any(_in_order(_parts(sentence), squash(description)) for sentence in rule.sentences)


class _IndexedSentence(NamedTuple):
    rule: Rule
    text: str
    parts: tuple[str, ...]
    """The literal texts between its `…`, squashed."""


class SentenceIndex:
    """Rules by their sentences: each is looked up by the literal part that it shares with the fewest others."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        sentences = [_IndexedSentence(rule, text, _parts(text)) for rule in rules for text in rule.sentences]
        shared = Counter(part for sentence in sentences for part in sentence.parts)
        self._by_part: dict[str, list[_IndexedSentence]] = defaultdict(list)
        for sentence in sentences:
            if sentence.parts:
                rarest = min(sentence.parts, key=lambda part: (shared[part], -len(part)))
                self._by_part[rarest].append(sentence)
        self._literals = Literals(self._by_part)
        self.best = lru_cache(maxsize=_MAX_CACHED_SENTENCES)(self._best)

    def _best(self, description: str) -> tuple[Rule, str] | None:
        """The rule whose fitting sentence has the most literal characters, and that sentence."""
        squashed = squash(description)
        fitting = [
            sentence
            for part in self._literals.found_in(squashed)
            for sentence in self._by_part[part]
            if _in_order(sentence.parts, squashed)
        ]
        best = min(fitting, key=_sentence_rank, default=None)
        return (best.rule, best.text) if best else None


def _sentence_rank(sentence: _IndexedSentence) -> tuple[int, int, str, str]:
    rule = sentence.rule
    return -sum(map(len, sentence.parts)), -rule.priority, rule.id, sentence.text


class _Key(NamedTuple):
    """What a rule can be looked up by."""

    how: Literal["equal", "network", "literal", "expression"]
    field: str
    """The fact; `""` for a literal, which may stand in any text."""
    value: str | float | _Network


class _Network(NamedTuple):
    version: int
    bits: int
    prefix: int
    """The first `bits` bits of its addresses."""


class ConditionIndex:
    """Rules of advice by the rarest key that their condition requires."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        conditions = [(rule, rule.when) for rule in rules if rule.when]
        options = [list(_options(condition)) for _, condition in conditions]
        shared = Counter(key for choices in options for keys in choices for key in keys)
        self._always: list[Rule] = []
        self._equal: dict[str, dict[str | float, list[Rule]]] = {}
        self._networks: dict[tuple[str, int, int], dict[int, list[Rule]]] = {}
        self._by_literal: dict[str, list[Rule]] = {}
        expressions: dict[str, dict[str, list[Rule]]] = {}
        for (rule, _), choices in zip(conditions, options, strict=True):
            if not choices:
                self._always.append(rule)
                continue
            for how, field, value in min(choices, key=lambda keys: _cost(keys, shared)):
                if isinstance(value, _Network):
                    by_prefix = self._networks.setdefault((field, value.version, value.bits), {})
                    by_prefix.setdefault(value.prefix, []).append(rule)
                elif how == "equal":
                    self._equal.setdefault(field, {}).setdefault(value, []).append(rule)
                elif how == "literal":
                    self._by_literal.setdefault(str(value), []).append(rule)
                else:
                    expressions.setdefault(field, {}).setdefault(str(value), []).append(rule)
        self._literals = Literals(self._by_literal)
        self._text_fields = sorted({test.field for _, when in conditions for test in _text_tests(when)})
        self._expressions = [
            (field, list(by_expression.values()), _compile_set(by_expression))
            for field, by_expression in expressions.items()
        ]

    def candidates(self, view: View) -> Iterator[Rule]:
        """The rules whose key the facts show, and those without one; each once."""
        seen: set[str] = set()
        yield from self._always
        for rules in self._found(view):
            for rule in rules:
                if rule.id not in seen:
                    seen.add(rule.id)
                    yield rule

    def _found(self, view: View) -> Iterator[list[Rule]]:
        """The rules of each key that the facts show."""
        for field, by_value in self._equal.items():
            fact = view.facts.get(field)
            if isinstance(fact, (int, float)):
                yield by_value.get(float(fact), [])
            elif fact is not None:
                yield from (by_value.get(text, []) for text in view.folded(field))
        for (field, version, bits), by_prefix in self._networks.items():
            address = view.address(field)
            if address is not None and address.version == version:
                yield by_prefix.get(int(address) >> (address.max_prefixlen - bits), [])
        if self._literals:
            haystack = "\n".join([text for field in self._text_fields for text in view.folded(field)])
            yield from (self._by_literal[literal] for literal in self._literals.found_in(haystack))
        for field, rules, compiled in self._expressions:
            for text in view.folded(field):
                yield from (rules[index] for index in compiled.Match(text) or ())


def _options(condition: Condition) -> Iterator[list[_Key]]:
    """Lists of keys: every alert of which the condition holds shows at least one key of each list."""
    for test in condition.tests:
        yield from _test_options(test)
    if condition.any:
        parts = [next(_options(part), None) for part in condition.any]
        if all(parts):
            yield [key for keys in parts if keys for key in keys]


def _test_options(test: Test) -> Iterator[list[_Key]]:
    if test.op == "":
        yield [_Key("equal", test.field, value) for value in test.values]
    elif test.op == "cidr":
        yield [_network_key(test.field, network) for network in test.values]
    elif test.op in ("contains", "startswith", "endswith") and all(test.values):
        yield [_Key("literal", "", value) for value in test.values]
    elif test.op == "regex":
        literals = [max(required_literals(value), key=len, default="") for value in test.values]
        if all(len(literal) > 1 for literal in literals):
            yield [_Key("literal", "", literal) for literal in literals]
        else:
            yield [_Key("expression", test.field, value) for value in test.values]


def _network_key(field: str, network: Network) -> _Key:
    bits = network.prefixlen
    prefix = int(network.network_address) >> (network.max_prefixlen - bits)
    return _Key("network", field, _Network(network.version, bits, prefix))


def _cost(keys: list[_Key], shared: Mapping[_Key, int]) -> tuple[int, int, int]:
    """How many rules a list of keys would bring up; long literals are rarer in texts than short ones."""
    expressions = sum(key.how == "expression" for key in keys)
    return expressions, sum(shared[key] for key in keys), -min(_rarity(key) for key in keys)


def _rarity(key: _Key) -> int:
    return len(str(key.value.prefix if isinstance(key.value, _Network) else key.value))


def _text_tests(condition: Condition) -> Iterator[Test]:
    for test in condition.tests:
        if test.op in ("contains", "startswith", "endswith", "regex"):
            yield test
    for part in condition.any:
        yield from _text_tests(part)


def required_literals(expression: str) -> list[str]:
    """The folded texts that every match of an RE2 expression contains; none where they are not easy to find.

    `re2.Filter` does the same, but fails to compile some ten thousand expressions: its memory limit cannot be raised.
    """
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
"""Classes by name, and characters by number."""


def _has_case(atom: str) -> bool:
    """Whether RE2 may match a letter in more forms than folding unifies (`σ` matches `ς`)."""
    return not atom.isascii() and atom.lower() != atom.upper()


def _compile_set(expressions: Iterable[str]) -> Any:
    """One RE2 set of the expressions; `Match` gives the places of those that a text matches."""
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = _MAX_SET_BYTES
    compiled = re2.Set.SearchSet(options)
    for expression in expressions:
        compiled.Add(expression)
    compiled.Compile()
    return compiled


_MAX_SET_BYTES = 64 << 20
"""Memory that RE2 may use for the expressions on one fact."""


class Literals:
    """Many literal texts, all found in one pass over a text (Aho-Corasick)."""

    def __init__(self, literals: Iterable[str]) -> None:
        self._automaton = ahocorasick.Automaton()
        for literal in literals:
            self._automaton.add_word(literal, literal)
        if self._automaton:
            self._automaton.make_automaton()

    def __bool__(self) -> bool:
        return bool(self._automaton)

    def found_in(self, text: str) -> set[str]:
        """The literals that stand in the text; they must be folded like the text."""
        return {literal for _, literal in self._automaton.iter(text)} if self and text else set()
