"""The reply law: legal replies pass untouched, every other one is named, with the bytes that prove it."""

from __future__ import annotations

import gzip
import time
from dataclasses import dataclass, field
from typing import TypedDict
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.paths import DATA
from triage.findings import Severity
from triage.platform.clauses import CLAUSES
from triage.platform.limits import MAX_CONTENT_BYTES
from triage.platform.pushes import COMPONENT_INFO, PAYMENT_NOTIFY, PAYMENT_REPLY, Family, Push, find_push
from triage.platform.reply_law import judge

_FOLDER = DATA / "replies"
FAN, ACCOUNT = "oQ7dXk2VbnTzLr5WfGh8JmPs3YcA", "gh_5d21c07be94f"


def push(name: str, family: Family | None = None) -> Push:
    found = find_push(name, family)
    assert found is not None
    return found


TEXT, CLICK, VIEW = push("text"), push("CLICK"), push("VIEW")
LOCATION, UNSUBSCRIBE = push("LOCATION"), push("unsubscribe")
TICKET = push("component_verify_ticket")


class Known(TypedDict, total=False):
    """What judge may be told besides the push."""

    encrypted: bool
    sender: str
    account: str


@dataclass(frozen=True)
class Case:
    """A reply that must not pass; `proof` is what the first finding's span covers, None all of the reply."""

    says: str
    reply: bytes
    ids: str
    proof: bytes | None = None
    push: Push | None = TEXT
    known: Known = field(default_factory=Known)


def data(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()


def xml(*fields: str, to: str = FAN, sender: str = ACCOUNT, created: str = "1718600412") -> bytes:
    head = f"<ToUserName>{to}</ToUserName><FromUserName>{sender}</FromUserName>"
    return f"<xml>{head}<CreateTime>{created}</CreateTime>{''.join(fields)}</xml>".encode()


def text(content: str, *, to: str = FAN, sender: str = ACCOUNT, created: str = "1718600412") -> bytes:
    fields = ("<MsgType>text</MsgType>", f"<Content>{content}</Content>")
    return xml(*fields, to=to, sender=sender, created=created)


def tag(name: str, value: str) -> bytes:
    return f"<{name}>{value}</{name}>".encode()


def news(articles: int, declared: str | None = None, item: str | None = None) -> bytes:
    whole = "<Title>a</Title><Description>b</Description><PicUrl>c</PicUrl><Url>d</Url>"
    items = f"<item>{whole if item is None else item}</item>" * articles
    count = str(articles) if declared is None else declared
    return xml(f"<MsgType>news</MsgType><ArticleCount>{count}</ArticleCount><Articles>{items}</Articles>")


def envelope(*names: str) -> bytes:
    return f"<xml>{''.join(f'<{name}>1</{name}>' for name in names)}</xml>".encode()


ENVELOPE = envelope("Encrypt", "MsgSignature", "TimeStamp", "Nonce")
ERROR_PAGE = data("error_page.html")
TEXT_TYPE = "<MsgType>text</MsgType>"
BARE_ITEM = "<Title/><Description/><PicUrl/><Url/>"

LEGAL = [
    pytest.param(b"success", TEXT, {}, id="bare success for a message"),
    pytest.param(b"success", None, {}, id="bare success for an unknown push"),
    pytest.param(b"success", LOCATION, {}, id="bare success for a location report"),
    pytest.param(b"success", TICKET, {}, id="bare success for a ticket"),
    pytest.param(b"success", TEXT, {"encrypted": True}, id="success needs no encryption"),
    pytest.param(b"", TEXT, {}, id="zero bytes for a message"),
    pytest.param(b"", UNSUBSCRIBE, {}, id="zero bytes for an unsubscribe"),
    pytest.param(b"", None, {"encrypted": True}, id="zero bytes need no encryption"),
    pytest.param(text("你好"), TEXT, {}, id="a text reply"),
    pytest.param(text("你好"), CLICK, {}, id="a text reply to a menu click"),
    pytest.param(text("你好"), None, {}, id="a text reply to an unknown push"),
    pytest.param(
        text("你好"), TEXT, {"sender": FAN, "account": ACCOUNT}, id="addressees swapped as they should"
    ),
    pytest.param(text("你好", to="o****"), TEXT, {"sender": FAN}, id="a masked addressee proves nothing"),
    pytest.param(text("你好", to="oQ7d"), TEXT, {"sender": "oxxx"}, id="nor does a masked sender"),
    pytest.param(text("你好", to="****", sender="****"), TEXT, {}, id="two masked addressees are no echo"),
    pytest.param(text("你好", created="xxxx"), TEXT, {}, id="a masked CreateTime proves nothing"),
    pytest.param(text("你好", created="12345678"), TEXT, {}, id="any integer of seconds"),
    pytest.param(text("a" * MAX_CONTENT_BYTES), TEXT, {}, id="2048 bytes of Content"),
    pytest.param(text("the error was a success"), TEXT, {}, id="words of error inside a reply"),
    pytest.param(text("a]]&gt;b &#x4f60;"), TEXT, {}, id="escaped text and character references"),
    pytest.param(text("<![CDATA[<a href='x'>[1]</a>]]>"), TEXT, {}, id="markup inside CDATA"),
    pytest.param(text("你好") + b"\n", TEXT, {}, id="a line end behind the XML"),
    pytest.param(b'<?xml version="1.0"?>' + text("a"), TEXT, {}, id="an XML declaration"),
    pytest.param(xml("<MsgType>image</MsgType><Image><MediaId>1</MediaId></Image>"), TEXT, {}, id="an image"),
    pytest.param(xml("<MsgType>voice</MsgType><Voice><MediaId>1</MediaId></Voice>"), TEXT, {}, id="a voice"),
    pytest.param(xml("<MsgType>video</MsgType><Video><MediaId>1</MediaId></Video>"), TEXT, {}, id="a video"),
    pytest.param(
        xml("<MsgType>music</MsgType><Music><ThumbMediaId>1</ThumbMediaId></Music>"), TEXT, {}, id="music"
    ),
    pytest.param(xml("<MsgType>transfer_customer_service</MsgType>"), TEXT, {}, id="a transfer to a person"),
    pytest.param(news(1), TEXT, {}, id="one article for a text"),
    pytest.param(news(8), CLICK, {}, id="eight articles for a menu click"),
    pytest.param(news(8), None, {}, id="eight articles for an unknown push"),
    pytest.param(news(1, declared="**"), TEXT, {}, id="a masked ArticleCount proves nothing"),
    pytest.param(ENVELOPE, TEXT, {"encrypted": True}, id="the envelope in safe mode"),
    pytest.param(ENVELOPE, TEXT, {}, id="the envelope where the mode is unknown"),
    pytest.param(data("envelope.xml"), TEXT, {}, id="the envelope the platform could not decrypt"),
    pytest.param(text("你好"), TEXT, {"encrypted": False}, id="plain XML in plain mode"),
    pytest.param(PAYMENT_REPLY.encode(), PAYMENT_NOTIFY, {}, id="the payment reply"),
    pytest.param(
        b"<xml><return_code>SUCCESS</return_code></xml>", PAYMENT_NOTIFY, {}, id="without return_msg"
    ),
]

# The failing replies of pushes.md §1, values invented anew.
SEEN = [
    Case("success in quotes", data("quoted_success.txt"), "quoted_reply", b'"success"'),
    Case("success in quotes for a ticket", data("quoted_success.txt"), "quoted_reply", b'"success"', TICKET),
    Case(
        "success inside a text reply to a location report",
        data("location_success.xml"),
        "success_in_xml reply_not_allowed",
        b"<Content><![CDATA[success]]></Content>",
        LOCATION,
    ),
    Case(
        "the pushed event sent back",
        data("echoed_event.xml"),
        "echoed_push",
        b"<MsgType><![CDATA[event]]></MsgType>",
        push("subscribe"),
    ),
    Case("CDATA that lacks one >", data("unclosed_cdata.xml"), "malformed_xml", b"]]</"),
    Case(
        "milliseconds and an empty Content",
        data("milliseconds_and_empty_content.xml"),
        "empty_content millisecond_create_time",
        b"<Content><![CDATA[]]></Content>",
    ),
    Case("an HTML error page", ERROR_PAGE, "html_page", b"<!DOCTYPE html"),
    Case("the official example of an error", data("error_500.txt"), "error_text", b"Error"),
    Case(
        "a payment reply in quotes",
        data("payment_quoted.txt"),
        "quoted_reply",
        None,
        PAYMENT_NOTIFY,
    ),
    Case("a payment reply as JSON", data("payment_json.txt"), "json_reply", b'{"', PAYMENT_NOTIFY),
    Case(
        "a payment reply escaped", data("payment_escaped.txt"), "escaped_xml", b"\\u003Cxml", PAYMENT_NOTIFY
    ),
    Case("an empty payment reply", b"", "empty_reply", b"", PAYMENT_NOTIFY),
    Case(
        "a payment reply that refuses",
        data("payment_refused.xml"),
        "payment_refused",
        b"<return_code><![CDATA[FAIL]]></return_code>",
        PAYMENT_NOTIFY,
    ),
]

BODIES = [
    Case("upper case", b"SUCCESS", "bare_success_expected", b"SUCCESS"),
    Case("a line end behind success", b"success\n", "bare_success_expected", b"success\n"),
    Case("a blank before success", b" success", "bare_success_expected", b" success", TICKET),
    Case("a BOM before success", b"\xef\xbb\xbfsuccess", "bare_success_expected", b"\xef\xbb\xbfsuccess"),
    Case("blanks in place of nothing", b" \n", "bare_success_expected", b" \n"),
    Case("nothing for a ticket", b"", "empty_reply", b"", TICKET),
    Case("blanks for a ticket", b" \n", "empty_reply", b" \n", TICKET),
    Case("nothing for a location report", b"", "empty_reply", b"", LOCATION),
    Case("single quotes", b"'success'", "quoted_reply", b"'success'"),
    Case("quotes and a line end", b'"success"\n', "quoted_reply", b'"success"'),
    Case("XML in quotes", b'"<xml>\\n</xml>"', "quoted_reply", b'"<xml>\\n</xml>"'),
    Case("quoted JSON", b'"{\\"a\\": 1}"', "quoted_reply", b'"{\\"a\\": 1}"'),
    Case("one quotation mark", b'"', "plain_text", b'"'),
    Case("a JSON object", b' {"errcode": 0}', "json_reply", b'{"'),
    Case("a JSON object that names an error", b'{"error": "x"}', "json_reply", b'{"'),
    Case("an empty JSON object", b"{}", "json_reply", b"{}"),
    Case("a JSON array", b"[1, 2.5e3]", "json_reply", b"[1, 2.5e3]"),
    Case("a JSON array of objects", b'[{"a": 1}]', "json_reply", b"[{"),
    Case("a log line in brackets", b"[2024-06-17 13:00:12] ERROR x", "error_text", b"ERROR"),
    Case("a page without a doctype", b"<html><body>", "html_page", b"<html"),
    Case("a body without html", b"<body>hi", "html_page", b"<body"),
    Case(
        "an XHTML page",
        b'<?xml version="1.0"?>\n<!DOCTYPE html>',
        "html_page",
        b'<?xml version="1.0"?>\n<!DOCTYPE html',
    ),
    Case("a page behind a comment", b"<!-- proxy --><HTML>", "html_page", b"<!-- proxy --><HTML"),
    Case("a comment that is no UTF-8", b"<!-- \xff --><html>", "html_page", b"<!-- \xff --><html"),
    Case("a piece of HTML", b"<p>hello</p>", "html_page", b"<p"),
    Case("an HTML page for a payment", ERROR_PAGE, "html_page", b"<!DOCTYPE html", PAYMENT_NOTIFY),
    Case("a PHP error in HTML", b"<br />\n<b>Fatal error</b>: x", "error_text", b"Fatal"),
    Case("an XML behind a PHP notice", b"\nNotice: x in a.php\n" + text("a"), "error_text", b"Notice"),
    Case("an exception", b"java.lang.NullPointerException", "error_text", b"Exception"),
    Case("an error in Chinese", "系统异常，请稍后".encode(), "error_text", "异常".encode()),
    Case("a time-out", b"upstream timed out", "error_text", b"timed out"),
    Case("a bare status", b"502", "error_text", b"502"),
    Case("a status with its phrase", b"HTTP/1.1 404 Gone fishing", "error_text", b"HTTP/1.1 404"),
    Case("a number of yuan", "500元优惠券".encode(), "plain_text", "500元优惠券".encode()),
    Case("other words", b"ok\n", "plain_text", b"ok"),
    Case("a comment behind success", b"success<!-- 1 -->", "plain_text", b"success<!--"),
    Case("a script behind success", b"success\n<script>x()</script>", "plain_text", b"success\n<script"),
    Case("comments before success", b"<!-- 1 --><!-- 2 -->success", "plain_text"),
    Case("a refused signature", b"Invalid signature", "error_text", b"Invalid"),
    Case("words for a payment", b"FAIL", "wrong_payment_reply", b"FAIL", PAYMENT_NOTIFY),
    Case("success for a payment", b"success", "wrong_payment_reply", b"success", PAYMENT_NOTIFY),
    Case("bytes that are no text", b"\x1f\x8b\x08\x00", "bad_encoding", b"\x8b"),
    Case("XML as HTML entities", b"&lt;xml&gt;", "escaped_xml", b"&lt;xml"),
    Case("an escaped XML declaration", b"\\u003c?xml", "escaped_xml", b"\\u003c?xml"),
]

BROKEN_XML = [
    Case("Chinese that is not UTF-8", b"<xml>" + "你".encode("gbk") + b"</xml>", "bad_encoding", b"\xc4"),
    Case("an unclosed tag", b"<xml><a>1</xml>", "malformed_xml", b"</xml>"),
    Case("an unclosed root", b"<xml><a>1</a>", "malformed_xml", b">"),
    Case("a tag cut short", b"<xml><a", "malformed_xml", b"<"),
    Case("an end tag alone", b"</xml>", "malformed_xml", b"/"),
    Case("CDATA never closed", b"<xml><a><![CDATA[x</a></xml>", "malformed_xml", b"<![CDATA["),
    Case("CDATA that lacks one ]", b"<xml><a><![CDATA[x]></a></xml>", "malformed_xml", b"]></"),
    Case("CDATA closed, its tag not", b"<xml><a><![CDATA[x]]></xml>", "malformed_xml", b"</xml>"),
    Case("CDATA closed with a blank", b"<xml><a><![CDATA[x]] ></a></xml>", "malformed_xml", b"]] >"),
    Case("a raw ampersand", text("a & b"), "malformed_xml", b" "),
    Case("a raw ]]>", text("a ]]> b"), "malformed_xml", b">"),
    Case("an unknown entity", text("a&nbsp;b"), "malformed_xml", b"&"),
    Case("words behind the XML", text("a") + b"success", "malformed_xml", b"s"),
    Case("nothing but a comment", b"<!-- x -->", "malformed_xml", b">"),
    Case("a malformed payment reply", b"<xml><return_code>", "malformed_xml", b">", PAYMENT_NOTIFY),
    Case("a malformed reply behind a blank", b" <xml>", "malformed_xml leading_blanks", b">"),
    Case("a control character", text("a\x1db"), "malformed_xml control_character", b"\x1d"),
    Case("a DOCTYPE", b"<!DOCTYPE xml>" + text("a"), "doctype_refused", b"<!DOCTYPE"),
    Case(
        "an entity bomb",
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><xml>&b;</xml>',
        "doctype_refused",
        b"<!DOCTYPE",
    ),
    Case("a BOM before the XML", b"\xef\xbb\xbf" + text("a"), "leading_bytes", b"\xef\xbb\xbf"),
    Case("blanks and a BOM before the XML", b" \xef\xbb\xbf" + text("a"), "leading_bytes", b" \xef\xbb\xbf"),
    Case("words before the XML", b"ok" + text("a"), "plain_text"),
    Case(
        "a warning before the XML", b"\nWarning: x in a.php on line 3\n" + text("a"), "error_text", b"Warning"
    ),
    Case("only a hint: a blank line before the XML", b"\r\n" + text("a"), "leading_blanks", b"\r\n"),
]

FIELDS = [
    Case("another root", b"<XML>1</XML>", "wrong_root"),
    Case("success as the root's text", b"<xml>success</xml>", "success_in_xml"),
    Case("success serialised", b"<String>success</String>", "success_in_xml"),
    Case("success as the Content", text(" success "), "success_in_xml", b"<Content> success </Content>"),
    Case(
        "a text not turned round",
        text("a", to=ACCOUNT, sender=FAN),
        "echoed_push",
        tag("ToUserName", ACCOUNT),
    ),
    Case(
        "an echo masked behind its prefix",
        text("a", to="gh_****", sender="o***"),
        "echoed_push",
        b"<ToUserName>gh_****</ToUserName>",
    ),
    Case(
        "an event with masked addressees",
        xml("<MsgType>event</MsgType>", to="****", sender="****"),
        "echoed_push",
        b"<MsgType>event</MsgType>",
    ),
    Case(
        "an echo of an event that takes no XML",
        data("echoed_event.xml"),
        "echoed_push reply_not_allowed",
        b"<MsgType><![CDATA[event]]></MsgType>",
        VIEW,
    ),
    Case(
        "another fan",
        text("a", to="oOther"),
        "wrong_addressees",
        b"<ToUserName>oOther</ToUserName>",
        TEXT,
        {"sender": FAN},
    ),
    Case(
        "another account",
        text("a", sender="gh_other"),
        "wrong_addressees",
        b"<FromUserName>gh_other</FromUserName>",
        TEXT,
        {"account": ACCOUNT},
    ),
    Case("no fields at all", b"<xml/>", "missing_field"),
    Case("no Content", xml(TEXT_TYPE), "missing_field"),
    Case("an empty addressee", text("a", to=""), "missing_field"),
    Case("an image without its MediaId", xml("<MsgType>image</MsgType>"), "missing_field"),
    Case("news without an item", news(0), "missing_field"),
    Case(
        "an item without a Url",
        news(1, item="<Title>a</Title><Description/><PicUrl/>"),
        "missing_field",
        b"<item><Title>a</Title><Description/><PicUrl/></item>",
    ),
    Case(
        "a type of another case",
        xml("<MsgType>Text</MsgType>"),
        "unknown_msg_type",
        b"<MsgType>Text</MsgType>",
    ),
    Case("an end tag that stops in its middle", b"<xml><Content/></]", "malformed_xml", b"]"),
    Case("a Content of one tag", xml(TEXT_TYPE + "<Content/>"), "empty_content", b"<Content/>"),
    Case("a blank Content", text(" \n"), "empty_content", b"<Content> \n</Content>"),
    Case("a Content one byte too long", text("a" * 2049), "content_too_long", tag("Content", "a" * 2049)),
    Case("a Content of 683 characters", text("好" * 683), "content_too_long", tag("Content", "好" * 683)),
    Case(
        "a date as CreateTime",
        text("a", created="2024-06-17"),
        "bad_create_time",
        b"<CreateTime>2024-06-17</CreateTime>",
    ),
    Case(
        "digits that are not ASCII",
        text("a", created="１７１８６００４１２"),
        "bad_create_time",
        tag("CreateTime", "１７１８６００４１２"),
    ),
    Case(
        "milliseconds",
        text("a", created="1718600412345"),
        "millisecond_create_time",
        b"<CreateTime>1718600412345</CreateTime>",
    ),
    Case(
        "a count that lies",
        news(1, declared="2"),
        "article_count_mismatch",
        b"<ArticleCount>2</ArticleCount>",
    ),
    Case("two articles for a text", news(2, item=BARE_ITEM), "too_many_articles", tag("item", BARE_ITEM)),
    Case(
        "nine articles for a click",
        news(9, item=BARE_ITEM),
        "too_many_articles",
        tag("item", BARE_ITEM),
        CLICK,
    ),
    Case("a message for a location report", text("a"), "reply_not_allowed", None, LOCATION),
    Case("a message for somebody gone", text("a"), "reply_not_allowed", None, UNSUBSCRIBE),
    Case("a message for a menu link", text("a"), "reply_not_allowed", None, VIEW),
    Case("a message for a ticket", text("a"), "reply_not_allowed", None, TICKET),
    Case("an envelope for a component push", ENVELOPE, "reply_not_allowed", None, COMPONENT_INFO),
    Case(
        "success in XML for a ticket", b"<xml>success</xml>", "success_in_xml reply_not_allowed", None, TICKET
    ),
    Case("plain XML in safe mode", text("a"), "not_encrypted", None, TEXT, {"encrypted": True}),
    Case("an envelope in plain mode", ENVELOPE, "unexpected_envelope", None, TEXT, {"encrypted": False}),
    Case(
        "an envelope without a nonce", envelope("Encrypt", "MsgSignature", "TimeStamp"), "incomplete_envelope"
    ),
    Case("an envelope without its letter", envelope("MsgSignature"), "incomplete_envelope"),
    Case("a payment reply without a code", text("a"), "wrong_payment_reply", None, PAYMENT_NOTIFY),
    Case(
        "a payment code in lower case",
        b"<xml><return_code>success</return_code></xml>",
        "payment_refused",
        b"<return_code>success</return_code>",
        PAYMENT_NOTIFY,
    ),
]

CASES = [*SEEN, *BODIES, *BROKEN_XML, *FIELDS]


@pytest.mark.parametrize(("reply", "answered", "known"), LEGAL)
def test_legal_reply_passes(reply: bytes, answered: Push | None, known: Known) -> None:
    assert judge(reply, answered, **known) == ()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.says)
def test_illegal_reply_is_named_and_proved(case: Case) -> None:
    findings = judge(case.reply, case.push, **case.known)

    assert [finding.id for finding in findings] == case.ids.split()
    assert findings[0].span is not None
    assert case.reply[slice(*findings[0].span)] == (case.reply if case.proof is None else case.proof)


def test_every_clause_is_broken_by_a_case() -> None:
    assert {id_ for case in CASES for id_ in case.ids.split()} == set(CLAUSES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.says)
def test_every_finding_says_what_to_do_and_by_which_rule(case: Case) -> None:
    for finding in judge(case.reply, case.push, **case.known):
        assert finding.hint
        assert "{" not in finding.hint
        assert finding.source in {f"R{number}" for number in range(1, 21)}


@pytest.mark.parametrize(
    ("reply", "answered", "message"),
    [
        pytest.param(
            b'"success"',
            TEXT,
            "回应外面多了一层双引号，共 9 字节；应是不带引号的 7 个字节 success",
            id="quotes with both byte counts",
        ),
        pytest.param(
            data("unclosed_cdata.xml"),
            TEXT,
            "XML 在 5:27（行:列）写坏了：CDATA 没有以 ]]> 结束",
            id="line and column of a slip",
        ),
        pytest.param(
            "\ufeff<xml>\n你<b></xml>".encode(),
            TEXT,
            "XML 在 2:5（行:列）写坏了：<b> 没有闭合",
            id="columns count characters, lines the whole reply",
        ),
        pytest.param(
            b"",
            TICKET,
            "回应是空的（0 字节）；component_verify_ticket（第三方平台 ticket）只认 success",
            id="empty",
        ),
        pytest.param(
            b"\xef\xbb\xbfsuccess\n",
            TEXT,
            r"回应是 '\ufeffsuccess\n'，共 11 字节；应恰好是小写的 7 个字节 success",
            id="what nobody sees around success",
        ),
        pytest.param(
            gzip.compress(b"success"),
            TEXT,
            "回应是 gzip 压缩过的 27 字节，请求里没有要求压缩",
            id="a compressed body",
        ),
        pytest.param(
            b"<!-- 0.02 s -->\nsuccess",
            TEXT,
            "success 前后还有别的内容，共 23 字节；应是 success、空包体（0 字节）或回应 XML",
            id="a comment before success",
        ),
    ],
)
def test_message_says_what_was_seen_and_what_is_right(reply: bytes, answered: Push, message: str) -> None:
    assert judge(reply, answered)[0].message == message


@pytest.mark.parametrize(
    ("reply", "answered", "severity", "source"),
    [
        pytest.param(text("a"), TICKET, Severity.HIGH, "R15", id="XML for a component push"),
        pytest.param(text("a"), LOCATION, Severity.HIGH, "R16", id="XML for a location report"),
        pytest.param(text("a"), UNSUBSCRIBE, Severity.HIGH, "R17", id="XML for an unsubscribe"),
        pytest.param(text("a"), VIEW, Severity.MEDIUM, "R18", id="XML where only the general rule forbids it"),
        pytest.param(b"", TICKET, Severity.HIGH, "R15", id="nothing for a component push"),
        pytest.param(b"", LOCATION, Severity.LOW, "R16", id="nothing for a location report is unverified"),
        pytest.param(b"", PAYMENT_NOTIFY, Severity.HIGH, "R19", id="nothing for a payment"),
        pytest.param(news(1, item="<Title/>"), CLICK, Severity.LOW, "R11", id="fields of an item are unverified"),
        pytest.param(text("a", created="1" * 13), TEXT, Severity.LOW, "R9", id="milliseconds are a warning"),
        pytest.param(data("echoed_event.xml"), None, Severity.HIGH, "R10", id="an echo by its type"),
        pytest.param(text("a", to="gh_1", sender="o1"), None, Severity.HIGH, "R8", id="an echo by its addressees"),
    ],
)  # fmt: skip
def test_weight_follows_how_well_the_rule_is_known(
    reply: bytes, answered: Push | None, severity: Severity, source: str
) -> None:
    finding = judge(reply, answered)[0]

    assert (finding.severity, finding.source) == (severity, source)


def test_no_message_quotes_an_open_id() -> None:
    for reply in (text("a", to="oOther"), text("a", to=ACCOUNT, sender=FAN), b"x " + FAN.encode()):
        for finding in judge(reply, TEXT, sender=FAN, account=ACCOUNT):
            assert "oOther" not in finding.message
            assert FAN not in finding.message


MEGABYTE = 1_000_000
HOSTILE = {
    "deep nesting": b"<xml>" + b"<a>" * (MEGABYTE // 3),
    "flat elements": b"<xml>" + b"<a/>" * (MEGABYTE // 4) + b"</xml>",
    "a field again and again": b"<xml>" + b"<Content/>" * (MEGABYTE // 10) + b"</xml>",
    "endless articles": news(MEGABYTE // 7, item=""),
    "attributes": b"<xml " + b" ".join(b'a%d=""' % number for number in range(MEGABYTE // 10)) + b"/>",
    "comments": b"<!-- -->" * (MEGABYTE // 8),
    "open comments": b"<!--" * (MEGABYTE // 4),
    "brackets": b"[" * MEGABYTE,
    "near ends of CDATA": b"<xml><![CDATA[" + b"]] ] " * (MEGABYTE // 5),
    "references": b"<xml>" + b"&amp;" * (MEGABYTE // 5) + b"</xml>",
    "blanks": b" " * MEGABYTE + b"x",
    "almost errors": b"<br>" + b"erro" * (MEGABYTE // 4),
    "a status and blanks": b"404" + b" " * MEGABYTE + b".",
}


@pytest.mark.parametrize("reply", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_megabyte_is_judged_within_a_second(reply: bytes) -> None:
    began = time.process_time()

    findings = judge(reply, TEXT)

    assert findings
    assert time.process_time() - began < 1


PIECES = st.sampled_from([
    b"<xml>", b"</xml>", b"<xml/>", b"<![CDATA[", b"]]>", b"]]", b">", b"&", b"&amp;", b"<!DOCTYPE x [", b"<!--",
    b"<MsgType>text</MsgType>", b"<MsgType>news</MsgType>", b"<Content>", b"</Content>", b"<Articles>", b"<item>",
    b"</item>", b"</Articles>", b"<ArticleCount>1</ArticleCount>", b"<CreateTime>1</CreateTime>", b"<return_code>",
    b"<?xml version='1.0' encoding='gbk'?>", b"success", b'"', b"'", b"{", b"[", b"]", b"\xef\xbb\xbf", b" ", b"\n",
    b"\xff", b"\x00", b"\xe4\xbd", "你".encode(), b"<html>", b"<br>", b"error", b"<Encrypt>1</Encrypt>", b"\\u003cxml",
])  # fmt: skip
REPLIES = st.binary() | st.lists(PIECES, max_size=20).map(b"".join)
ANSWERED = st.sampled_from([None, TEXT, CLICK, VIEW, LOCATION, UNSUBSCRIBE, TICKET, PAYMENT_NOTIFY])


@given(REPLIES, ANSWERED, st.sampled_from([None, True, False]))
def test_any_bytes_are_judged_and_every_proof_lies_within_them(
    reply: bytes, answered: Push | None, encrypted: bool | None
) -> None:
    for finding in judge(reply, answered, encrypted=encrypted, sender=FAN, account=ACCOUNT):
        assert finding.span is not None
        first, end = finding.span
        assert 0 <= first <= end <= len(reply)
        assert first < end or not reply


CONTENT = (
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=500)
    .filter(lambda content: content.strip() not in ("", "success"))
    .map(escape)
)


@given(CONTENT)
def test_any_escaped_text_is_a_legal_reply(content: str) -> None:
    assert judge(text(content), TEXT, encrypted=False, sender=FAN, account=ACCOUNT) == ()


@pytest.mark.parametrize("reply", [b"", b"{}", b"<html><body>", b"Error: x"])
def test_a_sentence_about_a_payment_names_what_is_right_and_the_hint_has_it_whole(reply: bytes) -> None:
    (finding,) = judge(reply, PAYMENT_NOTIFY)
    assert "return_code 为 SUCCESS 的 XML" in finding.message
    assert "<xml>" not in finding.message
    assert PAYMENT_REPLY in (finding.hint or "")
