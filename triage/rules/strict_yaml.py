"""Strict and safe YAML: every scalar is text, every mistake is a finding with its place.

Size, depth, anchors, aliases and tags are checked before a tree is built; no object of a tag is ever constructed.
https://yaml.org/spec/1.1/
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml

from triage.errors import TooManyMistakesError
from triage.findings import Finding, Location, Severity
from triage.rules.yaml_hints import Place, hint_for_error, hint_for_value, split_lines
from triage.wording import Wording

MAX_BYTES = 1_000_000
MAX_DEPTH = 32
MAX_TEXT = 20_000
"""Characters of one scalar."""
MAX_FINDINGS = 100
"""Mistakes of one file that are listed, and mistakes between files: enough to see what is wrong with it."""
_MAX_QUOTED = 400
"""Characters of one text that a finding's message repeats."""
_Base: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class _Loader(_Base):  # type: ignore[misc]  # chosen at run time
    """A loader for which every untagged scalar is text, and which refuses a tree deeper than MAX_DEPTH.

    The hooks in which PyYAML resolves tags, a fifth of its time, count the depth instead.
    """

    depth = 0

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        return ""

    def descend_resolver(self, *_: Any) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH + 1:  # a scalar inside the deepest collection counts too
            raise yaml.YAMLError("nested too deep")

    def ascend_resolver(self) -> None:
        self.depth -= 1


Pair = tuple[str, yaml.Node, yaml.Node]
"""A key's text, the key's node, the value's node."""


def similar(word: str, words: Iterable[str]) -> str | None:
    """A hint that names the allowed word most like this one; None where none is like it."""
    near = difflib.get_close_matches(word, list(words), 1, 0.6)
    return Wording("did you mean '{guess}'?", guess=near[0]) if near else None


def compose(source: str, reader: Reader) -> yaml.Node | None:
    """The node tree of a document; None, with a finding, for one that is too large, empty, refused or no YAML."""
    reader.source = source
    if len(source.encode("utf-8", "replace")) > MAX_BYTES:
        message = Wording("the file is larger than {bytes:,} bytes; split it", bytes=MAX_BYTES)
        reader.report_at(1, 1, "too-large", message)
        return None
    try:
        root = _compose(source)
    except yaml.MarkedYAMLError as exc:
        _report_error(source, exc, reader)
    except (yaml.YAMLError, UnicodeEncodeError) as exc:
        position = int(getattr(exc, "position", getattr(exc, "start", 0)))
        problem = (
            str(exc).splitlines()[0]
            if isinstance(exc, yaml.YAMLError)
            else Wording("half of a surrogate pair")
        )
        reader.report_at(
            source.count("\n", 0, position) + 1,
            1,
            "bad-yaml",
            Wording("not YAML: {problem}", problem=problem),
        )
    else:
        if root is None:
            reader.report_at(1, 1, "empty", Wording("the file is empty"))
        return root
    return None


def _report_error(source: str, exc: yaml.MarkedYAMLError, reader: Reader) -> None:
    """A finding at what is wrong, where that is known, else where YAML stopped."""
    problem, context = (
        Place(mark.line, mark.column) if mark else None for mark in (exc.problem_mark, exc.context_mark)
    )
    stopped = problem or context or Place(0, 0)
    hint = hint_for_error(split_lines(source), stopped, context)
    line, column = (hint.place if hint else None) or stopped
    message = Wording("not YAML: {problem}", problem=exc.problem or exc.context)
    reader.report_at(line + 1, column + 1, "bad-yaml", message, _one_line(hint.text) if hint else None)


_SIGILS = re.compile(r"(?m)(?:^|[\s\[{,:?])[&*!]")
"""What an anchor, an alias or a tag begins with."""


def _compose(source: str) -> yaml.Node | None:
    """The tree. Raises MarkedYAMLError at the first anchor, alias or tag; most texts hold no sign of one."""
    if any(sigil in source for sigil in "&*!") and _SIGILS.search(source):
        _check_events(source)
    try:
        root: yaml.Node | None = yaml.compose(source, Loader=_Loader)
    except yaml.YAMLError as exc:
        if not isinstance(exc, yaml.MarkedYAMLError):  # too deep: the walk over the events knows the place
            _check_events(source)
        raise
    return root


def _check_events(source: str) -> None:
    """Raise MarkedYAMLError at the first event that is not allowed; events need no stack, however deep the tree."""
    depth = 0
    for event in yaml.parse(source, Loader=_Loader):
        problem = None
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            problem = Wording("nested deeper than {most} levels", most=MAX_DEPTH)
        elif isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            problem = Wording("anchors and aliases are not allowed; use 'lists' or write it again")
        elif tag := getattr(event, "tag", None):
            problem = Wording("tags are not allowed: {tag}", tag=tag)
        if problem:
            mark: Any = event.start_mark
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


_ID = re.compile(r"[a-z][a-z0-9_]{0,63}")


def _one_line(message: str) -> str:
    """The message with each text that it quotes as one printable line of at most `_MAX_QUOTED` characters."""
    if isinstance(message, Wording):
        return message.mapped(_one_line)
    line = "".join(char if char.isprintable() else "�" for char in message)
    return line if len(line) <= _MAX_QUOTED else line[:_MAX_QUOTED] + "…"


class Reference(NamedTuple):
    """A name in a file that stands for something of all files, or of the program."""

    what: str
    """`kind`, `cause`, `phrase` or `source`."""
    name: str
    location: Location


class Reader:
    """Takes values from the node tree of one file, and collects findings about what it cannot use."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.findings: list[Finding] = []
        self.references: list[Reference] = []
        self.lists: dict[str, tuple[str, ...]] = {}
        self.source = ""
        """The text that the nodes stand for."""
        self._lines: list[str] | None = None

    def report_at(self, line: int, column: int, id_: str, message: str, hint: str | None = None) -> None:
        """Add a finding of severity HIGH. Raises TooManyMistakesError behind the last that is listed."""
        place = Location(self.file, line, column)
        self.findings.append(Finding(id_, Severity.HIGH, _one_line(message), place, hint))
        if len(self.findings) == MAX_FINDINGS:
            more = Wording(
                "{most} mistakes in this file so far; the rest of it was not read",
                most=MAX_FINDINGS,
            )
            self.findings.append(Finding("too-many", Severity.HIGH, more, place))
            raise TooManyMistakesError

    def report(self, node: yaml.Node, id_: str, message: str, hint: str | None = None) -> None:
        """Add a finding of severity HIGH at the place of a node."""
        place = self.location(node)
        self.report_at(place.line, place.column, id_, message, hint)

    def meant(self, node: yaml.Node) -> str | None:
        """What to do about a value or key that is read as something else than was meant; None where nothing says so."""
        self._lines = self._lines or split_lines(self.source)
        hint = hint_for_value(self._lines, node.start_mark.line)
        return _one_line(hint) if hint else None

    def refer(self, node: yaml.Node, what: str, name: str) -> None:
        """Keep a name that can be looked up only when all files are read."""
        self.references.append(Reference(what, name, self.location(node)))

    def location(self, node: yaml.Node) -> Location:
        return Location(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def parse(
        self,
        node: yaml.Node,
        pairs: list[Pair],
        table: Mapping[str, Key],
        what: str,
    ) -> dict[str, Any]:
        """The values of a mapping by its table of keys; every key of the table is in the result."""
        values: dict[str, Any] = {}
        for name, key, value in pairs:
            spec = table.get(name)
            if spec is None:
                hint = self.meant(key) or similar(name, table)
                self.report(key, "unknown-key", Wording("unknown key '{name}'", name=name), hint)
            else:
                values[name] = spec.shape.parse(self, value)
        for name, spec in table.items():
            if name not in values:
                if spec.needed and isinstance(node, yaml.MappingNode):
                    self.report(node, "missing-key", Wording("{what} without '{name}'", what=what, name=name))
                values[name] = spec.default
        return values

    def mapping(self, node: yaml.Node, what: str) -> list[Pair]:
        """Key, key node and value node of each pair; duplicates and odd keys are findings."""
        if not isinstance(node, yaml.MappingNode):
            self.report(
                node,
                "not-a-mapping",
                Wording("{what} must be a mapping of keys to values", what=what),
                self.meant(node),
            )
            return []
        pairs: dict[str, Pair] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.report(key, "bad-key", Wording("a key must be a word"))
            elif key.value in pairs:
                line = pairs[key.value][1].start_mark.line + 1
                self.report(
                    key,
                    "duplicate-key",
                    Wording("key '{value}' stands already in line {line}", value=key.value, line=line),
                )
            else:
                pairs[key.value] = (key.value, key, value)
        return list(pairs.values())

    def items(self, node: yaml.Node) -> list[yaml.Node]:
        """The nodes of a list; empty, with a finding, for anything else."""
        if not isinstance(node, yaml.SequenceNode):
            self.report(node, "not-a-list", Wording("this must be a list"), self.meant(node))
            return []
        return list(node.value)

    def text(self, node: yaml.Node) -> str:
        """A stripped text that is not empty; `""`, with a finding, for anything else."""
        if not isinstance(node, yaml.ScalarNode):
            self.report(node, "not-text", Wording("this must be a text"), self.meant(node))
            return ""
        value: str = node.value
        if not value.strip():
            self.report(node, "empty-text", Wording("this must not be empty"), self.meant(node))
        elif len(value) > MAX_TEXT:
            self.report(node, "long-text", Wording("this is longer than {most:,} characters", most=MAX_TEXT))
        return value.strip()

    def texts(self, node: yaml.Node) -> tuple[str, ...]:
        """A list of texts, or a text alone."""
        return tuple(self.text(item) for item in self._one_or_more(node))

    def _one_or_more(self, node: yaml.Node) -> list[yaml.Node]:
        return [node] if isinstance(node, yaml.ScalarNode) else self.items(node)

    def citations(self, node: yaml.Node) -> tuple[str, ...]:
        """The ids of what a step or a code rests on."""
        for item in self._one_or_more(node):
            if isinstance(item, yaml.ScalarNode) and item.value.strip():
                self.refer(item, "source", item.value.strip())
        return self.texts(node)

    def identifier(self, node: yaml.Node) -> str:
        """An id; a finding for a text that is none."""
        value = self.text(node)
        if value and not _ID.fullmatch(value):
            self.report(
                node,
                "bad-id",
                Wording(
                    "'{value}' is no id: a-z, 0-9 and _, at most 64, beginning with a letter", value=value
                ),
            )
        return value

    def identifiers(self, node: yaml.Node) -> tuple[str, ...]:
        return tuple(self.identifier(item) for item in self.items(node))

    def integer(self, low: int, high: int) -> Callable[[yaml.Node], int]:
        """What reads a whole number from `low` to `high`, both included."""

        def read(node: yaml.Node) -> int:
            value = self.text(node)
            if re.fullmatch(r"-?\d{1,9}", value, re.ASCII) and low <= int(value) <= high:
                return int(value)
            if value:
                self.report(
                    node,
                    "bad-number",
                    Wording(
                        "'{value}' is no whole number from {low} to {high}", value=value, low=low, high=high
                    ),
                )
            return low

        return read

    def values(self, node: yaml.Node) -> tuple[tuple[str, yaml.Node], ...]:
        """A text or a list of texts, each with its node; `$name` stands for a named list of the file."""
        found: list[tuple[str, yaml.Node]] = []
        for item in self._one_or_more(node):
            value = self.text(item)
            if not value.startswith("$"):
                found.append((value, item))
            elif value[1:] in self.lists:
                found += [(text, item) for text in self.lists[value[1:]]]
            else:
                self.report(
                    item,
                    "unknown-list",
                    Wording("unknown list '{value}'", value=value),
                    similar(value[1:], self.lists),
                )
        if isinstance(node, yaml.SequenceNode) and not node.value:
            self.report(node, "empty-list", Wording("this list is empty, so that nothing can fit it"))
        return tuple(found)


Schema = Mapping[str, object]
"""A JSON Schema, draft 7. https://json-schema.org/draft-07"""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a value looks like."""

    parse: Callable[[Reader, yaml.Node], Any]
    """Makes the value; mistakes go to the reader's findings."""
    schema: Schema
    """The same for editors, which take unquoted numbers and booleans for what they are in JSON."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a mapping."""

    shape: Shape
    needed: bool = False
    default: Any = None
    """The value where the key is missing."""


def one_or_more(schema: Schema) -> Schema:
    """A value of this schema, or a list of them."""
    return {"anyOf": [schema, {"type": "array", "items": schema}]}


def word_of(words: Iterable[object]) -> Schema:
    """One of some words."""
    return {"enum": list(words)}


def mapping_of(schema: Schema) -> Schema:
    """A mapping of words to values of this schema."""
    return {"type": "object", "additionalProperties": schema}


def ref(name: str) -> Schema:
    """The schema that the definitions hold under this name."""
    return {"$ref": f"#/definitions/{name}"}


def whole_number(low: int, high: int) -> Shape:
    """A whole number from `low` to `high`, both included."""
    schema = {"type": "integer", "minimum": low, "maximum": high}
    return Shape(lambda reader, node: reader.integer(low, high)(node), schema)


_TEXT: Schema = {"type": ["string", "number", "boolean"], "pattern": r"\S", "maxLength": MAX_TEXT}
_IDENTIFIER: Schema = {"type": "string", "pattern": f"^{_ID.pattern}$"}
TEXT = Shape(Reader.text, _TEXT)
TEXTS = Shape(Reader.texts, one_or_more(_TEXT))
IDENTIFIER = Shape(Reader.identifier, _IDENTIFIER)
IDENTIFIERS = Shape(Reader.identifiers, {"type": "array", "items": _IDENTIFIER})
CITATIONS = Shape(Reader.citations, ref("sources"))
