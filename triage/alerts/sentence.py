"""The sentences that the platform writes into alerts, also where their label 内容 was not copied along."""

from __future__ import annotations

import re

from triage.alerts.cleaning import fold

_PLATFORM_SENTENCE = re.compile(
    r"微信服务器[向连]|推送(?:component|[\"「]?支付完成|第三方平台|组件消息|消息或事件)"
)
_SENTENCE_START = 20
"""Characters of a sentence in which `_PLATFORM_SENTENCE` is looked for."""
_LOOKED_BACK = 300
"""Characters before an alert in which its sentence is looked for."""
_BEFORE, _BEHIND = " \t>*_-#·", " \t*_?？:：,，;；"


def is_platform_sentence(text: str) -> bool:
    """Whether a text begins like the sentences that the platform writes."""
    return bool(_PLATFORM_SENTENCE.match(fold(text[:_SENTENCE_START])))


def sentence_before(text: str, start: int, floor: int) -> tuple[int, int] | None:
    """Where the platform's sentence stands on the last line before `start` and behind `floor`; None for another one."""
    end = len(text[max(floor, start - _LOOKED_BACK) : start].rstrip()) + max(floor, start - _LOOKED_BACK)
    begin = max(text.rfind("\n", 0, end) + 1, floor)
    line = text[begin:end]
    begin += len(line) - len(line.lstrip(_BEFORE))
    end -= len(line) - len(line.rstrip(_BEHIND))
    return (begin, end) if begin < end and is_platform_sentence(text[begin:end]) else None
