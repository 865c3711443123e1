"""What to do about a text that is no YAML, or other YAML than was meant: its lines tell, not an error's words.

People write rules in Chinese: a full-width colon, an unquoted `{{` and a second `: ` are what goes wrong most often.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from triage.wording import Wording

_MAX_QUOTED = 60
"""Characters of a line that a hint repeats."""


class Place(NamedTuple):
    """A place in a text; line and column count from 0."""

    line: int
    column: int


class Hint(NamedTuple):
    """What to do, and where what is wrong stands, if it is known better than by the error."""

    text: str
    place: Place | None = None


def split_lines(source: str) -> list[str]:
    """The lines of a text as YAML counts them. https://yaml.org/spec/1.1/#id871136"""
    return _LINE_END.split(source)


def hint_for_error(lines: Sequence[str], problem: Place, context: Place | None) -> Hint | None:
    """What to do where YAML stops at `problem`; `context` is where what it was reading began. None: nobody knows."""
    above = next((n for n in range(problem.line - 1, -1, -1) if _line(lines, n).strip()), None)
    for number in (problem.line, above, context.line if context else None):
        if number is not None and (found := _line_hint(_line(lines, number))):
            return Hint(found[0], Place(number, found[1]))
    return _mark_hint(lines, problem, context)


def hint_for_value(lines: Sequence[str], line: int) -> str | None:
    """What to do about a value that is read as something else than was meant; it begins in that line, from 0."""
    found = _line_hint(_line(lines, line)) or _comment_hint(_line(lines, line))
    return found[0] if found else None


_LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_MAX_LINE = 2_000
"""Characters of a line that are looked at."""


def _line(lines: Sequence[str], number: int) -> str:
    return lines[number][:_MAX_LINE] if number < len(lines) else ""


def _line_hint(line: str) -> tuple[str, int] | None:
    """What is wrong with a line by itself, and its column."""
    for expression, hint in _LINES:
        if match := expression.match(line):
            return hint(match), match.start("here")
    return None


_START = r"\s*(?:- +)*"
_KEY = r"[A-Za-z_][A-Za-z0-9_|]*"
_VALUE = rf"{_START}(?:{_KEY}: +|[^'\"]*?[\[,{{] *(?:{_KEY}: +)?)?"
_LINES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r" *(?P<here>\t)"), lambda match: Wording("indent with spaces, not with tabs")),
    (
        re.compile(r"[ \t]*(?P<here>[\u00a0\u2000-\u200b\u3000\ufeff])"),
        lambda match: Wording("indent with plain spaces; this one is U+{code:04X}", code=ord(match['here'])),
    ),
    (
        re.compile(rf"(?:{_START}|[^'\"]*?[{{\[,]\s*)(?P<key>{_KEY})\s*(?P<here>：)"),
        lambda match: Wording("the colon is a full-width one; write '{key}: '", key=match['key']),
    ),
    (re.compile(rf"\s*(?P<here>[－—–])\s*{_KEY}"), lambda match: Wording("an item of a list begins with '- '")),
    (
        re.compile(rf"\s*(?P<here>-){_KEY}:"),
        lambda match: Wording("an item of a list begins with '- '; the blank is missing"),
    ),
    (
        re.compile(rf"{_START}(?P<here>{_KEY}):(?![\s/]|$)"),
        lambda match: Wording("a blank is missing behind the colon; write '{key}: '", key=match['here']),
    ),
    (
        re.compile(rf"{_VALUE}(?P<here>\{{[{{%#])"),
        lambda match: Wording(
            "'{here}' begins a mapping in YAML; put the whole value in quotes", here=match['here']
        ),
    ),
    (
        re.compile(rf"{_VALUE}(?P<here>[@`%*&!])"),
        lambda match: Wording("a text that begins with '{here}' needs quotes around it", here=match['here']),
    ),
    (
        re.compile(rf"{_VALUE}(?P<here>\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*')\s*[^\s#,\]}}:]"),
        lambda match: Wording("text follows the closing quote; put the whole value in one pair of quotes"),
    ),
    (
        re.compile(rf"{_START}(?:{_KEY}: +)?(?P<here>\[[^\[\]]*\]|\{{[^{{}}]*\}})\s*[^\s#,\]}}:]"),
        lambda match: Wording("a text that begins with '{here}' needs quotes around it", here=match['here'][0]),
    ),
    (
        re.compile(rf"{_START}{_KEY}: +(?P<here>[|>])(?![-+0-9]*\s*(?:#|$))"),
        lambda match: Wording(
            "behind '{here}' the text begins in the next line; else put it in quotes", here=match['here']
        ),
    ),
    (
        re.compile(rf"{_START}(?P<key>{_KEY}): +(?P<text>[^'\"\[{{|>\s].*?(?P<here>:)(?:\s.*|$))"),
        lambda match: Wording(
            "a text with ': ' in it needs quotes: {key}: {quoted}", key=match['key'], quoted=_quoted(match['text'])
        ),
    ),
)  # fmt: skip
"""What stands in a line that is no YAML, most telling first: an expression with the place `here`, and what to do."""


def _comment_hint(line: str) -> tuple[str, int] | None:
    match = re.search(r":\s+(?P<here>#)", line)
    return (
        (Wording("a '#' behind a blank begins a comment; put the text in quotes"), match.start("here"))
        if match
        else None
    )


def _mark_hint(lines: Sequence[str], problem: Place, context: Place | None) -> Hint | None:
    """What the places alone say: an escape, a bracket or quote without its end, an indentation that fits nothing."""
    here = _line(lines, problem.line)
    begun = _line(lines, context.line)[context.column : context.column + 1] if context else ""
    if here.startswith(("---", "...")):
        return Hint(Wording("a file holds one document; several rules are a pack: 'rules:' with a list"))
    if begun in ("'", '"'):
        if context and context.line == problem.line and "\\" in here[context.column : problem.column + 1]:
            return Hint(Wording("a backslash begins an escape in double quotes; use single quotes"))
        return Hint(Wording("this quote is never closed"), context)
    if begun in ("[", "{"):
        return Hint(
            Wording("this '{begun}' is not closed, or a text behind it needs quotes", begun=begun), context
        )
    if here[problem.column : problem.column + 1] == ":" or here[: problem.column].strip(" -") == "":
        return Hint(_indentation(here, context))
    return None


def _indentation(here: str, context: Place | None) -> str:
    column = len(here) - len(here.lstrip(" ")) + 1
    began = (
        Wording(
            "; those before it, from line {line} on, in column {column}",
            line=context.line + 1,
            column=context.column + 1,
        )
        if context
        else ""
    )
    return Wording(
        "the keys of a mapping begin in the same column: this one in column {column}{began}",
        column=column,
        began=began,
    )


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_QUOTED else text[:_MAX_QUOTED] + "…"


def _quoted(text: str) -> str:
    return "'" + _cut(text.strip().replace("'", "''")) + "'"
