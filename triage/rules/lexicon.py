"""Words about words: what speech recognition hears for a term, and what ordinary talk is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import yaml

from triage.rules.strict_yaml import TEXT, TEXTS, Key, Pair, Reader, Shape, mapping_of, ref
from triage.wording import Wording

LEXICON_KEY = "lexicon"
"""The key by which a file is a lexicon."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Words that help to read what is typed or spoken."""

    heard: Mapping[str, str] = field(default_factory=dict)
    """What is written or heard for a term (托肯), and the term (token)."""
    everyday: tuple[str, ...] = ()
    """Words of ordinary talk (外卖, 高铁): a term beside one of them is not asked for."""

    @classmethod
    def joined(cls, lexicons: Iterable[Lexicon]) -> Lexicon:
        """One lexicon from many; of two readings of the same word the later one counts."""
        heard: dict[str, str] = {}
        everyday: dict[str, None] = {}
        for lexicon in lexicons:
            heard |= lexicon.heard
            everyday |= dict.fromkeys(lexicon.everyday)
        return cls(heard, tuple(everyday))


def parse_lexicon(reader: Reader, node: yaml.Node, pairs: list[Pair]) -> Lexicon:
    """The lexicon of a file; what has mistakes is left out, with findings."""
    values = reader.parse(node, pairs, _FILE, Wording("a lexicon"))
    return values[LEXICON_KEY] or Lexicon()


def _lexicon(reader: Reader, node: yaml.Node) -> Lexicon:
    values = reader.parse(node, reader.mapping(node, Wording("a lexicon")), _LEXICON, Wording("a lexicon"))
    return Lexicon(values["heard"], values["everyday"])


def _heard(reader: Reader, node: yaml.Node) -> Mapping[str, str]:
    return {word: reader.text(value) for word, _, value in reader.mapping(node, Wording("heard words"))}


_FILE = {LEXICON_KEY: Key(Shape(_lexicon, ref("lexicon")), needed=True)}
_LEXICON = {
    "heard": Key(Shape(_heard, mapping_of(TEXT.schema)), default={}),
    "everyday": Key(TEXTS, default=()),
}
LEXICON_KEYS: Mapping[str, Mapping[str, Key]] = {"file": _FILE, "lexicon": _LEXICON}
"""Every key of the format, by where it stands."""
