"""An alert as the platform writes it: which sentence a failure gets, what its sample shows, and the text itself.

The inverse of alerts.parser.parse. The layout, the order of the brackets and what is left out are those of real alerts;
the sentences without a real alert (DNS, MarkFail, component messages) are those of the guide's table,
https://developers.weixin.qq.com/doc/service/guide/dev/api/warn_guide.html
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from triage.alerts.parser import Alert
from triage.alerts.sample import Sample
from triage.platform.pushes import Family, Push

GUIDE_URL = "https://mmbizurl.cn/s/MpkaZb8yg"
TICKET = "component_verify_ticket"
SHOWN_BYTES = 750
"""Bytes of a reply that an alert quotes. Seen: a body of 625 bytes whole, one of 3,365 cut at about here."""

_PUSH, _TO_PLATFORM = (
    "微信服务器向公众号推送消息或事件",
    "微信服务器向公众号服务开发者推送component_verify_ticket",
)
_COMPONENT = "推送第三方平台消息（如取消授权消息）等，第三方平台"
SENTENCES: Mapping[str, str] = {
    "dns_failure": f"{_PUSH}时，解析DNS失败",
    "dns_timeout": f"{_PUSH}时，解析DNS超时，超时时间为5秒",
    "dns_invalid_domain": f"{_PUSH}时，解析DNS时发现是无效域名",
    "connect_timeout": "微信服务器连接公众号开发者服务器时发生超时，超时时间为5秒",
    "request_timeout": f"{_PUSH}后，开发者5秒内没有返回",
    "bad_response": f"{_PUSH}后，得到的回应不合法",
    "mark_fail": f"{_PUSH}发生多次失败后，暂时不推送消息，一分钟后解除屏蔽",
    "ticket_timeout": f"{_TO_PLATFORM}时，开发者5秒内没有返回",
    "ticket_failure": f"{_TO_PLATFORM}时，得到的回应不合法(应返回success)",
    "component_message_timeout": f"{_COMPONENT}5秒内没有返回",
    "component_message_failure": f"{_COMPONENT}没有返回success",
    "payment_timeout": "推送“支付完成事件”给开发者后，开发者5秒内没有返回",
    "payment_bad_response": "推送“支付完成事件”给开发者后，得到的回应不合法",
}
"""Kind to its 内容 line."""


class FailureStage(enum.StrEnum):
    """How far a push came before it failed."""

    DNS_FAILURE = "dns_failure"
    DNS_TIMEOUT = "dns_timeout"
    DNS_INVALID = "dns_invalid_domain"
    CONNECT_TIMEOUT = "connect_timeout"
    ANSWER_TIMEOUT = "request_timeout"
    ANSWER = "bad_response"


@dataclass(frozen=True, slots=True)
class PushFailure:
    """Why a push failed: at which stage, with libcurl's error number or the answer that was not accepted."""

    stage: FailureStage
    curl_error: int | None = None
    http_code: int | None = None
    reply: bytes = b""
    decrypt_fail: bool = False


@dataclass(frozen=True, slots=True)
class AlertSubject:
    """The account and its callback, as alerts name them; `platform` is the provider the pushes go to."""

    appid: str
    nickname: str
    callback_url: str
    host: str
    ip: str
    outer_ip: str
    platform: str | None = None


@dataclass(frozen=True, slots=True)
class SentPush:
    """One try of a push: what was sent, when, and in whose name."""

    push: Push
    at: datetime
    openid: str
    transaction_id: str | None = None


def kind_of(failure: PushFailure, push: Push) -> str:
    """The kind of alert that a failure counts for: by the family of the push, then by the stage."""
    is_timeout = failure.stage in (FailureStage.CONNECT_TIMEOUT, FailureStage.ANSWER_TIMEOUT)
    if failure.stage in (FailureStage.DNS_FAILURE, FailureStage.DNS_TIMEOUT, FailureStage.DNS_INVALID):
        return failure.stage.value
    if push.family is Family.PAYMENT:
        return "payment_timeout" if is_timeout else "payment_bad_response"
    if push.family is Family.COMPONENT:
        name = "ticket" if push.name == TICKET else "component_message"
        return f"{name}_timeout" if is_timeout else f"{name}_failure"
    return failure.stage.value


def make_sample(failure: PushFailure, sent: SentPush, subject: AlertSubject) -> Sample:
    """What the alert shows of a failure.

    A shown body brings `ip` and its length, everything else `IP` and MsgType; timeouts carry no MsgType, ticket and
    payment pushes no fan. An empty reply shows nothing of itself, but in a payment alert.
    """
    reply = failure.reply or None
    if sent.push.family is Family.PAYMENT:
        is_answer = failure.stage is FailureStage.ANSWER
        return Sample(transaction_id=sent.transaction_id, resp=shown(failure.reply) if is_answer else None)
    is_resolved = not kind_of(failure, sent.push).startswith("dns")
    is_component = sent.push.family is Family.COMPONENT
    names_type = failure.stage is FailureStage.ANSWER and (reply is None or failure.decrypt_fail)
    msg, event = _names(sent.push)
    return Sample(
        openid=None if is_component else sent.openid,
        stamp=None if is_component else int(sent.at.timestamp()),
        outer_ip=None if is_component else subject.outer_ip,
        callback_url=subject.callback_url,
        ip=subject.ip if is_resolved else None,
        host=None if is_resolved else subject.host,
        msg_type=_number(sent.push) if names_type and not is_component else None,
        msg=msg,
        event=None if is_component else event,
        http_code=failure.http_code,
        curl_error=failure.curl_error,
        decrypt_fail=failure.decrypt_fail or None,
        response_length=len(reply) if reply else None,
        response_content=shown(reply) if reply else None,
        platform=subject.platform,
    )


def _names(push: Push) -> tuple[str | None, str | None]:
    """Msg and Event as alerts name them: subscriptions have both, the word in Msg for either."""
    name = push.alert_names[0] if push.alert_names else push.name
    if push.family is Family.MESSAGE:
        return name, None
    return ("Subscribe" if 20002 in push.msg_types else None), name


def _number(push: Push) -> int:
    """The undocumented MsgType; 20000 was seen for events of all sorts."""
    return push.msg_types[0] if push.msg_types else 1 if push.family is Family.MESSAGE else 20000


def shown(reply: bytes) -> str:
    """A reply as the alert quotes it: whole, or cut at a character with dots behind."""
    if len(reply) <= SHOWN_BYTES:
        return reply.decode("utf-8", "replace")
    return reply[:SHOWN_BYTES].decode("utf-8", "ignore") + "..."


def write_alert(alert: Alert) -> str:
    """The text of an alert; a line is left out where its value is None."""
    return "\n".join(_lines(alert)) + "\n"


def _lines(alert: Alert) -> Iterator[str]:
    if alert.appid is not None:
        yield f"Appid: {alert.appid}"
    if alert.nickname is not None:
        yield f"昵称: {alert.nickname}"
    if alert.first_seen is not None:
        yield f"时间: {alert.first_seen:%Y-%m-%d %H:%M:%S}"
    if alert.description is not None:
        yield f"内容: {alert.description}"
    if alert.count is not None:
        yield f"次数: {alert.window_minutes}分钟 {alert.count}次"
    if brackets := "".join(_brackets(alert.sample)):
        yield f"错误样例: {brackets}"
    if alert.guide_url is not None:
        yield f"报警排查指引，请见: {alert.guide_url}"


_HEAD = {"openid": "OpenID", "stamp": "Stamp", "outer_ip": "OuterIP", "callback_url": "3rdUrl"}
_PUSHED = {"host": "Host", "msg_type": "MsgType", "msg": "Msg", "event": "Event"}
_ERRORS = {"http_code": "http code", "curl_error": "cURL Error"}


def _brackets(sample: Sample) -> Iterator[str]:
    """The brackets in the platform's order; with a body, `ip` is in small letters and stands after the push."""
    known = sample.known()
    is_small = sample.response_length is not None and not sample.decrypt_fail
    order = (
        _HEAD | ({} if is_small else {"ip": "IP"}) | _PUSHED | ({"ip": "ip"} if is_small else {}) | _ERRORS
    )
    yield from (f"[{label}={known[name]}]" for name, label in order.items() if name in known)
    if sample.decrypt_fail:
        yield "[decrypt fail]"
    if sample.transaction_id is not None:
        yield f"[transaction_id={sample.transaction_id}]"
    if sample.response_length is not None:
        yield f"[response_length={sample.response_length}]"
    for label in ("response_content", "resp"):
        if label in known:
            yield _body(label, str(known[label]))
    if sample.platform is not None:
        yield f"[第三方平台:{sample.platform}]" if sample.platform else "[第三方平台]"


def _body(label: str, body: str) -> str:
    """A bracket with a body; the platform cuts the closing bracket off with the body."""
    is_cut = body.endswith("...") and len(body.encode()) >= SHOWN_BYTES
    return f"[{label}={body}" + ("" if is_cut else "]")
