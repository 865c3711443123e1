"""The probe names every mistake of a callback by layer and rule, and finds nothing wrong with a healthy one."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from html import escape

import pytest

from tests.support.probing import LOOPBACK, QUICK, SHORT, failed, found, look, says
from tests.support.sick_peer import ACCOUNTS, PLAIN, SAFE, Raw, healthy, serving, stock_echo
from triage.channels.envelope import encrypt, sign
from triage.channels.wechat.callback import receive
from triage.channels.xml import read_fields, write_fields
from triage.errors import TransportProblem, UnreachableError
from triage.findings import Severity
from triage.message import Message, Request, Response
from triage.platform.clauses import CLAUSES
from triage.probe import CheckState, Limits, ProbePlan, checked, examine
from triage.probe.faults import explain_failure
from triage.probe.report import Layer

# -- healthy


@pytest.mark.parametrize("mode", ACCOUNTS)
def test_a_healthy_callback_is_clean(mode: str) -> None:
    plan = ProbePlan(ACCOUNTS[mode], mode, count=10, rate=500, component=True)
    report = look(healthy(ACCOUNTS[mode]), plan)
    assert report.is_clean, failed(report)
    assert report.first is None
    assert {check.state for check in report.checks} == {CheckState.PASSED, CheckState.SKIPPED}
    assert (report.pushes, report.failed) == (8 + 4 + 1 + 10, 0)
    assert report.times
    assert report.times.count == 10


@pytest.mark.parametrize("mode", ["plain", "safe"])
def test_a_stock_echo_has_the_faults_it_has(mode: str) -> None:
    with stock_echo(SAFE) as url:
        report = examine(url, ProbePlan(SAFE, mode, count=5, rate=500, component=False), LOOPBACK)
    faults = {(check.subject, finding.id, finding.severity) for check, finding in report.findings}
    assert faults == {
        ("一小时前的 GET", "stale_timestamp_accepted", Severity.LOW),
        ("文字里有 ]]>", "malformed_xml", Severity.HIGH),
        ("文字里有控制字符", "http_status", Severity.HIGH),
    }
    (control,) = (finding for _, finding in report.findings if finding.id == "http_status")
    assert (control.source, control.hint) == (
        "F.17",
        "解析前滤掉 0x20 以下的字符（留 TAB、LF、CR），回应里也滤掉",
    )


def stock_werobot(request: Request) -> Response:
    """As WeRoBot answers with one handler for all: its template begins with a line end and four blanks."""
    values = request.query
    if values["signature"] != sign(PLAIN.token, values["timestamp"], values["nonce"]):
        return Response(403, b"<!DOCTYPE html><html><head><title>WeRoBot</title></head></html>")
    if request.method == "GET":
        return Response(200, values["echostr"].encode())
    raw = request.body.decode()
    if "\x1d" in raw:
        return Response(500, b"<html><head><title>Error: 500 Internal Server Error</title></head></html>")
    fields = read_fields(raw)
    reply = text_reply(fields["FromUserName"], fields["ToUserName"], "<Content>Hello World!</Content>")
    return Response(200, f"\n    {reply}\n    ".encode())


def test_a_stock_werobot_has_its_six_faults_and_one_hint() -> None:
    report = look(stock_werobot, ProbePlan(PLAIN, "plain", count=5, rate=500))
    shown = [(group.finding.id, group.finding.severity, group.subjects[0]) for group in report.groups]
    assert shown == [
        ("reply_not_allowed", Severity.HIGH, "unsubscribe（取消关注）"),
        ("reply_not_allowed", Severity.HIGH, "LOCATION（上报地理位置）"),
        ("http_status", Severity.HIGH, "文字里有控制字符"),
        ("reply_not_allowed", Severity.MEDIUM, "VIEW（点菜单跳转链接）"),
        ("reply_not_allowed", Severity.MEDIUM, "TEMPLATESENDJOBFINISH（模板消息发送结果）"),
        ("stale_timestamp_accepted", Severity.LOW, "一小时前的 GET"),
        ("leading_blanks", Severity.INFO, "text（文本消息）"),
    ]
    failed = {check.subject for check in report.checks if check.state is CheckState.FAILED}
    assert failed == {subject for _, severity, subject in shown if severity is not Severity.INFO}
    assert report.conclusion == (
        "有问题：严重 3 处、注意 2 处、轻微 1 处，另有 1 条提示；推了 17 次，5 次没得到合法的回应"
    )


def test_a_reply_without_a_fault_is_legal_whatever_is_hinted() -> None:
    report = look(says(lambda came, _: ("\r\n\t " + xml()(came)).encode()), replace(QUICK, count=2, rate=500))
    assert {finding.id for _, finding in report.findings} == {"leading_blanks"}
    assert {check.state for check in report.checks} == {CheckState.PASSED, CheckState.SKIPPED}
    assert (report.is_clean, report.worst, report.first, report.failed) == (True, None, None, 0)
    assert report.conclusion == "没有发现问题，另有 1 条提示；推了 3 次，都得到了合法的回应"


def test_blanks_before_an_envelope_and_within_it_and_a_nonce_of_its_own_are_hints() -> None:
    def answer(came: Message, request: Request) -> bytes:
        nonce, at = "4711", "1718600412"
        secret = encrypt("\n    " + xml()(came), str(SAFE.aes_key), SAFE.appid, b"0123456789abcdef")
        values = {"Encrypt": secret, "MsgSignature": sign(SAFE.token, at, nonce, secret)}
        return b"\n    " + write_fields({**values, "TimeStamp": at, "Nonce": nonce}).encode()

    report = look(says(answer, SAFE), replace(QUICK, account=SAFE, mode="safe"))
    assert [finding.id for _, finding in report.findings] == ["leading_blanks", "wrong_nonce"]
    assert report.is_clean


def test_the_same_finding_stands_there_once_whatever_its_numbers() -> None:
    lengths = itertools.count(2049)
    answers = says(lambda came, _: xml(f"<Content>{'x' * next(lengths)}</Content>")(came).encode())
    report = look(answers, replace(QUICK, pushes=("text", "image", "CLICK"), count=4, rate=500))
    assert [(group.finding.id, len(group.checks)) for group in report.groups] == [("content_too_long", 3)]
    assert [item["id"] for item in report.as_json()["findings"]] == ["content_too_long"]


def test_a_status_is_no_matter_of_odd_texts_where_plain_ones_get_it_too() -> None:
    report = look(lambda request: Response(403, b"denied"), replace(QUICK, quick=False, count=3, rate=500))
    assert [(group.finding.id, group.checks[0].layer) for group in report.groups] == [
        ("http_status", Layer.HTTP)
    ]
    assert (report.pushes, report.failed) == (1 + 4 + 3, 8)


def test_a_timeout_before_the_row_and_within_it_is_one_finding() -> None:
    report = look(
        says(lambda came, _: Raw(hold=True) if came.push == "CLICK" else b"success"),
        replace(QUICK, pushes=("text", "CLICK"), limits=SHORT),
    )
    again = replace(report, checks=(*report.checks, *(item for item in report.checks if item.findings)))
    assert [group.finding.id for group in again.groups] == ["request_timeout"]


def test_control_characters_said_again_are_named() -> None:
    def parrot(request: Request) -> Response:
        """It reads everything, and says it again without a thought."""
        came = receive(request, PLAIN, datetime.now(UTC))
        if not isinstance(came, Message):
            return Response(200, came.text.encode())
        raw = request.body.decode()
        content = raw[raw.index("<Content>") : raw.index("</Content>") + 10] if "<Content>" in raw else ""
        return Response(
            200, text_reply(came.sender, came.recipient, content).encode() if content else b"success"
        )

    report = look(parrot, replace(QUICK, quick=False))
    assert ("reply", "reply_law", "control_character") in found(report)


# -- every illness


def text_reply(
    to: str, from_: str, inner: str = "<Content>x</Content>", type_: str = "text", at: str = "1718600412"
) -> str:
    return (
        f"<xml><ToUserName>{to}</ToUserName><FromUserName>{from_}</FromUserName>"
        f"<CreateTime>{at}</CreateTime><MsgType>{type_}</MsgType>{inner}</xml>"
    )


def xml(
    inner: str = "<Content>x</Content>", type_: str = "text", at: str = "1718600412"
) -> Callable[[Message], str]:
    return lambda came: text_reply(came.sender, came.recipient, inner, type_, at)


def sealed(came: Message, request: Request, **changed: str) -> bytes:
    """A reply in its envelope, with one part changed."""
    nonce = request.query["nonce"]
    secret = encrypt(xml()(came), changed.pop("key", str(SAFE.aes_key)), SAFE.appid, b"0123456789abcdef")
    values = {
        "Encrypt": secret,
        "MsgSignature": sign(SAFE.token, "1718600412", nonce, secret),
        "TimeStamp": "1718600412",
        "Nonce": nonce,
    }
    return write_fields({**values, **changed}).encode()


ITEM = "<item><Title>t</Title><Description>d</Description><PicUrl>p</PicUrl><Url>u</Url></item>"
REPLIES: Mapping[str, bytes | Callable[[Message], str]] = {
    "quoted_reply": b'"success"',
    "escaped_xml": b"\\u003Cxml\\u003E\\u003C/xml\\u003E",
    "json_reply": b'{"errcode": 0}',
    "html_page": b"<!DOCTYPE html><html><body>hello</body></html>",
    "error_text": b"Error 500:",
    "bad_encoding": "<xml><Content>你好</Content></xml>".encode("gbk"),
    "doctype_refused": b"<!DOCTYPE xml><xml><Content>x</Content></xml>",
    "malformed_xml": b"<xml><MsgType><![CDATA[text]]</MsgType></xml>",
    "control_character": xml("<Content>a\x1db</Content>"),
    "echoed_push": lambda came: text_reply(came.recipient, came.sender),
    "success_in_xml": xml("<Content>success</Content>"),
    "wrong_root": lambda came: xml()(came).replace("xml>", "XML>"),
    "unexpected_envelope": lambda came: write_fields(
        {"Encrypt": "x", "MsgSignature": "x", "TimeStamp": "1", "Nonce": "1"}
    ),
    "wrong_addressees": lambda came: text_reply("oSomebodyElse", came.recipient),
    "missing_field": xml(""),
    "unknown_msg_type": xml(type_="markdown"),
    "empty_content": xml("<Content></Content>"),
    "content_too_long": xml(f"<Content>{'x' * 2049}</Content>"),
    "article_count_mismatch": xml(f"<ArticleCount>2</ArticleCount><Articles>{ITEM}</Articles>", "news"),
    "too_many_articles": xml(f"<ArticleCount>2</ArticleCount><Articles>{ITEM * 2}</Articles>", "news"),
    "plain_text": b"hello",
    "bare_success_expected": b"success\n",
    "leading_bytes": lambda came: "\ufeff" + xml()(came),
    "leading_blanks": lambda came: "\n    " + xml()(came),
    "bad_create_time": xml(at="yesterday"),
    "millisecond_create_time": xml(at="1718600412345"),
}


@pytest.mark.parametrize("id_", REPLIES)
def test_a_reply_that_breaks_the_law_is_named(id_: str) -> None:
    reply = REPLIES[id_]
    report = look(says(lambda came, _: reply if isinstance(reply, bytes) else reply(came).encode()))
    assert ("reply", "reply_law", id_) in found(report)
    severity = CLAUSES[id_].severity
    assert (report.first is Layer.REPLY) == (severity.rank <= Severity.MEDIUM.rank)
    assert ("没通过" in checked(report)["reply_law"]) == (severity is not Severity.INFO)
    assert all(finding.hint and finding.source for _, finding in report.findings)


SEALED: Mapping[str, Callable[[Message, Request], bytes]] = {
    "not_encrypted": lambda came, _: xml()(came).encode(),
    "incomplete_envelope": lambda came, request: sealed(came, request, MsgSignature=""),
    "wrong_envelope_signature": lambda came, request: sealed(came, request, MsgSignature="0" * 40),
    "wrong_nonce": lambda came, request: sealed(came, request, Nonce="1"),
    "undecryptable_reply": lambda came, request: sealed(came, request, key="A" * 43),
}


@pytest.mark.parametrize("id_", SEALED)
def test_an_envelope_that_the_platform_cannot_open_is_named(id_: str) -> None:
    report = look(says(SEALED[id_], SAFE), replace(QUICK, account=SAFE, mode="safe"))
    assert ("reply", "reply_law", id_) in found(report)
    assert all(finding.hint and finding.source for _, finding in report.findings)


EVENTS: Mapping[str, tuple[str, Callable[[Message], bytes]]] = {
    "empty_reply": ("LOCATION", lambda came: b""),
    "reply_not_allowed": ("LOCATION", lambda came: xml()(came).encode()),
}


@pytest.mark.parametrize("id_", EVENTS)
def test_a_push_that_takes_only_success_gets_it(id_: str) -> None:
    kind, reply = EVENTS[id_]
    report = look(says(lambda came, _: reply(came)), replace(QUICK, pushes=(kind,)))
    assert ("reply", "reply_law", id_) in found(report)


def test_every_clause_of_the_law_has_its_illness() -> None:
    payment = {"payment_refused", "wrong_payment_reply"}
    assert {*REPLIES, *SEALED, *EVENTS} >= set(CLAUSES) - payment


def test_a_ticket_that_is_not_acknowledged_is_named() -> None:
    plan = replace(QUICK, account=SAFE, mode="safe", component=True)
    report = look(
        says(lambda came, _: b"" if came.push == "component_verify_ticket" else b"success", SAFE), plan
    )
    assert found(report) == {("reply", "component_ticket", "empty_reply")}


@pytest.mark.parametrize(
    ("page", "hint"),
    [
        (b"<title>400 The plain HTTP request was sent to HTTPS port</title>", "http 打到了 https 的端口"),
        (b"Client sent an HTTP request to an HTTPS server.\n", "http 打到了 https 的端口"),
        (b"<title>400 No required SSL certificate was sent</title>", "客户端证书"),
        (b"bad xml", "应用认为请求不合法"),
    ],
)
def test_a_400_of_the_web_server_is_none_of_the_application(page: bytes, hint: str) -> None:
    report = look(lambda request: Response(400, page))
    assert {hint in (finding.hint or "") for _, finding in report.findings} == {True}


@pytest.mark.parametrize("status", [201, 302, 403, 404, 405, 415, 500, 502, 999])
def test_a_status_other_than_200_is_named(status: int) -> None:
    report = look(lambda request: Response(status, b"http://192.0.2.1/"))
    assert found(report) == {("http", "echo", "http_status"), ("http", "reply_law", "http_status")}
    assert report.first is Layer.HTTP
    for _, finding in report.findings:
        assert str(status) in finding.message
        assert finding.hint


def test_a_redirect_is_not_followed() -> None:
    with serving(healthy(PLAIN)) as other:
        report = look(lambda request: Response(302, other.url.encode()))
        assert other.requests == []
    assert f"跳转到 {other.url}" in next(report.findings)[1].message


BROKEN = {
    "closes without a byte": (Raw(), "curl_empty_reply"),
    "closes in the middle": (Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nsucc"), "curl_receive"),
    "closes within the head": (Raw(b"HTTP/1.1 200 OK\r\nServer"), "curl_receive"),
    "speaks another protocol": (Raw(b"220 mail.example.com ESMTP\r\n"), "not_http"),
    "never ends": (Raw(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 300_000), "too_large"),
}


@pytest.mark.parametrize(("raw", "id_"), BROKEN.values(), ids=BROKEN)
def test_a_broken_answer_is_named_at_its_layer(raw: Raw, id_: str) -> None:
    report = look(lambda request: raw)
    assert ("http", "echo", id_) in found(report)
    assert report.first is Layer.HTTP


def test_an_answer_without_an_end_is_told_from_none_at_all() -> None:
    plan = replace(QUICK, limits=SHORT)
    begun = look(lambda request: Raw(b"HTTP/1.1 200 OK\r\n\r\nsuccess", hold=True), plan)
    silent = look(lambda request: Raw(hold=True), plan)
    (end,) = {(finding.id, "没有结尾" in finding.message, finding.hint) for _, finding in begun.findings}
    (start,) = {(finding.id, "没有结尾" in finding.message, finding.hint) for _, finding in silent.findings}
    assert (end[:2], start[:2]) == (("request_timeout", True), ("request_timeout", False))
    assert "Content-Length" in (end[2] or "")
    assert "Content-Length" not in (start[2] or "")


def sized(body: bytes, length: int) -> Raw:
    return Raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length + body)


@pytest.mark.parametrize(
    ("body", "length", "expected"),
    [
        (b"success", 5, {"length_too_small"}),
        (b"success\r\n", 7, set()),
        (b"success, and more", 7, set()),
        (b"oops", 4, {"plain_text"}),
    ],
    ids=["success is cut", "a line end behind the body", "what is behind success is cut", "nothing is cut"],
)
def test_a_content_length_that_cuts_the_answer_is_named(body: bytes, length: int, expected: set[str]) -> None:
    report = look(says(lambda message, request: sized(body, length)))
    assert {id_ for _, _, id_ in found(report)} == expected


@pytest.mark.parametrize(("received", "said"), [(0, "一个字节也没回"), (9, "只收到一半")])
def test_a_reset_before_the_first_byte_is_no_half_answer(received: int, said: str) -> None:
    failure = UnreachableError(TransportProblem.BROKEN, "Connection reset by peer", 0.1, received=received)
    assert said in explain_failure(failure).message


def test_a_callback_that_accepts_and_never_answers_is_given_up_soon() -> None:
    with serving(lambda request: Raw(hold=True)) as peer:
        report = examine(peer.url, ProbePlan(PLAIN, "plain", limits=SHORT), LOOPBACK)
        assert len(peer.requests) == 2
    assert found(report) == {("time", "answer_time", "request_timeout")}
    assert report.first is Layer.TIME
    states = {check.id: check.state for check in report.checks}
    assert (states["echo"], states["retry"]) == (CheckState.UNKNOWN, CheckState.SKIPPED)
    assert report.failed == 1


def test_only_the_pushes_may_hang() -> None:
    report = look(says(lambda came, _: Raw(hold=True)), replace(QUICK, pushes=("text",) * 9, limits=SHORT))
    assert found(report) == {("time", "answer_time", "request_timeout")}
    assert report.pushes == 3


def test_a_slow_callback_is_named() -> None:
    slow = Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nsuccess", step=20, pause=0.02)
    plan = replace(QUICK, count=3, rate=100, limits=Limits(slow_answer=0.03))
    report = look(says(lambda came, _: slow), plan)
    assert found(report) == {("time", "answer_time", "slow_answer")}


def test_an_overload_shows_only_in_the_row() -> None:
    numbers = itertools.count()

    def answer(came: Message, request: Request) -> bytes | Response | Raw:
        number = next(numbers)
        return b"success" if number < 3 else Response(503, b"") if number % 2 else Raw(hold=True)

    report = look(says(answer), replace(QUICK, count=6, rate=500, limits=SHORT))
    assert found(report) == {
        ("reply", "reply_law", "http_status"),
        ("time", "answer_time", "request_timeout"),
    }
    assert (report.pushes, report.failed) == (7, 4)


@pytest.mark.parametrize(
    ("body", "id_"),
    [
        (lambda echostr: f'"{echostr}"', "wrong_echo"),
        (lambda echostr: f"{echostr}\n", "wrong_echo"),
        (lambda echostr: "success", "wrong_echo"),
        (lambda echostr: escape(echostr), "altered_echo"),
    ],
    ids=["quoted", "with a line end", "success", "as HTML"],
)
def test_a_wrong_echo_is_named(body: Callable[[str], str], id_: str) -> None:
    well = healthy(PLAIN)

    def answer(request: Request) -> Response | Raw:
        return (
            Response(200, body(request.query["echostr"]).encode())
            if request.method == "GET"
            else well(request)
        )

    report = look(answer)
    assert found(report) == {("verify", "echo", id_)}
    if id_ == "wrong_echo":
        (finding,) = (finding for _, finding in report.findings)
        is_in_there = "success" not in finding.message
        assert ("不加引号" in (finding.hint or "")) is is_in_there
        assert ("Token" in (finding.hint or "")) is not is_in_there


def test_a_compressed_echo_is_no_matter_of_the_token() -> None:
    body = gzip.compress(b"1234567890")
    report = look(lambda request: Response(200, body))
    (finding,) = (finding for _, finding in report.findings if finding.id == "wrong_echo")
    assert finding.message == f"没有原样返回 echostr，回的是 gzip 压缩过的 {len(body)} 字节"
    assert "不要压缩" in (finding.hint or "")


def test_what_came_in_place_of_the_echo_is_shown_with_what_nobody_sees() -> None:
    report = look(lambda request: Response(200, b"\xef\xbb\xbfno\n"))
    (finding,) = (finding for _, finding in report.findings if finding.id == "wrong_echo")
    assert finding.message == r"没有原样返回 echostr，回的是 '\ufeffno\n'"


def test_a_callback_that_verifies_nothing_is_named() -> None:
    def answer(request: Request) -> Response:
        if request.method == "GET":
            return Response(200, request.query["echostr"].encode())
        return Response(200, text_reply(request.query["openid"], "gh_5d21c07be94f").encode())

    report = look(answer, replace(QUICK, quick=False, gh="gh_5d21c07be94f"))
    assert {item for item in found(report) if item[0] == "verify"} == {
        ("verify", "signature_refused", "signature_accepted"),
        ("verify", "timestamp_refused", "stale_timestamp_accepted"),
    }
    assert {check.subject for check, finding in report.findings if finding.id == "signature_accepted"} == {
        "签名错误的 GET",
        "签名错误的 POST",
    }
