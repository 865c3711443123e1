"""Which topic typed words ask for: by a code, a phrase that programs print, a name, or words of the topic's own text.

Every piece of evidence counts, the more the more specific it is. Where one topic is ahead by a clear margin it is
answered, where several are close they are offered, and a text of which too little is about any topic is small talk.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from triage.advice.gapped_names import GAP, GappedNames, squash_gapped
from triage.advice.question import FILLER, Question, read_question, squash
from triage.advice.ranking import TextIndex, terms_of
from triage.advice.sources import Source
from triage.advice.spelling import Spellings
from triage.advice.typed_codes import CodeIndex, TypedCode
from triage.alerts.cleaning import fold
from triage.alerts.facts import FACTS, Fact, FactType
from triage.rules.codes import Code
from triage.rules.index import Literals
from triage.rules.model import Rule, RuleSet
from triage.wording import Wording, joined

MAX_QUERY = 2_000
"""A longer text is no query."""
MAX_CHOICES = 4

_CODE, _BARE_CODE, _LAST_RESORT = 15.0, 2.0, 5.0
"""What a code is worth: one that is meant as such, any other number, and one that is unknown or no fault."""
_LITTLE_ELSE, _LITTLE_ELSE_LONG = 3, 8
"""Characters beside a number, without empty words, that is a code although nothing says so; the same for a long one."""
_LONG_CODE = 5
"""Characters of a number that hardly counts anything, so that any question makes it a code: 48001, but not 404."""
_PHRASE = 9.0
_MAX_NAME = 5.0
_CHARACTER, _LETTER = 1.0, 0.4
"""What a character and a Latin letter of a name are worth."""
_FURTHER_NAME = 0.3
"""The share of its worth that counts of every further name."""
_WORDS = 8.0
"""What it is worth if a topic's own text explains all words of the question."""
_MIN_SCORE = 0.8
"""From this score on a topic may be meant by a text that asks or tells of trouble, all in words of our subject."""
_COMPANY, _LEAST_COMPANY, _STRANGE_COMPANY = 3.0, 0.5, 6.0
"""What more it takes in a text that neither asks, nor tells of trouble, nor speaks of pushes: at most, at least, and in
proportion to the words that no topic knows, since a statement all in our words is hardly talk."""
_STRANGE = 3.2
"""What more it takes where no topic knows any word of the text, and in proportion where some are known: a name of four
characters is enough in any question."""
_PERSONAL = 1.8
"""What more it takes in a text that speaks of somebody: `刚才谁 ping 我`."""
_DONE = 2.5
"""What more it takes in a text that tells what somebody has done: `证书我昨晚续好了`."""
_TALK = 0.6
"""The share of strange words from which on a number that nothing calls a code is none."""
_EVERYDAY = 6.0
"""What more it takes for each word of ordinary talk."""
_CLEAR_SCORE = 2.0
"""From this score on a topic that is ahead is answered without a choice."""
_CLOSE = 0.85
"""Topics whose score is at least this share of the best one's are offered as a choice."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A topic that the typed words may ask for."""

    rule: Rule
    score: float
    """How much evidence there is, in points; `_CLEAR_SCORE` and more is plenty."""
    because: tuple[str, ...]
    """The evidence in words, the most telling first."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The topics that a text may ask for, best first: none for small talk, several where the answer is a choice.

    `source` is the cited item (`R4`) that the text asks for instead of a topic.
    """

    candidates: tuple[Candidate, ...] = ()
    source: Source | None = None
    codes: tuple[TypedCode, ...] = ()
    """The codes in the text, in order of appearance."""
    phrases: tuple[str, ...] = ()
    """The phrases of rules that stand in the text."""
    is_exact: bool = False
    """Whether the text is the name or number of a topic and nothing else."""
    is_clear: bool = False
    """Whether the first topic is meant, so that it is answered without a choice."""
    says_something: bool = True
    """Whether the text has words that could ask: not a picture's placeholder, not thanks."""

    @property
    def topic(self) -> Rule | None:
        """The topic that fits best."""
        return self.candidates[0].rule if self.candidates else None

    @property
    def explained(self) -> tuple[Code, ...]:
        """The rows of the codes in the text."""
        return tuple(code.known for code in self.codes if code.known)

    @property
    def choices(self) -> tuple[str, ...]:
        """Ids of the topics that are chosen by their place in the list; empty where all have a number of the guide."""
        if self.is_clear or all(candidate.rule.number for candidate in self.candidates):
            return ()
        return tuple(candidate.rule.id for candidate in self.candidates)

    @property
    def facts(self) -> Mapping[str, Fact]:
        """What was typed as facts, so that conditions of steps see it: the first code of each family, the phrases."""
        facts: dict[str, Fact] = {}
        for item in self.codes:
            number = FACTS[item.family].type is FactType.NUMBER
            facts.setdefault(item.family, int(item.code) if number else item.code)
        return facts | ({"phrase": self.phrases} if self.phrases else {})


@dataclass(slots=True)
class _Evidence:
    """What speaks for one topic."""

    points: float = 0.0
    reasons: list[tuple[float, str]] = field(default_factory=list)
    is_strong: bool = False
    """Whether one piece alone is enough: a code that is said to be one, a phrase, a long name."""

    def add(self, points: float, reason: str) -> None:
        self.points += points
        self.reasons.append((points, reason))


class TopicIndex:
    """An index over all that the topics of a rule set can be asked by."""

    def __init__(self, rule_set: RuleSet) -> None:
        self._rules = {rule.id: rule for rule in rule_set.rules}
        self._by_name: dict[str, list[Rule]] = defaultdict(list)
        self._by_phrase: dict[str, list[tuple[Rule, str]]] = defaultdict(list)
        self._by_number = {rule.number: rule for rule in rule_set.rules if rule.number is not None}
        for rule in rule_set.rules:
            for name in dict.fromkeys(map(squash_gapped, (rule.id, rule.title, *_other_names(rule)))):
                self._by_name[name].append(rule)
            for phrase in rule.phrases:
                self._by_phrase[squash(phrase)].append((rule, phrase))
        for name, rules in _sentence_parts(rule_set.rules).items():
            self._by_name.setdefault(name, rules)
        self._gapped = GappedNames(name for name in self._by_name if GAP in name)
        self._named = self._by_name.keys() | self._by_phrase.keys()
        self._literals = Literals((*self._by_name, *self._by_phrase, *self._gapped.parts))
        self._codes = CodeIndex(rule_set.tables, self._by_name)
        self._texts = TextIndex({rule.id: tuple(_pieces(rule)) for rule in rule_set.rules})
        self._titles = {rule.id: set(terms_of(fold(_title(rule)))) for rule in rule_set.rules}
        self._heard = {fold(word): fold(term) for word, term in rule_set.lexicon.heard.items()}
        self._everyday = Literals(map(squash, rule_set.lexicon.everyday))
        self._spellings = Spellings(name for name in self._by_name if GAP not in name)

    def ask(self, text: str) -> Asked:
        """What a typed text asks for."""
        if len(text) > MAX_QUERY:
            return Asked()
        question = read_question(text, self._heard)
        words = question.squashed
        if not words or _PLACEHOLDER.fullmatch(question.text.strip()) or _THANKS.fullmatch(words):
            return Asked(says_something=False)
        if number := question.item:
            rule = self._by_number.get(number)
            return _exact([rule] if rule else [], f"编号 {number}")
        codes = self._codes.found_in(question.words)
        if words in self._by_name:
            return replace(_exact(self._by_name[words], f"「{words}」"), codes=codes)
        return self._weigh(question, codes)

    def nearest(self, text: str, most: int = 3) -> tuple[str, ...]:
        """The ids of the topics for which most speaks, however little that is."""
        question = read_question(text[:MAX_QUERY], self._heard)
        evidence, _ = self._evidence(question, self._codes.found_in(question.words))
        ranked = sorted(self._rules.keys() & evidence, key=lambda id_: (-evidence[id_].points, id_))
        return tuple(ranked[:most])

    def _weigh(self, question: Question, codes: tuple[TypedCode, ...]) -> Asked:
        evidence, phrases = self._evidence(question, codes)
        candidates = self._candidates(evidence, question)
        unexplained = [code for code in codes if code.known is None or code.harmless]
        is_named = any(
            code.explicit and code.known is None and len(code.code) >= _LONG_CODE for code in codes
        )
        if unexplained and (is_named or not candidates) and not self._talk_in(question):
            for code in unexplained:
                evidence[code.topic].add(_LAST_RESORT, code.because)
                evidence[code.topic].is_strong = True
            candidates = self._candidates(evidence, question)
        return _chosen(candidates or self._spelt_otherwise(question), codes, phrases)

    def _evidence(
        self, question: Question, codes: tuple[TypedCode, ...]
    ) -> tuple[dict[str, _Evidence], tuple[str, ...]]:
        """What speaks for each topic, and the phrases in the text."""
        evidence: dict[str, _Evidence] = defaultdict(_Evidence)
        typed = {code.code for code in codes}
        literals = self._literals.found_in(question.squashed)
        found = [name for name in literals if name in self._named and name not in typed]
        found += self._gapped.found_in(question, literals)
        phrases = self._add_phrases(evidence, found)
        shown = [squash(phrase) for phrase in phrases]
        self._add_names(
            evidence, question, [name for name in found if not any(name in each for each in shown)]
        )
        for id_, share in self._texts.explained(question.telling_terms).items():
            if id_ in evidence or not question.is_short or question.telling_terms & self._titles[id_]:
                evidence[id_].add(_WORDS * share, _SHARED)
        self._add_codes(evidence, question, [code for code in codes if code.known and not code.harmless])
        return evidence, phrases

    def _candidates(self, evidence: Mapping[str, _Evidence], question: Question) -> list[Candidate]:
        """The topics for which enough speaks, best first; those far behind the best are left out."""
        everyday = _EVERYDAY * len(self._talk_in(question))
        strange = self._strangeness(question)
        enough = _MIN_SCORE + _STRANGE * strange + everyday
        if not question.has_company:
            enough += min(_COMPANY, _LEAST_COMPANY + _STRANGE_COMPANY * strange)
        enough += _PERSONAL if question.is_between_people else 0
        enough += _DONE if question.reports_work else 0
        found = [
            (round(item.points, 2), self._rules[id_], item)
            for id_, item in evidence.items()
            if id_ in self._rules and (item.is_strong or item.points >= enough)
        ]
        found.sort(key=lambda each: (-each[0], each[1].number or 99, each[1].id))
        return [
            Candidate(rule, points, self._because(question, rule.id, item))
            for points, rule, item in found[:MAX_CHOICES]
            if points >= _CLOSE * found[0][0]
        ]

    def _because(self, question: Question, id_: str, item: _Evidence) -> tuple[str, ...]:
        """The evidence in words, the most telling first."""
        reasons = sorted(item.reasons, key=lambda reason: -reason[0])[:_MAX_REASONS]
        told = dict.fromkeys(reason for _, reason in reasons)
        return tuple(self._shared_words(question, id_) if reason == _SHARED else reason for reason in told)

    def _shared_words(self, question: Question, id_: str) -> str:
        words = self._texts.shared(FILLER.sub(" ", question.words), id_, _MAX_SHARED)
        return Wording("正文里也有 {words}", words=joined("{a}、{b}", words))

    def _add_codes(
        self, evidence: dict[str, _Evidence], question: Question, codes: Iterable[TypedCode]
    ) -> None:
        for code in codes:
            item = evidence[code.topic]
            is_meant = code.explicit or self._is_meant(question, code)
            item.add(_CODE if is_meant else _BARE_CODE, code.because)
            item.is_strong |= is_meant

    def _talk_in(self, question: Question) -> set[str]:
        """The words of ordinary talk, which do not count where pushes are asked about."""
        if question.asks_about_pushes:
            return set()
        found = self._everyday.found_in(question.squashed)
        return {word for word in found if not word.isascii() or question.has_word(word)}

    def _is_meant(self, question: Question, code: TypedCode) -> bool:
        """Whether a number without a word that makes it a code is one: by its message beside it, or little else."""
        if self._talk_in(question):
            return False
        rest = FILLER.sub("", question.squashed.replace(squash(code.code), ""))
        is_long = len(code.code) >= _LONG_CODE
        little = _LITTLE_ELSE_LONG if is_long else _LITTLE_ELSE
        if len(rest) <= little or self._has_its_message(question, code):
            return True
        has_company = question.has_company if is_long else question.is_about_trouble
        return has_company and self._strangeness(question) < _TALK

    def _strangeness(self, question: Question) -> float:
        return self._texts.strangeness(question.telling_terms)

    def _has_its_message(self, question: Question, code: TypedCode) -> bool:
        """Whether two words of the official text of a code, or of its meaning, stand beside it; half of a short one."""
        texts = (code.known.message or "", code.known.meaning) if code.known else ()
        told = [set(terms_of(fold(text))) for text in texts]
        return any(len(terms & question.terms) >= min(2, -(-len(terms) // 2)) for terms in told if terms)

    def _add_phrases(self, evidence: dict[str, _Evidence], found: Iterable[str]) -> tuple[str, ...]:
        shown: dict[str, None] = {}
        for name in sorted(found, key=len, reverse=True):
            for rule, phrase in self._by_phrase.get(name, ()):
                if not any(name in squash(other) for other in shown if other != phrase):
                    evidence[rule.id].add(_PHRASE, f"「{phrase}」")
                    evidence[rule.id].is_strong = True
                    shown[phrase] = None
        return tuple(shown)

    def _add_names(self, evidence: dict[str, _Evidence], question: Question, found: Iterable[str]) -> None:
        kept: list[str] = []
        for name in sorted(found, key=lambda name: (-len(name), name)):
            rules = self._by_name.get(name, [])
            if not rules or any(name in longer for longer in kept):
                continue
            if name.isascii() and len(name) <= _MAX_SHORT_NAME and not question.has_word(name):
                continue
            kept.append(name)
            worth = min(_MAX_NAME, _worth(name)) / len(rules) ** 0.5
            for rule in rules:
                named = any(reason.startswith("「") for _, reason in evidence[rule.id].reasons)
                evidence[rule.id].add(worth * (_FURTHER_NAME if named else 1), f"「{name}」")

    def _spelt_otherwise(self, question: Question) -> list[Candidate]:
        """The topics whose names are typed in pinyin or with a typing error."""
        found: dict[str, Candidate] = {}
        for name in self._spellings.in_pinyin(question.squashed):
            for rule in self._by_name[name]:
                found.setdefault(rule.id, Candidate(rule, _worth(name), (f"拼音「{name}」",)))
        is_talk = question.is_between_people and not question.has_company
        if not found and not is_talk and not self._talk_in(question):
            for core in dict.fromkeys((question.squashed, question.core)):
                for name, likeness in self._spellings.near(core):
                    if name in core:  # spelt as it is, and found not to be enough
                        continue
                    for rule in self._by_name[name]:
                        reason = (f"近似「{name}」",)
                        found.setdefault(rule.id, Candidate(rule, _MAX_NAME * likeness, reason))
        ranked = sorted(found.values(), key=lambda item: (-item.score, item.rule.id))[:MAX_CHOICES]
        return [item for item in ranked if item.score >= _CLOSE * ranked[0].score]


def _exact(rules: Iterable[Rule], reason: str) -> Asked:
    """The topics of a number or name that is the whole text."""
    named = tuple(Candidate(rule, _CODE, (reason,)) for rule in rules)[:MAX_CHOICES]
    return Asked(named, is_exact=bool(named), is_clear=len(named) == 1)


def _chosen(candidates: list[Candidate], codes: tuple[TypedCode, ...], phrases: tuple[str, ...]) -> Asked:
    """The answer to a question, and whether its best topic is clear."""
    if not candidates:
        return Asked(codes=codes)
    best = candidates[0]
    is_unknown = any(code.known is None and code.topic == best.rule.id for code in codes)
    is_clear = len(candidates) == 1 and best.score >= _CLEAR_SCORE and not is_unknown
    return Asked(tuple(candidates), codes=codes, phrases=phrases, is_clear=is_clear)


def _worth(name: str) -> float:
    letters = sum(char.isascii() for char in name)
    return _LETTER * letters + _CHARACTER * (len(name) - letters - name.count(GAP))


def _pieces(rule: Rule) -> Iterator[tuple[str, int]]:
    """The folded text of a topic in pieces, each with its weight."""
    whole = (name for name in _other_names(rule) if GAP not in name)
    yield fold(" ".join((rule.title, *whole))), _NAME_WEIGHT
    yield fold(" ".join((*rule.symptoms, *rule.phrases))), _SYMPTOM_WEIGHT
    yield fold(" ".join((rule.meaning, rule.impact or "", *rule.sentences))), 1
    for step in rule.steps:
        for template in filter(None, (step.do, step.healthy)):
            yield fold(_TEMPLATE_TAG.sub(" ", template.source)), 1


_PLACEHOLDER = re.compile(r"\[[\u4e00-\u9fff]{1,4}\]")
"""What a chat shows and copies for what is no text: [图片], [语音], [捂脸]."""
_THANKS = re.compile(
    r"(?:ok|okay|好的?|收到|嗯+|明白|知道|已?(?:经)?处理(?:好|完)?|搞定|谢谢|感谢|辛苦|thanks?|thx|了|啦|哈)+"
)
"""Words that only say that a message has been read."""
_MAX_REASONS, _MAX_SHARED = 4, 5
_SHARED = "words"
"""The reason that stands for the words in common, told in full where it is shown."""
_NAME_WEIGHT, _SYMPTOM_WEIGHT = 3, 2
_TEMPLATE_TAG = re.compile(r"\{[{%].*?[%}]\}")
_MAX_SHORT_NAME = 8
"""An ASCII name up to this length must stand as words of its own: `unknown` is not part of `UnknownHost`."""
_MIN_SENTENCE_PART = 7
"""Characters of a part of a 内容 sentence that is a name too."""


def _title(rule: Rule) -> str:
    return f"{rule.title} {rule.title_en or ''}"


def _other_names(rule: Rule) -> Iterator[str]:
    yield from rule.aliases
    if rule.title_en:
        yield rule.title_en


def _sentence_parts(rules: Iterable[Rule]) -> dict[str, list[Rule]]:
    """The long parts of the 内容 sentences, each with the rules in whose sentences it stands."""
    pieces = [(rule, squash(piece)) for rule in rules for text in rule.sentences for piece in text.split("…")]
    parts = dict.fromkeys(part for _, part in pieces if len(part) >= _MIN_SENTENCE_PART)
    holders = {part: {rule.id: rule for rule, piece in pieces if part in piece} for part in parts}
    return {part: list(each.values()) for part, each in holders.items()}
