"""Templates in rules: Jinja2 cut down to what a checklist needs, checked before it is ever rendered.

Allowed are facts, constants, comparisons, `if`, `for` over a list, and a few filters. No calls, no arithmetic,
no attributes: nothing that costs more than the template is long, and nothing that reaches out of the facts.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from jinja2 import Template, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from triage.facts import FACTS, Fact, FactType

FILTERS = ("default", "first", "join", "last", "length", "lower", "trim", "upper")
_TESTS = ("defined", "none", "undefined")
_MAX_LENGTH = 4_000
_PRINT = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")
_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.If, nodes.For, nodes.Filter,
    nodes.Test, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.CondExpr,
)  # fmt: skip


class _Missing(str):
    """A fact nobody knows: false in a condition, a word for it where it is printed."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False


_LISTS = tuple(name for name, fact in FACTS.items() if fact.type is FactType.LIST)
_UNKNOWN = {name: _Missing(fact.placeholder) for name, fact in FACTS.items()}


@dataclass(frozen=True, slots=True)
class Wording:
    """A checked template; `command` says that printed facts are quoted for the shell."""

    source: str
    command: bool = False

    @property
    def names(self) -> frozenset[str]:
        """The facts it prints or asks for."""
        return _names(self.source)

    def render(self, facts: Mapping[str, Fact]) -> str:
        """The text with the facts filled in; a missing fact prints its placeholder word."""
        if "{" not in self.source:
            return self.source
        if _is_simple(self.source):
            return _PRINT.sub(lambda match: self._show(facts.get(match[1], _UNKNOWN[match[1]])), self.source)
        return _compiled(self.source, self.command).render({**_UNKNOWN, **facts}).strip()

    def _show(self, value: object) -> str:
        return _quoted(value) if self.command else _plain(value)


def check(source: str, *, command: bool = False) -> Iterator[str]:
    """What is wrong with a template, in words; nothing if it may be used."""
    if len(source) > _MAX_LENGTH:
        yield f"the template is longer than {_MAX_LENGTH} characters"
        return
    if "{" not in source:
        return
    if _is_simple(source):
        yield from _unknown_names({match[1] for match in _PRINT.finditer(source)})
        if command and _prints_inside_quotes(_PRINT.split(source)[::2]):
            yield _INSIDE_QUOTES
        return
    try:
        tree = _environment(command).parse(source)
    except (TemplateError, RecursionError) as exc:
        yield f"bad template: {getattr(exc, 'message', None) or exc}"
        return
    yield from _forbidden(tree)
    if command and _prints_inside_quotes([data.data for data in tree.find_all(nodes.TemplateData)]):
        yield _INSIDE_QUOTES


_INSIDE_QUOTES = "a printed fact must not stand inside quotes, it brings its own"


def _is_simple(source: str) -> bool:
    """Only `{{ fact }}` and plain text: no need for Jinja2."""
    rest = _PRINT.sub("", source)
    return "{{" not in rest and "{%" not in rest and "{#" not in rest


def _forbidden(tree: nodes.Template) -> Iterator[str]:
    own = {node.target.name for node in tree.find_all(nodes.For) if isinstance(node.target, nodes.Name)}
    for node in tree.find_all(nodes.Node):
        name = type(node).__name__
        if not isinstance(node, _ALLOWED):
            yield f"a template may not use {_WORDS.get(name, name)}"
        elif isinstance(node, nodes.Filter) and node.name not in FILTERS:
            yield f"unknown filter '{node.name}'; there are {', '.join(FILTERS)}"
        elif isinstance(node, nodes.Test) and node.name not in _TESTS:
            yield f"unknown test '{node.name}'; there are {', '.join(_TESTS)}"
        elif isinstance(node, nodes.For) and not (
            isinstance(node.iter, nodes.Name) and node.iter.name in _LISTS
        ):
            yield f"a loop may only run over {', '.join(_LISTS)}"
        elif isinstance(node, nodes.For) and any(
            True for part in node.body for _ in part.find_all(nodes.For)
        ):
            yield "loops may not be nested"
    yield from _unknown_names({node.name for node in tree.find_all(nodes.Name)} - own)


_WORDS = {
    "Call": "calls",
    "Getattr": "attributes",
    "Getitem": "subscripts",
    "Mul": "arithmetic",
    "Pow": "arithmetic",
}


def _unknown_names(names: set[str]) -> Iterator[str]:
    for name in sorted(names - FACTS.keys()):
        yield f"unknown fact '{name}'"


def _prints_inside_quotes(literals: list[str]) -> bool:
    """Whether a shell quote is open at the end of any literal but the last."""
    quote = ""
    for index, literal in enumerate(literals):
        escaped = False
        for char in literal:
            if escaped:
                escaped = False
            elif char == "\\" and quote != "'":
                escaped = True
            elif quote:
                quote = "" if char == quote else quote
            elif char in "'\"":
                quote = char
        if quote and index < len(literals) - 1:
            return True
    return False


def _plain(value: object) -> str:
    return "、".join(value) if isinstance(value, tuple) else str(value)


def _quoted(value: object) -> str:
    if isinstance(value, _Missing):
        return str(value)
    return shlex.quote("".join(char for char in _plain(value) if char.isprintable()))


@lru_cache(maxsize=2)
def _environment(command: bool) -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        finalize=_quoted if command else _plain, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )


@lru_cache(maxsize=4096)
def _compiled(source: str, command: bool) -> Template:
    return _environment(command).from_string(source)


@lru_cache(maxsize=4096)
def _names(source: str) -> frozenset[str]:
    if _is_simple(source):
        return frozenset(match[1] for match in _PRINT.finditer(source))
    return frozenset(node.name for node in _environment(False).parse(source).find_all(nodes.Name))
