"""Tables as tools print them, read by the order of their words: blanks may be lost and lines folded anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from triage.evidence.paste import Paste, Token, tokens

_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?%?")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d|\d{1,2}:\d\d(?::\d\d)?|[AP]M|UTC|CST|[+-]\d{4}")


@dataclass(frozen=True, slots=True)
class Table:
    """A header and the rows of numbers below it."""

    columns: tuple[str, ...]
    rows: tuple[tuple[float, ...], ...]
    """As many numbers as there are columns in each; a row that is cut is left out."""
    is_cut: bool
    """Whether numbers of an unfinished row follow."""
    lines: tuple[int, ...]

    def column(self, name: str) -> list[float]:
        """The numbers of a column; empty where the table has none of this name."""
        if name not in self.columns:
            return []
        index = self.columns.index(name)
        return [row[index] for row in self.rows]


def find_tables(
    paste: Paste, first: Sequence[str], needed: Sequence[str], last: Sequence[str]
) -> Iterator[Table]:
    """Tables whose header begins with the words `first`, has the words `needed` in this order, and ends with one of
    `last`, the longest header that does; below it stand rows of numbers alone.
    """
    words = list(tokens(paste, 0, len(paste.lines)))
    texts = [word.text for word in words]
    place = 0
    while place < len(words):
        size = _header(texts, place, first, needed, last)
        if not size:
            place += 1
            continue
        table, place = _rows(words, place, size)
        yield table


def _header(
    texts: Sequence[str], place: int, first: Sequence[str], needed: Sequence[str], last: Sequence[str]
) -> int:
    """How many words the header at this place has; 0 where there is none."""
    if texts[place] != first[0] or tuple(texts[place : place + len(first)]) != tuple(first):
        return 0
    want = list(needed)
    size = 0
    for offset in range(len(first) + 3 * len(needed)):
        if place + offset >= len(texts) or (offset >= len(first) and texts[place + offset] == first[0]):
            break
        if want and texts[place + offset] == want[0]:
            want.pop(0)
        if not want and texts[place + offset] in last:
            size = offset + 1
        if not want and _NUMBER.fullmatch(texts[place + offset]):
            break
    return size


def _rows(words: Sequence[Token], place: int, size: int) -> tuple[Table, int]:
    columns = tuple(word.text for word in words[place : place + size])
    used = {word.line for word in words[place : place + size]}
    rows: list[tuple[float, ...]] = []
    row: list[float] = []
    place += size
    pending: set[int] = set()
    while place < len(words):
        word = words[place]
        if not _NUMBER.fullmatch(word.text):
            if row or not (_MOMENT.fullmatch(word.text) or word.text.strip("-") == "" or "--" in word.text):
                break
        else:
            row.append(float(word.text.rstrip("%").replace(",", ".")))
            pending.add(word.line)
        if len(row) == size:
            rows.append(tuple(row))
            used |= pending
            row, pending = [], set()
        place += 1
    table = Table(columns, tuple(rows), bool(row), tuple(sorted(used | pending)))
    return table, place
