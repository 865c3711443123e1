"""What an alert's sample proves by itself: the cause ids of the contract, each with its evidence.

The reply in the sample is judged by the reply law. A body that WeChat has cut, or that a web page has damaged when the
alert was copied, is never called malformed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from triage.alerts.sample import Sample
from triage.platform.pushes import AlertedPush, Push, push_of_alert
from triage.platform.reply_law import judge

REPLY_CAUSES = frozenset(
    {
        "quoted_reply",
        "echoed_push",
        "malformed_xml",
        "millisecond_create_time",
        "empty_content",
        "success_in_xml",
        "html_page",
        "error_text",
        "json_reply",
        "empty_reply",
        "payment_refused",
    }
)
"""The findings of the reply law that are causes of the contract."""
_CURL_CAUSES = {
    7: ("curl_connect", "微信连不上这台服务器（cURL 7）"),
    52: ("curl_empty_reply", "连上了，服务器没有回一个字节就断开（cURL 52）"),
    56: ("curl_receive", "收回应时连接中断（cURL 56）"),
}
_OF_SIGNS = frozenset({"malformed_xml", "quoted_reply"})
"""Causes that one bracket or quotation mark decides."""
CAUSES = (
    REPLY_CAUSES
    | {id_ for id_, _ in _CURL_CAUSES.values()}
    | {"http_status", "decrypt_fail", "provider_side", "receipt_flood"}
)
"""Every cause id of the contract."""
_CUT_MARKS = ("...", "…")
_EMOJI_DAMAGE = "<![CDATA]>"
"""What a web page leaves of `<![CDATA[OK]]>` when it takes `[OK]` for an emoji."""
_WIDE_CDATA = ("［CDATA［", "【CDATA【")
_TO_HALF_WIDTH = str.maketrans("［］【】＜＞＝", "[][]<>=")


@dataclass(frozen=True, slots=True)
class Cause:
    """Something that the sample proves."""

    id: str
    """A cause id of the contract."""
    meaning: str
    """The cause in a sentence."""
    field: str
    """The attribute of the sample that proves it."""
    evidence: str
    """The words in that field that prove it."""
    span: tuple[int, int]
    """Where they stand in it: a half-open range in characters."""
    hint: str | None = None
    """What to do, where the reply law says so."""


def find_causes(
    sample: Sample, about: AlertedPush = AlertedPush.MESSAGE, *, is_exact: bool = True
) -> tuple[Cause, ...]:
    """What the sample of an alert proves, most telling first; `about` is the push that its kind speaks of.

    One that is not exact, as it was read from a picture, proves no fault in the signs of an XML.
    """
    return tuple(cause for cause in _causes(sample, about) if is_exact or cause.id not in _OF_SIGNS)


def _causes(sample: Sample, about: AlertedPush) -> Iterator[Cause]:
    if sample.http_code is not None and sample.http_code != 200:
        yield _of("http_status", f"回调返回 HTTP {sample.http_code}，不是 200", "http_code", sample.http_code)
    if sample.curl_error in _CURL_CAUSES:
        yield _of(*_CURL_CAUSES[sample.curl_error], "curl_error", sample.curl_error)
    if sample.decrypt_fail:
        yield _of("decrypt_fail", "微信解不开加密的回应", "decrypt_fail", "decrypt fail")
    yield from _reply_causes(sample, about)
    if "".join((sample.event or "").split()).casefold() == "templatesendjobfinish":
        yield _of("receipt_flood", "群发模板消息的回执挤占了回调", "event", str(sample.event))
    if sample.platform is not None:
        name = f"「{sample.platform}」" if sample.platform else ""
        yield _of("provider_side", f"推送发给了第三方平台{name}，要由它处理", "platform", sample.platform)


def _of(id_: str, meaning: str, field: str, value: object) -> Cause:
    text = str(value)
    return Cause(id_, meaning, field, text, (0, len(text)))


def _reply_causes(sample: Sample, about: AlertedPush) -> Iterator[Cause]:
    field = "resp" if sample.resp is not None else "response_content"
    body: str | None = getattr(sample, field)
    if body is None:
        return
    sent = _as_sent(body)
    cut = body.endswith(_CUT_MARKS) and sample.response_length is not None
    damaged = _EMOJI_DAMAGE in body or body.endswith(_CUT_MARKS)
    reply = _closed(sent).encode()
    length = sample.response_length if cut else None
    for finding in judge(reply, _push(sample, about), length=length):
        if finding.id not in REPLY_CAUSES or (finding.id == "malformed_xml" and damaged):
            continue
        start, end = finding.span or (0, len(reply))
        span = len(reply[:start].decode(errors="ignore")), len(reply[:end].decode(errors="ignore"))
        yield Cause(finding.id, finding.message, field, body[slice(*span)], span, finding.hint)


def _as_sent(body: str) -> str:
    """The body as the server wrote it: brackets half width, text that a web page removed put back.

    Every character keeps its place.
    """
    if any(wide in body for wide in _WIDE_CDATA):
        body = body.translate(_TO_HALF_WIDTH)
    return body.replace(_EMOJI_DAMAGE, "OK".ljust(len(_EMOJI_DAMAGE)))


def _closed(body: str) -> str:
    """An XML body that WeChat cut, closed behind its last complete element."""
    if not body.startswith("<xml>") or not body.endswith(_CUT_MARKS):
        return body
    end = max((match.end() for match in _END_TAG.finditer(body)), default=0)
    return body[:end] + "</xml>" if end else body


_END_TAG = re.compile(r"</[A-Za-z_]{1,60}>")


def _push(sample: Sample, about: AlertedPush) -> Push | None:
    if about is AlertedPush.MESSAGE and sample.transaction_id is not None:
        about = AlertedPush.PAYMENT
    return push_of_alert(sample.event, sample.msg, sample.msg_type, about)
