"""The sentences that the platform writes into alerts, also where their label 内容 was not copied along."""

from __future__ import annotations

import re

from triage.alerts.cleaning import fold, unfold

_PLATFORM_SENTENCE = re.compile(
    r"微信服务器[向连]|推送(?:component|[\"「]?支付完成|第三方平台|组件消息|消息或事件)"
)
_PLATFORM_ENDING = re.compile(r"(?:失败|返回|success\)?|不合法|域名|超时|\d秒|屏蔽)[。.]?$")
"""How those sentences end: where talk follows on the same line, it may be somebody's question about one."""
_SENTENCE_START = 20
"""Characters of a sentence in which `_PLATFORM_SENTENCE` is looked for."""
_LOOKED_BACK = 300
"""Characters before an alert in which its sentence is looked for."""
Placed = tuple[str, int, int]
"""A sentence, and where it stands: a half-open range in characters."""
_BEFORE, _BEHIND = " \t>*_-#·", " \t*_?？:：,，;；"


def is_platform_sentence(text: str) -> bool:
    """Whether a text begins like the sentences that the platform writes."""
    return bool(_PLATFORM_SENTENCE.match(fold(text[:_SENTENCE_START])))


def _is_whole(text: str) -> bool:
    return is_platform_sentence(text) and bool(_PLATFORM_ENDING.search(fold(text)))


def sentence_before(text: str, start: int, floor: int) -> Placed | None:
    """The platform's sentence that is the last line before `start` and behind `floor`; None for another line."""
    end = len(text[max(floor, start - _LOOKED_BACK) : start].rstrip()) + max(floor, start - _LOOKED_BACK)
    begin = max(text.rfind("\n", 0, end) + 1, floor)
    line = text[begin:end]
    begin += len(line) - len(line.lstrip(_BEFORE))
    end -= len(line) - len(line.rstrip(_BEHIND))
    sentence = text[begin:end]
    return (sentence, begin, end) if sentence and _is_whole(sentence) else None


def sentence_between(text: str, start: int, end: int) -> Placed | None:
    """The platform's sentence that is all that stands between two parts of an alert; None where anything else does."""
    raw = text[start:end]
    if len(raw) > _LOOKED_BACK or not raw.strip():
        return None
    sentence = (unfold(raw) or "").strip(_BEFORE + _BEHIND)
    if not _is_whole(sentence):
        return None
    begin = end - len(raw.lstrip(f"\n{_BEFORE}"))
    return sentence, begin, start + len(raw.rstrip(f"\n{_BEHIND}"))
