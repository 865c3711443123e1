"""What can be wrong with a callback, as data: how it behaves, and what the bot must read in the alert.

`kind`, `cause` and `step` are what a reader of the alert must find; they are written down here by hand, not computed,
so that a test can hold the whole loop against them.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from triage.platform.pushes import PAYMENT_NOTIFY, PAYMENT_REPLY
from triage.simulator.alert import TICKET
from triage.simulator.replies import (
    Answering,
    changed,
    content,
    created,
    echoed,
    fixed,
    healthy,
    news,
    quoted,
    rest,
    sealed,
    text,
    to,
    unswapped,
    without_line,
)

RECEIPT = "TEMPLATESENDJOBFINISH"
_UNAUTHORIZED = "unauthorized"
_PAYMENT = PAYMENT_NOTIFY.name


class TransportFault(enum.StrEnum):
    """What is wrong below the reply; in a DNS fault the push never reaches the callback."""

    NONE = "none"
    DNS_FAILURE = "dns_failure"
    DNS_TIMEOUT = "dns_timeout"
    DNS_INVALID = "dns_invalid"
    REFUSES = "refuses"
    NO_ROOM = "no_room"
    SILENT = "silent"
    DRIPS = "drips"
    CLOSES = "closes"
    RESETS = "resets"
    BREAKS_OFF = "breaks_off"
    CUT_SHORT = "cut_short"
    NO_HTTP = "no_http"


@dataclass(frozen=True, slots=True)
class Illness:
    """A sick callback.

    The bot must find `kind`, `cause` and `step`; `kind` is None if the platform must write no alert. `push` in `mode`
    triggers it, at `rate` a minute. The callback answers with `status` and `reply` after `after` seconds, at most
    `capacity` pushes a second, and is well again after `spell` minutes. `platform` is the provider pushed to, if any.
    """

    id: str
    meaning: str
    kind: str | None
    cause: str | None = None
    step: str | None = None
    push: str = "text"
    mode: str = "plain"
    fault: TransportFault = TransportFault.NONE
    status: int = 200
    reply: Answering = healthy
    after: float = 0.0
    capacity: float | None = None
    spell: float | None = None
    rate: float = 20.0
    platform: str | None = None


HEALTHY = Illness("healthy", "没有病，立刻回 success", None)

_TRANSPORT = (
    Illness("dns_failure", "域名解析不出来", "dns_failure", None, "spelling", fault=TransportFault.DNS_FAILURE),
    Illness("dns_timeout", "解析域名超时", "dns_timeout", None, "wechat_dns", fault=TransportFault.DNS_TIMEOUT),
    Illness("dns_invalid", "域名被判无效", "dns_invalid_domain", None, "wechat_dns", fault=TransportFault.DNS_INVALID),
    Illness("refuses", "端口没开，拒绝连接", "bad_response", "curl_connect", "curl_7", fault=TransportFault.REFUSES),
    Illness("no_room", "连接队列满了，连不上", "connect_timeout", None, "right_ip", fault=TransportFault.NO_ROOM),
    Illness("silent", "收下请求，一直不回", "request_timeout", None, "find_request", fault=TransportFault.SILENT),
    Illness("slow", "8 秒后才回", "request_timeout", None, "find_request", after=8),
    Illness("slow_event", "点菜单时 8 秒后才回", "request_timeout", None, "event_handler", push="CLICK", after=8),
    Illness("in_time", "2 秒后回，没有病", None, after=2),
    Illness("xml_blanks", "XML 前面有空行，没有病", None, reply=lambda pushed: b"\n    " + text(pushed)),
    Illness("drips", "一秒回一个字节", "request_timeout", None, "find_request", fault=TransportFault.DRIPS),
    Illness("closes", "不回一个字节就断开", "bad_response", "curl_empty_reply", "curl_52", fault=TransportFault.CLOSES),
    Illness("resets", "收到请求就重置连接", "bad_response", "curl_receive", "curl_56", fault=TransportFault.RESETS),
    Illness("breaks_off", "回到一半，连接被重置", "bad_response", "curl_receive", "curl_56",
            fault=TransportFault.BREAKS_OFF),
    Illness("cut_short", "字节数不够就收尾", "bad_response", None, "curl_other", fault=TransportFault.CUT_SHORT),
    Illness("no_http", "回的不是 HTTP", "bad_response", None, "curl_other", fault=TransportFault.NO_HTTP),
    Illness("recovering", "头 2 分钟不回，之后好了", "request_timeout", None, "find_request",
            fault=TransportFault.SILENT, spell=2),
)  # fmt: skip

_FIRST_STEPS = {
    201: "http_201", 302: "http_redirect", 400: "http_400", 401: "http_401", 403: "http_403", 404: "http_404",
    405: "http_405", 415: "http_400", 500: "http_500", 502: "http_gateway", 503: "http_gateway",
    504: "http_gateway", 999: "http_999",
}  # fmt: skip
_STATUSES = tuple(
    Illness(f"status_{code}", f"状态码 {code}", "bad_response", "http_status", step, status=code)
    for code, step in _FIRST_STEPS.items()
)

_HTML = (
    '<!DOCTYPE html>\n<html>\n<head><meta charset="utf-8"><title>Whitelabel Error Page</title></head>\n<body>\n'
    "<h1>Whitelabel Error Page</h1>\n<p>This application has no explicit mapping for this address.</p>\n"
    + "<p>at com.example.wechat.CallbackController.receive(CallbackController.java:57)</p>\n" * 40
    + "</body>\n</html>"
)
_LOGIN = "<html><head><title>请登录</title></head><body><form action='/login'>账号</form></body></html>"


def _reply(
    id_: str, meaning: str, reply: Answering, cause: str | None, step: str, push: str = "text"
) -> Illness:
    return Illness(id_, meaning, "bad_response", cause, step, push, reply=reply)


_REPLIES = (
    _reply("quoted_success", 'success 外面多了双引号', quoted(fixed("success")), "quoted_reply", "unquote"),
    _reply("quoted_xml", "XML 外面多了双引号", quoted(text), "quoted_reply", "unquote"),
    _reply("escaped_xml", "XML 被转义成 \\u003c", fixed("\\u003cxml\\u003e\\u003c/xml\\u003e"), None, "find_request"),
    _reply("json", "回 JSON", fixed('{"code":0,"msg":"success"}'), "json_reply", "no_json"),
    _reply("html", "回一张长的 HTML 报错页", fixed(_HTML), "html_page", "app_error_page"),
    _reply("login_page", "回登录页", fixed(_LOGIN), "html_page", "login_filter"),
    _reply("error_text", "回一段报错文字", fixed("Error 500:"), "error_text", "error_words"),
    _reply("chinese_error", "回中文报错", fixed("系统异常，请稍后再试"), "error_text", "error_words"),
    _reply("plain_words", "回一句普通的话", fixed("ok"), None, "find_request"),
    _reply("not_utf8", "回 GBK 编码的字", fixed("你好".encode("gbk")), None, "find_request"),
    _reply("newline", "success 后面多了换行", fixed("success\n\n"), None, "extra_bytes"),
    _reply("upper_case", "回大写的 SUCCESS", fixed("SUCCESS"), None, "find_request"),
    _reply("bom", "success 前面有 BOM", fixed(b"\xef\xbb\xbfsuccess"), None, "extra_bytes"),
    _reply("echoed_text", "把消息原样发回", echoed, "echoed_push", "swap_names"),
    _reply("echoed_event", "把事件原样发回", echoed, "echoed_push", "swap_names", "subscribe"),
    _reply("unswapped", "收发双方没有对调", unswapped, "echoed_push", "swap_names"),
    _reply("unclosed_cdata", "CDATA 少一个 >", changed("]]></MsgType>", "]]</MsgType>"), "malformed_xml", "close_tags"),
    _reply("unclosed_tag", "少一个结束标签", changed("</Content>", ""), "malformed_xml", "close_tags"),
    _reply("cdata_end", "正文里有 ]]>", content("a]]>b & c"), "malformed_xml", "close_tags"),
    _reply("control_char", "正文里有控制字符", content("你好\x1d"), "malformed_xml", "close_tags"),
    _reply("doctype", "XML 带 DOCTYPE", changed("<xml>", "<!DOCTYPE xml>\n<xml>"), None, "find_request"),
    _reply("milliseconds", "CreateTime 是毫秒", created(lambda now: str(int(now.timestamp() * 1000))),
           "millisecond_create_time", "seconds"),
    _reply("date_time", "CreateTime 是日期", created(lambda now: f"{now:%Y-%m-%d %H:%M:%S}"), None, "find_request"),
    _reply("empty_content", "Content 是空的", content(""), "empty_content", "fill_content"),
    _reply("success_in_xml", "success 包在 XML 里", content("success"), "success_in_xml", "bare_success"),
    _reply("location_reply", "上报位置时回文本", content("success"), "success_in_xml", "bare_success", "LOCATION"),
    _reply("view_reply", "点菜单链接时回文本", text, None, "find_request", "VIEW"),
    _reply("wrong_root", "根元素不是 <xml>", lambda pushed: text(pushed).replace(b"xml>", b"Response>"), None,
           "find_request"),
    _reply("xml_bom", "XML 前面有 BOM", lambda pushed: b"\xef\xbb\xbf" + text(pushed), None, "find_request"),
    _reply("stranger", "回给了别人", to("oAnother00000000000000000000"), None, "find_request"),
    _reply("no_create_time", "缺 CreateTime", without_line("CreateTime"), None, "find_request"),
    _reply("no_such_type", "MsgType 写成 link", changed("[text]", "[link]"), None, "find_request"),
    _reply("no_media", "图片没有 MediaId", rest("<MsgType><![CDATA[image]]></MsgType>\n<Image></Image>\n"), None,
           "find_request"),
    _reply("envelope_in_plain", "明文模式下回加密信封", sealed(), None, "find_request"),
    _reply("receipt_reply", "群发回执时回报错", fixed("no handler for event"), "receipt_flood", "receipt_gateway",
           RECEIPT),
)  # fmt: skip


def _sealed(id_: str, meaning: str, reply: Answering) -> Illness:
    return Illness(id_, meaning, "bad_response", "decrypt_fail", "decrypt_keys", mode="safe", reply=reply)


_SEALED = (
    Illness("sealed", "安全模式下回加密的 XML，没有病", None, mode="safe", reply=sealed()),
    Illness("own_nonce", "信封的 Nonce 是自己生成的，没有病", None, mode="safe", reply=sealed(nonce="1")),
    _sealed("wrong_key", "用别的 EncodingAESKey 加密", sealed(wrong="key")),
    _sealed("wrong_appid", "密文里的 AppID 不对", sealed(wrong="appid")),
    _sealed("wrong_token", "信封的签名不对", sealed(wrong="token")),
    _sealed("no_signature", "信封缺 MsgSignature", sealed(drop="MsgSignature")),
    _sealed("not_encrypted", "安全模式下回明文 XML", text),
)


def _component(
    id_: str, meaning: str, reply: Answering, cause: str | None, step: str, push: str = TICKET
) -> Illness:
    kind = "ticket_failure" if push == TICKET else "component_message_failure"
    return Illness(id_, meaning, kind, cause, step, push, "safe", reply=reply)


_ENVELOPE = sealed()
_COMPONENTS = (
    _component("ticket_quoted", "ticket 回带引号的 success", quoted(fixed("success")), "quoted_reply", "unquote"),
    _component("ticket_empty", "ticket 回空串", fixed(""), None, "exact_success"),
    _component("ticket_json", "ticket 回 JSON", fixed('{"code":0}'), "json_reply", "no_json"),
    _component("ticket_error", "ticket 回报错", fixed("decrypt error"), "error_text", "error_page"),
    _component("ticket_sealed", "ticket 回加密信封", _ENVELOPE, None, "no_xml"),
    Illness("ticket_500", "收 ticket 时报 500", "ticket_failure", "http_status", "http_status", TICKET, "safe",
            status=500),
    Illness("ticket_slow", "收 ticket 要 8 秒", "ticket_timeout", None, "ticket_age", TICKET, "safe", after=8),
    Illness("ticket_unreachable", "ticket 连不上", "ticket_timeout", None, "ticket_age", TICKET, "safe",
            TransportFault.NO_ROOM),
    _component("component_quoted", "授权消息回带引号的 success", quoted(fixed("success")), "quoted_reply", "unquote",
               _UNAUTHORIZED),
    _component("component_empty", "授权消息回空串", fixed(""), None, "exact_success", _UNAUTHORIZED),
    Illness("component_slow", "收授权消息要 8 秒", "component_message_timeout", None, "same_url", _UNAUTHORIZED, "safe",
            after=8),
)  # fmt: skip


_REFUSAL = PAYMENT_REPLY.replace("SUCCESS", "FAIL").replace("OK", "签名失败")


def _payment(id_: str, meaning: str, reply: Answering, cause: str | None, step: str) -> Illness:
    return Illness(id_, meaning, "payment_bad_response", cause, step, _PAYMENT, reply=reply)


_PAYMENTS = (
    _payment("payment_refused", "支付通知回 FAIL", fixed(_REFUSAL), "payment_refused", "refused"),
    _payment("payment_empty", "支付通知回空串", fixed(""), "empty_reply", "not_empty"),
    _payment("payment_quoted", "支付通知的 XML 带引号", quoted(fixed(PAYMENT_REPLY)), "quoted_reply", "unquote"),
    _payment("payment_json", "支付通知回 JSON", fixed('{"code":"SUCCESS","message":"成功"}'), "json_reply", "no_json"),
    _payment("payment_escaped", "支付通知的 XML 被转义", fixed("\\u003Cxml\\u003E\\u003C/xml\\u003E"), None,
             "unescape"),
    _payment("payment_success", "支付通知回 success", fixed("success"), None, "query_order"),
    Illness("payment_slow", "支付通知 8 秒后才回", "payment_timeout", None, "query_order", _PAYMENT, after=8),
)  # fmt: skip

_LOAD = (
    Illness("flood", "群发回执涌来，回调忙不过来", "request_timeout", "receipt_flood", "receipt_gateway", RECEIPT,
            capacity=0.5, rate=90),
    Illness("mark_fail", "每分钟几百条全失败，被自动屏蔽", "mark_fail", "http_status", "previous_alert",
            status=500, rate=180),
    Illness("provider", "推送给第三方平台，它回带引号的 success", "bad_response", "provider_side", "provider",
            reply=quoted(fixed("success")), platform="远山营销"),
)  # fmt: skip

_SILENT_LOSSES = (
    Illness("too_long", "Content 超过 2048 字节：用户看不到，平台不报警", None, reply=content("长" * 700)),
    Illness("too_many_articles", "图文多于一条：多的被丢掉，平台不报警", None, reply=news(2, 2)),
    Illness("wrong_count", "ArticleCount 和条数不符：平台不报警", None, reply=news(3, 1)),
)

_ALL = (
    HEALTHY, *_TRANSPORT, *_STATUSES, *_REPLIES, *_SEALED, *_COMPONENTS, *_PAYMENTS, *_LOAD, *_SILENT_LOSSES,
)  # fmt: skip
ILLNESSES: Mapping[str, Illness] = MappingProxyType({illness.id: illness for illness in _ALL})
"""Every illness by its id, in the order of the layers."""
