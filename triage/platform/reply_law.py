"""The reply law: what is wrong with the body of a callback's answer, and which bytes prove it.

One linter for the replies quoted in alerts, for the probe, and for our own channel.
https://developers.weixin.qq.com/doc/service/guide/product/message/Passive_user_reply_message.html
https://developers.weixin.qq.com/doc/oplatform/en/Third-party_Platforms/2.0/api/Before_Develop/component_verify_ticket.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from triage.errors import MalformedReplyError
from triage.findings import Finding, Severity
from triage.platform.limits import MAX_CONTENT_BYTES
from triage.platform.pushes import REPLY_TYPES, UNKNOWN_PUSH, Family, Push, ReplyForm
from triage.platform.reply_xml import (
    COMMON,
    ENVELOPE,
    ITEM,
    ITEM_FIELDS,
    Document,
    Span,
    parse_document,
    undecodable,
)


@dataclass(frozen=True, slots=True)
class Clause:
    """What the law says about one kind of mistake."""

    severity: Severity
    source: str
    """The reply rule that it breaks: R1 to R20."""
    hint: str
    """What to do; `{legal}` stands for the replies that the push takes."""


_USE_LEGAL = "改为返回{legal}"
_SEND_RAW = "让框架按纯文本输出，不要再做一次 JSON 或 HTML 序列化；应返回{legal}"
_SWAP = "ToUserName 和 FromUserName 要与推送里的对调"

# Findings are returned in this order: the one that explains most comes first.
CLAUSES: Final[Mapping[str, Clause]] = {
    "quoted_reply": Clause(Severity.HIGH, "R4", _SEND_RAW),
    "escaped_xml": Clause(Severity.HIGH, "R7", _SEND_RAW),
    "json_reply": Clause(Severity.HIGH, "R6", "不要返回 JSON，" + _USE_LEGAL),
    "html_page": Clause(Severity.HIGH, "R6", "查框架的错误日志和登录、拦截页，" + _USE_LEGAL),
    "error_text": Clause(Severity.HIGH, "R6", "按这句报错查应用日志；出错时也要返回{legal}"),
    "bad_encoding": Clause(Severity.HIGH, "R7", "用 UTF-8 编码输出，也不要压缩包体"),
    "doctype_refused": Clause(Severity.HIGH, "R7", "删去 DOCTYPE，<xml> 之前什么都不要写"),
    "malformed_xml": Clause(Severity.HIGH, "R7", "用 XML 库或模板生成回复，每个标签闭合，CDATA 以 ]]> 结束"),
    "control_character": Clause(Severity.HIGH, "R7", "写进 XML 之前滤掉 0x20 以下除 TAB、LF、CR 外的字符"),
    "empty_reply": Clause(Severity.HIGH, "R15", _USE_LEGAL),
    "payment_refused": Clause(Severity.HIGH, "R19", "查业务为何拒收这笔通知；收下后" + _USE_LEGAL),
    "wrong_payment_reply": Clause(Severity.HIGH, "R19", "原样返回{legal}"),
    "echoed_push": Clause(Severity.HIGH, "R8", "不要把推送原样发回，" + _USE_LEGAL),
    "success_in_xml": Clause(Severity.HIGH, "R4", "直接输出 7 个字节 success，不要包进 XML"),
    "wrong_root": Clause(Severity.HIGH, "R8", "根元素改成小写的 <xml>，不带命名空间"),
    "reply_not_allowed": Clause(Severity.HIGH, "R18", _USE_LEGAL),
    "not_encrypted": Clause(Severity.HIGH, "R14", "加密后再回复，或者返回不用加密的 success"),
    "unexpected_envelope": Clause(Severity.HIGH, "R14", "返回明文，或者核对后台的消息加解密方式"),
    "incomplete_envelope": Clause(Severity.HIGH, "R14", "补齐 Encrypt、MsgSignature、TimeStamp、Nonce 四项"),
    "wrong_addressees": Clause(Severity.HIGH, "R8", _SWAP),
    "missing_field": Clause(Severity.HIGH, "R11", "按官方文档补齐必填字段，值不能为空"),
    "unknown_msg_type": Clause(Severity.HIGH, "R10", "MsgType 只能是 " + "、".join(REPLY_TYPES)),
    "empty_content": Clause(Severity.HIGH, "R11", "没有话要说就直接返回 success，不要返回空的 Content"),
    "content_too_long": Clause(Severity.MEDIUM, "R12", "截短或分条，多出来的改用客服消息"),
    "article_count_mismatch": Clause(Severity.MEDIUM, "R13", "ArticleCount 按实际的 item 个数写"),
    "too_many_articles": Clause(Severity.MEDIUM, "R13", "只留允许的条数，多出的会被丢掉"),
    "plain_text": Clause(Severity.HIGH, "R3", _USE_LEGAL),
    "bare_success_expected": Clause(Severity.MEDIUM, "R4", "输出小写的 success，前后不要有空格、换行或 BOM"),
    "leading_bytes": Clause(Severity.MEDIUM, "R7", "去掉 <xml> 之前的 BOM、空格和空行"),
    "bad_create_time": Clause(Severity.MEDIUM, "R9", "CreateTime 写秒级时间戳，10 位整数"),
    "millisecond_create_time": Clause(Severity.LOW, "R9", "毫秒时间戳除以 1000 取整"),
}
_RANK = {id_: rank for rank, id_ in enumerate(CLAUSES)}


def judge(
    reply: bytes,
    push: Push | None,
    *,
    encrypted: bool | None = None,
    sender: str | None = None,
    account: str | None = None,
) -> tuple[Finding, ...]:
    """What is wrong with `reply` as the answer to `push`, most telling first; nothing means legal.

    A push of None is judged like a message. `encrypted` says whether the account is in safe mode; where it is None, the
    envelope and plain XML both pass. `sender` is the follower's OpenID, `account` the gh_ id; the addressees are not
    compared where they are None or masked. Spans are bytes of `reply`. A body that an alert has cut must be closed
    first. Never raises; takes time linear in the reply.
    """
    first = lead.end() if (lead := _LEAD.match(reply)) else 0
    end = max(first, len(reply.rstrip(_BLANKS)))
    case = _Case(reply, (first, end), push or UNKNOWN_PUSH, encrypted, sender, account)
    return tuple(sorted(_judge_body(case), key=lambda finding: _RANK[finding.id]))


# -- a reply with its context

_BLANKS = b" \t\r\n"
_LEAD = re.compile(rb"(?:\xef\xbb\xbf|[ \t\r\n])*")


@dataclass(frozen=True, slots=True)
class _Case:
    """A reply with what is known of its push and its account."""

    reply: bytes
    span: Span
    """Where the body stands, without a BOM and outer blanks."""
    push: Push
    encrypted: bool | None
    sender: str | None
    account: str | None

    @property
    def body(self) -> bytes:
        return self.reply[slice(*self.span)]

    @property
    def is_payment(self) -> bool:
        return self.push.family is Family.PAYMENT

    def finding(self, id_: str, message: str, span: Span) -> Finding:
        clause = CLAUSES[id_]
        hint = clause.hint.format(legal=self.push.legal)
        return Finding(id_, clause.severity, message, hint=hint, span=span, source=clause.source)


def _judge_body(case: _Case) -> Iterable[Finding]:
    body = case.body
    if not body:
        return _judge_blank(case)
    if body.lower() == b"success" and not case.is_payment:
        return _judge_success(case)
    if body[:1] in _QUOTES and len(body) > 1 and body[:1] == body[-1:]:
        return [_quoted(case)]
    if foreign := _recognise(case, _FOREIGN):
        return [foreign]
    if _XML_START.match(body):
        return [*_leading(case), *_judge_xml(case)]
    return [_recognise(case, _ERRORS) or _text(case)]


# -- bodies that are no XML

_QUOTES = {b'"': "双引号", b"'": "单引号"}
_XML_START = re.compile(rb"<[A-Za-z_:?!/\x80-\xff]")
_ERROR_WORD = (
    rb"(?P<proof>error|exception|traceback|\b(?:fatal|warning|notice|failed|failure|denied|not found|"
    rb"forbidden|unauthorized|timeout|timed out|refused|unavailable|bad gateway|internal server|sqlstate|"
    rb"panic)\b|" + "错误|异常|失败|超时)".encode()
)
_STATUS = rb"(?P<proof>(?:HTTP/[\d.]+\s+)?[45]\d\d)(?=[\s:]+[a-z]|\Z)"
_ESCAPED = rb"(?P<proof>(?:\\u003c|\\x3c|&lt;)\??xml)"
_JSON = rb'(?P<proof>\{\s*["}]|\[\s*(?:["{\[\]]|(?:true|false|null)\b)|\[[-+.,\deE\s]*\]\Z)'
_HTML_PAGE = rb"(?:<\?xml[^>]*>\s*)?(?><!--.*?-->\s*)*+<(?:!doctype\s+html|html|head|body|title)\b"
_HTML_PIECE = rb"<(?:br|hr|b|p|h[1-6]|div|span|pre|center|font|table|script|style|meta)\b"
_HTML = rb"(?P<proof>%b|%b)" % (_HTML_PAGE, _HTML_PIECE)


@dataclass(frozen=True, slots=True)
class _BodySign:
    """How a kind of body is recognised."""

    id: str
    pattern: re.Pattern[bytes]
    """Matches from the beginning of the body; its group `proof` is the evidence."""
    message: str


def _sign(id_: str, pattern: bytes, message: str) -> _BodySign:
    return _BodySign(id_, re.compile(pattern, re.IGNORECASE | re.DOTALL), message)


_ERROR_MESSAGE = "回复是报错文字（出现“{proof}”），共 {size} 字节；应是{legal}"
_FOREIGN = (
    _sign("escaped_xml", _ESCAPED, "XML 被转义成了 {proof}…；应原样输出 <xml>"),
    _sign("json_reply", _JSON, "回复是 JSON，共 {size} 字节；应是{legal}"),
    _sign("error_text", _HTML_PIECE + rb".*?" + _ERROR_WORD, _ERROR_MESSAGE),
    _sign("html_page", _HTML, "回复是 HTML，共 {size} 字节；应是{legal}"),
)
_ERRORS = (
    _sign("error_text", _STATUS, _ERROR_MESSAGE),
    _sign("error_text", rb".*?" + _ERROR_WORD, _ERROR_MESSAGE),
)


def _recognise(case: _Case, signs: Iterable[_BodySign]) -> Finding | None:
    for sign in signs:
        if match := sign.pattern.match(case.reply, *case.span):
            proof = match["proof"].decode("utf-8", "replace")[:40]
            message = sign.message.format(proof=proof, size=len(case.body), legal=case.push.legal)
            return case.finding(sign.id, message, match.span("proof"))
    return None


def _judge_blank(case: _Case) -> Iterator[Finding]:
    size = len(case.reply)
    if ReplyForm.EMPTY not in case.push.replies:
        yield _empty(case)
    elif size:
        message = f"回复是 {size} 字节的空白；要么 0 个字节，要么恰好是 7 个字节 success"
        yield case.finding("bare_success_expected", message, (0, size))


def _empty(case: _Case) -> Finding:
    size = len(case.reply)
    message = f"回复是空的（{size} 字节）；{case.push}只认{case.push.legal}"
    finding = replace(case.finding("empty_reply", message, (0, size)), source=case.push.rule)
    # R16 asks for success but leaves open whether an empty body passes.
    return replace(finding, severity=Severity.LOW) if case.push.family is Family.EVENT else finding


def _judge_success(case: _Case) -> Iterator[Finding]:
    if case.reply != b"success":
        size = len(case.reply)
        message = f"回复是 {case.reply.decode()[:40]!r}，共 {size} 字节；应恰好是小写的 7 个字节 success"
        yield case.finding("bare_success_expected", message, (0, size))


def _quoted(case: _Case) -> Finding:
    body = case.body
    is_success = body[1:-1] == b"success" and not case.is_payment
    right = "应是不带引号的 7 个字节 success" if is_success else "应原样输出引号里的内容"
    message = f"回复外面多了一层{_QUOTES[body[:1]]}，共 {len(body)} 字节；{right}"
    return case.finding("quoted_reply", message, case.span)


def _text(case: _Case) -> Finding:
    size = len(case.body)
    if case.is_payment:
        return case.finding("wrong_payment_reply", f"回复共 {size} 字节，不是支付通知要的 XML", case.span)
    if mistake := undecodable(case.reply):
        return case.finding(*mistake)
    return case.finding("plain_text", f"回复是 {size} 字节的普通文字；应是{case.push.legal}", case.span)


def _leading(case: _Case) -> Iterator[Finding]:
    if first := case.span[0]:
        what = "BOM" if b"\xef" in case.reply[:first] else "空白"
        message = f"XML 前面多了 {first} 个字节（{what}）；第一个字节就应是 <"
        yield case.finding("leading_bytes", message, (0, first))


# -- the law for XML

_MAY_BE_BLANK = frozenset({"Content", ITEM})  # other clauses judge what they hold
_MASK = re.compile(r"[*＊…]|x{3}|\.{3}", re.IGNORECASE)


def _judge_xml(case: _Case) -> Iterator[Finding]:
    try:
        document = parse_document(case.reply, case.span[0])
    except MalformedReplyError as exc:
        yield from (case.finding(*mistake) for mistake in exc.mistakes)
        return
    for check in _checks(case, document):
        yield from check(case, document)


def _checks(case: _Case, document: Document) -> Sequence[_Check]:
    """The checks that apply: mistakes that prove themselves for any push, the others only where XML is legal."""
    if case.is_payment:
        return (_payment,)
    if ReplyForm.XML not in case.push.replies:
        return (_form, *_PROOFS)
    if document.is_success:
        return (_success,)
    if document.root != "xml":
        return (_root,)
    if document.all("Encrypt") or document.all("MsgSignature"):
        return (_envelope,)
    return (*_PROOFS, _encryption, _addressees, _fields, _articles)


def _payment(case: _Case, document: Document) -> Iterator[Finding]:
    code = document.text("return_code")
    if document.root != "xml" or not code:
        yield case.finding("wrong_payment_reply", "XML 里没有 return_code", document.span())
    elif code != "SUCCESS":
        message = f"return_code 是 {code[:40]}；只有 SUCCESS 才算收下通知"
        yield case.finding("payment_refused", message, document.span("return_code"))


def _form(case: _Case, document: Document) -> Iterator[Finding]:
    message = f"{case.push}不能用 XML 回复；应是{case.push.legal}"
    finding = replace(case.finding("reply_not_allowed", message, document.span()), source=case.push.rule)
    # R18 is the general rule for events, not confirmed event by event.
    yield replace(finding, severity=Severity.MEDIUM) if case.push.rule == "R18" else finding


def _root(case: _Case, document: Document) -> Iterator[Finding]:
    yield case.finding("wrong_root", f"根元素是 <{document.root[:40]}>；应是 <xml>", document.span())


def _envelope(case: _Case, document: Document) -> Iterator[Finding]:
    missing = [name for name in ENVELOPE if not document.text(name)]
    if case.encrypted is False:
        message = "回复是加密信封；这个号没有开安全模式，应返回明文"
        yield case.finding("unexpected_envelope", message, document.span())
    elif missing:
        yield case.finding("incomplete_envelope", f"加密信封缺少{'、'.join(missing)}", document.span())


def _encryption(case: _Case, document: Document) -> Iterator[Finding]:
    if case.encrypted:
        message = "安全模式下回复了明文 XML；XML 要加密，success 和空包体不用"
        yield case.finding("not_encrypted", message, document.span())


def _echo(case: _Case, document: Document) -> Iterator[Finding]:
    if document.text("MsgType") == "event":
        message = "MsgType 是 event：推送本身被当作回复发了回来"
        yield replace(case.finding("echoed_push", message, document.span("MsgType")), source="R10")
    elif document.is_echo:
        message = "ToUserName 是公众号（gh_…），FromUserName 是粉丝（o…）：收发双方没有对调"
        yield case.finding("echoed_push", message, document.span("ToUserName"))


def _success(case: _Case, document: Document) -> Iterator[Finding]:
    in_content = document.text("Content") == "success"
    if in_content or document.is_success:
        message = "success 被包在 XML 里；应直接输出 7 个字节 success"
        yield case.finding("success_in_xml", message, document.span("Content" if in_content else ""))


def _content(case: _Case, document: Document) -> Iterator[Finding]:
    for content in document.all("Content")[:1]:
        if not content.text.strip() and document.text("MsgType") == "text":
            yield case.finding("empty_content", "文本回复的 Content 是空的", content.span)
        if (size := len(content.text.encode())) > MAX_CONTENT_BYTES:
            message = f"Content 有 {size} 字节，超过 {MAX_CONTENT_BYTES} 字节，用户什么也看不到"
            yield case.finding("content_too_long", message, content.span)


def _create_time(case: _Case, document: Document) -> Iterator[Finding]:
    value = document.text("CreateTime")
    if not value or _MASK.search(value) or re.fullmatch(r"[0-9]{1,10}", value):
        return
    span = document.span("CreateTime")
    if re.fullmatch(r"[0-9]{13}", value):
        message = f"CreateTime 是 13 位毫秒 {value}；应是 10 位秒"
        yield case.finding("millisecond_create_time", message, span)
    else:
        yield case.finding("bad_create_time", f"CreateTime 是 {value[:40]}；应是以秒计的整数", span)


def _addressees(case: _Case, document: Document) -> Iterator[Finding]:
    for name, right, whose in (
        ("ToUserName", case.sender, "发来消息的粉丝的 OpenID"),
        ("FromUserName", case.account, "本公众号的 gh_ 原始 ID"),
    ):
        value = document.text(name)
        if value and right and value != right and not _MASK.search(value + right):
            yield case.finding("wrong_addressees", f"{name} 不是{whose}", document.span(name))


def _fields(case: _Case, document: Document) -> Iterator[Finding]:
    if document.is_echo:
        return
    type_ = document.text("MsgType")
    required = (*COMMON, *REPLY_TYPES.get(type_, ()))
    missing = [
        path
        for path in required
        if not (document.text(path) or (path in _MAY_BE_BLANK and path in document.elements))
    ]
    if missing:
        yield case.finding("missing_field", f"缺少必填字段 {'、'.join(missing)}", document.span())
    if type_ and type_ not in REPLY_TYPES and not _MASK.search(type_):
        message = f"MsgType 是 {type_[:40]}；被动回复没有这一种"
        yield case.finding("unknown_msg_type", message, document.span("MsgType"))


def _articles(case: _Case, document: Document) -> Iterator[Finding]:
    items, declared = document.all(ITEM), document.text("ArticleCount")
    if document.text("MsgType") != "news" or not items:
        return
    if declared and declared != str(len(items)) and not _MASK.search(declared):
        message = f"ArticleCount 是 {declared[:40]}，实际有 {len(items)} 个 item"
        yield case.finding("article_count_mismatch", message, document.span("ArticleCount"))
    if surplus := items[case.push.article_limit :]:
        message = f"回复{case.push}最多 {case.push.article_limit} 条图文，这里有 {len(items)} 条"
        yield case.finding("too_many_articles", message, (surplus[0].span[0], surplus[-1].span[1]))
    if missing := [path for path in ITEM_FIELDS if len(document.all(path)) < len(items)]:
        finding = case.finding("missing_field", f"图文缺少 {'、'.join(missing)}", document.span(ITEM))
        # The fields of an item are unverified.
        yield replace(finding, severity=Severity.LOW)


_Check = Callable[[_Case, Document], Iterator[Finding]]
_PROOFS: tuple[_Check, ...] = (_echo, _success, _content, _create_time)
