"""Names in other spellings than their own: written in pinyin, or with a typing error."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from triage.rules.index import Literals

_MIN_PINYIN = 6
"""Letters of a name in pinyin; a shorter one stands in English words."""
_MAX_READINGS = 4
"""Readings of a name whose characters have several."""
_MIN_SIMILARITY = 74
"""How alike a misspelt name must be, from 0 to 100: about one wrong character in four."""
_MIN_LATIN_SIMILARITY = 80
"""The same of a name with Latin letters, of which single ones say less."""
_MIN_MISSPELT, _MAX_MISSPELT = 4, 24
"""Characters of typed words that are compared with names; rapidfuzz takes quadratic time."""
_MAX_NEAR = 3


class Spellings:
    """The names of all topics, to be found where they are not spelt as they are written."""

    def __init__(self, names: Iterable[str]) -> None:
        """`names`: squashed."""
        self._names = tuple(names)
        self._long = [name for name in self._names if len(name) >= _MIN_MISSPELT and not name.isdigit()]
        self._in_pinyin: dict[str, list[str]] | None = None
        self._literals = Literals(())

    def in_pinyin(self, words: str) -> Iterator[str]:
        """The names that stand in Latin words as pinyin, the longest first; the table is made at first use."""
        if not words.isascii() or len(words) < _MIN_PINYIN:
            return
        if self._in_pinyin is None:
            self._in_pinyin = _spell(self._names)
            self._literals = Literals(self._in_pinyin)
        for spelt in sorted(self._literals.found_in(words), key=len, reverse=True):
            yield from self._in_pinyin[spelt]

    def near(self, words: str) -> Iterator[tuple[str, float]]:
        """The names that are almost the words, each with its likeness from 0 to 1, the most alike first."""
        from rapidfuzz import fuzz, process  # only a typing error needs it, and it takes long to import

        if not _MIN_MISSPELT <= len(words) <= _MAX_MISSPELT:
            return
        near = process.extract(
            words, self._long, scorer=fuzz.ratio, score_cutoff=_MIN_SIMILARITY, limit=_MAX_NEAR
        )
        for name, score, _ in near:
            if score >= _MIN_LATIN_SIMILARITY or not any(map(str.isascii, name)):
                yield name, score / 100


def _spell(names: Iterable[str]) -> dict[str, list[str]]:
    """Each name with Chinese characters by its readings in pinyin."""
    from xpinyin import Pinyin  # its table is read at the first question in pinyin, not at every start

    pinyin = Pinyin()
    spelt: dict[str, list[str]] = defaultdict(list)
    for name in names:
        if not name.isascii():
            for reading in pinyin.get_pinyins(name, "", n=_MAX_READINGS):
                if len(reading) >= _MIN_PINYIN:
                    spelt[reading.lower()].append(name)
    return spelt
