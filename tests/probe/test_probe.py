"""The probe names every illness of a callback by layer and rule, and finds nothing wrong with a healthy one."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path

import dns.rcode
import pytest

from tests.support.platform import CATALOGUE
from tests.support.service import ACCOUNT as OUR_ACCOUNT
from tests.support.service import ENVIRONMENT as OUR_ENVIRONMENT
from tests.support.service import serving as running_service
from tests.support.sick_peer import (
    ACCOUNTS,
    PLAIN,
    SAFE,
    Answer,
    Authority,
    Raw,
    closed_port,
    dns_server,
    full_backlog,
    healthy,
    serving,
    stock_echo,
)
from triage.channels.envelope import encrypt, sign
from triage.channels.wechat.account import Account
from triage.channels.wechat.callback import receive
from triage.channels.xml import write_fields
from triage.errors import InputError
from triage.findings import Severity
from triage.message import Message, Request, Response
from triage.platform.pushes import Family
from triage.platform.reply_law import CLAUSES
from triage.probe import (
    CheckState,
    ForbiddenError,
    Guard,
    Limits,
    ProbePlan,
    Report,
    World,
    checked,
    examine,
    measure,
)
from triage.probe.connection import Connection
from triage.probe.guard import parse_target
from triage.probe.network_checks import check_dns
from triage.probe.push import Platform, SamplePush, find_sample_push, shown_request
from triage.probe.report import Layer, times_of
from triage.probe.resolver import DnsProblem, Resolution
from triage.rules.parser import RuleSet

LOOPBACK = Guard(frozenset({"127.0.0.1"}), allow_private=True)
QUICK = ProbePlan(PLAIN, "plain", ("text",), count=0, quick=True)
SHORT = Limits(answer=0.4)


def look(answer: Answer, plan: ProbePlan = QUICK) -> Report:
    with serving(answer) as peer:
        return examine(peer.url, plan, LOOPBACK)


def found(report: Report) -> set[tuple[str, str, str]]:
    """Layer, check and id of every finding."""
    return {(check.layer.value, check.id, finding.id) for check, finding in report.findings}


def failed(report: Report) -> str:
    return "\n".join(f"{check.id} {check.subject}: {finding}" for check, finding in report.findings)


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
        "解析前滤掉 0x20 以下的字符（留 TAB、LF、CR），回复里也滤掉",
    )


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


def says(make: Callable[[Message, Request], bytes | Response | Raw], account: Account = PLAIN) -> Answer:
    """Healthy but for what it answers to a push."""
    well = healthy(account)

    def answer(request: Request) -> Response | Raw:
        right = well(request)
        if request.method == "GET" or isinstance(right, Raw) or right.status != 200:
            return right
        came = receive(request, account, datetime.now(UTC))
        assert isinstance(came, Message)
        made = make(came, request)
        return Response(200, made) if isinstance(made, bytes) else made

    return answer


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
    "bad_create_time": xml(at="yesterday"),
    "millisecond_create_time": xml(at="1718600412345"),
}


@pytest.mark.parametrize("id_", REPLIES)
def test_a_reply_that_breaks_the_law_is_named(id_: str) -> None:
    reply = REPLIES[id_]
    report = look(says(lambda came, _: reply if isinstance(reply, bytes) else reply(came).encode()))
    assert ("reply", "reply_law", id_) in found(report)
    if CLAUSES[id_].severity.rank <= Severity.MEDIUM.rank:
        assert report.first is Layer.REPLY
    assert "没通过" in checked(report)["reply_law"]
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

    assert found(look(answer)) == {("verify", "echo", id_)}


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


@pytest.mark.parametrize("mode", ["plain", "safe"])
def test_different_answers_to_a_retry_are_named(mode: str) -> None:
    numbers = itertools.count()
    report = look(
        healthy(ACCOUNTS[mode], lambda came: str(next(numbers))),
        ProbePlan(ACCOUNTS[mode], mode, ("text",), count=0),
    )
    assert found(report) == {("time", "retry", "retry_differs")}


# -- below HTTP


def test_a_closed_port_is_named() -> None:
    report = examine(f"http://127.0.0.1:{closed_port()}/", QUICK, LOOPBACK)
    assert found(report) == {("tcp", "tcp_connect", "curl_connect")}
    assert report.first is Layer.TCP
    assert {check.state for check in report.checks if check.layer.rank > Layer.TCP.rank} == {
        CheckState.SKIPPED
    }


def test_a_full_queue_is_named() -> None:
    with full_backlog() as port:
        plan = replace(QUICK, limits=Limits(connect=0.1))
        report = examine(f"http://127.0.0.1:{port}/", plan, LOOPBACK)
    assert found(report) == {("tcp", "tcp_connect", "connect_timeout")}


def test_a_slow_connection_is_named() -> None:
    with serving(healthy(PLAIN)) as peer:
        report = examine(peer.url, replace(QUICK, limits=Limits(slow_connect=0.0)), LOOPBACK)
    assert found(report) == {("tcp", "tcp_connect", "slow_connect")}


def test_every_address_is_tried_and_one_that_answers_is_enough() -> None:
    with serving(healthy(PLAIN)) as peer:
        world = World(lambda host: Resolution(("127.0.0.77", "127.0.0.1"), 0.0), None)
        guard = Guard(frozenset({"mp.example.com"}), True)
        report = examine(f"http://mp.example.com:{peer.port}/", QUICK, guard, world=world)
        assert set(peer.hosts) == {f"mp.example.com:{peer.port}"}
    assert found(report) == {("tcp", "tcp_connect", "curl_connect")}
    assert {check.state for check in report.checks if check.id == "reply_law"} == {CheckState.PASSED}


# -- where it does not go


def world_of(*addresses: str) -> World:
    return World(lambda host: Resolution(addresses, 0.0), None)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "169.254.1.1",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "100.64.0.1",
    ],
)
def test_a_name_that_resolves_inside_is_not_called(address: str) -> None:
    with serving(healthy(PLAIN)) as peer:
        report = examine(f"http://mp.example.com:{peer.port}/", QUICK, world=world_of(address))
        assert peer.requests == []
    assert ("dns", "dns_system", "forbidden_address") in found(report)
    assert {check.state for check in report.checks if check.layer.rank > Layer.DNS.rank} == {
        CheckState.SKIPPED
    }


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254"])
def test_an_address_inside_is_not_called(host: str) -> None:
    report = examine(f"http://{host}/", QUICK)
    assert ("url", "url", "forbidden_address") in found(report)
    assert report.first is Layer.URL


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1"])
def test_an_address_in_disguise_is_a_mistake(host: str) -> None:
    with pytest.raises(InputError, match="disguise"):
        examine(f"http://{host}/", QUICK)


def test_a_name_that_changes_its_mind_gains_nothing() -> None:
    """DNS rebinding: the first answer is checked and connected to, and there is no second one."""
    answers: Iterator[tuple[str, ...]] = iter([("127.0.0.1",), ("127.0.0.2",)])
    with serving(healthy(PLAIN)) as peer:
        world = World(lambda host: Resolution(next(answers), 0.0), None)
        guard = Guard(frozenset({"mp.example.com"}), True)
        report = examine(f"http://mp.example.com:{peer.port}/", replace(QUICK, count=3), guard, world=world)
    assert report.is_clean, failed(report)
    assert next(answers) == ("127.0.0.2",)


def test_a_host_that_nobody_named_is_not_looked_up() -> None:
    def never(host: str) -> Resolution:
        raise AssertionError(host)

    with pytest.raises(ForbiddenError):
        examine("http://mp.example.com/", QUICK, Guard(frozenset({"other.example.com"})), world=World(never))


def test_a_port_that_the_platform_does_not_know_is_named() -> None:
    report = examine("http://mp.example.com:8080/", QUICK, world=world_of())
    assert ("url", "url", "odd_port") in found(report)


# -- DNS, compared

DNS_CASES: Mapping[
    str, tuple[Resolution, tuple[str, ...] | dns.rcode.Rcode | None, set[tuple[str, str]], CheckState]
] = {
    "the same": (Resolution(("8.8.8.8",), 0.0), ("8.8.8.8", "8.8.4.4"), set(), CheckState.PASSED),
    "different": (
        Resolution(("8.8.8.8",), 0.0),
        ("1.1.1.1",),
        {("dns_wechat", "dns_differs")},
        CheckState.FAILED,
    ),
    "gone there": (
        Resolution(("8.8.8.8",), 0.0),
        dns.rcode.NXDOMAIN,
        {("dns_wechat", "dns_wechat_failure")},
        CheckState.FAILED,
    ),
    "broken there": (
        Resolution(("8.8.8.8",), 0.0),
        dns.rcode.SERVFAIL,
        {("dns_wechat", "dns_wechat_failure")},
        CheckState.FAILED,
    ),
    "empty there": (
        Resolution(("8.8.8.8",), 0.0),
        (),
        {("dns_wechat", "dns_wechat_failure")},
        CheckState.FAILED,
    ),
    "silent there": (Resolution(("8.8.8.8",), 0.0), None, {("dns_wechat", "dns_timeout")}, CheckState.FAILED),
    "gone here": (
        Resolution((), 0.0, DnsProblem.UNKNOWN),
        ("8.8.8.8",),
        {("dns_system", "dns_failure")},
        CheckState.PASSED,
    ),
    "silent here": (
        Resolution((), 5.0, DnsProblem.TIMEOUT),
        ("8.8.8.8",),
        {("dns_system", "dns_timeout")},
        CheckState.PASSED,
    ),
    "gone": (
        Resolution((), 0.0, DnsProblem.UNKNOWN),
        dns.rcode.NXDOMAIN,
        {("dns_system", "dns_failure"), ("dns_wechat", "dns_failure")},
        CheckState.FAILED,
    ),
}


@pytest.mark.parametrize("case", DNS_CASES)
def test_two_resolvers_are_compared(case: str) -> None:
    system, known, expected, state = DNS_CASES[case]
    target = parse_target("http://mp.example.com/")
    guard = Guard(frozenset({"mp.example.com"}))
    with dns_server({"mp.example.com": known, "weixin.qq.com": ("8.8.8.8",)}) as server:
        checks, addresses = check_dns(target, guard, World(lambda host: system, server.place), SHORT)
    assert {(check.id, finding.id) for check in checks for finding in check.findings} == expected
    assert checks[1].state is state
    assert set(addresses) == {*system.addresses, *(known if isinstance(known, tuple) else ())}


def test_a_server_that_answers_us_nothing_at_all_proves_nothing() -> None:
    guard = Guard(frozenset({"mp.example.com"}))
    with dns_server({"mp.example.com": None, "weixin.qq.com": None}) as server:
        world = replace(world_of("8.8.8.8"), nameserver=server.place)
        checks, _ = check_dns(parse_target("http://mp.example.com/"), guard, world, SHORT)
    assert (checks[1].state, checks[1].findings) == (CheckState.UNKNOWN, ())


@pytest.mark.parametrize("host", ["localhost", "wx.internal", "host"])
def test_a_name_of_our_own_is_nobody_elses_business(host: str) -> None:
    with dns_server({}) as server:
        world = replace(world_of("127.0.0.1"), nameserver=server.place)
        checks, _ = check_dns(parse_target(f"http://{host}/"), Guard(frozenset({host})), world, SHORT)
        assert server.asked == []
    assert checks[1].state is CheckState.SKIPPED


# -- TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("ca"))


@pytest.mark.parametrize(
    ("host", "days", "trusted", "expected"),
    [
        ("mp.example.com", 90, True, set()),
        ("mp.example.com", 5, True, {("tls", "tls", "certificate_expires")}),
        ("mp.example.com", -3, True, {("tls", "tls", "expired_certificate")}),
        ("mp.example.com", 90, False, {("tls", "tls", "bad_certificate")}),
        ("other.example.com", 90, True, {("tls", "tls", "bad_certificate")}),
    ],
)
def test_a_certificate_is_judged_and_the_rest_examined_all_the_same(
    host: str, days: int, trusted: bool, expected: set[tuple[str, str, str]], authority: Authority
) -> None:
    with serving(healthy(PLAIN), authority.serving(host, timedelta(days=days))) as peer:
        world = replace(world_of("127.0.0.1"), tls=authority.trusting() if trusted else None)
        guard = Guard(frozenset({"mp.example.com"}), True)
        report = examine(f"https://mp.example.com:{peer.port}/wx", QUICK, guard, world=world)
    assert found(report) == expected
    assert {check.state for check in report.checks if check.id in ("echo", "reply_law")} == {
        CheckState.PASSED
    }


def test_plain_http_behind_https_is_named() -> None:
    with serving(healthy(PLAIN)) as peer:
        guard = Guard(frozenset({"mp.example.com"}), True)
        report = examine(f"https://mp.example.com:{peer.port}/", QUICK, guard, world=world_of("127.0.0.1"))
    assert found(report) == {("tls", "tls", "tls_failed")}


# -- what is pushed


def test_every_push_of_the_catalogue_can_be_sent_and_is_judged() -> None:
    with serving(healthy(SAFE)) as peer, Connection(parse_target(peer.url), "127.0.0.1", LOOPBACK) as line:
        for push in CATALOGUE:
            kind = find_sample_push(push.name, component=push.family is Family.COMPONENT)
            exchange = Platform(SAFE, line).send(kind)
            assert exchange.findings == (), push
            assert exchange.answer, push


def test_identities_are_new_for_every_push_and_hidden_where_shown() -> None:
    with serving(healthy(PLAIN)) as peer, Connection(parse_target(peer.url), "127.0.0.1", LOOPBACK) as line:
        platform = Platform(PLAIN, line, "plain")
        sent = [platform.send(find_sample_push("text")).request for _ in range(3)]
    assert len({request.query["openid"] for request in sent}) == 3
    assert len({request.query["nonce"] for request in sent}) == 3
    shown = shown_request(sent[0], "/wx?token=secret")
    assert shown.startswith("POST /wx?signature=…&timestamp=")
    assert sent[0].query["openid"] not in shown


@pytest.mark.parametrize("name", ["payment_notify", "clik", ""])
def test_what_is_no_push_is_a_mistake(name: str) -> None:
    with pytest.raises(InputError, match="is no push"):
        find_sample_push(name)


def test_a_push_of_our_own_making_can_be_named() -> None:
    assert find_sample_push("event", {"Event": "new_one"}) == SamplePush(
        "event", "事件 new_one", {"Event": "new_one"}
    )
    assert find_sample_push("miniprogrampage", {"MsgType": "miniprogrampage"}).name == "miniprogrampage"
    assert find_sample_push("wxa_nickname_audit", component=True).is_component
    assert not find_sample_push("wxa_nickname_audit").is_component


def test_a_mode_without_its_key_is_a_mistake_before_anything_is_sent() -> None:
    with serving(healthy(PLAIN)) as peer:
        with pytest.raises(InputError, match="EncodingAESKey"):
            examine(peer.url, ProbePlan(PLAIN, "safe"), LOOPBACK)
        assert peer.requests == []


def test_the_platform_sends_what_the_platform_sends() -> None:
    with serving(healthy(SAFE)) as peer, Connection(parse_target(peer.url), "127.0.0.1", LOOPBACK) as line:
        Platform(SAFE, line).send(find_sample_push("CLICK"))
        (came,) = peer.requests
    assert came.method == "POST"
    assert set(came.query) == {"signature", "timestamp", "nonce", "openid", "encrypt_type", "msg_signature"}


# -- measuring


@pytest.mark.parametrize("mode", ["plain", "safe"])
def test_a_row_of_pushes_is_measured(mode: str) -> None:
    with serving(healthy(ACCOUNTS[mode])) as peer:
        load = measure(peer.url, ACCOUNTS[mode], 60, mode=mode, connections=3, allow_private=True)
        assert len(peer.requests) == 60
    assert (load.pushes, load.failed, len(load.seconds)) == (60, 0, 60)
    assert load.times
    assert load.rate > 0


def test_measuring_is_guarded_too() -> None:
    with serving(healthy(PLAIN)) as peer:
        with pytest.raises(ForbiddenError):
            measure(peer.url, PLAIN, 10, mode="plain")
        assert peer.requests == []


def test_percentiles_are_those_of_the_nearest_rank() -> None:
    times = times_of([number / 100 for number in range(100, 0, -1)])
    assert times
    assert (times.p50, times.p90, times.p99, times.max) == (0.5, 0.9, 0.99, 1.0)
    assert times_of([]) is None


# -- for the checklists


def test_a_step_of_a_checklist_can_say_what_was_checked(rules: RuleSet) -> None:
    ours = {
        "dns_system",
        "dns_wechat",
        "tcp_connect",
        "tls",
        "echo",
        "signature_refused",
        "answer_time",
        "reply_law",
        "retry",
        "component_ticket",
    }
    named = {step.check for rule in rules.rules for step in rule.steps}
    assert ours <= named
    report = look(healthy(SAFE), ProbePlan(SAFE, "safe", ("text",), count=1, component=True))
    said = checked(report)
    assert ours <= set(said)
    assert said["retry"] == "检查过：通过（1 种回应）"
    assert said["tls"] == "没检查：http 没有证书"
    sick = checked(look(says(lambda came, _: b'"success"')))
    assert sick["reply_law"].startswith("检查过：没通过，因为text（文本消息）：回复外面多了一层双引号")


def test_a_report_is_json_and_hides_the_query() -> None:
    with serving(healthy(PLAIN)) as peer:
        report = examine(f"{peer.url}?key=secret", QUICK, LOOPBACK)
    values = json.loads(json.dumps(report.as_json()))
    assert values["clean"] is True
    assert "secret" not in json.dumps(values)
    assert PLAIN.token not in json.dumps(values)
    assert {check["id"] for check in values["checks"]} >= {"echo", "reply_law"}


def test_progress_is_told_to_the_end() -> None:
    told: list[tuple[int, int]] = []
    with serving(healthy(PLAIN)) as peer:
        plan = ProbePlan(PLAIN, "plain", count=4, rate=500, component=True)
        examine(peer.url, plan, LOOPBACK, progress=lambda title, done, total: told.append((done, total)))
    assert told[-1][0] == told[-1][1]


# -- our own service


@pytest.mark.skipif(sys.platform == "win32", reason="gunicorn needs fork")
def test_our_own_running_service_is_clean(tmp_path: Path) -> None:
    with running_service(tmp_path, OUR_ENVIRONMENT) as served:
        url = f"http://127.0.0.1:{served.port}/callback/wechat"
        report = examine(url, ProbePlan(OUR_ACCOUNT, "safe", count=5, rate=200, component=True), LOOPBACK)
    assert not list(report.findings), failed(report)
