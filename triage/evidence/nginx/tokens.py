"""nginx configurations as words and marks, with what nginx refuses and a reader still understands.

The grammar is that of ngx_conf_read_token: https://nginx.org/en/docs/beginners_guide.html#conf_structure
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

Kind = Literal["word", "mark", "slash_comment", "fullwidth"]


class Token(NamedTuple):
    """A word without its quotation marks, one of the marks `;{}`, or a fault with the line that shows it."""

    kind: Kind
    text: str
    line: int
    """Where it begins, from 1."""


_TOKEN = re.compile(
    r"""(?:[ \t\r\n]++|\#[^\n]*+)*+
    (?:(?P<mark>[;{}；｛｝]) | "(?P<double>(?:[^"\\]++|\\.)*+)" | '(?P<single>(?:[^'\\]++|\\.)*+)'
    | “(?P<curly>[^“”\n]*+)” | ‘(?P<curl>[^‘’\n]*+)’
    | (?P<word>(?:[^\s;{}；｛｝\\$]++|\\.|\$\{[^}\s]*+\}|\$|[^\S \t\r\n])++) | (?P<other>.))""",
    re.VERBOSE | re.DOTALL,
)
_LUA = re.compile(
    r"""--[^\n]*+|"(?:[^"\\\n]++|\\.)*+"|'(?:[^'\\\n]++|\\.)*+'|(?P<brace>[{}])|[^{}"'-]++|.""", re.DOTALL
)
_WIDE = re.compile(r"[；｛｝，“”‘’\u3000\xa0\ufeff]")
_HALF = str.maketrans("；｛｝，“”‘’\u3000\xa0\ufeff", ";{},\"\"''   ")


def half_width(text: str) -> str:
    """The text with what a Chinese keyboard writes for the signs of a configuration made right."""
    return text.translate(_HALF)


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a text in linear time; comments and the Lua in `…_by_lua_block` are passed over."""
    is_wide = bool(_WIDE.search(text))
    place, line, shown = 0, 1, 0
    name = ""
    while match := _TOKEN.match(text, place):
        kind = match.lastgroup or "other"
        start, end = match.start(kind), match.end()
        line += text.count("\n", place, start)
        if not name and kind == "word" and match[kind].startswith("//"):
            end = text.find("\n", start) % (len(text) + 1)
            yield Token("slash_comment", _line_of(text, start), line)
        else:
            if (
                is_wide
                and line != shown
                and kind not in ("double", "single")
                and _WIDE.search(text, start - 1, end)
            ):
                shown = line
                yield Token("fullwidth", _line_of(text, start), line)
            if kind == "mark":
                mark = half_width(match[kind])
                yield Token("mark", mark, line)
                end = _after_lua(text, end) if mark == "{" and name.endswith("_by_lua_block") else end
                name = ""
            else:
                words = half_width(match[kind]).split() if is_wide and kind == "word" else [match[kind]]
                yield from (Token("word", word, line) for word in words)
                name = name or "".join(words[:1]) or " "
        line += text.count("\n", start, end)
        place = end


def _after_lua(text: str, place: int) -> int:
    """Where the `}` of a block of Lua stands; the end of the text where it has none."""
    depth = 1
    for match in _LUA.finditer(text, place):
        depth += {"{": 1, "}": -1}.get(match["brace"] or "", 0)
        if not depth:
            return match.start()
    return len(text)


def _line_of(text: str, place: int) -> str:
    start, end = text.rfind("\n", 0, place) + 1, text.find("\n", place)
    return text[start : end if end >= 0 else len(text)].strip()
