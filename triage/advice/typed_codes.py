"""Codes in typed or pasted words, each with its family: errcode, HTTP status, cURL error, TCP state, crypto code."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from triage.rules.codes import Code, CodeTable
from triage.rules.index import Literals

_WORDS_BEFORE = 24
"""Characters before a number in which a word tells its family."""
_MIN_BARE = 3
"""Characters of a number without a sign that is a code although no word beside it says so."""
_MIN_UNKNOWN = 5
"""Characters of a number that no other family's word can change, and that is told to be unknown; a shorter one may be
anything."""
_MIN_MESSAGE = 10
"""Letters of an official message that tells its code by itself: `invalid openid`."""
_MAX_NUMBERS = 50
"""Numbers of a text that are looked at; no question has as many."""
_NUMBER = re.compile(
    r"(?<![\w./#*@])(?<!\d:)(?:(?<![\d)])-)?\d{1,9}(?![\w]*[.:/]?\d|[a-z_]|\.[a-z])", re.ASCII
)
_UNIT = re.compile(
    r"\s*(?:元|年|月|日|号|天|人|位|套餐|房间?|室|楼|路|站|米|公里|斤|点|度|分钟|秒|毫秒|票|集|期|班|层|栋|杯|份|步|个|条|家|句|遍|块|张|本|万|%|％"
    r"|(?:ms|s|kb|mb|gb|g|k|m|w)(?![a-z]))"
)
"""What counts or names something else: 499 元, 403 房间."""


@dataclass(frozen=True, slots=True)
class TypedCode:
    """A code that stands in the words."""

    family: str
    code: str
    known: Code | None
    """Its row; None where no table explains it."""
    topic: str
    """The rule that answers for it."""
    title: str
    """What such a code is called."""
    explicit: bool
    """Whether a word beside it says what it is, or nothing else was typed."""
    harmless: bool
    """Whether it is no fault."""

    @property
    def because(self) -> str:
        """The evidence in words: 接口错误码 40164."""
        return f"{self.title} {self.code}"


class CodeIndex:
    """The codes of all tables, and how they are told in words."""

    def __init__(self, tables: Iterable[CodeTable], names: Container[str] = ()) -> None:
        """`names`: squashed names of topics; a message that is one of them (`request timeout`) tells no code."""
        self._tables: dict[str, CodeTable] = {}
        self._near: dict[str, list[str]] = defaultdict(list)
        self._codes: dict[str, dict[str, Code]] = {}
        for table in tables:
            self._tables.setdefault(table.family, table)
            for word in table.near:
                self._near[word.lower()].append(table.family)
            self._codes.setdefault(table.family, {}).update({code.code: code for code in table.codes})
        longest_first = sorted(self._near, key=len, reverse=True)
        self._near_word = re.compile("|".join(map(_as_word, longest_first)) or r"(?!)")
        self._states = {
            _squash(code): (family, code)
            for family, codes in self._codes.items()
            for code in codes
            if code[0].isalpha()
        }
        states = "|".join(_state_pattern(code) for _, code in self._states.values()) or r"(?!)"
        self._state = re.compile(rf"(?<![a-z0-9])(?:{states})(?![a-z0-9])")
        self._messages: dict[str, Code] = {}
        for code in (code for codes in self._codes.values() for code in codes.values()):
            message = _letters(code.message or "")
            if len(message) >= _MIN_MESSAGE and message not in names:
                self._messages.setdefault(message, code)
        self._literals = Literals(self._messages)

    def found_in(self, words: str) -> tuple[TypedCode, ...]:
        """The codes in folded words, in order of appearance, each once; without any, the one whose message is there."""
        found = {(item.family, item.code): item for item in (*self._numbers(words), *self._named(words))}
        return tuple(found.values()) or tuple(self._told(words))

    def _told(self, words: str) -> Iterator[TypedCode]:
        """The code whose official message stands in the words without it; of several the longest message."""
        if messages := self._literals.found_in(_letters(words)):
            code = self._messages[max(messages, key=len)]
            yield self._typed(code.family, code.code, True)

    def _named(self, words: str) -> Iterator[TypedCode]:
        for match in self._state.finditer(words):
            family, code = self._states[_squash(match[0])]
            yield self._typed(family, code, True)

    def _numbers(self, words: str) -> Iterator[TypedCode]:
        alone = words.strip(" #?。!？！")
        for match in islice(_NUMBER.finditer(words), _MAX_NUMBERS):
            number = match[0]
            families = self._families(words[max(0, match.start() - _WORDS_BEFORE) : match.start()])
            known = [family for family, codes in self._codes.items() if number in codes]
            explaining = [family for family in families if family in known]
            if families and not explaining and len(number) >= _MIN_UNKNOWN:
                explaining = known
            if explaining:
                yield self._typed(explaining[0], number, True)
            elif families and self._plausible(families[0], number):
                yield self._typed(families[0], number, True)
            elif (len(number) >= _MIN_BARE or number[0] == "-") and not _UNIT.match(words, match.end()):
                if known:
                    yield self._typed(known[0], number, number == alone)
                elif number == alone and len(number) >= _MIN_UNKNOWN:
                    yield from self._unknown(number)

    def _unknown(self, number: str) -> Iterator[TypedCode]:
        """A number that is all that was typed, as a code of the first family whose codes are as long."""
        family = next((family for family in self._codes if self._plausible(family, number)), None)
        if family:
            yield self._typed(family, number, True)

    def _families(self, before: str) -> list[str]:
        """The families that words before a number name, the nearest first."""
        nearest_first = reversed(self._near_word.findall(before))
        return list(dict.fromkeys(family for word in nearest_first for family in self._near[word]))

    def _plausible(self, family: str, number: str) -> bool:
        """Whether an unknown number has the sign and the length of the codes; a long one may have a digit more."""
        longer = len(number) >= _MIN_UNKNOWN
        return any(
            0 <= len(number) - len(code) <= longer and (number[0] == "-") == (code[0] == "-")
            for code in self._codes[family]
            if code not in self._tables[family].harmless
        )

    def _typed(self, family: str, code: str, explicit: bool) -> TypedCode:
        known = self._codes[family].get(code)
        table = self._tables[family]
        topic = known.topic if known else table.topic
        return TypedCode(family, code, known, topic, table.title, explicit, code in table.harmless)


def _as_word(word: str) -> str:
    """A pattern for the word; a Latin one must not be a part of a longer word."""
    return rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])" if word.isascii() else re.escape(word)


def _state_pattern(code: str) -> str:
    return r"[-_ ]?".join(map(re.escape, code.lower().split("_")))


def _letters(text: str) -> str:
    """A message for comparing: folded, without what changes or is put between its words."""
    return re.sub(r"[\W_]+", "", text.lower())


def _squash(code: str) -> str:
    return re.sub(r"[-_ ]", "", code.lower())
