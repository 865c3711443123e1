"""The closed loop: every illness comes back from the bot as itself, and the platform counts as the real one does."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.advice.adviser import Adviser
from triage.advice.rendering import steps_for
from triage.alerts.causes import REPLY_CAUSES
from triage.alerts.parser import BEIJING, Alert, parse
from triage.alerts.sample import Sample
from triage.channels.wechat.account import Account
from triage.channels.wechat.platform_side import accepts, compose, compose_echo
from triage.message import Message, MessageKind, Response
from triage.platform.pushes import PAYMENT_NOTIFY, PUSHES, Family, find_push
from triage.platform.reply_law import CLAUSES, judge
from triage.simulator.alert import (
    GUIDE_URL,
    SENTENCES,
    SHOWN_BYTES,
    TICKET,
    AlertSubject,
    FailureStage,
    PushFailure,
    SentPush,
    kind_of,
    make_sample,
    shown,
    write_alert,
)
from triage.simulator.alerting import AlertingRules, DueAlert, FailedTry, Ledger, alert_of, close, count
from triage.simulator.callback import SickCallback
from triage.simulator.delivery import PushClient
from triage.simulator.demo import BeatKind, play_campaign
from triage.simulator.illnesses import HEALTHY, ILLNESSES, RECEIPT, Illness, TransportFault
from triage.simulator.platform import Act, Persona, SentAlert, SimulationOptions, Slot, make_persona, simulate
from triage.simulator.replies import ReceivedPush, changed

START = datetime(2026, 4, 21, 18, 30, 7, tzinfo=BEIJING)
SECOND = timedelta(seconds=1)
FAN = "oAdFXedIqWRgfr63S568PiXzSAYS"
TARGET = AlertSubject(
    appid="wx56188083f64535ec",
    nickname="小站乐园",
    callback_url="http://wx.example.com/wechat/callback",
    host="wx.example.com",
    ip="203.0.113.44",
    outer_ip="198.51.100.128",
)


def _play(illness: Illness, minutes: float = 0.6, rate: float | None = None, **plan: float) -> list[object]:
    minutes = 30 if illness.push == TICKET else minutes
    acts = [Act(illness, minutes, rate or illness.rate)]
    return list(
        simulate(acts, SimulationOptions(START, speed=plan.get("speed", 100), seed=int(plan.get("seed", 0))))
    )


def _alerts(happenings: list[object]) -> list[SentAlert]:
    return [happening for happening in happenings if isinstance(happening, SentAlert)]


def _slots(happenings: list[object]) -> list[Slot]:
    return [happening for happening in happenings if isinstance(happening, Slot)]


# -- the loop over all illnesses

_SICK = [illness for illness in ILLNESSES.values() if illness.kind is not None]
_WELL = [illness for illness in ILLNESSES.values() if illness.kind is None]


@pytest.mark.parametrize("illness", _WELL, ids=lambda illness: illness.id)
def test_what_the_platform_takes_raises_no_alert(illness: Illness) -> None:
    happenings = _play(illness, minutes=0.3, speed=10 if illness.after else 100)
    assert not _alerts(happenings)
    assert not sum(slot.failed for slot in _slots(happenings))


@pytest.mark.parametrize("illness", _SICK, ids=lambda illness: illness.id)
def test_every_illness_comes_back_from_the_bot_as_itself(illness: Illness, adviser: Adviser) -> None:
    alerts = _alerts(_play(illness, minutes=max(0.6, illness.spell or 0)))
    for alerted in alerts:
        reading, (diagnosis,) = adviser.diagnose(alerted.text)
        assert diagnosis.kind == alerted.kind
        assert not reading.unread
        assert replace(diagnosis.alert, text="", span=(0, 0)) == _as_pasted(alerted.alert)
        assert adviser.answer(alerted.text).pages[0]
    assert [alerted.kind for alerted in alerts].count(str(illness.kind)) == 1
    (own,) = (adviser.diagnose(alerted.text)[1][0] for alerted in alerts if alerted.kind == illness.kind)
    causes = {cause.id for cause in own.causes}
    assert illness.cause in causes if illness.cause else not causes
    assert steps_for(own)[0].id == illness.step


def _as_pasted(alert: Alert) -> Alert:
    """As the parser takes it: a byte order mark and the white space around a body do not outlive a copy."""
    body = alert.sample.response_content
    if body is None:
        return alert
    return replace(alert, sample=replace(alert.sample, response_content=body.replace("\ufeff", "").strip()))


def test_every_kind_of_alert_has_an_illness() -> None:
    assert {illness.kind for illness in _SICK} == set(SENTENCES)


def test_every_cause_of_the_contract_has_an_illness() -> None:
    others = {"http_status", "curl_connect", "curl_empty_reply", "curl_receive", "decrypt_fail"}
    shared = {"receipt_flood", "provider_side"}
    assert {illness.cause for illness in _SICK} - {None} == REPLY_CAUSES | others | shared


def test_every_clause_of_the_reply_law_is_broken_by_some_illness() -> None:
    broken = {id_ for illness in ILLNESSES.values() for id_ in _broken(illness)}
    assert set(CLAUSES) <= broken


def _broken(illness: Illness) -> set[str]:
    """The findings on an illness's reply, without a network."""
    persona = make_persona(illness, 0)
    if illness.push == PAYMENT_NOTIFY.name:
        pushed = ReceivedPush(b"<transaction_id>", None, persona.account, START)
        return {finding.id for finding in judge(illness.reply(pushed), PAYMENT_NOTIFY)}
    request = compose(
        illness.push,
        persona.account,
        START,
        sender=FAN,
        recipient=persona.recipient,
        nonce="1000000000",
        mode=illness.mode,
        random16=b"0" * 16,
    )
    message = Message(
        "wechat", persona.account.appid, FAN, persona.recipient, MessageKind.TEXT, 1, push=illness.push
    )
    pushed = ReceivedPush(request.body, message, persona.account, START, "1000000000")
    response = Response(illness.status, illness.reply(pushed))
    accepted = accepts(
        response, request, persona.account, illness.push, sender=FAN, recipient=persona.recipient
    )
    return {finding.id for finding in accepted.findings}


def test_a_mistake_that_changes_nothing_is_ours() -> None:
    message = Message("wechat", "wx", FAN, "gh_1", MessageKind.TEXT, 1)
    with pytest.raises(ValueError, match="does not stand in the reply"):
        changed("<None>", "")(ReceivedPush(b"", message, Account("wx", "token"), START))


def test_each_illness_bears_the_name_it_is_found_by() -> None:
    assert all(id_ == illness.id for id_, illness in ILLNESSES.items())
    assert len({illness.meaning for illness in ILLNESSES.values()}) == len(ILLNESSES)


# -- the text of an alert

_REAL = {
    "a timeout of 2014": """\
Appid: wxxxxxx
昵称: WxNickName
时间: 2014-12-01 20:12:00
内容: 微信服务器向公众号推送消息或事件后，开发者5秒内没有返回
次数: 5分钟 1272次
错误样例: [IP=203.0.113.189][Event=UnSubscribe]
""",
    "a status code, with IP large and in front of the push": """\
内容: 微信服务器向公众号推送消息或事件后，得到的回应不合法
次数: 5分钟 42次
错误样例: [OpenID=oST8aewIOqpkjVPBhbZGdE-SyJPH][Stamp=1706507196]\
[OuterIP=198.51.100.128][3rdUrl=https://h5.example.cn/wx/callback]\
[IP=203.0.113.40][MsgType=20002][Msg=Subscribe][Event=UnSubscribe][http code=404]
报警排查指引，请见: https://mmbizurl.cn/s/MpkaZb8yg
""",
    "a quoted reply, with ip small and behind the push": """\
Appid: wx27b74ed785316e37
昵称: 棉花糖
时间: 2021-09-25 12:46:06
内容: 微信服务器向公众号推送消息或事件后，得到的回应不合法
次数: 5分钟 32次
错误样例: [OpenID=oBomLDoNW1LAi6LdsboBFf000000][Stamp=1632545166][OuterIP=198.51.100.191][3rdUrl=http://wx.example.cn/wxNotify][Msg=Subscribe][Event=Subscribe][ip=203.0.113.127][response_length=9][response_content="success"][第三方平台:远山营销]
报警排查指引，请见: https://mmbizurl.cn/s/MpkaZb8yg
""",
    "an envelope that does not open": """\
时间: 2023-12-12 12:12:12
内容: 微信服务器向公众号推送消息或事件后，得到的回应不合法
次数: 5分钟 72次
错误样例: [OpenID=oEXE3OgG0EZV9t_tN06NX38fd7yC][Stamp=1702354332][OuterIP=198.51.100.23]\
[3rdUrl=http://api.example.cn/weixin/index.php][IP=203.0.113.199][MsgType=1][Msg=Text][decrypt fail]\
[response_length=42][response_content=<xml>
<Encrypt><![CDATA[AVQ8]]></Encrypt>
</xml>]
报警排查指引，请见: https://mmbizurl.cn/s/MpkaZb8yg
""",
    "a ticket without a sample": """\
Appid: wxd05be41bd77ee4cf
昵称: dsp3.media-o.example.net
时间: 2023-03-29 16:56:44
内容: 微信服务器向公众号服务开发者推送component_verify_ticket时，得到的回应不合法(应返回success)
次数: 30分钟 9次
报警排查指引，请见: https://mmbizurl.cn/s/MpkaZb8yg
""",
    "a payment answered with nothing": """\
时间: 2021-06-23 23:08:04
内容: 推送“支付完成事件”给开发者后，得到的回应不合法
次数: 5分钟 34次
错误样例: [transaction_id=4200077055202106236451989630][resp=]
报警排查指引，请见: https://mmbizurl.cn/s/MpkaZb8yg
""",
    "an invalid domain": """\
内容: 微信服务器向公众号推送消息或事件时，解析DNS时发现是无效域名
次数: 5分钟 44次
错误样例: [OpenID=oVhqPBu0XLTQmLNj6hzzSGGB2AQt][Stamp=1668487233][3rdUrl=https://api.example.com/wx/portal][Host=api.example.com][Event=Subscribe]
报警排查指引，请见: https://mmbizurl.cn/s/MpkaZb8yg
""",
}


@pytest.mark.parametrize("text", _REAL.values(), ids=_REAL)
def test_an_alert_is_written_as_the_platform_writes_it(text: str) -> None:
    (alert,) = parse(text).alerts
    written = write_alert(alert if "时间" in text else replace(alert, first_seen=None))
    assert written == text


def test_every_sentence_names_its_kind(adviser: Adviser) -> None:
    for kind, sentence in SENTENCES.items():
        _, (diagnosis,) = adviser.diagnose(f"时间: 2026-04-21 18:31:00\n内容: {sentence}\n次数: 5分钟 30次\n")
        assert diagnosis.kind == kind


def test_a_long_reply_is_cut_without_its_bracket() -> None:
    reply = "<html>" + "错误页" * 400 + "</html>"
    sample = _sample(PushFailure(FailureStage.ANSWER, reply=reply.encode()))
    assert sample.response_length == len(reply.encode())
    assert sample.response_content is not None
    assert SHOWN_BYTES - 4 < len(sample.response_content.removesuffix("...").encode()) <= SHOWN_BYTES
    text = write_alert(_alert(sample))
    assert "...\n报警排查指引" in text
    assert parse(text).alerts[0].sample == sample
    assert shown(b"x" * SHOWN_BYTES) == "x" * SHOWN_BYTES


def _sample(failure: PushFailure, push: str = "text") -> Sample:
    known = PAYMENT_NOTIFY if push == PAYMENT_NOTIFY.name else find_push(push)
    assert known
    transaction = "4200077055202106236451989630" if known is PAYMENT_NOTIFY else None
    return make_sample(failure, SentPush(known, START, FAN, transaction), TARGET)


def _alert(sample: Sample, kind: str = "bad_response") -> Alert:
    return Alert(TARGET.appid, TARGET.nickname, START, SENTENCES[kind], 5, 31, sample, GUIDE_URL)


_WORDS = st.text("abcdefXYZ019 .,:;=-_/\\'\"()错误异常回复成功，。", min_size=1, max_size=40).map(str.strip)
_BODIES = st.one_of(
    _WORDS.filter(bool),
    _WORDS.map(lambda words: f"<xml>\n<MsgType>text</MsgType>\n<Content><![CDATA[{words}]]></Content>\n</xml>"),
    _WORDS.map(lambda words: f"<html><body>{words} [1]</body></html>"),
    st.dictionaries(st.sampled_from(["code", "msg", "data"]), st.integers(0, 9), min_size=1).map(
        lambda value: str(value).replace("'", '"')
    ),
    st.integers(300, 900).map(lambda times: "<p>错</p>" * times),
)  # fmt: skip
_TROUBLES = st.one_of(
    st.sampled_from([stage for stage in FailureStage if stage is not FailureStage.ANSWER]).map(PushFailure),
    st.sampled_from([1, 7, 18, 35, 52, 56]).map(
        lambda number: PushFailure(FailureStage.ANSWER, curl_error=number)
    ),
    st.integers(201, 999).map(lambda code: PushFailure(FailureStage.ANSWER, http_code=code)),
    _BODIES.map(lambda body: PushFailure(FailureStage.ANSWER, reply=body.encode())),
    _BODIES.map(lambda body: PushFailure(FailureStage.ANSWER, reply=body.encode(), decrypt_fail=True)),
    st.just(PushFailure(FailureStage.ANSWER)),
)
_TARGETS = st.builds(
    AlertSubject,
    appid=st.from_regex(r"wx[0-9a-f]{16}", fullmatch=True),
    nickname=st.sampled_from(["时令果蔬", "QF Hangzhou", "dsp3.example.net", "橘井诊所（总店）"]),
    callback_url=st.sampled_from(["http://wx.example.com/cb?a=1&b=[]", "https://wx.example.com/wx", "/wx"]),
    host=st.just("wx.example.com"),
    ip=st.ip_addresses(v=4).map(str),
    outer_ip=st.ip_addresses(v=4).map(str),
    platform=st.sampled_from([None, "", "远山营销"]),
)
_OPENIDS = st.from_regex(r"o[A-Za-z0-9_-]{27}", fullmatch=True)
_TIMES = st.datetimes(datetime(2014, 1, 1), datetime(2040, 1, 1)).map(  # noqa: DTZ001 - Beijing's clock is put on it
    lambda moment: moment.replace(microsecond=0, tzinfo=BEIJING)
)


@settings(deadline=None, max_examples=300)
@given(_TROUBLES, st.sampled_from(PUSHES), _TARGETS, _OPENIDS, _TIMES, st.integers(1, 99999))
def test_what_is_written_reads_back_as_it_was_meant(
    failure: PushFailure, push: object, subject: AlertSubject, openid: str, at: datetime, number: int
) -> None:
    known = next(item for item in PUSHES if item is push)
    transaction = "4200077055202106236451989630" if known.family is Family.PAYMENT else None
    sample = make_sample(failure, SentPush(known, at, openid, transaction), subject)
    kind = kind_of(failure, known)
    raised = DueAlert(kind, at, FailedTry(kind, at, sample), number, AlertingRules().window_of(kind))
    meant = alert_of(raised, subject)
    reading = parse(write_alert(meant))
    (alert,) = reading.alerts
    assert replace(alert, text="", span=(0, 0)) == meant
    assert not reading.unread


@pytest.mark.parametrize(
    ("stage", "push", "kind"),
    [
        (FailureStage.CONNECT_TIMEOUT, "text", "connect_timeout"),
        (FailureStage.CONNECT_TIMEOUT, TICKET, "ticket_timeout"),
        (FailureStage.ANSWER_TIMEOUT, "unauthorized", "component_message_timeout"),
        (FailureStage.ANSWER, TICKET, "ticket_failure"),
        (FailureStage.DNS_FAILURE, TICKET, "dns_failure"),
    ],
)
def test_the_sentence_goes_by_the_push_then_by_the_layer(stage: FailureStage, push: str, kind: str) -> None:
    known = find_push(push)
    assert known
    assert kind_of(PushFailure(stage), known) == kind


# -- counting


def _failures(number: int, kind: str = "bad_response", every: timedelta = SECOND) -> Iterator[FailedTry]:
    return (FailedTry(kind, START + every * index, Sample(ip=str(index))) for index in range(number))


def _count(
    failures: Iterator[FailedTry], rules: AlertingRules, ledger: Ledger | None = None
) -> tuple[Ledger, list[DueAlert]]:
    ledger = ledger or Ledger()
    raised: list[DueAlert] = []
    for failure in failures:
        ledger, due = count(ledger, failure, rules)
        raised += due
    return ledger, raised


def _closed(failures: Iterator[FailedTry], rules: AlertingRules) -> list[DueAlert]:
    ledger, raised = _count(failures, rules)
    return raised + list(close(ledger, START + timedelta(days=1), rules)[1])


CALM = AlertingRules(mark_fail=10**9)


def test_29_failures_are_nothing() -> None:
    assert not _closed(_failures(29), CALM)


def test_30_failures_are_one_alert_of_the_first_with_the_count_of_the_window() -> None:
    (raised,) = _closed(_failures(30), CALM)
    assert (raised.count, raised.first.at, raised.first.sample.ip) == (30, START, "0")
    assert raised.at == START + timedelta(minutes=5)
    (raised,) = _closed(_failures(300), CALM)
    assert raised.count == 300


def test_the_threshold_can_be_set() -> None:
    (raised,) = _closed(_failures(2), replace(CALM, threshold=2))
    assert raised.count == 2


def test_30_failures_over_two_windows_are_nothing() -> None:
    assert not _closed(_failures(58, every=timedelta(seconds=300 / 29)), CALM)


def test_there_is_one_alert_for_each_window_and_kind() -> None:
    both = (
        failure
        for pair in zip(_failures(700), _failures(700, "request_timeout"), strict=True)
        for failure in pair
    )
    raised = _closed(both, CALM)
    assert sorted(item.kind for item in raised) == ["bad_response"] * 3 + ["request_timeout"] * 3
    own = [item for item in raised if item.kind == "bad_response"]
    assert [item.count for item in own] == [300, 300, 100]
    assert [item.first.at - START for item in own] == [timedelta(minutes=5) * index for index in range(3)]


def test_a_ticket_has_its_own_window_and_threshold() -> None:
    tickets = _failures(9, "ticket_failure", timedelta(minutes=3))
    (raised,) = _closed(tickets, CALM)
    assert (raised.count, raised.window) == (9, timedelta(minutes=30))
    assert not _closed(_failures(8, "ticket_failure", timedelta(minutes=3)), CALM)


def test_many_failures_in_a_minute_stop_all_pushes_for_a_minute() -> None:
    rules = AlertingRules(mark_fail=50)
    ledger, (raised,) = _count(_failures(50), rules)
    at = START + timedelta(seconds=49)
    assert (raised.kind, raised.at, raised.first.at, raised.count) == ("mark_fail", at, at, 50)
    assert ledger.is_blocked(at)
    assert ledger.is_blocked(at + timedelta(seconds=59))
    assert not ledger.is_blocked(at + timedelta(seconds=60))


def test_failures_spread_over_minutes_stop_nothing() -> None:
    ledger, _ = _count(_failures(200, every=timedelta(seconds=2)), AlertingRules(mark_fail=50))
    assert ledger.blocked_until is None


def test_a_second_block_in_the_same_window_is_not_told_again() -> None:
    rules = AlertingRules(mark_fail=50)
    ledger, raised = _count(_failures(200), rules)
    assert [item.kind for item in raised] == ["mark_fail"]
    assert ledger.blocked_until == START + timedelta(seconds=49 + 60 + 49 + 60)


def test_tickets_and_payments_stop_nothing() -> None:
    for kind in ("ticket_failure", "payment_timeout", "component_message_failure"):
        assert not [
            item
            for item in _closed(_failures(90, kind), AlertingRules(mark_fail=50))
            if item.kind == "mark_fail"
        ]


def test_a_window_that_was_told_is_over() -> None:
    ledger, _ = _count(_failures(40), CALM)
    ledger, raised = close(ledger, START + timedelta(minutes=5), CALM)
    assert len(raised) == 1
    assert close(ledger, START + timedelta(days=1), CALM) == (ledger, ())


# -- the platform


def test_the_same_seed_plays_the_same() -> None:
    for name in ("status_500", "silent", "wrong_key", "flood"):
        assert _play(ILLNESSES[name]) == _play(ILLNESSES[name])


def test_another_seed_names_others() -> None:
    (first,), (other,) = (_alerts(_play(ILLNESSES["status_500"], seed=seed)) for seed in (0, 1))
    assert first.alert.appid != other.alert.appid
    assert first.alert.sample.openid != other.alert.sample.openid
    assert first.alert.count == other.alert.count


def test_a_failing_push_is_tried_three_times_five_seconds_apart() -> None:
    slots = _slots(_play(ILLNESSES["status_500"], minutes=0.01))
    assert [(slot.at - START, slot.sent, slot.failed) for slot in slots] == [
        (timedelta(seconds=5) * index, 1, 1) for index in range(3)
    ]


def test_a_ticket_comes_every_ten_minutes() -> None:
    slots = _slots(_play(ILLNESSES["ticket_quoted"]))
    firsts = [slot.at - START for slot in slots[::3]]
    assert firsts == [timedelta(minutes=10) * index for index in range(3)]


def test_a_callback_that_recovers_is_left_alone() -> None:
    illness = replace(ILLNESSES["status_500"], spell=1)
    slots = _slots(_play(illness, minutes=2))
    turn = START + timedelta(minutes=1)
    assert all(slot.failed == slot.sent for slot in slots if slot.at < turn)
    assert not any(slot.failed for slot in slots if slot.at >= turn)
    assert any(slot.sent for slot in slots if slot.at >= turn)


def test_nothing_is_pushed_while_the_platform_is_silent() -> None:
    happenings = _play(ILLNESSES["mark_fail"], minutes=2)
    first = _alerts(happenings)[0]
    assert first.kind == "mark_fail"
    silent = [slot for slot in _slots(happenings) if first.at < slot.at < first.at + timedelta(seconds=55)]
    assert silent
    assert all(slot.sent == 0 and slot.withheld for slot in silent)
    assert any(slot.sent for slot in _slots(happenings) if slot.at > first.at + timedelta(seconds=60))


def test_several_acts_are_one_story() -> None:
    acts = [Act(ILLNESSES["refuses"], 0.5, 20), Act(HEALTHY, 0.5, 20), Act(ILLNESSES["json"], 0.5, 20)]
    slots = _slots(list(simulate(acts, SimulationOptions(START, speed=20))))
    failed = {
        act: sum(slot.failed for slot in slots if slot.act == act and slot.at.second % 30 > 17)
        for act in range(3)
    }
    assert failed[0]
    assert not failed[1]
    assert failed[2]


# -- the callback and the client


@pytest.fixture
def persona() -> Persona:
    return make_persona(HEALTHY, 0)


def _ask(
    callback: SickCallback, method: str, query: Mapping[str, str], body: bytes = b""
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(*callback.address, timeout=5)
    try:
        connection.request(method, f"/wechat/callback?{urlencode(query)}", body)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_a_callback_verifies_before_it_is_sick(persona: Persona) -> None:
    echo = compose_echo(persona.account, START, nonce="1", echostr="4375120948345356249")
    with SickCallback(ILLNESSES["json"], persona.account, lambda: START) as callback:
        assert _ask(callback, "GET", echo.query) == (200, b"4375120948345356249")
        assert _ask(callback, "GET", {**echo.query, "signature": "0" * 40})[0] == 403
        assert (
            _ask(callback, "GET", {name: value for name, value in echo.query.items() if name != "echostr"})[0]
            == 400
        )


@pytest.mark.parametrize("name", ["refuses", "no_room", "closes"])
def test_a_callback_gets_well_at_the_same_address(name: str, persona: Persona) -> None:
    request = compose(
        "text", persona.account, START, sender=FAN, recipient="gh_1", nonce="1", mode="plain", random16=b""
    )
    with (
        SickCallback(ILLNESSES[name], persona.account, lambda: START, speed=20) as callback,
        PushClient(callback, host="wx.example.com", path="/", speed=10) as client,
    ):
        (sick,) = client.deliver([request])
        assert isinstance(sick, PushFailure)
        callback.become(HEALTHY)
        (well,) = client.deliver([request])
        assert well == Response(200, b"success")


def test_a_callback_that_says_nothing_is_given_up_at_the_limit(persona: Persona) -> None:
    request = compose(
        "text", persona.account, START, sender=FAN, recipient="gh_1", nonce="1", mode="plain", random16=b""
    )
    with (
        SickCallback(ILLNESSES["silent"], persona.account, lambda: START, speed=100) as callback,
        PushClient(callback, host="wx.example.com", path="/", speed=100) as client,
    ):
        assert client.deliver([request]) == (PushFailure(FailureStage.ANSWER_TIMEOUT),)


def test_an_overloaded_callback_lets_the_last_ones_wait() -> None:
    now = START
    busy = replace(ILLNESSES["flood"], capacity=2)
    with SickCallback(busy, Account("wx", "token"), lambda: now) as callback:
        assert [callback.queue() for _ in range(4)] == [0, 0.5, 1, 1.5]
        now += timedelta(seconds=10)
        assert callback.queue() == 0
        for _ in range(100):
            longest = callback.queue()
        assert longest == 30


def test_the_simulator_pushes_to_this_machine_only() -> None:
    callback = SickCallback(HEALTHY, Account("wx", "token"), lambda: START)
    with callback, PushClient(callback, host="wx.example.com", path="/") as client:
        assert callback.address[0] == "127.0.0.1"
        assert client.deliver([]) == ()


def test_nothing_stays_open_after_a_play() -> None:
    illness = ILLNESSES["no_room"]
    callback = SickCallback(illness, Account("wx", "token"), lambda: START)
    with callback:
        address = callback.address
    with socket.socket() as probe:
        assert probe.connect_ex(address)


def test_no_illness_is_without_its_fault_or_its_reply() -> None:
    assert {illness.fault for illness in ILLNESSES.values()} == set(TransportFault)


# -- the story


def test_the_campaign_is_told_from_flood_to_quiet(adviser: Adviser, tmp_path: object) -> None:
    from triage.bot.bot import Bot
    from triage.simulator.demo import NAME, ON_CALL
    from triage.store import Store

    store = Store.open(f"sqlite:///{tmp_path}/demo.db", upgrade=True)
    beats = list(
        play_campaign(
            Bot(adviser, store, lambda: "gulu", {ON_CALL: NAME}), SimulationOptions(START, speed=90)
        )
    )
    store.close()
    told = [beat.text for beat in beats if beat.kind is BeatKind.ALERT]
    assert [adviser.diagnose(text)[1][0].kind for text in told] == [
        "request_timeout",
        "mark_fail",
        "request_timeout",
    ]
    assert all(RECEIPT.casefold() in text.casefold().replace(" ", "") for text in told)
    replies = "\n".join(beat.text for beat in beats if beat.kind is BeatKind.REPLY)
    for line in (
        "归你了",
        "→ 18:36 MarkFail",
        "根子多半是 18:31 的请求超时",
        "已经被自动屏蔽，这条并进去",
        "事件 #1 已关闭",
        "已关闭：入口直接回 success",
    ):
        assert line in replies
    minutes = [beat for beat in beats if beat.kind is BeatKind.MINUTE]
    assert any(beat.withheld for beat in minutes)
    assert minutes[-1].sent
    assert not minutes[-1].failed
