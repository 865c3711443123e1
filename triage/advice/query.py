"""Which topic typed words ask for: by a number, a name, phrases in a sentence, or a name with a typing error.

The names of a topic stand in its rule (title, aliases, sentences). A topic's score is the share of the typed words that
its names cover.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from triage.advice.sources import Source
from triage.alerts.cleaning import clean, fold
from triage.rules.index import Literals
from triage.rules.parser import Rule, RuleSet

MAX_QUERY = 2_000
"""A longer text is no query."""
MIN_SCORE = 0.4
"""From this score on a topic is meant."""
MIN_SCORE_OF_QUESTION = 0.2
"""The same where the words are a question, which has more words that are no name."""
MIN_SHARE_OF_BEST = 0.9
"""Topics whose score is at least this share of the best one's are offered as a choice."""
MAX_CHOICES = 4
_MIN_SIMILARITY = 74
"""How alike a misspelt name must be, from 0 to 100: about one wrong character in four."""
_MIN_MISSPELT, _MAX_MISSPELT = 4, 24
"""Characters of typed words that are compared with names; rapidfuzz takes quadratic time."""
_MAX_SHORT_NAME = 5
"""An ASCII name up to this length must stand as a word of its own: `dns` is not part of `tcdnsx`."""
_MIN_SENTENCE_PART = 7
"""Characters of a part of a 内容 sentence that is a name too."""
_SCORE_OF_TITLE_PART = 0.5


@dataclass(frozen=True, slots=True)
class Candidate:
    """A topic that the typed words may ask for."""

    rule: Rule
    score: float
    """The share of the typed words that its names cover, from 0 to 1."""
    because: str
    """Those names, in words."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The topics that a text may ask for, best first: none for small talk, several where the answer is a choice.

    `source` is the cited item (`R4`) that the text asks for instead of a topic.
    """

    candidates: tuple[Candidate, ...] = ()
    source: Source | None = None

    @property
    def topic(self) -> Rule | None:
        """The topic that fits best."""
        return self.candidates[0].rule if self.candidates else None

    @property
    def is_clear(self) -> bool:
        """Whether one topic is meant, so that it is answered without a choice."""
        return len(self.candidates) == 1

    @property
    def is_exact(self) -> bool:
        """Whether the text is the name or number of a topic and nothing else."""
        return bool(self.candidates) and self.candidates[0].score == 1.0

    @property
    def choices(self) -> tuple[str, ...]:
        """Ids of the topics that are chosen by their place in the list; empty where all have a number of the guide."""
        if self.is_clear or all(candidate.rule.number for candidate in self.candidates):
            return ()
        return tuple(candidate.rule.id for candidate in self.candidates)


class TopicIndex:
    """An index over all names of a rule set's topics."""

    def __init__(self, rule_set: RuleSet) -> None:
        self._by_name: dict[str, list[Rule]] = defaultdict(list)
        self._by_number = {rule.number: rule for rule in rule_set.rules if rule.number is not None}
        for rule in rule_set.rules:
            for name in dict.fromkeys(_squash(name) for name in (rule.id, rule.title, *_other_names(rule))):
                self._by_name[name].append(rule)
        for rule in rule_set.rules:
            for name in _sentence_parts(rule):
                self._by_name.setdefault(name, [rule])
        self._literals = Literals(self._by_name)
        self._titles = [(_squash(rule.title + (rule.title_en or "")), rule) for rule in rule_set.rules]
        self._titles.sort(key=lambda item: (item[1].number or 99, item[1].id))
        self._fuzzy = [name for name in self._by_name if len(name) >= _MIN_MISSPELT and not name.isdigit()]

    def ask(self, text: str) -> Asked:
        """What a typed text asks for."""
        if len(text) > MAX_QUERY:
            return Asked()
        typed = clean(text)
        words = _squash(typed)
        if not words:
            return Asked()
        if number := _number(words):
            rule = self._by_number.get(number)
            return Asked((Candidate(rule, 1.0, f"编号 {number}"),)) if rule else Asked()
        if words in self._by_name:
            return Asked(tuple(Candidate(rule, 1.0, f"「{words}」") for rule in self._by_name[words]))
        found = self._phrases(typed, words)
        threshold = MIN_SCORE_OF_QUESTION if _ASKING.search(words) else MIN_SCORE
        clear = [candidate for candidate in found if candidate.score >= threshold]
        clear = clear or self._partly(words) or self._misspelt(words)
        return Asked(
            tuple(item for item in clear[:MAX_CHOICES] if item.score >= MIN_SHARE_OF_BEST * clear[0].score)
        )

    def _phrases(self, typed: str, words: str) -> list[Candidate]:
        """Topics whose names stand in the text, the one that covers most of it first."""
        tokens = set(_TOKEN.findall(fold(typed)))
        covered: dict[str, dict[str, set[int]]] = defaultdict(dict)
        rules: dict[str, Rule] = {}
        for name in self._literals.found_in(words):
            if name.isascii() and len(name) <= _MAX_SHORT_NAME and name not in tokens:
                continue
            places = {i for m in re.finditer(re.escape(name), words) for i in range(*m.span())}
            for rule in self._by_name[name]:
                covered[rule.id][name] = places
                rules[rule.id] = rule
        content = {i for m in _CONTENT.finditer(_FILLER.sub(_blank, words)) for i in range(*m.span())}
        found = [
            Candidate(rules[id_], _share(set().union(*names.values()), content), _quoted(names))
            for id_, names in covered.items()
        ]
        return sorted(found, key=lambda item: (-item.score, item.rule.number or 99, item.rule.id))

    def _partly(self, words: str) -> list[Candidate]:
        """Topics whose titles contain the typed word: `dns`, `ticket`, `超时`."""
        core = _FILLER.sub("", words)
        if len(core) < 2 or core.isdigit():
            return []
        found = [rule for title, rule in self._titles if core in title]
        return [Candidate(rule, _SCORE_OF_TITLE_PART, f"标题里有「{core}」") for rule in found]

    def _misspelt(self, words: str) -> list[Candidate]:
        from rapidfuzz import fuzz, process  # only a typing error needs it, and it takes long to import

        found: dict[str, Candidate] = {}
        for core in dict.fromkeys((words, _FILLER.sub("", words))):
            if not _MIN_MISSPELT <= len(core) <= _MAX_MISSPELT:
                continue
            near = process.extract(
                core, self._fuzzy, scorer=fuzz.ratio, score_cutoff=_MIN_SIMILARITY, limit=3
            )
            for name, score, _ in near:
                for rule in self._by_name[name]:
                    found.setdefault(rule.id, Candidate(rule, score / 100, f"近似「{name}」"))
        return sorted(found.values(), key=lambda item: -item.score)


def _other_names(rule: Rule) -> Iterator[str]:
    yield from rule.aliases
    if rule.title_en:
        yield rule.title_en


def _sentence_parts(rule: Rule) -> Iterator[str]:
    for sentence in rule.sentences:
        yield from (
            part for piece in sentence.split("…") if len(part := _squash(piece)) >= _MIN_SENTENCE_PART
        )


_DROPPED = re.compile(r"[\s_\-—,，.。、!！?？:：;；\"“”'‘’()（）\[\]「」~～]+")
_TOKEN = re.compile(r"[a-z0-9]+(?:[_.][a-z0-9]+)*|[0-9]+")
_CONTENT = re.compile(r"[^\W_]+")
_ASKING = re.compile(r"怎么|怎样|如何|为什么|为啥|什么|是啥|哪里|哪儿|多少|咋|吗$|呢$|求助|何意|why|what|how")
_FILLER = re.compile(
    "请问一下|麻烦问下|麻烦|请问|想问|问下|一下|怎么回事|怎么处理|怎么解决|怎么排查|怎么办|怎么查|怎么看|怎么|怎样|如何|"
    "为什么|为啥|是什么意思|什么意思|是什么|什么|多少|哪里|谢谢|大家|老师|帮忙|帮我|看看|看下|出现|遇到|我们|你们|这个|"
    "那个|报警|告警|问题|太多|很高|该|请|吗|呢|啊|呀|吧|了|的|是|在|我|你|他|老|又|就|都|说"
)


def _squash(text: str) -> str:
    """The folded text without white space and punctuation; punctuation alone (`?`) is kept."""
    folded = fold(text)
    return _DROPPED.sub("", folded) or folded.strip()


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _share(covered: set[int], content: set[int]) -> float:
    """The share of the content that is covered; covered filler words count as content."""
    return len(covered) / len(covered | content) if covered else 0.0


def _quoted(names: Mapping[str, object]) -> str:
    return "".join(f"「{name}」" for name in sorted(names, key=lambda name: (-len(name), name))[:3])


_DIGITS = {digit: value for value, digit in enumerate("一二三四五六七八九十", start=1)}
_NUMBER = re.compile(r"(?:第|no|#)?(\d{1,2}|[一二三四五六七八九十])(?:条|项|个|类|号|种)?")


def _number(words: str) -> int | None:
    match = _NUMBER.fullmatch(words)
    return (_DIGITS.get(match[1]) or int(match[1])) if match else None
