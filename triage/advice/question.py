"""What was typed or spoken, as words that can be looked up: one script, digits as digits, terms as they are spelt."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from triage.advice.ranking import terms_of
from triage.alerts.cleaning import clean, fold

_DROPPED = re.compile(r"[\s_\-—,，.。、!！?？:：;；\"“”'‘’()（）\[\]「」~～]+")
_TOKEN = re.compile(r"[a-z0-9]+")
_MAX_JOINED = 3
"""Latin words that may make one short name: `df -h`, `no ack`."""
_MIN_TOLD, _LATIN_WORTH = 3, 2
"""Pairs of characters by which a question tells enough, and how many of them a Latin word is worth."""
_ASKING = re.compile(
    r"怎么|怎样|如何|为什么|为啥|什么|啥|哪|干嘛|多少|多[久长大快]|几次|咋|吗|呢|求助|何意|是不是|有没有|能不能|要不要|可不可以|会不会|区别|办法"
    r"|(?P<verb>(?![多大好])[\u4e00-\u9fff])[不没](?P=verb)|[不没]$"
    r"|\b(?:why|what|how|where|which|does|is it|can i|should)\b"
)
"""Question words, and a verb beside its negation (`认不认`, `收到没`); people ask each other `多不多` and `好不好`."""
_TROUBLE = re.compile(
    r"失败|超时|报错|报\s*-?\d|报警|告警|错误|异常|不通|不了|不到|不上|不过|不对|不行|不合法|无效|失效|过期|拒绝|拦|断|挂|满了|爆|慢|丢|重复|中断|没反应|打不开|收不到"
    r"|来不及|等不及|不住|不一样|不一致|不匹配|不生效|不够|不足|不动|故障|卡住|卡死|飙|溢出|耗尽|泄漏|打满|跑满|占满|堆积|阻塞|乱码"
    r"|[太过][多大高慢长短久小]|只剩|超限|写反|[写填配]错|截断|误杀|误伤|停止|没(?!事|空|关系|问题|错|必要|意思|意见|钱|劲|想|来|吃|去|睡|看|时间|[了啊呀吧]?$)|被[挡拒杀封墙顶冲]"
    r"|坏了|抽风|不出来|不回|不响应|不更新|卡在|空的|挡了|老[变掉断超挂]|少了"
    r"|[复应]晚|无人|失灵|不灵|锁住|全卡|卡了|空指针|未[收返支响生通]|\d{2,3} ?%$"
    r"|一[次条句遍][^一]{1,12}[两三四五六几2-6] ?[次条遍行回张]"
    r"|断断续续|偶尔|频繁|反复|突然|一直|老是|总是|一大?堆|全是"
    r"|\b(?:fail(?:ed|s|ure)?|error|timed? ?out|timing out|timeout|invalid|refused|reset|denied|exception|unable"
    r"|cannot|can't|not|never|missing|stuck|overload(?:ed)?|blocked|lost|incomplete|wrong|keeps|instead of|too many"
    r"|expired|undefined|null|unreachable|longer than|too (?:long|slow))\b"
    r"|\b(?:warning|notice|deprecated|(?:fatal|parse|syntax) error):"
)
_BETWEEN_PEOPLE = re.compile(
    r"谁|(?<!自)我(?!们|的|司|这边|看|明明|返回|接口|服务器|浏览器|本地)|你(?!们|好)|咱|她|他(?!们|的)|\b(?:i|my|me|who|you)\b"
)
"""Words by which people speak of each other; `我们的接口` and `我的域名` ask."""
_WORK_DONE = re.compile(
    r"(?:我(?!们)|已经|刚刚?|昨[天晚]|今早|上午).{0,40}[了完好](?=$|[^\w\u4e00-\u9fff])"
    r"|\bi(?:'ve)? (?:just )?[a-z]+ed\b"
)
"""How people tell each other that something has been done."""
_OUR_SUBJECT = re.compile(r"推送|回调|公众号|服务号|开放平台|errcode|access[._]log|error[._]log")
_NEAR_OUR_SUBJECT = re.compile(r"微信|第三方平台|被动回复|授权事件")
"""What everyday talk names too, so that it is company for a technical word but outweighs no word of such talk."""
_SPOKEN = {digit: str(value) for value, digit in enumerate("零一二三四五六七八九")} | {
    "〇": "0",
    "两": "2",
    "幺": "1",
}
_ANY_SPOKEN = "".join(_SPOKEN)
_SPOKEN_DIGITS = re.compile(
    f"(?P<minus>负)?(?P<run>[{_ANY_SPOKEN}]{{2,8}}(?:[{_ANY_SPOKEN}](?<!一)|一(?![堆直些样起般个大])))"
)
"""A 一 behind the digits may begin the next word: `四九九一堆`, `五零二一直报`."""
_SPOKEN_HUNDREDS = re.compile(
    r"([一二三四五])百(?:零([一二三四五六七八九])|([一二三四五六七八九])十([一二三四五六七八九])?)?"
)
FILLER = re.compile(
    "请问一下|麻烦问下|麻烦|请问|想问|问下|一下|怎么回事|怎么处理|怎么解决|怎么排查|怎么办|怎么查|怎么看|怎么|怎样|如何|"
    "为什么|为啥|是什么意思|什么意思|是什么|什么|多少|哪里|谢谢|大家|老师|帮忙|帮我|看看|看下|出现|遇到|我们|你们|这个|"
    "那个|问题|该|请|吗|呢|啊|呀|吧|了|的|是|在|我|你|他|老|又|就|都|说|把"
)

_ITEMS = {digit: value for value, digit in enumerate("一二三四五六七八九十", start=1)}
_ITEM = re.compile(r"(?:第|no|#)?(\d{1,2}|[一二三四五六七八九十])(?:条|项|个|类|号|种)?")
_MAX_HEARD = 20
"""Times that one misheard word is replaced in a question."""


@dataclass(frozen=True)
class Question:
    """Typed words in the forms in which they are looked up."""

    text: str
    """As typed, without what copying adds."""
    words: str
    """Folded, in simplified characters, with digits for spoken numbers and the terms for what was heard."""

    @cached_property
    def squashed(self) -> str:
        """The words without white space and punctuation; punctuation alone (`?`) is kept."""
        return squash(self.words)

    @cached_property
    def core(self) -> str:
        """The squashed words without polite and empty ones."""
        return FILLER.sub("", self.squashed)

    @cached_property
    def item(self) -> int | None:
        """The number of the guide's item that is all it says (`9`, `第九条`), or all it asks for (`第九条是什么`)."""
        asks_for_one = "第" in self.squashed and self.core.startswith("第")
        return _number(self.squashed) or (_number(self.core) if asks_for_one else None)

    @cached_property
    def terms(self) -> frozenset[str]:
        """The words and pairs of characters of the question, as texts are ranked by."""
        return frozenset(terms_of(self.words))

    @cached_property
    def telling_terms(self) -> frozenset[str]:
        """Those of the question without polite and empty words."""
        return frozenset(terms_of(FILLER.sub(" ", self.words)))

    @cached_property
    def is_short(self) -> bool:
        """Whether so little is told that a topic must be named: any text may have the same words, as `重启了`."""
        return sum(_LATIN_WORTH if term.isascii() else 1 for term in self.telling_terms) < _MIN_TOLD

    def has_word(self, name: str) -> bool:
        """Whether a squashed Latin name stands in the words without letters or digits beside it: `nginx 502`."""
        return name in self._joined_words

    @cached_property
    def _joined_words(self) -> frozenset[str]:
        """Latin words and numbers, each alone and joined with the few that follow it."""
        words = _TOKEN.findall(self.words)
        joined = (
            words[start : start + count] for count in range(1, _MAX_JOINED + 1) for start in range(len(words))
        )
        return frozenset(_DROPPED.sub("", "".join(each)) for each in joined)

    @cached_property
    def asks(self) -> bool:
        """Whether it is put as a question."""
        return bool(_ASKING.search(self.words)) or self.words.rstrip().endswith("?")

    @cached_property
    def is_about_trouble(self) -> bool:
        """Whether it says that something does not work."""
        return bool(_TROUBLE.search(self.words))

    @cached_property
    def is_between_people(self) -> bool:
        """Whether the question speaks of somebody rather than of a system."""
        return bool(_BETWEEN_PEOPLE.search(self.words))

    @cached_property
    def reports_work(self) -> bool:
        """Whether it only tells what somebody has done: no question, nothing that does not work."""
        return not self.asks and not self.is_about_trouble and bool(_WORK_DONE.search(self.words))

    @cached_property
    def asks_about_pushes(self) -> bool:
        """Whether it asks about pushes and callbacks, whatever they are about."""
        return self.asks and bool(_OUR_SUBJECT.search(self.words))

    @cached_property
    def has_company(self) -> bool:
        """Whether a name or a number is more than a word in passing: it asks, tells of trouble, or speaks of pushes."""
        is_ours = _OUR_SUBJECT.search(self.words) or _NEAR_OUR_SUBJECT.search(self.words)
        return self.asks or self.is_about_trouble or bool(is_ours)


def read_question(text: str, heard: Mapping[str, str]) -> Question:
    """The typed words; `heard` maps what speech recognition writes to the term that was said."""
    typed = clean(text)
    words = fold(typed)
    words = _SPOKEN_DIGITS.sub(_digits, words)
    words = _SPOKEN_HUNDREDS.sub(_hundreds, words)
    for word, term in heard.items():
        if word in words:
            words = words.replace(word, f" {term} " if term.isascii() else term, _MAX_HEARD)
    return Question(typed, words)


def squash(text: str) -> str:
    """Folded text without white space and punctuation; punctuation alone (`?`) is kept."""
    folded = fold(text)
    return _DROPPED.sub("", folded) or folded.strip()


def _digits(match: re.Match[str]) -> str:
    return ("-" if match["minus"] else "") + "".join(_SPOKEN[digit] for digit in match["run"])


def _hundreds(match: re.Match[str]) -> str:
    hundreds, unit, tens, rest = match.groups()
    return (
        f"{_SPOKEN[hundreds]}{_SPOKEN[tens] if tens else '0'}{_SPOKEN[unit or rest] if unit or rest else '0'}"
    )


def _number(words: str) -> int | None:
    match = _ITEM.fullmatch(words)
    return (_ITEMS.get(match[1]) or int(match[1])) if match else None
