"""A paste to its parts: every tool reads it, and each line belongs to one of them."""

from __future__ import annotations

from dataclasses import replace

from triage.evidence.folds import Fold, readings
from triage.evidence.judgement import Part, Verdict
from triage.evidence.paste import read_paste
from triage.evidence.tools import READERS

_CUT = ("truncated", "only_since_boot")
"""What is told of an output of which lines are missing, or were not found."""
MAX_TEXT = 1_000_000
"""Characters of a paste that are read."""


def judge(text: str) -> tuple[Part, ...]:
    """The parts of a paste in order of appearance; empty for a text in which no tool is recognised."""
    parts = _read(text[:MAX_TEXT])
    if not all(_is_cut(part) for part in parts):
        return parts
    for fold in readings(text[:MAX_TEXT]):
        again = _read(fold.text)
        if any(part.verdict is not Verdict.UNREADABLE for part in again):
            return tuple(_of_the_paste(part, fold) for part in again)
    return parts


def _is_cut(part: Part) -> bool:
    return part.verdict is Verdict.UNREADABLE and any(each.id in _CUT for each in part.findings)


def _of_the_paste(part: Part, fold: Fold) -> Part:
    """A part of another reading, its lines those of the paste."""
    return replace(part, lines=tuple(sorted({at for line in part.lines for at in fold.lines[line]})))


def _read(text: str) -> tuple[Part, ...]:
    paste = read_paste(text)
    found = [(part, order) for order, read in enumerate(READERS) for part in read(paste)]
    found.sort(key=lambda item: (-len(item[0].lines), item[1]))
    kept: list[Part] = []
    taken: set[int] = set()
    for part, _ in found:
        if taken.isdisjoint(part.lines):
            taken.update(part.lines)
            kept.append(part)
    return tuple(sorted(kept, key=lambda part: part.lines))
