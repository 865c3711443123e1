"""Templates in rules: a subset of Jinja2, checked when a rule is loaded.

Allowed are facts, constants, comparisons, `if`, `for` over a list, and a few filters. Calls, arithmetic and attributes
are not: rendering takes time linear in the template, and reads nothing but the facts.
https://jinja.palletsprojects.com/en/stable/templates/
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from jinja2 import Template as JinjaTemplate
from jinja2 import TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from triage.alerts.facts import FACTS, Fact, FactType
from triage.rules.conditions import REFERRING
from triage.wording import Wording

FILTERS = ("default", "first", "join", "last", "length", "lower", "trim", "upper")
_TESTS = ("defined", "undefined")
_MAX_LENGTH = 4_000
_MAX_DEPTH = 40
_PRINTED_FACT = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")
_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.If, nodes.For, nodes.Filter,
    nodes.Test, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.CondExpr,
)  # fmt: skip
_FORBIDDEN = {
    nodes.Call: "calls",
    nodes.Getattr: "attributes",
    nodes.Getitem: "subscripts",
    nodes.Expr: "arithmetic",
}


class _Missing(str):
    """The value of a missing fact: false, unequal to everything, and its placeholder word where it is printed."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def _never(self, other: object) -> bool:
        return False

    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = _never
    __hash__ = str.__hash__

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


_LISTS = tuple(name for name, fact in FACTS.items() if fact.type is FactType.LIST)
_UNKNOWN = {name: _Missing(fact.placeholder) for name, fact in FACTS.items()}


@dataclass(frozen=True, slots=True)
class Template:
    """A checked template."""

    source: str
    command: bool = False
    """Whether printed facts are quoted for the shell."""

    @property
    def names(self) -> frozenset[str]:
        """The facts that it prints or tests."""
        return _names(self.source)

    def render(self, facts: Mapping[str, Fact]) -> str:
        """The text with the facts filled in; a missing fact prints its placeholder word."""
        if "{" not in self.source:
            return self.source
        pieces = _pieces(self.source)
        if pieces is None:
            known = {name: facts.get(name, _UNKNOWN[name]) for name in self.names if name in _UNKNOWN}
            return _compiled(self.source, self.command).render(known).strip()
        show = _quoted if self.command else _plain
        text, prints = pieces
        for name, behind in prints:
            text += show(facts.get(name, _UNKNOWN[name])) + behind
        return text


class Problem(NamedTuple):
    """What is wrong with a template."""

    message: str
    unknown_fact: str | None = None
    """The name that is no fact, where that is what is wrong."""


def check(source: str, *, command: bool = False) -> Iterator[Problem]:
    """Everything that is wrong with a template; nothing if it may be used."""
    if len(source) > _MAX_LENGTH:
        yield Problem(Wording("the template is longer than {most} characters", most=_MAX_LENGTH))
        return
    if "{" not in source:
        return
    if _is_simple(source):
        names = dict.fromkeys(_PRINTED_FACT.findall(source))
        yield from (_unknown_fact(name) for name in names if name not in FACTS)
        if command:
            yield from _shell_problems(_PRINTED_FACT.split(source)[::2])
        return
    try:
        tree = _environment(command).parse(source)
    except (TemplateError, RecursionError) as exc:
        yield Problem(
            Wording("bad template: {why}", why=getattr(exc, "message", None) or Wording("too deep"))
        )
        return
    if _is_deep(tree):
        yield Problem(Wording("bad template: {why}", why=Wording("too deep")))
        return
    problems = list(dict.fromkeys(_problems(tree, frozenset())))
    yield from problems
    if command and not problems:
        yield from _shell_problems([data.data for data in tree.find_all(nodes.TemplateData)])


def compared_names(source: str) -> Iterator[tuple[str, str]]:
    """The facts of REFERRING that a valid template compares with constants, each with the constant."""
    if _is_simple(source):
        return
    try:
        tree = _environment(False).parse(source)
    except (TemplateError, RecursionError):
        return
    for compare in tree.find_all(nodes.Compare):
        operands = [compare.expr, *(operand.expr for operand in compare.ops)]
        names = [node.name for node in operands if isinstance(node, nodes.Name) and node.name in REFERRING]
        texts = [node.value for node in operands if isinstance(node, nodes.Const)]
        yield from ((name, text) for name in names for text in texts if isinstance(text, str))


def _unknown_fact(name: str) -> Problem:
    return Problem(Wording("unknown fact '{name}'", name=name), name)


def _is_simple(source: str) -> bool:
    """Whether the template is plain text and `{{ fact }}` alone, which are rendered without Jinja2."""
    rest = _PRINTED_FACT.sub("", source)
    return "{{" not in rest and "{%" not in rest and "{#" not in rest


def _is_deep(tree: nodes.Template) -> bool:
    """Whether the tree has more than `_MAX_DEPTH` levels, so that recursing into it could exhaust the stack."""
    level: list[nodes.Node] = [tree]
    for _ in range(_MAX_DEPTH):
        level = [child for node in level for child in node.iter_child_nodes()]
    return bool(level)


def _problems(node: nodes.Node, loops: frozenset[str]) -> Iterator[Problem]:
    """The problem of a node, else those of its children; `loops` are the variables of the loops around it."""
    own = _own_problem(node, loops)
    if own:
        yield own
        return
    if isinstance(node, nodes.For) and isinstance(node.target, nodes.Name):
        loops |= {node.target.name}
    for child in node.iter_child_nodes():
        yield from _problems(child, loops)


def _own_problem(node: nodes.Node, loops: frozenset[str]) -> Problem | None:
    if not isinstance(node, _ALLOWED):
        word = next(
            (word for kind, word in _FORBIDDEN.items() if isinstance(node, kind)), type(node).__name__
        )
        return Problem(Wording("a template may not use {word}", word=word))
    if isinstance(node, nodes.Name) and node.name not in loops and node.name not in FACTS:
        return _unknown_fact(node.name)
    if isinstance(node, nodes.For):
        return _loop_problem(node, loops)
    if isinstance(node, nodes.Filter):
        return _filter_problem(node)
    if isinstance(node, nodes.Test) and (node.name not in _TESTS or node.args):
        return Problem(
            Wording("unknown test '{name}'; there are {tests}", name=node.name, tests=", ".join(_TESTS))
        )
    return _comparison_problem(node) if isinstance(node, nodes.Compare) else None


def _loop_problem(node: nodes.For, loops: frozenset[str]) -> Problem | None:
    if loops:
        return Problem(Wording("loops may not be nested"))
    plain = isinstance(node.target, nodes.Name) and not node.recursive
    if plain and isinstance(node.iter, nodes.Name) and node.iter.name in _LISTS:
        return None
    return Problem(Wording("a loop may only run over {lists}", lists=", ".join(_LISTS)))


_FILTER_ARGUMENTS = {
    "default": (1, tuple(FactType)),
    "first": (0, (FactType.LIST,)),
    "join": (1, (FactType.LIST,)),
    "last": (0, (FactType.LIST,)),
    "length": (0, (FactType.TEXT, FactType.LIST)),
}
"""For a filter the number of its arguments at most and the types it applies to; (0, text) for all others."""


def _filter_problem(node: nodes.Filter) -> Problem | None:
    if node.name not in FILTERS:
        return Problem(
            Wording(
                "unknown filter '{name}'; there are {filters}", name=node.name, filters=", ".join(FILTERS)
            )
        )
    arguments, types = _FILTER_ARGUMENTS.get(node.name, (0, (FactType.TEXT,)))
    if len(node.args) > arguments or node.kwargs or node.dyn_args or node.dyn_kwargs:
        return Problem(
            Wording(
                "the filter '{name}' takes no more than {most} arguments",
                name=node.name,
                most=arguments,
            )
        )
    if any(not isinstance(argument, nodes.Const) for argument in node.args):
        return Problem(Wording("the filter '{name}' takes a constant", name=node.name))
    if _type(node.node) not in types:
        return Problem(
            Wording(
                "the filter '{name}' needs a value of type {types}",
                name=node.name,
                types="/".join(type_.value for type_ in types),
            )
        )
    return None


def _comparison_problem(node: nodes.Compare) -> Problem | None:
    """Numbers alone may be compared by size; `in` looks for a constant text in a fact; `==` takes everything."""
    left = node.expr
    for operand in node.ops:
        if operand.op in ("gt", "gteq", "lt", "lteq") and (
            _type(left) is not FactType.NUMBER or _type(operand.expr) is not FactType.NUMBER
        ):
            return Problem(Wording("only numbers can be compared by size"))
        if operand.op in ("in", "notin") and not (
            isinstance(left, nodes.Const)
            and isinstance(left.value, str)
            and _type(operand.expr) in (FactType.TEXT, FactType.LIST)
        ):
            return Problem(
                Wording("'in' needs a constant text on its left and a text or a list on its right")
            )
        left = operand.expr
    return None


def _type(node: nodes.Node | None) -> FactType | None:
    """The type of an expression's value; None where it has none of the three or cannot be told."""
    if isinstance(node, nodes.Name):
        return FACTS[node.name].type if node.name in FACTS else FactType.TEXT
    if isinstance(node, nodes.Const):
        number = isinstance(node.value, (int, float)) and not isinstance(node.value, bool)
        return FactType.NUMBER if number else FactType.TEXT if isinstance(node.value, str) else None
    if isinstance(node, nodes.Filter) and node.name == "default":
        types = {_type(node.node), *map(_type, node.args)}
        return types.pop() if len(types) == 1 else None
    if isinstance(node, nodes.Filter):
        return FactType.NUMBER if node.name == "length" else FactType.TEXT
    return None


def _shell_problems(literals: list[str]) -> Iterator[Problem]:
    """Where the quotes around a printed fact would not protect it; `literals` is the text between printed facts."""
    if len(literals) > 1 and "<<" in "".join(literals):
        yield Problem(
            Wording(
                "a printed fact must not stand in a command with a here-document, where quotes do not count"
            )
        )
    elif any(map(_leaves_open, literals[:-1])):
        yield Problem(Wording("a printed fact must not stand inside quotes, it brings its own"))
    elif literals and _leaves_open(literals[-1]):
        yield Problem(Wording("a quote or a backslash is left open at the end of the command"))


def _leaves_open(literal: str) -> bool:
    """Whether a shell would be inside quotes, or just behind a backslash, at the end of the text."""
    quote = ""
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
    return bool(quote) or escaped


def _plain(value: object) -> str:
    return "、".join(value) if isinstance(value, tuple) else str(value)


def _quoted(value: object) -> str:
    if isinstance(value, _Missing):
        return str(value)
    text = _plain(value)
    return shlex.quote(text if text.isprintable() else "".join(filter(str.isprintable, text)))


@lru_cache(maxsize=2)
def _environment(command: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        finalize=_quoted if command else _plain, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    environment.globals.clear()
    environment.filters["default"] = _or_default
    environment.tests["defined"] = lambda value: not isinstance(value, _Missing)
    environment.tests["undefined"] = lambda value: isinstance(value, _Missing)
    return environment


def _or_default(value: object, default: object = "") -> object:
    return default if isinstance(value, _Missing) else value


@lru_cache(maxsize=4096)
def _pieces(source: str) -> tuple[str, tuple[tuple[str, str], ...]] | None:
    """The text before the first fact, and each fact's name with the text behind it; None where Jinja2 is needed."""
    if not _is_simple(source):
        return None
    first, *rest = _PRINTED_FACT.split(source)
    return first, tuple(zip(rest[::2], rest[1::2], strict=True))


@lru_cache(maxsize=4096)
def _compiled(source: str, command: bool) -> JinjaTemplate:
    template = _environment(command).from_string(source)
    template.globals = dict(template.globals)
    return template


@lru_cache(maxsize=4096)
def _names(source: str) -> frozenset[str]:
    if _is_simple(source):
        return frozenset(match[1] for match in _PRINTED_FACT.finditer(source))
    return frozenset(node.name for node in _environment(False).parse(source).find_all(nodes.Name))
