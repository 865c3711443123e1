"""Our replies, which are plain text, for a client that shows Markdown: what was written is seen, and nothing else."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"(https?://(?:(?![\\`*\[\]<>~|])[!-~])+)|[\\`*_\[\]<>~|]")
"""A sign of markup, or an address, which is a link as it stands: an escape would become part of where it leads
(https://github.github.com/gfm/#autolinks-extension-).
"""
_BLOCK = re.compile(r"(\s*)([#+\-=>]+|\d+[.)])(?=\s|$)")
_COMMAND = re.compile(r"  (?=[!-~])")
_TICKS = re.compile(r"`+")


def as_markdown(text: str) -> str:
    """The text with what Markdown would take for markup escaped; indented ASCII, which is a command, as code."""
    return "\n".join(map(_line, text.split("\n")))


def _line(line: str) -> str:
    if _COMMAND.match(line):
        return _code(line.strip())
    escaped = _SPECIAL.sub(lambda found: found[1] or f"\\{found[0]}", line)
    block = _BLOCK.match(escaped)  # a heading, a list, a rule: but for its first sign it is plain text
    if block is None:
        return escaped
    at = block.end() - 1 if block[2][0].isdigit() else block.start(2)
    return f"{escaped[:at]}\\{escaped[at:]}"


def _code(command: str) -> str:
    """A code span; its fence is longer than any backticks in it."""
    fence = "`" * (max((len(ticks) for ticks in _TICKS.findall(command)), default=0) + 1)
    gap = " " if command.startswith("`") or command.endswith("`") else ""
    return f"{fence}{gap}{command}{gap}{fence}"
