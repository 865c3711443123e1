"""Conditions of rules: which tests of an alert's facts hold, and which words prove it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2
import yaml

from triage.alerts.cleaning import fold
from triage.alerts.facts import FACTS, Fact, FactType
from triage.rules.strict_yaml import Reader, similar
from triage.wording import Wording

OPERATORS = ("contains", "startswith", "endswith", "regex", "cidr", "gte", "lte", "exists")
REFERRING = ("kind", "cause", "phrase")
"""Facts whose values are names that rules or the program give, so that another value is never met."""
_TEXT_OPERATORS = ("", "exists", "contains", "startswith", "endswith", "regex")
OPERATORS_FOR = {
    FactType.TEXT: (*_TEXT_OPERATORS, "cidr"),
    FactType.LIST: _TEXT_OPERATORS,
    FactType.NUMBER: ("", "exists", "gte", "lte"),
}
_MAX_PROGRAM = 2_500
"""Instructions of a compiled expression; RE2 stays linear beyond it, but each character costs more."""
_MAX_PROOF = 60
"""Characters of a fact that a proof quotes."""


@dataclass(frozen=True, slots=True)
class Test:
    """One key of a condition; it holds if one of its values fits."""

    field: str
    """The fact."""
    op: str
    """One of OPERATORS, or `""` for equality."""
    values: tuple[Any, ...]
    """Folded texts; floats for numbers; networks for `cidr`; one bool for `exists`."""

    def __str__(self) -> str:
        values = [
            ("no", "yes")[value] if isinstance(value, bool) else _number(value) for value in self.values
        ]
        return f"{self.field}{'|' + self.op if self.op else ''}: {', '.join(map(str, values))}"


@dataclass(frozen=True, slots=True)
class Condition:
    """Tests joined by AND; each group of `any` needs one that holds; none of `none` may hold."""

    tests: tuple[Test, ...]
    any: tuple[Condition, ...] = ()
    none: tuple[Condition, ...] = ()

    @property
    def in_words(self) -> str:
        """Itself on one line: `count|gte: 100, any (ip: 1.2.3.4; host: a.example), not (event: CLICK)`."""
        parts = [*map(str, self.tests)]
        parts += [f"any ({'; '.join(part.in_words for part in self.any)})"] if self.any else []
        parts += [f"not ({part.in_words})" for part in self.none]
        return ", ".join(parts)

    @property
    def size(self) -> int:
        """The number of its tests; of two conditions that hold, the one with more is more specific."""
        return len(self.tests) + sum(part.size for part in self.any + self.none)

    @property
    def fields(self) -> frozenset[str]:
        """The facts whose being so or so makes it true; not those under `not`."""
        return frozenset(test.field for test in self.tests).union(*(part.fields for part in self.any))


@dataclass(frozen=True, slots=True)
class Because:
    """Why a rule fits: a test that held."""

    test: str
    """The test in words."""
    found: str | None = None
    """The words of the alert that prove it."""
    span: tuple[int, int] | None = None
    """Where they stand in the alert's text, if they stand there."""


Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class View:
    """Facts with their folded texts and parsed addresses, each made once, when first asked for."""

    __slots__ = ("_addresses", "_folded", "facts")

    def __init__(self, facts: Mapping[str, Fact]) -> None:
        self.facts = facts
        self._folded: dict[str, tuple[str, ...]] = {}
        self._addresses: dict[str, Address | None] = {}

    def folded(self, field: str) -> tuple[str, ...]:
        """The folded text of a fact, or the texts of a list; empty where it is missing."""
        texts = self._folded.get(field)
        if texts is None:
            fact = self.facts.get(field, ())
            texts = tuple(map(_fold, fact)) if isinstance(fact, tuple) else (_fold(str(fact)),)
            self._folded[field] = texts
        return texts

    def address(self, field: str) -> Address | None:
        """The fact as an address; None if it is not one."""
        if field not in self._addresses:
            try:
                self._addresses[field] = ipaddress.ip_address(str(self.facts.get(field, "")))
            except ValueError:
                self._addresses[field] = None
        return self._addresses[field]


def _fold(text: str) -> str:
    return fold(text).strip()


def passing_tests(condition: Condition | None, view: View) -> tuple[Test, ...] | None:
    """The tests that make a condition true, None if it is false. No condition is true, by no test."""
    if condition is None:
        return ()
    for test in condition.tests:
        if not _is_true(test, view):
            return None
    for part in condition.none:
        if passing_tests(part, view) is not None:
            return None
    if not condition.any:
        return condition.tests
    for part in condition.any:
        held = passing_tests(part, view)
        if held is not None:
            return condition.tests + held
    return None


def holds(condition: Condition | None, view: View) -> bool:
    """Whether a condition is true of the facts. No condition is true."""
    return passing_tests(condition, view) is not None


def first_failure(condition: Condition, view: View) -> str | None:
    """The first part of a condition that is false, in words; None if it holds."""
    for test in condition.tests:
        if not _is_true(test, view):
            fact = view.facts.get(test.field)
            here = Wording("missing") if fact is None else _brief(fact)
            return Wording("{test} (here {here})", test=test, here=here)
    for part in condition.none:
        if (held := passing_tests(part, view)) is not None:
            return Wording("not {tests}", tests=", ".join(map(str, held)))
    if condition.any and all(passing_tests(part, view) is None for part in condition.any):
        return Wording("none of {count} under 'any'", count=len(condition.any))
    return None


def prove(test: Test, view: View) -> Because:
    """The proof of a test that held: the words of the fact that fit."""
    fact = view.facts.get(test.field)
    if fact is None or fact == ():
        return Because(str(test))
    if test.op == "exists":
        return Because(str(test), _brief(fact))
    if test.op == "cidr" or isinstance(fact, (int, float)):
        return Because(str(test), _number(fact))
    if isinstance(fact, tuple):
        fact = next(text for text in view.folded(test.field) if _fits(test.op, text, test.values))
    return Because(str(test), _brief(fact))


def _brief(fact: Fact) -> str:
    text = "、".join(fact) if isinstance(fact, tuple) else str(fact)
    return text if len(text) <= _MAX_PROOF else text[:_MAX_PROOF] + "…"


def _is_true(test: Test, view: View) -> bool:
    fact, op = view.facts.get(test.field), test.op
    if fact is None:
        return op == "exists" and False in test.values
    if op == "exists":
        return (fact != ()) in test.values
    if op == "cidr":
        address = view.address(test.field)
        return address is not None and any(address in network for network in test.values)
    if isinstance(fact, (int, float)):
        return _compare(op, fact, test.values)
    for text in view.folded(test.field):  # noqa: SIM110 - a generator would cost more than the test
        if _fits(op, text, test.values):
            return True
    return False


def _compare(op: str, number: float, values: tuple[float, ...]) -> bool:
    if op == "gte":
        return any(number >= value for value in values)
    if op == "lte":
        return any(number <= value for value in values)
    return number in values


def _fits(op: str, text: str, values: tuple[str, ...]) -> bool:
    if op == "":
        return text in values
    if op == "contains":
        return any(value in text for value in values)
    if op == "startswith":
        return text.startswith(values)
    if op == "endswith":
        return text.endswith(values)
    return any(compiled(value).search(text) for value in values)


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


@lru_cache(maxsize=20_000)
def compiled(pattern: str) -> Any:
    """The compiled expression, for folded text. Raises re2.error. https://github.com/google/re2/wiki/Syntax"""
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = False
    return re2.compile(pattern, options)


def parse_condition(reader: Reader, node: yaml.Node) -> Condition:
    """A condition from its YAML node; mistakes go to the reader's findings."""
    tests: list[Test] = []
    groups: dict[str, tuple[Condition, ...]] = {"any": (), "not": ()}
    before = len(reader.findings)
    for name, key, value in reader.mapping(node, Wording("a condition")):
        if name in groups:
            parts = reader.items(value) if name == "any" or isinstance(value, yaml.SequenceNode) else [value]
            groups[name] = tuple(parse_condition(reader, part) for part in parts)
        else:
            test = _parse_test(name, key, value, reader)
            if test:
                tests.append(test)
    if not (tests or groups["any"] or groups["not"]) and len(reader.findings) == before:
        reader.report(node, "empty-condition", Wording("the condition tests nothing"))
    return Condition(tuple(tests), groups["any"], groups["not"])


def _parse_test(name: str, key: yaml.Node, value: yaml.Node, reader: Reader) -> Test | None:
    field, _, op = name.partition("|")
    if field not in FACTS:
        hint = reader.meant(key) or similar(field, [*FACTS, "any", "not"])
        reader.report(key, "unknown-field", Wording("unknown fact '{field}'", field=field), hint)
        return None
    if op not in ("", *OPERATORS) or name.endswith("|"):
        hint = reader.meant(key) or similar(op, OPERATORS)
        reader.report(key, "unknown-operator", Wording("unknown operator '{op}'", op=op), hint)
        return None
    type_ = FACTS[field].type
    if op not in OPERATORS_FOR[type_]:
        reader.report(
            key,
            "wrong-operator",
            Wording("'{op}' does not fit '{field}', which is a {type}", op=op, field=field, type=type_.value),
        )
        return None
    numeric = type_ is FactType.NUMBER
    written = [(text, node) for text, node in reader.values(value) if text]
    if field in REFERRING and not op:
        for text, node in written:
            reader.refer(node, field, text)
    values = tuple(_parse_value(text, op, numeric, node, reader) for text, node in written)
    return Test(field, op, tuple(item for item in values if item is not None))


def _parse_value(text: str, op: str, numeric: bool, node: yaml.Node, reader: Reader) -> Any:
    if op == "exists":
        return _parse_flag(text, node, reader)
    if op == "cidr":
        return _parse_network(text, node, reader)
    if op == "regex":
        return _parse_pattern(text, node, reader)
    if not numeric:
        return fold(text)
    if not re.fullmatch(r"-?\d{1,12}(?:\.\d{1,6})?", text, re.ASCII):
        reader.report(node, "bad-number", Wording("'{text}' is no number", text=text))
        return None
    return float(text)


def _parse_flag(text: str, node: yaml.Node, reader: Reader) -> bool | None:
    if text in ("yes", "no"):
        return text == "yes"
    reader.report(node, "bad-flag", Wording("'{text}' must be yes or no", text=text))
    return None


def _parse_network(text: str, node: yaml.Node, reader: Reader) -> Network | None:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        hint = Wording("write it like 10.0.0.0/8")
        with suppress(ValueError):
            hint = Wording("write '{char}'", char=ipaddress.ip_network(text, strict=False))
        reader.report(node, "bad-network", Wording("'{text}' is no network", text=text), hint)
        return None


def _parse_pattern(text: str, node: yaml.Node, reader: Reader) -> str | None:
    if wide := next((char for char in text if not char.isascii() and fold(char).isascii()), None):
        hint = Wording("write '{char}'", char=fold(wide))
        reader.report(
            node,
            "wide-regex",
            Wording("'{wide}' never fits, texts are folded to half width", wide=wide),
            hint,
        )
        return None
    try:
        size = compiled(text).programsize
    except re2.error as exc:
        problem = exc.args[0].decode() if isinstance(exc.args[0], bytes) else str(exc)
        reader.report(
            node, "bad-regex", Wording("bad expression '{text}': {problem}", text=text, problem=problem)
        )
        return None
    if size > _MAX_PROGRAM:
        reader.report(
            node,
            "heavy-regex",
            Wording(
                "the expression compiles to {size} instructions, at most {most}",
                size=size,
                most=_MAX_PROGRAM,
            ),
        )
        return None
    return text
