"""A paste to its parts: every tool reads it, and each line belongs to one of them."""

from __future__ import annotations

from triage.evidence.judgement import Part
from triage.evidence.paste import read_paste
from triage.evidence.tools import READERS

MAX_TEXT = 1_000_000
"""Characters of a paste that are read."""


def judge(text: str) -> tuple[Part, ...]:
    """The parts of a paste in order of appearance; empty for a text in which no tool is recognised."""
    paste = read_paste(text[:MAX_TEXT])
    found = [(part, order) for order, read in enumerate(READERS) for part in read(paste)]
    found.sort(key=lambda item: (-len(item[0].lines), item[1]))
    kept: list[Part] = []
    taken: set[int] = set()
    for part, _ in found:
        if taken.isdisjoint(part.lines):
            taken.update(part.lines)
            kept.append(part)
    return tuple(sorted(kept, key=lambda part: part.lines))
