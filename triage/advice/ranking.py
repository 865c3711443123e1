"""How much of a question's words a topic's own text explains (BM25 over pairs of characters and Latin words)."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping

_SATURATION = 1.2
"""BM25's k1: how fast a repeated word stops counting."""
_LENGTH = 0.6
"""BM25's b: how much a long text is discounted."""
_MIN_RARITY = 0.1
"""A word that nine texts in ten have tells nothing of them apart; leaving it out bounds what a word can cost."""
_MIN_LATIN = 2
"""Letters of a Latin word or number; single ones say nothing."""
_RUN = re.compile(r"[\u3400-\u9fff]+|[a-z0-9]+(?:_[a-z0-9]+)*")
_EMPTY_WORD = re.compile(
    "an|and|are|as|at|be|been|but|by|can|do|does|for|from|get|got|has|have|how|if|in|into|is|it|its|just|me|my|no|not|of|on"
    "|or|our|own|so|than|that|the|their|then|there|they|this|to|up|us|was|we|what|when|where|which|while|who|why|will|with"
    "|would|you|your"
)
"""English words that say nothing about a topic."""
_ENDING = re.compile(r"(?<=[a-z]{4})(?:ings?|e?d|e?s)$")
"""The ending of a form of a word: retries, pushing, decrypted."""


def terms_of(text: str) -> list[str]:
    """Pairs of neighbouring characters, and Latin words (a compound with its parts), in order of appearance."""
    terms: list[str] = []
    for run in _RUN.findall(text):
        if run[0] > "\u2fff":
            terms += [run[i : i + 2] for i in range(len(run) - 1)] or [run]
        else:
            words = (run, *run.split("_")) if "_" in run else (run,)
            terms += [_ENDING.sub("", word) for word in words if _says_something(word)]
    return terms


def _says_something(word: str) -> bool:
    return len(word) >= _MIN_LATIN and not _EMPTY_WORD.fullmatch(word)


class TextIndex:
    """Texts by id, to be ranked by the words that they share with a question."""

    def __init__(self, texts: Mapping[str, Iterable[tuple[str, int]]]) -> None:
        """`texts`: for each id folded pieces of text, each with its weight: how often it counts."""
        counts: dict[str, Counter[str]] = {}
        for id_, pieces in texts.items():
            counter = counts[id_] = Counter()
            for piece, weight in pieces:
                for term in terms_of(piece):
                    counter[term] += weight
        self._total = len(counts) or 1
        self._terms = {id_: frozenset(counter) for id_, counter in counts.items()}
        average = sum(counter.total() for counter in counts.values()) / self._total or 1.0
        containing: Counter[str] = Counter(term for counter in counts.values() for term in counter)
        self._rarity = {
            term: math.log1p((self._total - n + 0.5) / (n + 0.5)) for term, n in containing.items()
        }
        self._unknown = math.log1p((self._total + 0.5) / 0.5)
        self._postings: dict[str, list[tuple[str, float]]] = defaultdict(list)
        for id_, counter in counts.items():
            norm = _SATURATION * (1 - _LENGTH + _LENGTH * counter.total() / average)
            for term, n in counter.items():
                if self._rarity[term] >= _MIN_RARITY:
                    self._postings[term].append((id_, self._rarity[term] * n / (n + norm)))

    def explained(self, terms: Collection[str]) -> dict[str, float]:
        """For each id the share of a question's terms that its text explains, from 0 to 1, rare words first."""
        if not terms:
            return {}
        total = 0.0
        found: dict[str, float] = defaultdict(float)
        for term in terms:
            total += self._rarity.get(term, self._unknown)
            for id_, worth in self._postings.get(term, ()):
                found[id_] += worth
        return {id_: value / total for id_, value in found.items()}

    def strangeness(self, terms: Collection[str]) -> float:
        """The share of a question's terms that stand in no text of the index, from 0 to 1."""
        return sum(term not in self._rarity for term in terms) / len(terms) if terms else 0.0

    def shared(self, text: str, id_: str, most: int) -> list[str]:
        """The longest pieces of a question that stand in the text of an id too."""
        pieces: list[str] = []
        for run in _RUN.findall(text):
            known = [term in self._terms[id_] for term in terms_of(run)]
            if run[0] <= "\u2fff":
                pieces += [run] if any(known) else []
                continue
            start = None
            for index, is_known in enumerate([*known, False]):
                if is_known and start is None:
                    start = index
                elif not is_known and start is not None:
                    pieces.append(run[start : index + 1])
                    start = None
        return sorted(dict.fromkeys(pieces), key=len, reverse=True)[:most]
