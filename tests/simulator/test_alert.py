"""A simulated alert is written as the platform writes it, and reads back as it was meant."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.advice.adviser import Adviser
from triage.alerts.parser import BEIJING, Alert, parse
from triage.alerts.sample import Sample
from triage.platform.pushes import PAYMENT_NOTIFY, PUSHES, Family, find_push
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
from triage.simulator.alerting import AlertingRules, DueAlert, FailedTry, alert_of

START = datetime(2026, 4, 21, 18, 30, 7, tzinfo=BEIJING)
FAN = "oAdFXedIqWRgfr63S568PiXzSAYS"
TARGET = AlertSubject(
    appid="wx56188083f64535ec",
    nickname="小站乐园",
    callback_url="http://wx.example.com/wechat/callback",
    host="wx.example.com",
    ip="203.0.113.44",
    outer_ip="198.51.100.128",
)


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
