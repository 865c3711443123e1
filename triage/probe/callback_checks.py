"""Checks of what a callback answers: the echo, forged and stale requests, pushes, odd texts, retries, the ticket.

Each function sends through a `Platform` and returns what it found; `examination` decides the order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from triage.channels.wechat.platform_side import compose_echo
from triage.errors import TransportProblem, UnreachableError
from triage.findings import Finding
from triage.probe.faults import excerpt, explain_failure, make_finding, with_hint, words_of
from triage.probe.load import Load
from triage.probe.network_checks import Limits
from triage.probe.push import Exchange, Platform, SamplePush, find_sample_push, forge
from triage.probe.report import (
    Check,
    CheckState,
    Layer,
    Times,
    make_check,
    milliseconds,
    skip_check,
    times_of,
)
from triage.wording import Wording, joined

_ODD_ECHO = "]]>&<b>\"'"
_STALE = timedelta(hours=1)
_CONTROLS = Wording("文字里有控制字符")
_ODD_TEXTS = {
    Wording("2046 字节的文字"): "微" * 682,
    Wording("表情符号"): "😀👨‍👩‍👧‍👦🇨🇳❤️‍🔥𠮷",
    Wording("文字里有 ]]>"): "a ]]> b ]]]]><![CDATA[> <b>&amp;</b>",
    _CONTROLS: "a\x1db\x0bc\x08",
}
_SOURCE_OF_CONTROLS = "F.17"
_HINT_FOR_CONTROLS = Wording("解析前滤掉 0x20 以下的字符（留 TAB、LF、CR），回应里也滤掉")
_VARYING = re.compile(rb"<(CreateTime|TimeStamp|Nonce|MsgSignature|Encrypt)>.*?</\1>", re.DOTALL)


def judge_exchange(id_: str, layer: Layer, subject: str, exchange: Exchange) -> Iterator[Check]:
    """The check of one exchange, at the layer that failed: TCP, HTTP for its status, TIME for a timeout."""
    answer = exchange.outcome
    if isinstance(answer, UnreachableError):
        yield from _unanswered(id_, layer, subject, answer)
        return
    response = answer.response
    findings = tuple(with_hint(finding) for finding in exchange.findings)
    where = layer if response.status == 200 else Layer.HTTP
    seen = Wording(
        "{status}，{time}，{body}",
        status=response.status,
        time=milliseconds(answer.seconds),
        body=excerpt(response),
    )
    yield make_check(id_, where, subject, seen, findings, answer.seconds)


def _unanswered(id_: str, layer: Layer, subject: str, failure: UnreachableError) -> Iterator[Check]:
    problem, seconds, finding = failure.problem, failure.seconds, explain_failure(failure)
    if problem is TransportProblem.TIMEOUT:
        yield Check(id_, layer, subject, CheckState.UNKNOWN, Wording("没有等到回应"), seconds=seconds)
        yield make_check("answer_time", Layer.TIME, subject, words_of(problem), [finding], seconds)
    elif problem in (TransportProblem.REFUSED, TransportProblem.CONNECT_TIMEOUT, TransportProblem.NO_ROUTE):
        yield Check(id_, layer, subject, CheckState.UNKNOWN, Wording("连接断了，再也连不上"))
        yield make_check("tcp_connect", Layer.TCP, subject, words_of(problem), [finding], seconds)
    else:
        yield make_check(id_, Layer.HTTP, subject, words_of(problem), [finding], seconds)


def check_echo(platform: Platform) -> list[Check]:
    """The GET that the console sends on saving the URL, then one whose echostr HTML escaping would change."""
    first = platform.verify(platform.draw_message_id())
    checks = list(judge_exchange("echo", Layer.VERIFY, Wording("验证 URL 的 GET"), first))
    if first.answer is None or first.findings:
        return checks
    odd = platform.verify(platform.draw_message_id() + _ODD_ECHO)
    if odd.findings and odd.answer:
        seen = Wording(
            "echostr 里有 {text} 时，回的是 {body}",
            text=_ODD_ECHO,
            body=excerpt(odd.answer.response),
        )
        altered = make_finding("altered_echo", seen)
        return [
            *checks,
            make_check("echo", Layer.VERIFY, Wording("echostr 里有 ]]>"), excerpt_of(odd), [altered]),
        ]
    return [*checks, *judge_exchange("echo", Layer.VERIFY, Wording("echostr 里有 ]]>"), odd)]


def check_signature(platform: Platform) -> list[Check]:
    """Send a GET and a POST with wrong signatures; neither may be answered like a genuine one."""
    echostr = platform.draw_message_id()
    nonce = str(platform.draw.randrange(10**8, 10**10))
    request = forge(compose_echo(platform.account, platform.clock(), nonce=nonce, echostr=echostr))
    get = platform.deliver(SamplePush("", Wording("签名错误的 GET")), request, "")
    openid, push = platform.draw_openid(), find_sample_push("text")
    post = platform.deliver(push, forge(platform.compose(push, openid=openid)), openid)
    return [
        _refused(Wording("签名错误的 GET"), get, _body(get) == echostr.encode()),
        _refused(Wording("签名错误的 POST"), post, _body(post).lstrip().startswith(b"<xml")),
    ]


def _refused(subject: str, exchange: Exchange, is_accepted: bool) -> Check:
    if exchange.answer is None:
        return Check("signature_refused", Layer.VERIFY, subject, CheckState.UNKNOWN, Wording("没有等到回应"))
    seen, found = excerpt_of(exchange), []
    if is_accepted and exchange.answer.response.status == 200:
        found.append(make_finding("signature_accepted", Wording("签名不对也被当真了：{seen}", seen=seen)))
    return make_check("signature_refused", Layer.VERIFY, subject, seen, found, exchange.seconds)


def check_timestamp(platform: Platform) -> Check:
    """Send a GET that was signed an hour ago; a callback should refuse it, as it may be a replay."""
    echostr = platform.draw_message_id()
    exchange = platform.verify(echostr, age=_STALE)
    if exchange.answer is None:
        return Check(
            "timestamp_refused", Layer.VERIFY, Wording("旧请求"), CheckState.UNKNOWN, Wording("没有等到回应")
        )
    is_accepted = exchange.answer.response.status == 200 and _body(exchange) == echostr.encode()
    found = (
        [make_finding("stale_timestamp_accepted", Wording("一小时前签名的请求也被接受了"))]
        if is_accepted
        else []
    )
    seen = excerpt_of(exchange)
    return make_check(
        "timestamp_refused", Layer.VERIFY, Wording("一小时前的 GET"), seen, found, exchange.seconds
    )


def check_odd_texts(platform: Platform, known: Iterable[str]) -> Iterator[Check]:
    """Push texts that followers really send: long ones, emoji, the end of a CDATA section, control characters.

    `known` are the ids of findings made before: what fails by one of these does not fail by its text.
    """
    before = frozenset(known)
    for subject, text in _ODD_TEXTS.items():
        exchange = platform.send(find_sample_push("text", {"Content": text}))
        for item in judge_exchange("reply_law", Layer.REPLY, subject, exchange):
            if before.intersection(finding.id for finding in item.findings):
                yield item
                continue
            if item.layer is Layer.HTTP:
                # plain texts were answered well, so it is the handling of this one that fails
                item = replace(item, layer=Layer.REPLY)
            if subject == _CONTROLS:
                item = replace(item, findings=tuple(map(_about_controls, item.findings)))
            yield item


def _about_controls(finding: Finding) -> Finding:
    if finding.id not in ("http_status", "control_character", "malformed_xml"):
        return finding
    return replace(finding, source=_SOURCE_OF_CONTROLS, hint=_HINT_FOR_CONTROLS)


def check_retry(platform: Platform, known: Iterable[str]) -> list[Check]:
    """Push one message three times, each signed anew, as the platform does; the answers should be equal.

    `known` are the ids of findings made before: an answer that fails by one of these tells nothing of retries.
    """
    # https://developers.weixin.qq.com/doc/service/guide/product/message/Passive_user_reply_message.html (P.8)
    created = str(int(platform.clock().timestamp()))
    openid, message_id = platform.draw_openid(), platform.draw_message_id()
    push = find_sample_push("text", {"Content": "triage 重推检查", "CreateTime": created})
    exchanges = [platform.send(push, openid=openid, message_id=message_id) for _ in range(3)]
    replies, before = dict.fromkeys(map(_essence, exchanges)), frozenset(known)
    subject, seen = Wording("同一 MsgId 推三次"), Wording("{replies} 种回应", replies=len(replies))
    faults = [item.id for exchange in exchanges for item in exchange.findings if item.is_fault]
    is_alike = len(replies) == 1 and None not in replies
    if not is_alike and (exchanges[0].answer is None or before.intersection(faults)):
        seen = Wording("三次没有都等到回应") if None in replies else Wording("有的回应本身就不合法，比不出")
        return [Check("retry", Layer.TIME, subject, CheckState.UNKNOWN, seen)]
    found = []
    if not is_alike:
        shown = joined("{a}；{b}", dict.fromkeys(excerpt_of(exchange) for exchange in exchanges))
        found = [
            make_finding(
                "retry_differs",
                Wording("同一条推三次，得到 {replies} 种回应：{shown}", replies=len(replies), shown=shown),
            )
        ]
    return [make_check("retry", Layer.TIME, subject, seen, found)]


def _essence(exchange: Exchange) -> tuple[int, str | bytes] | None:
    """Status and reply without what differs in equal replies: times, nonces, ciphertext. None for no answer."""
    if exchange.answer is None:
        return None
    response = exchange.answer.response
    return response.status, exchange.text if exchange.text is not None else _VARYING.sub(b"", response.body)


def check_component(platform: Platform) -> list[Check]:
    """Push a component_verify_ticket, which wants the bare word success."""
    # https://developers.weixin.qq.com/doc/oplatform/en/Third-party_Platforms/2.0/api/Before_Develop/component_verify_ticket.html
    mode = "safe" if platform.account.aes_key else "plain"
    exchange = replace(platform, mode=mode).send(find_sample_push("component_verify_ticket"))
    return list(judge_exchange("component_ticket", Layer.REPLY, "component_verify_ticket", exchange))


def check_singles(seconds: Sequence[float], limits: Limits) -> Iterator[Check]:
    """Judge how long the answers took to the pushes that were sent one by one."""
    if times := times_of(seconds):
        found = _slow(times, limits)
        yield make_check("answer_time", Layer.TIME, Wording("逐条推送"), times.wording, found, times.max)
    else:
        yield skip_check("answer_time", Layer.TIME, Wording("逐条推送"), Wording("没有一次得到回应"))


def check_load(load: Load, known: Iterable[str], limits: Limits) -> Iterator[Check]:
    """Judge a load run; `known` are the ids of findings made before it."""
    if not load.pushes:
        return
    times, found = load.times, []
    if late := load.faults.get(TransportProblem.TIMEOUT, 0):
        counts = {"pushes": load.pushes, "late": late, "seconds": limits.answer}
        said = Wording("{pushes} 次里有 {late} 次没在 {seconds:g} 秒内回应", **counts)
        found.append(make_finding("request_timeout", said))
    if times:
        found += _slow(times, limits)
    subject = Wording("连推 {pushes} 次", pushes=load.pushes)
    if times or found:
        yield make_check(
            "answer_time", Layer.TIME, subject, times.wording if times else Wording("都没有回应"), found
        )
    else:
        yield skip_check("answer_time", Layer.TIME, Wording("连推"), Wording("没有一次得到回应"))
    for exchange in load.samples:
        new = [
            finding for finding in exchange.findings if finding.id not in {*known, TransportProblem.TIMEOUT}
        ]
        if new:
            counts = {"pushes": load.pushes, "seen": load.faults[new[0].id]}
            said = Wording("{pushes} 次里有 {seen} 次：{message}", message=new[0].message, **counts)
            counted = replace(with_hint(new[0]), message=said)
            yield make_check("reply_law", Layer.REPLY, subject, excerpt_of(exchange), [counted])


def _slow(times: Times, limits: Limits) -> list[Finding]:
    return (
        [make_finding("slow_answer", Wording("回应太慢：{times}", times=times.wording))]
        if times.max >= limits.slow_answer
        else []
    )


def excerpt_of(exchange: Exchange) -> str:
    """What came back, on one line."""
    outcome = exchange.outcome
    if isinstance(outcome, UnreachableError):
        return words_of(outcome.problem)
    return Wording("{status}，{body}", status=outcome.response.status, body=excerpt(outcome.response))


def _body(exchange: Exchange) -> bytes:
    return exchange.answer.response.body if exchange.answer else b""
