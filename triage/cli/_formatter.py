"""Help on a terminal: Chinese is broken by columns, where click counts characters and looks for blanks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from unicodedata import east_asian_width

import click

from triage.cli._language import language
from triage.settings.wordings import Language

_PIECES = re.compile(r"[\x21-\x7e]+[，。、；：）]*|\s+|.[，。、；：）”]*", re.DOTALL)
"""What stays together: a word of ASCII, or a character, each with the punctuation that may begin no line."""


class HelpFormatter(click.HelpFormatter):
    """click's formatter, with a width in columns for Chinese."""

    def write_heading(self, heading: str) -> None:
        if language() is Language.EN:
            super().write_heading(heading)
        else:
            self.write(f"{'':>{self.current_indent}}{heading}：\n")

    def write_text(self, text: str) -> None:
        if language() is Language.EN:
            super().write_text(text)
            return
        indent = " " * self.current_indent
        paragraphs = (wrap(part.replace("\n", ""), self.width - len(indent)) for part in text.split("\n\n"))
        self.write("\n\n".join("\n".join(indent + line for line in lines) for lines in paragraphs) + "\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        if language() is Language.EN:
            super().write_dl(rows, col_max, col_spacing)
            return
        rows, indent = list(rows), self.current_indent
        column = min(max(columns(term) for term, _ in rows), col_max) + col_spacing
        for term, words in rows:
            lines = list(wrap(words, self.width - indent - column))
            first = " " * indent + term
            if columns(term) > column - col_spacing and lines:
                self.write(f"{first}\n")
                first = " " * indent
            room = indent + column - columns(first)
            shown = [first + " " * room + line for line in lines[:1]] or [first]
            shown += [" " * (indent + column) + line for line in lines[1:]]
            self.write("\n".join(shown) + "\n")


class Context(click.Context):
    """A context whose help is written by our formatter."""

    formatter_class = HelpFormatter


def columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


def wrap(text: str, width: int) -> Iterator[str]:
    """The text in lines of at most `width` columns, as far as what stays together allows."""
    line = ""
    for piece in _PIECES.findall(text):
        if line and columns(line + piece.rstrip()) > width:
            yield line.rstrip()
            line = ""
        line += piece if line or not piece.isspace() else ""
    if line.strip():
        yield line.rstrip()
