"""A text in pieces, each with what was read in it: values of alerts, output of tools, what was not understood."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise

from triage.advice.adviser import Understood
from triage.alerts.places import places_of

MAX_CHARACTERS = 20_000
"""Of a text that are shown in pieces."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of characters of the text."""

    text: str
    what: str | None = None
    """A value's name in the contract, `unread`, or the name of a tool; None for what is nothing of these."""
    alert: int | None = None
    """The number of the alert that begins with this piece, from 1, where the text has several."""


def pieces_of(read: Understood, text: str) -> tuple[Piece, ...]:
    """The beginning of the text in pieces; together they are it. `text` is what `read` was made of."""
    pieces = _of_tools(read, text) if read.parts and not read.diagnoses else _of_alerts(read)
    return tuple(_cut(pieces))


def _of_alerts(read: Understood) -> Iterator[Piece]:
    """The cleaned text, which the places are places of."""
    text = read.reading.text
    starts = {alert.span[0]: number for number, alert in enumerate(read.reading.alerts, start=1)}
    starts = starts if len(starts) > 1 else {}
    marked = {place.start: place for place in places_of(read.reading)}
    ends = {place.end for place in marked.values()}
    borders = sorted({0, len(text), *marked, *ends, *starts})
    for start, end in pairwise(borders):
        place = marked.get(start)
        yield Piece(text[start:end], place.what if place else None, starts.get(start))


def _of_tools(read: Understood, text: str) -> Iterator[Piece]:
    """The lines of each tool's output together; a line that no tool is known by stays with nothing."""
    tools = {line: part.tool for part in read.parts for line in part.lines}
    lines = enumerate(
        text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    )  # as `evidence.paste` counts them
    for at, (tool, run) in enumerate(groupby(lines, key=lambda line: tools.get(line[0]))):
        yield Piece(("\n" if at else "") + "\n".join(words for _, words in run), tool)


def _cut(pieces: Iterator[Piece]) -> Iterator[Piece]:
    left = MAX_CHARACTERS
    for piece in pieces:
        if len(piece.text) > left:
            yield Piece(piece.text[:left], piece.what, piece.alert)
            return
        yield piece
        left -= len(piece.text)
