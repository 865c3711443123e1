"""nginx configurations as a tree of directives with their files and lines, included files in their places.

An own reader of a few lines, because crossplane and its fork open files by path, which a pure package may not, and
what is pasted in a chat has no path. They also give no tree at all for a text that is cut before its last `}`, recurse
once for each block, and swallow the directive after a `//`. The tests compare this tree with crossplane's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from triage.errors import ConfigurationLimitError
from triage.evidence.nginx.tokens import Token, tokens

MAX_CHARACTERS = 1_000_000
"""Characters that are read, included files counted as often as they are included."""
MAX_WORDS = 60_000
"""Words and the marks `;{}`, and lines of a file."""
MAX_INCLUDES = 1_000
MAX_DEPTH = 32
"""Blocks inside each other, and files included by each other."""
MAX_FAULTS = 100
"""Faults that are told."""

Source = tuple[str, str]
"""The name and the text of a file."""
Find = Callable[[str], Sequence[Source]]
"""The files that the pattern of an `include` names; empty where there is none or it cannot be read."""


@dataclass(frozen=True, slots=True)
class Directive:
    """One statement of a configuration."""

    name: str
    args: tuple[str, ...]
    """Without their quotation marks."""
    file: str
    line: int
    """Where its name stands, from 1."""
    block: Block | None = None

    def __str__(self) -> str:
        words = (self.name, *map(_quoted, self.args))
        return " ".join(words) + (" { … }" if self.block else ";")


@dataclass(frozen=True, slots=True)
class Block:
    """What stands between braces, or in a whole file."""

    directives: tuple[Directive, ...]
    is_whole: bool
    """Whether nothing can be missing: its `}` was seen, and every file that it includes was found."""
    named: Mapping[str, tuple[Directive, ...]]
    """The directives by their names."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A place that nginx refuses."""

    id: str
    """slash_comment, fullwidth or config_invalid."""
    file: str
    line: int
    text: str
    """The line, or for config_invalid what nginx says."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A configuration that was read."""

    root: Block
    faults: tuple[Fault, ...]


_SAME_EVERYWHERE = re.compile(
    r"(?:^|/)(?:mime\.types|fastcgi[\w-]*|fastcgi[.-]php\.conf|uwsgi_params|scgi_params|proxy_params|koi-\w+|win-utf)"
    r"(?:\.conf)?$|modules-enabled"
)
"""Files of nginx's packages, in which stands nothing that is judged."""


def read_tree(source: Source, find: Find = lambda _: ()) -> Tree:
    """The tree of a configuration. Raises ConfigurationLimitError for one that is larger than is read."""
    reader = _Reader(find)
    reader.read(*source)
    return Tree(reader.open[0].close(), tuple(reader.faults))


def _quoted(word: str) -> str:
    if not word or re.search(r"[\s;{}\"'#]", word):
        return f'"{word}"' if "'" in word else f"'{word}'" if word else '""'
    return word


@dataclass(slots=True)
class _Open:
    """A block that is being read."""

    words: tuple[str, ...]
    file: str
    line: int
    directives: list[Directive] = field(default_factory=list)
    is_whole: bool = True

    def close(self) -> Block:
        named: dict[str, list[Directive]] = {}
        for directive in self.directives:
            named.setdefault(directive.name, []).append(directive)
        return Block(
            tuple(self.directives), self.is_whole, {name: tuple(found) for name, found in named.items()}
        )


class _Reader:
    def __init__(self, find: Find) -> None:
        self.open = [_Open((), "", 0)]
        self.faults: list[Fault] = []
        self._find = find
        self._files: list[str] = []
        self._counts = {"characters": 0, "words": 0, "includes": 0}

    def read(self, file: str, text: str) -> None:
        """Read a file into the innermost open block."""
        self._count("characters", len(text), MAX_CHARACTERS)
        self._limit("words", max(text.count("\n"), sum(map(text.count, ";{}"))), MAX_WORDS)
        self._files.append(file)
        self._limit("depth", len(self._files), MAX_DEPTH)
        depth = len(self.open)
        words: list[Token] = []
        for token in tokens(text):
            self._count("words", 1, MAX_WORDS)
            if token.kind == "word":
                words.append(token)
            elif token.kind == "mark":
                self._mark(file, words, token, depth)
                words.clear()
            else:
                self._fault(token.kind, file, token.line, token.text)
        if words:
            self._fault("config_invalid", file, words[0].line, 'unexpected end of file, expecting ";"')
            self.open[-1].is_whole = False
            self._mark(file, words, Token("mark", ";", words[0].line), depth)
        while len(self.open) > depth:
            self._fault("config_invalid", file, self.open[-1].line, 'this "{" has no "}"')
            self.open[-1].is_whole = False
            self._close()
        self._files.pop()

    def _mark(self, file: str, words: list[Token], mark: Token, depth: int) -> None:
        if words or mark.text == "{":
            line = words[0].line if words else mark.line
            self._statement(file, line, tuple(word.text for word in words), mark.text)
        if mark.text == "}" and len(self.open) > depth:
            self._close()
        elif mark.text == "}":
            self._fault("config_invalid", file, mark.line, 'unexpected "}"')

    def _fault(self, id_: str, file: str, line: int, text: str) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(Fault(id_, file, line, text))

    def _statement(self, file: str, line: int, words: tuple[str, ...], mark: str) -> None:
        if mark == "{":
            self.open.append(_Open(words, file, line))
            self._limit("depth", len(self.open), MAX_DEPTH)
        elif words[0] == "include" and len(words) == 2:
            self._include(words[1])
        else:
            self.open[-1].directives.append(Directive(words[0], words[1:], file, line))

    def _include(self, pattern: str) -> None:
        self._count("includes", 1, MAX_INCLUDES)
        found = self._find(pattern)
        if not found and not _SAME_EVERYWHERE.search(pattern):
            self.open[-1].is_whole = False
        for file, text in found:
            if file not in self._files:
                self.read(file, text)

    def _close(self) -> None:
        done = self.open.pop()
        name, args = (done.words[0], done.words[1:]) if done.words else ("", ())
        self.open[-1].directives.append(Directive(name, args, done.file, done.line, done.close()))

    def _count(self, what: str, number: int, limit: int) -> None:
        self._counts[what] += number
        self._limit(what, self._counts[what], limit)

    def _limit(self, what: str, number: int, limit: int) -> None:
        if number > limit:
            raise ConfigurationLimitError(what, limit, self._files[-1] if self._files else "")
