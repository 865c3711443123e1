"""Alerts come back from every text that holds them as they were written, and from no other text."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.paths import DATA
from triage.alerts.cleaning import half_width
from triage.alerts.parser import BEIJING, MAX_ALERTS, MAX_CHARACTERS, Alert, parse
from triage.alerts.sample import Sample
from triage.errors import TextTooLargeError
from triage.rules.matching import Matcher
from triage.rules.model import RuleSet

ALERTS = DATA / "alerts"
URL = "https://mmbizurl.cn/s/MpkaZb8yg"
TAIL = f"报警排查指引，请见: {URL}"
NO_ANSWER = "微信服务器向公众号推送消息或事件后，开发者5秒内没有返回"
BAD_ANSWER = "微信服务器向公众号推送消息或事件后，得到的回应不合法"
PAID = "推送“支付完成事件”给开发者后，得到的回应不合法"
DASHES = "\n- - - - - - - - - - - - - - -\n"
OTHER = (
    "【腾讯云】告警触发通知\n告警内容: 外网出带宽使用率\n时间: 2024-07-12 20:10:00\n内容: CPU 高\n"
    "次数: 5分钟 12次\nHost: web-01\n[severity=high][host=web]"
)
Lines = list[str]


def records(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (ALERTS / f"{name}.jsonl").read_text("utf-8").splitlines()]


# The corpus: real texts and texts built after them


@pytest.fixture(scope="module")
def matcher(rules: RuleSet) -> Matcher:
    return Matcher(rules)


def told(value: Any) -> Any:
    """A value as the corpus compares it: NFKC, single newlines, no outer space."""
    return half_width(value.replace("\r\n", "\n")).strip() if isinstance(value, str) else value


def as_told(alert: Alert, matcher: Matcher) -> dict[str, Any]:
    diagnosis = matcher.match(alert)
    return {
        "kind": diagnosis.kind,
        "appid": told(alert.appid),
        "nickname": told(alert.nickname),
        "first_seen": alert.first_seen.isoformat() if alert.first_seen else None,
        "description": told(alert.description),
        "window_minutes": alert.window_minutes,
        "count": alert.count,
        "sample": {key: told(value) for key, value in alert.sample.known().items()},
        "guide_url": alert.guide_url,
        "causes": sorted(cause.id for cause in diagnosis.causes),
    }


def expected(alert: dict[str, Any]) -> dict[str, Any]:
    sample = {key: told(value) for key, value in alert["sample"].items()}
    strings = {key: told(alert[key]) for key in ("appid", "nickname", "description")}
    return {**alert, **strings, "sample": sample, "causes": sorted(alert["causes"])}


CORPUS = records("alerts") + records("wrapped") + records("chatter") + records("alerts_field")


@pytest.mark.parametrize("record", CORPUS, ids=[record["id"] for record in CORPUS])
def test_corpus_is_read_exactly(record: dict[str, Any], matcher: Matcher) -> None:
    found = [as_told(alert, matcher) for alert in parse(record["text"]).alerts]
    assert found == [expected(alert) for alert in record.get("expect", [])]


# Texts without an alert

NO_ALERT = {
    "a list of the sentences": f"1. {NO_ANSWER}\n2. {BAD_ANSWER}",
    "a list of labelled sentences": f"内容: {NO_ANSWER}\n内容: {BAD_ANSWER}",
    "a table of the sentences": f"| 请求超时 | {NO_ANSWER} |\n| 回应失败 | {BAD_ANSWER} |",
    "a title": f"{BAD_ANSWER}怎么办，5分钟 30次",
    "an explanation of the fields": (
        "Appid: 公众号appid\n昵称: 公众号昵称\n时间: 第一次出现异常的时间\n内容: 错误的具体描述\n"
        f"次数: 失败的次数\n错误样例: 如[IP=开发者IP][Event=消息类型]\n{TAIL}"
    ),
    "an explanation of the brackets": "错误样例: [OpenID=用户][Stamp=时间戳][3rdUrl=回调地址][IP=开发者IP]",
    "a list of the keys": "[OpenID] 用户标识\n[3rdUrl] 回调地址\n[decrypt fail] 解密失败",
    "a template": "Appid: xxx\n昵称: xxx\n时间: xxxx-xx-xx xx:xx:xx\n内容: xxx\n次数: xxx\n错误样例: xxx",
    "an empty template": "请贴全：Appid: 昵称: 时间: 内容: 次数: 错误样例: 报警排查指引，请见:",
    "a meeting": "会议通知\n时间: 2025-03-03 14:00:00\n内容: 讨论公众号接口报警\n次数: 5分钟 1次",
    "a meeting about a sentence": f"时间: 2025-03-03 14:00:00\n内容: 讨论“{NO_ANSWER}”\n次数: 第3次",
    "another product": OTHER,
    "another product's brackets": "告警 [host=web-1][ip=10.0.0.1][event=down] 次数: 5分钟 12次",
    "another product's brackets in the platform's spelling": "[Host=web-1] [IP=10.0.0.1] [http code=502] 5分钟 12次",
    "another product with an appid": "Appid: 1000234\n时间: 2024-01-01 10:00:00\n内容: 错误率 5%\n次数: 5分钟 12次",
    "another product with samples": "内容: 5xx\n次数: 5分钟 12次\n错误样例: timeout [host=web1][ip=1.2.3.4]",
    "a lone label": f"内容：{BAD_ANSWER}，这句什么意思？",
    "a lone appid": "Appid: wx53c2b9f3ed26d00c 帮忙看看",
    "a lone count": "次数: 5分钟 12次",
    "a lone time": "时间: 2024-01-01 10:00:00",
    "a lone bracket": "[http code=502] 是什么意思",
    "a lone platform": "[第三方平台:灯塔营销] 这个是谁",
    "a lone reply": '[response_content="success"] 这样不对吗',
    "a lone link": f"群公告：{TAIL} 次数多的先处理",
    "a log": "2024-01-01 10:00:00 INFO [openid=oabc][event=subscribe][ip=1.2.3.4] handled",
    "code": 'print(f"[OpenID={openid}][Stamp={stamp}][IP={ip}]")',
    "a pushed message": "<xml><ToUserName>gh_1</ToUserName><MsgType>event</MsgType><Event>CLICK</Event></xml>",
    "nothing": "",
}


@pytest.mark.parametrize("text", NO_ALERT.values(), ids=NO_ALERT)
def test_text_without_an_alert_has_none(text: str) -> None:
    assert parse(text).alerts == ()


# Single values

PLAIN = (
    f"Appid: wx53c2b9f3ed26d00c\n昵称: 晴空便利\n时间: 2023-08-17 09:12:44\n内容: {NO_ANSWER}\n次数: 5分钟 31次\n"
    f"错误样例: [IP=192.0.2.1][Event=Click]\n{TAIL}"
)


def only(text: str) -> Alert:
    (alert,) = parse(text).alerts
    return alert


@pytest.mark.parametrize("between", ["\n", " ", ""], ids=["lines", "one line", "glued"])
@pytest.mark.parametrize(
    "appid", ["xxx", "x x x x x x", "wxab****", "****", "wx53c2b9f3ed26d00c12ab34", "(已脱敏)"]
)
def test_appid_is_taken_as_written(appid: str, between: str) -> None:
    alert = only(PLAIN.replace("wx53c2b9f3ed26d00c", appid).replace("\n", between))
    assert (alert.appid, alert.nickname, alert.count) == (appid, "晴空便利", 31)


NICKNAMES = [
    "「小铺」",
    "a「b」c",
    "店」",
    "时间银行",
    "内容 次数",
    "次数:王",
    "[官方]店",
    "【官方】店",
    "A B  C",
]
NICKNAMES += [
    "a>b",
    "1. 店",
    "店-",
    "店|",
    "A&B",
    "“店”",
    "www.a.example",
    "****",
    "👨\u200d👩\u200d👧店",
    "Appid助手",
]


@pytest.mark.parametrize("between", ["\n", " "], ids=["lines", "one line"])
@pytest.mark.parametrize("nickname", NICKNAMES)
def test_nickname_is_any_text(nickname: str, between: str) -> None:
    alert = only(PLAIN.replace("晴空便利", nickname).replace("\n", between))
    assert (alert.nickname, alert.description, alert.guide_url) == (nickname, NO_ANSWER, URL)


TIMES = {
    "masked": ("xxxx-xx-xx xx:xx:xx", None),
    "impossible": ("2023-13-17 09:12:44", None),
    "empty": ("", None),
    "without seconds": ("2023-08-17 09:12", "2023-08-17T09:12:00+08:00"),
    "short": ("2023-8-7 9:05:04", "2023-08-07T09:05:04+08:00"),
    "with slashes": ("2023/08/17 09:12:44", "2023-08-17T09:12:44+08:00"),
    "in words": ("2023年8月17日 09:12:44", "2023-08-17T09:12:44+08:00"),
    "without its space": ("2023-08-1709:12:44", "2023-08-17T09:12:44+08:00"),
    "wide": ("２０２３－０８－１７　０９：１２：４４", "2023-08-17T09:12:44+08:00"),
    "read by a machine": ("2023-08-17 09；12；44", "2023-08-17T09:12:44+08:00"),
}


@pytest.mark.parametrize("between", ["\n", " "], ids=["lines", "one line"])
@pytest.mark.parametrize(("written", "instant"), TIMES.values(), ids=TIMES)
def test_time_is_read_in_beijing(written: str, instant: str | None, between: str) -> None:
    alert = only(PLAIN.replace("2023-08-17 09:12:44", written).replace("\n", between))
    assert (alert.first_seen.isoformat() if alert.first_seen else None) == instant
    assert (alert.nickname, alert.description) == ("晴空便利", NO_ANSWER)


COUNTS: list[tuple[str, int | None, int]] = [
    ("5分钟 17880 次", 5, 17880),
    ("5分钟33次", 5, 33),
    ("5分钟3次（或2次）", 5, 3),
    ("５分钟　３９次", 5, 39),
]
COUNTS += [("30分钟 9次", 30, 9), ("39次", None, 39)]


@pytest.mark.parametrize(("written", "minutes", "count"), COUNTS)
def test_count_is_the_first_number(written: str, minutes: int | None, count: int) -> None:
    alert = only(PLAIN.replace("5分钟 31次", written))
    assert (alert.window_minutes, alert.count) == (minutes, count)


GLUED_TO_URL = ["Appid:", "」", "</p>", "。", "）谢谢", "，怎么办", ",怎么办", "怎么办", "[裂开]"]
GLUED_TO_URL += ["**", "`", "”是什么", "@小赵", "====", "----"]


@pytest.mark.parametrize("behind", GLUED_TO_URL)
def test_link_ends_where_text_follows(behind: str) -> None:
    assert only(PLAIN + behind).guide_url == URL


HALF_TOLD = {
    "a count and a sample": ("次数: 5分钟 3次\n错误样例: [IP=1.1.1.1]", (5, 3)),
    "brackets only": ("[OpenID=o1][Stamp=1692234764][IP=1.1.1.1] 这个是怎么回事？", (None, None)),
    "a sentence and a time": (f"时间: 2024-01-01 10:00:00\n内容: {NO_ANSWER}", (None, None)),
    "a sentence and a count": (f"内容: {NO_ANSWER}\n次数: 5分钟 3次", (5, 3)),
    "a new sentence with the link": (
        f"时间: 2024-01-01 10:00:00\n内容: 证书校验失败\n次数: 5分钟 3次\n{TAIL}",
        (5, 3),
    ),
    "an appid and a count": ("Appid: wx53c2b9f3ed26d00c\n次数: 5分钟 3次", (5, 3)),
}


@pytest.mark.parametrize(("text", "counts"), HALF_TOLD.values(), ids=HALF_TOLD)
def test_alert_may_lack_lines(text: str, counts: tuple[int | None, int | None]) -> None:
    alert = only(text)
    assert (alert.window_minutes, alert.count) == counts


def test_stamp_stands_in_for_a_missing_time() -> None:
    assert only("错误样例: [Stamp=1692234764][IP=1]").first_seen == datetime(
        2023, 8, 17, 9, 12, 44, tzinfo=BEIJING
    )


def test_time_wins_over_stamp() -> None:
    assert only(PLAIN.replace("[IP", "[Stamp=1][IP")).first_seen == datetime(
        2023, 8, 17, 9, 12, 44, tzinfo=BEIJING
    )


HEADERS = ["张三 2024-01-01 12:00:00", "2024-01-01 12:00:00 张三", "发送时间: 2024-01-01 12:00:00", OTHER]


@pytest.mark.parametrize("header", HEADERS, ids=["name first", "date first", "mail", "another product"])
def test_time_of_a_header_is_no_time_of_the_alert(header: str) -> None:
    assert only(f"{header}\n内容: {NO_ANSWER}\n次数: 5分钟 3次").first_seen is None


def test_empty_labels_are_no_values() -> None:
    alert = only(f"Appid: 昵称: 时间: 内容: {NO_ANSWER} 次数: 错误样例: {TAIL}")
    assert (alert.appid, alert.nickname, alert.first_seen, alert.description) == (None, None, None, NO_ANSWER)


def test_values_may_stand_below_their_labels() -> None:
    assert fields(only(re.sub(r": (?=\S)", ":\n", PLAIN))) == fields(only(PLAIN))


def test_brackets_alone_are_told_apart() -> None:
    text = "[OpenID=o1][IP=1.1.1.1]\n[OpenID=o2][IP=1.1.1.1]"
    assert [alert.sample.openid for alert in parse(text).alerts] == ["o1", "o2"]


def test_label_above_the_alert_is_ignored() -> None:
    assert only(f"AppID\nwx1\n\n{PLAIN}").appid == "wx53c2b9f3ed26d00c"


def test_next_alert_does_not_inherit_the_appid() -> None:
    rest = PLAIN.split("\n", 2)[2]
    assert [alert.appid for alert in parse(f"{PLAIN}\n{rest}\n{rest}").alerts] == [
        "wx53c2b9f3ed26d00c",
        None,
        None,
    ]


# Properties: alerts that are made up, written down, wrapped and found again


def fields(alert: Alert) -> tuple[Any, ...]:
    return (
        *(
            alert.appid,
            alert.nickname,
            alert.first_seen,
            alert.description,
            alert.window_minutes,
            alert.count,
        ),
        *(alert.sample.known(), alert.guide_url),
    )


OPENID = st.text("abcXYZ019_-", min_size=27, max_size=27).map("o{}".format)
ADDRESSES = [
    "http://a.example.com/wx?a=b&c=d",
    "https://b.example.com",
    "/wx",
    "http://c.example.cn/?x[]=1",
    "***",
]
EVENTS = ["UnSubscribe", "Click Menu Url", "Scan QRCode", "Template Send Job Finish", "Location Report"]
BODIES = [
    "success", '"success"', "Error 500:", '{"errcode":1,"data":[1,{"a":"]"}]}', '{"msg":"时间: 2024-01-01 内容: x"}',
    "<xml>\n  <ToUserName><![CDATA[o1]]></ToUserName>\n  <Content><![CDATA[[微笑]]]></Content>\n</xml>",
    "<xml>\n<ToUserName><![CDATA[o1]]></ToUserName>\n<Cont...", "<!DOCTYPE html>\n<html>\n<body>[x]</body>\n</html>",
    "no [Event=CLICK] here [IP=1.2.3.4]", "", '"<xml><![CDATA[x]]></xml>"',
]  # fmt: skip
PLACES = st.sampled_from(["192.0.2.7", "", "****"])


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    if draw(st.integers(0, 3)) == 0:
        resp = draw(st.none() | st.sampled_from(BODIES))
        return Sample(transaction_id="4200000000202407120000000001", resp=resp)
    body = draw(st.none() | st.sampled_from(BODIES))
    return Sample(
        openid=draw(OPENID),
        stamp=draw(st.none() | st.integers(1_400_000_000, 1_800_000_000)),
        outer_ip=draw(st.none() | PLACES),
        callback_url=draw(st.none() | st.sampled_from(ADDRESSES)),
        event=draw(st.sampled_from(EVENTS)),
        ip=draw(PLACES),
        http_code=draw(st.none() | st.sampled_from([404, 502, 999])) if body is None else None,
        decrypt_fail=draw(st.none() | st.just(True)),
        response_length=len(body.encode()) + draw(st.integers(0, 1)) if body is not None else None,
        response_content=body,
        platform=draw(st.none() | st.sampled_from(["", "灯塔营销"])),
    )


@st.composite
def alerts(draw: st.DrawFn) -> Alert:
    """An alert with an appid or a time, so that where it begins is plain to see."""
    seen = draw(st.datetimes(datetime(2014, 1, 1), datetime(2026, 1, 1)))  # noqa: DTZ001  # hypothesis wants it naive
    appid = draw(st.none() | st.sampled_from(["wx53c2b9f3ed26d00c", "wxab****", "xxx"]))
    return Alert(
        appid=appid,
        nickname=draw(
            st.none() | st.sampled_from(["晴空便利", "时间银行", "「小铺」", "QF Hangzhou", "[官方]店"])
        ),
        first_seen=seen.replace(microsecond=0, tzinfo=BEIJING),
        description=draw(st.sampled_from([NO_ANSWER, BAD_ANSWER, PAID])),
        window_minutes=5,
        count=draw(st.integers(2, 99_999)),
        sample=draw(samples() | st.just(Sample())),
        guide_url=draw(st.none() | st.just(URL)),
    )


BRACKETS = {
    "openid": "OpenID", "stamp": "Stamp", "outer_ip": "OuterIP", "callback_url": "3rdUrl", "event": "Event", "ip": "ip",
    "decrypt_fail": "decrypt fail", "http_code": "http code", "response_length": "response_length",
    "response_content": "response_content", "transaction_id": "transaction_id", "resp": "resp",
}  # fmt: skip


def bracket(key: str, value: object) -> str:
    if key == "decrypt_fail":
        return "[decrypt fail]"
    return f"[{BRACKETS[key]}={value}" + ("" if str(value).endswith("...") else "]")


def written(alert: Alert) -> Lines:
    """The lines of an alert as the platform writes them."""
    assert alert.first_seen is not None
    known = alert.sample.known()
    platform = known.pop("platform", None)
    sample = "".join(bracket(key, known[key]) for key in BRACKETS if key in known)
    if platform is not None:
        sample += f"[第三方平台:{platform}]" if platform else "[第三方平台]"
    lines = {
        "Appid: ": alert.appid,
        "昵称: ": alert.nickname,
        "时间: ": f"{alert.first_seen:%Y-%m-%d %H:%M:%S}",
        "内容: ": alert.description,
        "次数: ": f"{alert.window_minutes}分钟 {alert.count}次",
        "错误样例: ": sample or None,
        "报警排查指引，请见: ": alert.guide_url,
    }
    return [label + value for label, value in lines.items() if value is not None]


def with_bodies(alert: Alert, change: Callable[[str], str]) -> Alert:
    """The alert whose reply is changed the way a copy changes it."""
    sample = alert.sample
    if sample.response_content:
        sample = replace(sample, response_content=change(sample.response_content))
    if sample.resp:
        sample = replace(sample, resp=change(sample.resp))
    return replace(alert, sample=sample)


def one_line(body: str) -> str:
    return body.replace("\n", " ")


def doubled(body: str) -> str:
    return body.replace("\n", "\n\n")


LAYOUTS: dict[str, tuple[str, Callable[[str], str]]] = {
    "lines": ("\n", str),
    "blank lines": ("\n\n", doubled),
    "one line": (" ", one_line),
    "glued": ("", one_line),
}


def each_line(mark: str, text: str) -> str:
    return "\n".join(mark + line for line in text.split("\n"))


def labels(text: str, change: Callable[[re.Match[str]], str]) -> str:
    return re.sub(r"(?m)^(Appid|昵称|时间|内容|次数|错误样例|报警排查指引，请见): ", change, text)


OUTER: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "fence": "看下\n```txt\n{}\n```\n谢谢[抱拳]".format,
    "quoted": lambda text: f"老板转的：\n\n{each_line('> ', text)}\n\n怎么办[裂开]",
    "quoted without a space": lambda text: each_line(">", text),
    "quoted twice": lambda text: each_line("> > ", text),
    "chat quotation": lambda text: f"「报警助手：{text}」{DASHES}要紧吗[裂开]",
    "chat quotation, twice": lambda text: f"「小赵：「报警助手：{text}」{DASHES}要紧吗？」{DASHES}要紧[裂开]",
    "mail": lambda text: (
        f"-----原始邮件-----\n发件人: a <a@b.example>\n发送时间: 2025-01-01 10:00\n\n{each_line('> ', text)}"
    ),
    "rulers": lambda text: f"{'-' * 20}\n{text}\n{'=' * 20}\n看看",
    "indented": lambda text: each_line("  ", text),
    "other line ends": lambda text: text.replace("\n", "\r\n"),
    "no-break spaces": lambda text: text.replace(" ", "\xa0"),
    "zero-width characters": lambda text: "\ufeff" + text.replace("\n", "\u200b\n\u200b"),
    "escaped": lambda text: html.escape(text).replace("[", "&#91;").replace("]", "&#93;"),
    "tags for line ends": lambda text: html.escape(text).replace("\n", "<br>"),
    "paragraphs": lambda text: "".join(f"<p>{html.escape(line)}</p>" for line in text.split("\n")),
    "capital labels": lambda text: labels(text, lambda match: f"{match[1].upper()}："),
    "labels with spaces": lambda text: labels(text, lambda match: f"{match[1].lower()} : "),
    "bold labels in a list": lambda text: labels(text, lambda match: f"- **{match[1]}:** "),
    "numbered": lambda text: labels(text, lambda match: f"(3) {match[0]}"),
    "an intro and a question": lambda text: f"@值班 报警如下：\n{text}\n这个怎么处理呀[裂开]",
    "another product around": lambda text: f"{OTHER}\n\n{text}\n\n{OTHER}",
}
CHATTER = [
    "在吗[裂开]",
    "@小赵 看下",
    '{"errcode":40001,"errmsg":"[x]"}',
    "502 了 😭",
    "[图片: x.jpg(请在附件中查看)]",
]
CHATTER += [
    "2024/07/12 20:10:06 [error] 1021#0: upstream timed out",
    "昨晚 5分钟 120次 那条处理了吗",
    "1. 重启\n2. 看日志",
]
JOINS = [
    "\n",
    "\n\n",
    "\n\n\n小赵  10:00\n\n",
    "\n\n小赵 2024-01-01 10:00:00\n",
    f"\n{'-' * 20}\n",
    f"\n{OTHER}\n",
]
JOINS += [f"\n{chatter}\n" for chatter in CHATTER]
PROPERTY = settings(max_examples=250, deadline=None, derandomize=True)


@given(
    st.lists(alerts(), min_size=1, max_size=3),
    st.sampled_from(sorted(LAYOUTS)),
    st.sampled_from(JOINS),
    st.sampled_from(sorted(OUTER)),
)
@settings(PROPERTY, max_examples=600)
def test_alerts_are_found_as_they_were_written(
    given_: list[Alert], layout: str, join: str, outer: str
) -> None:
    between, change = LAYOUTS[layout]
    text = OUTER[outer](join.join(between.join(written(with_bodies(alert, change))) for alert in given_))
    assert [fields(alert) for alert in parse(text).alerts] == [
        fields(with_bodies(alert, change)) for alert in given_
    ]


@given(st.lists(alerts(), min_size=2, max_size=3), st.sampled_from([" ", ""]))
@PROPERTY
def test_alerts_are_told_apart_on_one_line(given_: list[Alert], between: str) -> None:
    given_ = [with_bodies(alert, one_line) for alert in given_]
    text = between.join(line for alert in given_ for line in written(alert))
    assert [fields(alert) for alert in parse(text).alerts] == [fields(alert) for alert in given_]


def test_a_nickname_with_brackets_begins_an_alert_behind_a_reply_body() -> None:
    alert = (
        "昵称: [官方]店 时间: 2026-09-30 10:00:00 内容: 微信服务器向公众号推送消息或事件后，开发者5秒内没有返回 "
        "次数: 5分钟 2次 错误样例: [transaction_id=4200000000202407120000000001][resp=success]"
    )
    first, second = parse(f"{alert} {alert}").alerts
    assert (first.sample.resp, second.sample.resp) == ("success", "success")
    assert (first.nickname, second.nickname) == ("[官方]店", "[官方]店")


@given(alerts(), st.integers(2, len(BAD_ANSWER) - 2), st.integers(3, 20))
@PROPERTY
def test_folded_lines_are_joined(alert: Alert, sentence_at: int, openid_at: int) -> None:
    description, openid = str(alert.description), alert.sample.openid
    text = "\n".join(written(alert)).replace(
        description, f"{description[:sentence_at]}\n{description[sentence_at:]}"
    )
    if openid:
        text = text.replace(openid, f"{openid[:openid_at]}\n{openid[openid_at:]}")
    event = alert.sample.event
    text = text.replace(f"Event={event}", f"Event={event}".replace(" ", "\n", 1))
    assert [fields(found) for found in parse(text).alerts] == [fields(alert)]


@given(alerts(), st.data())
@PROPERTY
def test_cutting_lines_changes_no_other_value(alert: Alert, data: st.DataObject) -> None:
    """Every line may be missing; a sentence and a count that stay are enough to know an alert."""
    lines = written(alert)
    kept = [
        line for line in lines if line[:2] in ("内容", "次数") or data.draw(st.booleans(), label=line[:4])
    ]
    (found,) = parse("\n".join(kept)).alerts
    assert (found.description, found.count) == (alert.description, alert.count)
    assert found.appid == (alert.appid if lines[0] in kept else None)
    assert found.sample in (alert.sample, Sample())


@given(st.lists(st.sampled_from([*NO_ALERT.values(), *CHATTER]), max_size=4), st.sampled_from(sorted(OUTER)))
@PROPERTY
def test_wrapped_chatter_has_no_alert(chatter: list[str], outer: str) -> None:
    """One piece at a time: pieces of an alert side by side can be one."""
    for text in chatter:
        assert parse(OUTER[outer](text)).alerts == ()


PIECES = ["Appid: ", "昵称:", "时间: ", "2024-01-01 10:00:00", "内容: ", NO_ANSWER, "次数: ", "5分钟 3次"]
PIECES += [
    "错误样例: ",
    "[IP=",
    "[Stamp=1",
    "[response_content=",
    "[response_length=9]",
    "[resp=",
    "[第三方平台",
    "]",
    "[",
]
PIECES += [
    "...",
    "<xml>",
    "</xml>",
    "{",
    '"',
    "\n",
    " ",
    "> ",
    "**",
    "<p>",
    "</p>",
    "<br>",
    "&lt;",
    "&#91;",
    "「",
    "」",
]
PIECES += ["```", "- - - -", TAIL, URL, "\ud800", "\x00", "\u200b", "９" * 30]
ANY_CHARACTER = st.characters(codec=None, categories=None)


@given(st.lists(st.sampled_from(PIECES) | st.text(ANY_CHARACTER, max_size=8), max_size=30).map("".join))
@settings(PROPERTY, max_examples=1_000)
def test_any_text_is_read_within_its_bounds(text: str) -> None:
    reading = parse(text)
    spans = [alert.span for alert in reading.alerts]
    for start, end in (*spans, *reading.unread):
        assert 0 <= start <= end <= len(reading.text)
    assert all(first[1] <= second[0] for first, second in pairwise(spans))
    assert all(alert.text == reading.text[slice(*alert.span)] for alert in reading.alerts)


# Hostile texts: bounded work is shown by their being read at all

HOSTILE = [
    "Appid: ",
    "时间: 2023-08-17 09:12:44 内",
    "内容: 微信服务器向",
    "次数: 5分钟 3次",
    "[",
    "]",
    "[IP=",
]
HOSTILE += [
    "[IP=1][a=b]",
    "[response_content=",
    "[response_length=99999][response_content=a] x\n",
    "[resp=]]]]]\n",
]
HOSTILE += [
    "[response_content=[[a] x\n",
    '[response_content={"a":[',
    '[resp={"a":1}] ',
    '[response_content="',
]
HOSTILE += [
    "[response_content=<xml>",
    "][第三方平台:x]",
    "<br>",
    "<p> ",
    "&lt;",
    "> \n",
    ">Appid: x\n",
    "\n",
    " ",
]
HOSTILE += [
    "... ",
    "```\n",
    "- ",
    "「」",
    "**Appid:** ",
    "①Appid: ",
    f"{TAIL}\n",
    "\na  10:00\n",
    "昵称: [IP=1]",
]
HOSTILE += [
    "内容: \n\n\n\n次数: ",
    "\u200b",
    "\ud800",
    "𠀀",
    PLAIN,
    PLAIN.replace("\n", " "),
    f"[IP={' ' * 3_900}x",
]
HOSTILE += [
    f"报警排查指引: https://{'-' * 180}/ ",
    f"[response_content={' ' * 50_000}x<",
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_text_is_read(unit: str) -> None:
    text = unit * (60_000 // len(unit))
    for hostile in (text, PLAIN + text, PLAIN.removesuffix(f"]\n{TAIL}") + text, text + PLAIN):
        reading = parse(hostile)
        assert len(reading.alerts) <= MAX_ALERTS


def test_too_many_alerts_are_reported_as_unread() -> None:
    reading = parse(f"{PLAIN}\n" * (MAX_ALERTS + 2))
    assert len(reading.alerts) == MAX_ALERTS
    assert reading.unread


def test_too_large_text_is_refused() -> None:
    with pytest.raises(TextTooLargeError):
        parse("x" * (MAX_CHARACTERS + 1))


BARE = "错误样例: [OpenID=oa-yY6nfaQH5U_BEPtpa0GxVRIUG][IP=203.0.113.9][Msg=Text]"
SENTENCE = "微信服务器向公众号推送消息或事件后，开发者5秒内没有返回"


@pytest.mark.parametrize(
    ("before", "description"),
    [
        pytest.param("", None, id="there is no sentence"),
        pytest.param("各位看下这条\n", None, id="talk is no sentence of the platform"),
        pytest.param(f"{SENTENCE}\n各位看下这条\n", None, id="talk stands between them"),
        pytest.param(f"{SENTENCE}\n", SENTENCE, id="a sentence without its label"),
        pytest.param(f"> **{SENTENCE}**？\n\n", SENTENCE, id="in a quote, bold, and a blank line below"),
        pytest.param(f"{SENTENCE} ", SENTENCE, id="on the same line"),
        pytest.param(
            "推送“支付完成事件”给开发者后，开发者5秒内没有返回\n",
            "推送“支付完成事件”给开发者后，开发者5秒内没有返回",
            id="of a payment",
        ),
    ],
)
def test_the_sentence_before_an_alert_is_its_description_where_the_label_was_lost(
    before: str, description: str | None
) -> None:
    (alert,) = parse(f"{before}{BARE}").alerts
    assert alert.description == description
    assert alert.text.startswith(description or "错误样例")


def test_the_sentence_of_one_alert_is_not_that_of_the_next() -> None:
    first, second = parse(f"内容: {SENTENCE}\n{BARE}\n{BARE}").alerts
    assert (first.description, second.description) == (SENTENCE, None)


HEAD = "Appid: wx5a1b2c3d4e5f6071\n昵称: 山谷书店\n时间: 2024-05-17 19:42:08\n"
COUNT = "次数: 5分钟 64次\n"


@pytest.mark.parametrize(
    "between",
    [
        pytest.param("各位看下这条\n", id="talk"),
        pytest.param(f"{SENTENCE} 是什么意思\n", id="a question about the sentence"),
        pytest.param(f"{SENTENCE}？\n各位看下\n", id="talk below the sentence"),
        pytest.param(f"小王：{SENTENCE}\n", id="somebody says the sentence"),
        pytest.param("推送消息或事件的改造，明天评审\n", id="talk that begins like the sentence"),
    ],
)
def test_other_words_between_the_lines_of_an_alert_are_no_description(between: str) -> None:
    alerts = parse(f"{HEAD}{between}{COUNT}{BARE}").alerts
    assert [alert.description for alert in alerts] == [None]


@pytest.mark.parametrize(
    "nickname",
    ["微信服务器向导", "推送消息或事件小助手", SENTENCE],
    ids=["a name", "another", "the sentence itself"],
)
def test_a_nickname_like_the_sentence_is_a_nickname(nickname: str) -> None:
    (alert,) = parse(f"Appid: wx5a1b2c3d4e5f6071\n昵称: {nickname}\n{COUNT}{BARE}").alerts
    assert (alert.nickname, alert.description) == (nickname, None)


def test_a_sentence_of_a_body_is_no_description() -> None:
    body = f"[response_content=<xml>\n{SENTENCE}\n{COUNT}</xml>]"
    (alert,) = parse(f"{HEAD}{COUNT}错误样例: [OpenID=oRxqg5UFBdN7PnrBiNK9o4mEn61s]{body}\n{TAIL}").alerts
    assert (alert.description, alert.count) == (None, 64)


def test_a_sentence_between_two_alerts_is_that_of_the_second() -> None:
    first, second = parse(f"{HEAD}{COUNT}{BARE}\n{SENTENCE}\n{HEAD}{COUNT}{BARE}").alerts
    assert (first.description, second.description) == (None, SENTENCE)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{HEAD}{SENTENCE}\n{COUNT}{BARE}", id="on its line"),
        pytest.param(f"{HEAD}\n{SENTENCE}\n\n{COUNT}\n{BARE}", id="with blank lines"),
        pytest.param(f"{HEAD.replace(chr(10), ' ')}{SENTENCE} {COUNT}{BARE}", id="all on one line"),
        pytest.param(f"{HEAD}{SENTENCE[:20]}\n{SENTENCE[20:]}\n{COUNT}{BARE}", id="folded"),
        pytest.param(f"{HEAD}- **{SENTENCE}**\n{COUNT}{BARE}", id="bold, in a list"),
        pytest.param(f"{HEAD}{SENTENCE}\n{BARE}", id="before the sample"),
        pytest.param(f"> {HEAD.replace(chr(10), chr(10) + '> ')}{SENTENCE}\n> {COUNT}> {BARE}", id="quoted"),
    ],
)
def test_the_sentence_between_the_lines_is_the_description_where_its_label_was_lost(text: str) -> None:
    (alert,) = parse(text).alerts
    assert (alert.appid, alert.nickname, alert.description) == ("wx5a1b2c3d4e5f6071", "山谷书店", SENTENCE)
    assert alert.first_seen is not None
    assert alert.text.startswith("Appid")
    ((start, end),) = [(start, end) for name, start, end in alert.parts if name == "description"]
    assert parse(text).text[start:end].startswith(SENTENCE[:20])


def test_an_empty_line_before_the_sentence_stays_empty() -> None:
    (alert,) = parse(f"Appid: wx5a1b2c3d4e5f6071\n昵称:\n{SENTENCE}\n{COUNT}{BARE}").alerts
    assert (alert.nickname, alert.description, alert.count) == (None, SENTENCE, 64)
