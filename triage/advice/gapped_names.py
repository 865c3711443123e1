"""Names with a gap (`公众号…坏了`): found where their parts stand in this order, near each other."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Set
from functools import lru_cache

from triage.advice.question import Question, squash

GAP = "…"
_MAX_GAP = 12
"""Characters that may stand between two parts; words further apart belong to two thoughts."""
_MAX_WORD = 8
"""A Latin part up to this length must stand as a word of its own: `get` is not part of `target`."""


def squash_gapped(name: str) -> str:
    """A name with its parts squashed; folding takes the gap for three full stops."""
    return GAP.join(map(squash, name.split(GAP)))


class GappedNames:
    """The names with a gap, to be found among the literals that stand in a question."""

    def __init__(self, names: Iterable[str]) -> None:
        """`names`: as `squash_gapped` makes them."""
        self._by_last: dict[str, list[str]] = defaultdict(list)
        self._parts = {name: frozenset(name.split(GAP)) for name in names}
        for name in self._parts:
            self._by_last[name.rpartition(GAP)[2]].append(name)
        self.parts = frozenset[str]().union(*self._parts.values())
        """What must be looked for in a question: the literals among which `found_in` is told to find the names."""

    def found_in(self, question: Question, literals: Set[str]) -> list[str]:
        """The names in a question in which these literals stand."""
        return [
            name
            for last in self._by_last.keys() & literals
            for name in self._by_last[last]
            if self._parts[name] <= literals and self._stands_in(question, name)
        ]

    def _stands_in(self, question: Question, name: str) -> bool:
        are_words = all(_is_word(part, question) for part in self._parts[name])
        return are_words and bool(_pattern(name).search(question.squashed))


def _is_word(part: str, question: Question) -> bool:
    return not part.isascii() or len(part) > _MAX_WORD or question.has_word(part)


@lru_cache(maxsize=1024)
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(f".{{0,{_MAX_GAP}}}?".join(map(re.escape, name.split(GAP))))
