"""What a platform's answer to a message means: sent, later, another way, or somebody must act.

Success is read from the body: WeCom, DingTalk and Feishu answer HTTP 200 to what they refuse.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from triage.channels.delivery import Delivery, Result
from triage.errors import ApiError
from triage.masking import mask

_LONGEST_SAID = 200
_CODES = ("errcode", "code", "StatusCode")
_WORDS = ("errmsg", "msg", "StatusMessage")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an error code means."""

    result: Result
    hint: str | Callable[[str], str]
    """What to do; where the code alone does not tell, found in the platform's words."""
    retry_after: timedelta | None = None


_UNKNOWN = Meaning(Result.LATER, "不认识的错误码，看官方全局错误码")
Codes = Mapping[int, Meaning]
"""The error codes of a platform that are known."""


def judge_answer(status: int, body: Mapping[str, object] | None, codes: Codes) -> Delivery:
    """What an answer means: its HTTP status, and its body if that is a JSON object.

    A code that nobody knows counts as one that passes: giving up later loses less than giving up now.
    """
    code = error_code(body)
    if code == 0 and status == 200:
        return Delivery(Result.SENT, "errcode 0")
    if body is None or code is None or (code == 0 and status != 200):
        return _judge_status(status)
    said = _said(body)
    meaning = codes.get(code, _UNKNOWN)
    reason = f"errcode {code}（{said}）：{advice(codes, code, said)}"
    return Delivery(meaning.result, reason, meaning.retry_after)


def advice(codes: Codes, code: int, said: str) -> str:
    """What to do about an error code, and the words beside it."""
    hint = codes.get(code, _UNKNOWN).hint
    return hint if isinstance(hint, str) else hint(said)


def judge_failure(exc: ApiError, codes: Codes) -> Delivery:
    """What it means that there is no answer, or that no access token was given."""
    meaning = codes.get(exc.errcode) if exc.errcode is not None else None
    if meaning is not None:
        return Delivery(meaning.result, str(exc), meaning.retry_after)
    return Delivery(Result.MAYBE_SENT if exc.maybe_sent else Result.LATER, str(exc))


def error_code(body: Mapping[str, object] | None) -> int | None:
    """The code of an answer, 0 for success; None where it has none. `StatusCode` is Feishu's old form."""
    found = (body.get(name) for name in _CODES if name in body) if body else ()
    return next((code for code in found if type(code) is int), None)


def _said(body: Mapping[str, object]) -> str:
    words = next((str(body[name]) for name in _WORDS if body.get(name)), "")
    return re.sub(r"\s+", " ", mask(words[: 4 * _LONGEST_SAID]))[:_LONGEST_SAID]


def _judge_status(status: int) -> Delivery:
    """By the HTTP status alone: what answers is a proxy, a login page, or a platform that is down."""
    if status == 413:
        return Delivery(Result.OUR_TEXT, "HTTP 413：内容太长")
    if 300 <= status < 500 and status != 429:
        return Delivery(Result.SETTING_WRONG, f"HTTP {status}：答话的不是接口，核对地址和出口代理")
    return Delivery(Result.LATER, f"HTTP {status}，返回里没有错误码：平台或代理出了问题")
