"""The reply law: what is wrong with the body of a callback's answer, and which bytes prove it.

One linter for the replies quoted in alerts, for the probe, and for our own channel.
https://developers.weixin.qq.com/doc/service/guide/product/message/Passive_user_reply_message.html
https://developers.weixin.qq.com/doc/oplatform/en/Third-party_Platforms/2.0/api/Before_Develop/component_verify_ticket.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from triage.errors import MalformedReplyError
from triage.findings import Finding, Severity
from triage.platform.clauses import CLAUSES
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
from triage.wording import Wording, joined

_RANK = {id_: rank for rank, id_ in enumerate(CLAUSES)}


def judge(
    reply: bytes,
    push: Push | None,
    *,
    encrypted: bool | None = None,
    sender: str | None = None,
    account: str | None = None,
    length: int | None = None,
) -> tuple[Finding, ...]:
    """What is wrong with `reply` as the answer to `push`, most telling first; without a fault it is legal.

    A push of None is judged like a message. `encrypted` says whether the account is in safe mode; where it is None, the
    envelope and plain XML both pass. `sender` is the follower's OpenID, `account` the gh_ id; the addressees are not
    compared where they are None or masked. Of a body that an alert has cut, `length` is the number of its bytes;
    the caller closes it first. Spans are bytes of `reply`. Never raises; takes time linear in the reply.
    """
    first = lead.end() if (lead := _BEFORE_BODY.match(reply)) else 0
    end = max(first, len(reply.rstrip(_BLANKS)))
    case = _Case(reply, (first, end), push or UNKNOWN_PUSH, encrypted, sender, account, length)
    return tuple(sorted(_judge_body(case), key=lambda finding: _RANK[finding.id]))


# -- a reply with its context

_BLANKS = b" \t\r\n"
_BEFORE_BODY = re.compile(rb"(?:\xef\xbb\xbf|[ \t\r\n])*")


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
    length: int | None

    @property
    def size(self) -> int:
        """The bytes of the body, or of what it was before it was cut."""
        return len(self.body) if self.length is None else self.length

    @property
    def body(self) -> bytes:
        return self.reply[slice(*self.span)]

    @property
    def is_payment(self) -> bool:
        return self.push.family is Family.PAYMENT

    def finding(self, id_: str, message: str, span: Span) -> Finding:
        """A finding with the severity, the source and the hint of its clause."""
        clause = CLAUSES[id_]
        hint = clause.hint.filled(legal=self.push.legal)
        return Finding(id_, clause.severity, message, hint=hint, span=span, source=clause.source)


def _judge_body(case: _Case) -> Iterable[Finding]:
    body = case.body
    if not body:
        return _judge_blank(case)
    if body.lower() == b"success" and not case.is_payment:
        return _judge_success(case)
    if body[:1] in _QUOTES and len(body) > 1 and body[:1] == body[-1:]:
        return [_quoted(case)]
    if foreign := _recognise(case, _OTHER_FORMATS):
        return [foreign]
    if _XML_START.match(body):
        return [*_leading(case), *_judge_xml(case)]
    return [_recognise(case, _ERROR_TEXTS) or _text(case)]


# -- bodies that are no XML

_QUOTES = {b'"': Wording("双引号"), b"'": Wording("单引号")}
_XML_START = re.compile(rb"<[A-Za-z_:?!/\x80-\xff]")
_ERROR_WORD = (
    rb"(?P<proof>error|exception|traceback|\b(?:fatal|warning|notice|failed|failure|denied|not found|invalid|"
    rb"forbidden|unauthorized|timeout|timed out|refused|unavailable|bad gateway|internal server|sqlstate|"
    rb"panic)\b|" + "错误|异常|失败|超时)".encode()
)
_STATUS = rb"(?P<proof>(?:HTTP/[\d.]+\s+)?[45]\d\d)(?=[\s:]+[a-z]|\Z)"
_ESCAPED = rb"(?P<proof>(?:\\u003c|\\x3c|&lt;)\??xml)"
_JSON = rb'(?P<proof>\{\s*["}]|\[\s*(?:["{\[\]]|(?:true|false|null)\b)|\[[-+.,\deE\s]*\]\Z)'
_NEAR_SUCCESS = rb"(?P<proof>(?:<!--.*?-->\s*)++success\b|success\s*(?:<!--|<script\b))"
_HTML_PAGE = rb"(?:<\?xml[^>]*>\s*)?(?><!--.*?-->\s*)*+<(?:!doctype\s+html|html|head|body|title)\b"
_HTML_PIECE = rb"<(?:br|hr|b|p|h[1-6]|div|span|pre|center|font|table|script|style|meta)\b"
_HTML = rb"(?P<proof>%b|%b)" % (_HTML_PAGE, _HTML_PIECE)


@dataclass(frozen=True, slots=True)
class _BodySign:
    """How a kind of body is recognised."""

    id: str
    pattern: re.Pattern[bytes]
    """Matches from the beginning of the body; its group `proof` is the evidence."""
    message: Wording


def _sign(id_: str, pattern: bytes, message: Wording) -> _BodySign:
    return _BodySign(id_, re.compile(pattern, re.IGNORECASE | re.DOTALL), message)


_ERROR_MESSAGE = Wording("回应是报错文字（出现“{proof}”），共 {size} 字节；应是{legal}")
_OTHER_FORMATS = (
    _sign("escaped_xml", _ESCAPED, Wording("XML 被转义成了 {proof}…；应原样输出 <xml>")),
    _sign("json_reply", _JSON, Wording("回应是 JSON，共 {size} 字节；应是{legal}")),
    _sign("plain_text", _NEAR_SUCCESS, Wording("success 前后还有别的内容，共 {size} 字节；应是{legal}")),
    _sign("error_text", _HTML_PIECE + rb".*?" + _ERROR_WORD, _ERROR_MESSAGE),
    _sign("html_page", _HTML, Wording("回应是 HTML，共 {size} 字节；应是{legal}")),
)
_ERROR_TEXTS = (
    _sign("error_text", _STATUS, _ERROR_MESSAGE),
    _sign("error_text", rb".*?" + _ERROR_WORD, _ERROR_MESSAGE),
)


def _recognise(case: _Case, signs: Iterable[_BodySign]) -> Finding | None:
    for sign in signs:
        if match := sign.pattern.match(case.reply, *case.span):
            proof = match["proof"].decode("utf-8", "replace")[:40]
            message = sign.message.filled(proof=proof, size=case.size, legal=case.push.legal_in_short)
            return case.finding(sign.id, message, match.span("proof"))
    return None


def _judge_blank(case: _Case) -> Iterator[Finding]:
    size = len(case.reply)
    if ReplyForm.EMPTY not in case.push.replies:
        yield _empty(case)
    elif size:
        message = Wording("回应是 {size} 字节的空白；要么 0 个字节，要么恰好是 7 个字节 success", size=size)
        yield case.finding("bare_success_expected", message, (0, size))


def _empty(case: _Case) -> Finding:
    size = len(case.reply)
    message = Wording(
        "回应是空的（{size} 字节）；{push}只认{legal}",
        size=size,
        push=case.push.title,
        legal=case.push.legal_in_short,
    )
    finding = replace(case.finding("empty_reply", message, (0, size)), source=case.push.rule)
    # R16 asks for success but leaves open whether an empty body passes.
    return replace(finding, severity=Severity.LOW) if case.push.family is Family.EVENT else finding


def _judge_success(case: _Case) -> Iterator[Finding]:
    if case.reply != b"success":
        message = Wording(
            "回应是 {value}，共 {size} 字节；应恰好是小写的 7 个字节 success",
            value=repr(case.reply.decode()[:40]),
            size=(size := len(case.reply)),
        )
        yield case.finding("bare_success_expected", message, (0, size))


def _quoted(case: _Case) -> Finding:
    body = case.body
    is_success = body[1:-1] == b"success" and not case.is_payment
    right = Wording("应是不带引号的 7 个字节 success") if is_success else Wording("应原样输出引号里的内容")
    message = Wording(
        "回应外面多了一层{quotes}，共 {size} 字节；{right}",
        quotes=_QUOTES[body[:1]],
        size=case.size,
        right=right,
    )
    return case.finding("quoted_reply", message, case.span)


def _text(case: _Case) -> Finding:
    if case.is_payment:
        message = Wording("回应共 {size} 字节，不是支付通知要的 XML", size=case.size)
        return case.finding("wrong_payment_reply", message, case.span)
    if mistake := undecodable(case.reply):
        return case.finding(*mistake)
    legal = case.push.legal_in_short
    message = Wording("回应是 {size} 字节的普通文字；应是{legal}", size=case.size, legal=legal)
    return case.finding("plain_text", message, case.span)


def _leading(case: _Case) -> Iterator[Finding]:
    first = case.span[0]
    if b"\xef" in case.reply[:first]:
        message = Wording("XML 前面多了 {first} 个字节（BOM）；第一个字节就应是 <", first=first)
        yield case.finding("leading_bytes", message, (0, first))
    elif first:
        message = Wording("XML 前面有 {first} 个字节的空白", first=first)
        yield case.finding("leading_blanks", message, (0, first))


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
        return (_form, *_SELF_EVIDENT)
    if document.is_success:
        return (_success,)
    if document.root != "xml":
        return (_root,)
    if document.all("Encrypt") or document.all("MsgSignature"):
        return (_envelope,)
    return (*_SELF_EVIDENT, _encryption, _addressees, _fields, _articles)


def _payment(case: _Case, document: Document) -> Iterator[Finding]:
    code = document.text("return_code")
    if document.root != "xml" or not code:
        yield case.finding("wrong_payment_reply", Wording("XML 里没有 return_code"), document.span())
    elif code != "SUCCESS":
        message = Wording("return_code 是 {code}；只有 SUCCESS 才算收下通知", code=code[:40])
        yield case.finding("payment_refused", message, document.span("return_code"))


def _form(case: _Case, document: Document) -> Iterator[Finding]:
    message = Wording(
        "{push}不能用 XML 回应；应是{legal}", push=case.push.title, legal=case.push.legal_in_short
    )
    finding = replace(case.finding("reply_not_allowed", message, document.span()), source=case.push.rule)
    # R18 is the general rule for events, not confirmed event by event.
    yield replace(finding, severity=Severity.MEDIUM) if case.push.rule == "R18" else finding


def _root(case: _Case, document: Document) -> Iterator[Finding]:
    message = Wording("根元素是 <{root}>；应是 <xml>", root=document.root[:40])
    yield case.finding("wrong_root", message, document.span())


def _envelope(case: _Case, document: Document) -> Iterator[Finding]:
    missing = [name for name in ENVELOPE if not document.text(name)]
    if case.encrypted is False:
        message = Wording("回应是加密信封；这个号没有开安全模式，应返回明文")
        yield case.finding("unexpected_envelope", message, document.span())
    elif missing:
        yield case.finding(
            "incomplete_envelope",
            Wording("加密信封缺少{names}", names=joined("{a}、{b}", missing)),
            document.span(),
        )


def _encryption(case: _Case, document: Document) -> Iterator[Finding]:
    if case.encrypted:
        message = Wording("安全模式下回应了明文 XML；XML 要加密，success 和空包体不用")
        yield case.finding("not_encrypted", message, document.span())


def _echo(case: _Case, document: Document) -> Iterator[Finding]:
    if document.text("MsgType") == "event":
        message = Wording("MsgType 是 event：推送本身被当作回应发了回来")
        yield replace(case.finding("echoed_push", message, document.span("MsgType")), source="R10")
    elif document.is_echo:
        message = Wording("ToUserName 是公众号（gh_…），FromUserName 是粉丝（o…）：收发双方没有对调")
        yield case.finding("echoed_push", message, document.span("ToUserName"))


def _success(case: _Case, document: Document) -> Iterator[Finding]:
    in_content = document.text("Content") == "success"
    if in_content or document.is_success:
        message = Wording("success 被包在 XML 里；应直接输出 7 个字节 success")
        yield case.finding("success_in_xml", message, document.span("Content" if in_content else ""))


def _content(case: _Case, document: Document) -> Iterator[Finding]:
    for content in document.all("Content")[:1]:
        if not content.text.strip() and document.text("MsgType") == "text":
            yield case.finding("empty_content", Wording("text 类型的 Content 是空的"), content.span)
        if (size := len(content.text.encode())) > MAX_CONTENT_BYTES:
            message = Wording(
                "Content 有 {size} 字节，超过 {most} 字节，用户什么也看不到",
                size=size,
                most=MAX_CONTENT_BYTES,
            )
            yield case.finding("content_too_long", message, content.span)


def _create_time(case: _Case, document: Document) -> Iterator[Finding]:
    value = document.text("CreateTime")
    if not value or _MASK.search(value) or re.fullmatch(r"[0-9]{1,10}", value):
        return
    span = document.span("CreateTime")
    if re.fullmatch(r"[0-9]{13}", value):
        message = Wording("CreateTime 是 13 位毫秒 {value}；应是 10 位秒", value=value)
        yield case.finding("millisecond_create_time", message, span)
    else:
        message = Wording("CreateTime 是 {value}；应是以秒计的整数", value=value[:40])
        yield case.finding("bad_create_time", message, span)


def _addressees(case: _Case, document: Document) -> Iterator[Finding]:
    for name, right, whose in (
        ("ToUserName", case.sender, Wording("发来消息的粉丝的 OpenID")),
        ("FromUserName", case.account, Wording("本公众号的 gh_ 原始 ID")),
    ):
        value = document.text(name)
        if value and right and value != right and not _MASK.search(value + right):
            message = Wording("{name} 不是{whose}", name=name, whose=whose)
            yield case.finding("wrong_addressees", message, document.span(name))


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
        message = Wording("缺少必填字段 {names}", names=joined("{a}、{b}", missing))
        yield case.finding("missing_field", message, document.span())
    if type_ and type_ not in REPLY_TYPES and not _MASK.search(type_):
        message = Wording("MsgType 是 {type}；回应没有这一种", type=type_[:40])
        yield case.finding("unknown_msg_type", message, document.span("MsgType"))


def _articles(case: _Case, document: Document) -> Iterator[Finding]:
    items, declared = document.all(ITEM), document.text("ArticleCount")
    if document.text("MsgType") != "news" or not items:
        return
    if declared and declared != str(len(items)) and not _MASK.search(declared):
        message = Wording(
            "ArticleCount 是 {declared}，实际有 {items} 个 item", declared=declared[:40], items=len(items)
        )
        yield case.finding("article_count_mismatch", message, document.span("ArticleCount"))
    if surplus := items[case.push.article_limit :]:
        message = Wording(
            "对{push}最多回 {most} 条图文，这里有 {items} 条",
            push=case.push.title,
            most=case.push.article_limit,
            items=len(items),
        )
        yield case.finding("too_many_articles", message, (surplus[0].span[0], surplus[-1].span[1]))
    if missing := [path for path in ITEM_FIELDS if len(document.all(path)) < len(items)]:
        message = Wording("图文缺少 {names}", names=joined("{a}、{b}", missing))
        finding = case.finding("missing_field", message, document.span(ITEM))
        # The fields of an item are unverified.
        yield replace(finding, severity=Severity.LOW)


_Check = Callable[[_Case, Document], Iterator[Finding]]
_SELF_EVIDENT: tuple[_Check, ...] = (_echo, _success, _content, _create_time)
