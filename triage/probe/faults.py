"""The catalogue of the probe's own findings: the severity of each, the item it rests on, and what to do about it.

Sources are ids of docs/sources.md. Mistakes of a reply are not here but in `triage.platform.reply_law`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from triage.errors import TransportProblem, UnreachableError
from triage.findings import Finding, Severity
from triage.message import Response
from triage.platform.clauses import CLAUSES
from triage.probe.connection import HttpAnswer
from triage.probe.guard import Refusal
from triage.probe.report import printable
from triage.probe.resolver import DnsProblem
from triage.wording import Wording

_EXCERPT_CHARACTERS = 80
_LOCATION_CHARACTERS = 100
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Fault:
    """Severity, source and hint of one kind of finding."""

    severity: Severity
    source: str
    hint: str


FAULTS: Final[Mapping[str, Fault]] = {
    "odd_port": Fault(
        Severity.HIGH, "1.a", Wording("微信只推 80（http）和 443（https）端口，后台 URL 换成这两个端口")
    ),
    "forbidden_address": Fault(
        Severity.HIGH, "1.a", Wording("微信到不了这个地址：把域名解析到公网 IP；只测内网就加 --allow-private")
    ),
    "dns_failure": Fault(
        Severity.HIGH, "1.a", Wording("核对后台 URL 的域名，看域名是否过期、解析记录是否还在")
    ),
    "dns_timeout": Fault(Severity.HIGH, "2.a", Wording("查域名的权威 DNS 服务器是否都能答复")),
    "dns_wechat_failure": Fault(
        Severity.HIGH,
        "FAQ1.2",
        Wording("本机能解析而微信的 DNS 不能：查解析线路和权威 DNS，还不行就联系微信团队"),
    ),
    "dns_differs": Fault(
        Severity.LOW,
        "FAQ1.2",
        Wording("分线路解析或 CDN 属正常；否则核对解析记录，看是否刚改过、旧值还没过期"),
    ),
    "curl_connect": Fault(
        Severity.HIGH, "3.b", Wording("看进程在不在、端口有没有监听、防火墙和安全组放没放行")
    ),
    "connect_timeout": Fault(
        Severity.HIGH, "3", Wording("查防火墙丢包、连接队列是否满、IP 是否写错，放行微信的回调 IP")
    ),
    "slow_connect": Fault(Severity.MEDIUM, "E.1", Wording("查负载、连接数和线路；3 秒以内才稳妥")),
    "bad_certificate": Fault(
        Severity.HIGH, "5.b", Wording("换成受信任机构签发的证书，配上完整的中间证书，域名要相符")
    ),
    "expired_certificate": Fault(Severity.HIGH, "5.b", Wording("马上续期并重新加载 Web 服务器")),
    "certificate_expires": Fault(Severity.MEDIUM, "5.b", Wording("尽快续期，并给自动续期加监控")),
    "tls_failed": Fault(Severity.HIGH, "5.b", Wording("确认这个端口真是 https，并支持 TLS 1.2 以上")),
    "curl_empty_reply": Fault(
        Severity.HIGH,
        "E.12",
        Wording("连上了却没有一个字节：查进程崩溃、重启、被杀，或 http 打到了 https 端口"),
    ),
    "curl_receive": Fault(
        Severity.HIGH,
        "E.12",
        Wording("收到一半断开：查反代的超时设置、Content-Length 是否写错、那时有没有重启"),
    ),
    "length_too_small": Fault(
        Severity.HIGH,
        "E.12",
        Wording("Content-Length 按编码后的字节数算，不是字符数；最好让框架自己写"),
    ),
    "not_http": Fault(Severity.HIGH, "5.b", Wording("这个端口上跑的不是 http 服务，核对端口和反代的转发")),
    "too_large": Fault(Severity.HIGH, "R3", Wording("回应只该是 success、空串或一小段 XML")),
    "request_timeout": Fault(
        Severity.HIGH, "R2", Wording("先回 success，慢的处理放到后台，用客服消息回复用户")
    ),
    "slow_answer": Fault(
        Severity.MEDIUM, "FAQ3.1", Wording("找出最慢的模块；离 5 秒的界限太近，一有高峰就会超时")
    ),
    "http_status": Fault(Severity.HIGH, "R1", Wording("微信只认 200，按状态码查网关和应用")),
    "wrong_echo": Fault(
        Severity.HIGH, "R3", Wording("验证签名后原样输出 echostr：不加引号、BOM、换行和 HTML")
    ),
    "altered_echo": Fault(Severity.LOW, "R3", Wording("按纯文本输出 echostr，不要做 HTML 转义或过滤")),
    "signature_accepted": Fault(
        Severity.HIGH, "R14", Wording("先验签名再处理，不对就回 403；否则谁都能冒充微信")
    ),
    "stale_timestamp_accepted": Fault(
        Severity.LOW, "R14", Wording("拒绝偏离当前时间 5 分钟以上的请求，防止旧请求被重放")
    ),
    "wrong_envelope_signature": Fault(
        Severity.HIGH, "R14", Wording("MsgSignature 按 Token、TimeStamp、Nonce、Encrypt 排序拼接后取 SHA-1")
    ),
    "wrong_nonce": Fault(
        Severity.INFO, "R14", Wording("平台也收，可以不改；多数库原样用请求 URL 里的 nonce")
    ),
    "undecryptable_reply": Fault(
        Severity.HIGH, "R14", Wording("核对 EncodingAESKey 和 AppID，与后台一致才解得开")
    ),
    "retry_differs": Fault(
        Severity.MEDIUM,
        "P.8",
        Wording("按 MsgId 去重（事件按 FromUserName 加 CreateTime），重推给同样的回应"),
    ),
}
_HINT_FOR_OTHER_ECHO = Wording(
    "先看请求到了哪段程序（登录页、前端页面、WAF 的拦截页、别的路由），再核对 Token，与后台一致签名才对得上"
)
_BY_STATUS: Mapping[int, tuple[str, str]] = {
    **dict.fromkeys((201, 202, 204), ("F.16", Wording("框架默认返回了这个状态码，改成 200"))),
    **dict.fromkeys(
        (301, 302, 303, 307, 308),
        ("F.18", Wording("微信不跟随跳转：后台 URL 直接写最终的地址，去掉强制跳转和登录拦截")),
    ),
    400: ("F.11", Wording("应用认为请求不合法：查签名校验和 XML 解析的日志")),
    401: ("A3.1", Wording("回调地址不能要求登录，给它开放访问")),
    403: ("A3.1", Wording("核对 Token 与加密配置；再查 nginx 的 deny、WAF 和来源 IP 限制")),
    404: ("A3.1", Wording("路径不对：核对后台 URL、nginx 的 location 和应用的路由")),
    405: ("F.11", Wording("同一地址要同时接受 GET 和 POST，末尾的斜杠也要一致")),
    413: ("F.11", Wording("放宽请求体的大小限制")),
    415: ("F.11", Wording("不要限制 Content-Type：微信推的是 text/xml")),
    429: ("F.10", Wording("限流拦住了微信：给回调路径放开频率限制")),
    **dict.fromkeys((500, 501), ("FAQ3.2", Wording("应用抛了异常：按时间查错误日志；出错也要回 success"))),
    **dict.fromkeys((502, 503, 504), ("A3.1", Wording("后端没有起来或太慢：看是哪台，先拉起或摘掉它"))),
    999: ("F.10", Wording("WAF 或限流拦住了：给回调路径和微信的 IP 加白名单")),
}
REFUSALS: Mapping[Refusal, str] = {
    Refusal.METADATA: Wording("云主机的元数据地址"),
    Refusal.NOWHERE: Wording("组播、广播或全零地址"),
    Refusal.LOOPBACK: Wording("本机回环地址"),
    Refusal.LINK_LOCAL: Wording("链路本地地址"),
    Refusal.PRIVATE: Wording("内网地址"),
    Refusal.CGNAT: Wording("运营商 NAT 后面的地址"),
    Refusal.EMBEDDED: Wording("套着 IPv4 的 IPv6 地址"),
    Refusal.RESERVED: Wording("保留地址"),
}
_BY_GATEWAY: Mapping[bytes, str] = {
    **dict.fromkeys(
        (
            b"plain HTTP request was sent to HTTPS port",
            b"speaking plain HTTP to an SSL-enabled server port",
            b"sent an HTTP request to an HTTPS server",
        ),
        Wording("http 打到了 https 的端口：URL 改成 https，或者核对端口和反代转发用的协议"),
    ),
    **dict.fromkeys(
        (b"No required SSL certificate was sent", b"The SSL certificate error"),
        Wording("Web 服务器要客户端证书（ssl_verify_client），微信没有：给回调地址去掉它"),
    ),
}
"""What web servers write into a 400 of their own, before any application sees the request."""
_DNS_PROBLEMS: Mapping[DnsProblem, str] = {
    DnsProblem.UNKNOWN: Wording("没有这个域名"),
    DnsProblem.EMPTY: Wording("域名没有 A 或 AAAA 记录"),
    DnsProblem.TIMEOUT: Wording("DNS 没有按时回应"),
    DnsProblem.FAILED: Wording("DNS 服务器回应出错"),
}
_TRANSPORT_PROBLEMS: Mapping[TransportProblem, str] = {
    TransportProblem.NO_ADDRESS: Wording("域名没有解析出地址"),
    TransportProblem.REFUSED: Wording("连接被拒绝"),
    TransportProblem.CONNECT_TIMEOUT: Wording("连不上，等满了时限"),
    TransportProblem.NO_ROUTE: Wording("本机没有到它的路由"),
    TransportProblem.TLS: Wording("TLS 握手失败"),
    TransportProblem.CERTIFICATE: Wording("证书通不过验证"),
    TransportProblem.EXPIRED: Wording("证书通不过验证"),
    TransportProblem.TIMEOUT: Wording("没有在时限内完整回应"),
    TransportProblem.EMPTY: Wording("连上后一个字节没回就断开了"),
    TransportProblem.BROKEN: Wording("回应只收到一半就断开了"),
    TransportProblem.NOT_HTTP: Wording("回来的不是 HTTP"),
    TransportProblem.TOO_LARGE: Wording("回应太大"),
}


_BY_RECEIVED: Mapping[tuple[TransportProblem, bool], tuple[str, str]] = {
    (TransportProblem.TIMEOUT, True): (
        Wording("开头的字节到了，在时限内没有结尾"),
        Wording("看 Content-Length 是否写大了、没写时连接有没有关，再看包体的后半段慢在哪"),
    ),
    (TransportProblem.BROKEN, False): (
        Wording("连接被重置，一个字节也没回"),
        Wording("查进程崩溃、重启、被杀，防火墙和反代的拦截"),
    ),
}
"""What is said, and what to do, where it matters whether some bytes of the answer came."""


def make_finding(id_: str, message: str) -> Finding:
    """A finding of the catalogue; `message` says what was seen. Raises KeyError for an id without an entry."""
    known = FAULTS[id_]
    return Finding(id_, known.severity, message, hint=known.hint, source=known.source)


def words_of(problem: DnsProblem | TransportProblem) -> str:
    """What to call a problem in Chinese."""
    return _DNS_PROBLEMS[problem] if isinstance(problem, DnsProblem) else _TRANSPORT_PROBLEMS[problem]


def explain_failure(failure: UnreachableError) -> Finding:
    """The finding for a request that got no answer."""
    kind = failure.problem, failure.received > 0
    message = Wording(
        "{problem}（{seconds:.2f} 秒：{detail}）",
        problem=_BY_RECEIVED[kind][0] if kind in _BY_RECEIVED else words_of(failure.problem),
        seconds=failure.seconds,
        detail=failure.detail,
    )
    finding = make_finding(failure.problem, message)
    return replace(finding, hint=_BY_RECEIVED[kind][1]) if kind in _BY_RECEIVED else finding


def explain_echo(finding: Finding, response: Response, echostr: str) -> Finding:
    """A finding `wrong_echo` with what came back in place of the echostr, and what to do by whether it is in there."""
    text = response.body[: 5 * _EXCERPT_CHARACTERS].decode("utf-8", "replace")[:_EXCERPT_CHARACTERS]
    shown = repr(text) if text else Wording("空包体")
    hint = FAULTS["wrong_echo"].hint if echostr.encode() in response.body else _HINT_FOR_OTHER_ECHO
    if response.body.startswith(_GZIP):
        shown = Wording("gzip 压缩过的 {size} 字节", size=len(response.body))
        hint = CLAUSES["bad_encoding"].hint
    message = Wording("没有原样返回 echostr，回的是 {body}", body=shown)
    return replace(finding, message=message, hint=hint)


def explain_status(answer: HttpAnswer) -> Finding | None:
    """The finding for a status other than 200; None for 200."""
    status = answer.response.status
    if status == 200:
        return None
    source, hint = _BY_STATUS.get(status, (FAULTS["http_status"].source, FAULTS["http_status"].hint))
    if status == 400:
        signs = (own for sign, own in _BY_GATEWAY.items() if sign in answer.response.body)
        source, hint = next((("5.b", own) for own in signs), (source, hint))
    target = (
        Wording("，跳转到 {where}", where=answer.location.partition("?")[0][:_LOCATION_CHARACTERS])
        if answer.location
        else ""
    )
    finding = make_finding(
        "http_status", Wording("HTTP 状态码是 {status}{target}；应是 200", status=status, target=target)
    )
    return replace(finding, hint=hint, source=source)


def with_hint(finding: Finding) -> Finding:
    """The finding with the catalogue's hint, if it has none of its own."""
    known = FAULTS.get(finding.id)
    return replace(finding, hint=known.hint) if known and finding.hint is None else finding


def excerpt(response: Response) -> str:
    """The beginning of a body, as one printable line."""
    text = printable(response.body[: 5 * _EXCERPT_CHARACTERS].decode("utf-8", "replace"))
    return f"{text[:_EXCERPT_CHARACTERS]}…" if len(text) > _EXCERPT_CHARACTERS else text or Wording("空包体")
