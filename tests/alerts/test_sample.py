"""Brackets are read to their own end, whatever stands in them and behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.alerts.parser import parse
from triage.alerts.sample import SAMPLE_KEYS, Brackets, Sample, parse_brackets
from triage.alerts.scanner import Scanner

TAIL = "\n报警排查指引，请见: https://mmbizurl.cn/s/MpkaZb8yg"
NEXT = "\nAppid: wx1\n昵称: x\n时间: 2024-01-01 10:00:00\n内容: 微信服务器向公众号推送消息"
CUT = "<xml><ToUserName><![CDATA[o1]]></ToUserName><Cont..."
JSON = '{"msg":"时间: 2024-01-01 10:00:00 内容: 失败 [Event=CLICK]","a":[1]}'


def read(text: str) -> Brackets:
    scanner = Scanner(text)
    return parse_brackets(scanner, scanner.next_key(0))


VALUES: dict[str, tuple[str, dict[str, Any]]] = {
    "empty is not missing": ("[IP=][Event=]", {"ip": "", "event": ""}),
    "brackets may stand apart": (
        "[Event=Click] [ip=1.1.1.1]\n[Host=a]",
        {"event": "Click", "ip": "1.1.1.1", "host": "a"},
    ),
    "brackets may be wide": ("［IP＝1.1.1.1］【Event=Click】", {"ip": "1.1.1.1", "event": "Click"}),
    "an address may hold pairs of brackets": (
        "[3rdUrl=http://a/?x[]=1&y[0]=2][IP=1]",
        {"callback_url": "http://a/?x[]=1&y[0]=2", "ip": "1"},
    ),
    "a number that is masked is left out": ("[Stamp=****][IP=1]", {"ip": "1"}),
    "a value may be broken over lines": (
        "[OpenID=o1\n23][Event=Click\nMenu Url]",
        {"openid": "o123", "event": "Click Menu Url"},
    ),
    "the next key closes a bracket": (
        "[OpenID=***[Stamp=12][3rdUrl=http://a?b[]=1[IP=1]",
        {"openid": "***", "stamp": 12, "callback_url": "http://a?b[]=1", "ip": "1"},
    ),
    "the end of the line closes a bracket": (
        "[IP=1][Event=Click\n这个怎么办[裂开]",
        {"ip": "1", "event": "Click"},
    ),
    "the platform has a colon": ("[IP=1][第三方平台：灯塔]", {"ip": "1", "platform": "灯塔"}),
    "a platform without a name is empty": ("[IP=1][第三方平台]", {"ip": "1", "platform": ""}),
    "a reply without a value is empty": ("[transaction_id=42][resp]", {"transaction_id": "42", "resp": ""}),
    "every key has its name in the contract": (
        (
            "[OpenID=o1][Stamp=12][OuterIP=198.51.100.3][3rdUrl=http://a/][IP=192.0.2.1][MsgType=20000][Msg=Text]"
            "[Event=Click Menu Url][decrypt fail][http code=502][cURL Error=56]"
        ),
        {
            "openid": "o1",
            "stamp": 12,
            "outer_ip": "198.51.100.3",
            "callback_url": "http://a/",
            "ip": "192.0.2.1",
            "msg_type": 20000,
            "msg": "Text",
            "event": "Click Menu Url",
            "http_code": 502,
            "curl_error": 56,
            "decrypt_fail": True,
        },
    ),
}
BODIES = {
    "the first bracket is no end": ("<xml><a><![CDATA[[微笑] x]]></a></xml>", ""),
    "pairs of brackets are part of it": ("array(1) { [0]=> [1]=> }", ""),
    "a last bracket is part of it": ("a]", TAIL),
    "a lone bracket is part of it": ("a[ b", TAIL),
    "words that look like keys are part of it": ("no [Event=CLICK] here [IP=1.2.3.4]", ""),
    "words that look like labels are part of it": ("Error: Appid: wx2 昵称: y invalid", ""),
    "JSON ends where JSON ends": (JSON, ""),
    "quotes end where quotes end": ('"<xml>[x]</xml>"', ""),
    "a ruler is part of it": ("<html>\n------\n[x]\n</html>", ""),
    "an emoji behind it is not": ("Error 500:", "\n救命[裂开]"),
    "a sender behind it is not": ("Error [500]", "\n\n\n小赵  10:00\n\n看看[裂开]"),
    "an export's sender behind it is not": ("Error [500]", "\n小赵 2024-01-01 10:00:00\n看看[裂开]"),
    "a quotation's end is not": ("Error [500]", "」\n- - - - - - - - - - - - - - -\n看看[裂开]"),
    "a fence is not": ("Error [500]", "\n```\n看看[裂开]"),
    "the next alert is not": ("Error 500:", NEXT),
    "an empty one is empty": ("", "\n看看[裂开]"),
    "its blank lines stay": ("<xml>\n\n<a/>\n\n</xml>", TAIL),
}
LENGTHS = {"no length": "", "its length": "{}", "another length": "7"}


@pytest.mark.parametrize(("text", "values"), VALUES.values(), ids=VALUES)
def test_values_are_read(text: str, values: dict[str, Any]) -> None:
    assert read("错误样例: " + text).sample.known() == values


@pytest.mark.parametrize("length", LENGTHS.values(), ids=LENGTHS)
@pytest.mark.parametrize("platform", [None, "灯塔"], ids=["no platform", "a platform"])
@pytest.mark.parametrize(("body", "behind"), BODIES.values(), ids=BODIES)
def test_body_is_read_to_its_end(body: str, behind: str, platform: str | None, length: str) -> None:
    declared = f"[response_length={length.format(len(body.encode()))}]" if length else ""
    last = f"[第三方平台:{platform}]" if platform else ""
    sample = read(f"{declared}[response_content={body}]{last}{behind}").sample
    assert (sample.response_content, sample.platform) == (body, platform)


@pytest.mark.parametrize("mark", ["", "\n", " ", "\n- ", "\n3. ", "\n**"])
@pytest.mark.parametrize("tail", [TAIL.strip(), "[第三方平台:灯塔]"], ids=["the tail", "a platform"])
def test_dots_end_a_body_that_was_cut(mark: str, tail: str) -> None:
    assert read(f"[response_length=3365][response_content={CUT}{mark}{tail}").sample.response_content == CUT


@pytest.mark.parametrize("behind", ["", "\n怎么办", " 怎么办[裂开]", "」\n- - - - - -\n看看", NEXT])
def test_dots_end_a_body_that_was_cut_before_chatter(behind: str) -> None:
    assert read(f"[response_content={CUT}{behind}").sample.response_content == CUT


def test_indentation_of_the_copy_is_no_part_of_a_body() -> None:
    text = "  [response_content=<xml>\n    <a/>\n  </xml>]"
    assert read(text).sample.response_content == "<xml>\n  <a/>\n</xml>"


def test_what_is_not_understood_is_reported() -> None:
    text = "[IP=1][Stamp=x][colour=red][Event=Click]"
    assert [text[slice(*span)] for span in read(text).unread] == ["[Stamp=x]", "[colour=red]"]


@pytest.mark.parametrize(
    "text", ["[host=web-1][ip=192.0.2.1]", "[openid=o1][event=login]", "[Event=down][Host=a]"]
)
def test_brackets_of_other_programs_are_not_taken_for_the_platforms(text: str) -> None:
    assert not read(text).is_unmistakable


@pytest.mark.parametrize(
    "text", ["[OpenID=o1]", "[IP=1][Event=UnSubscribe]", "[IP=1][Msg=Text]", "[resp=][transaction_id=42]"]
)
def test_brackets_of_the_platform_are_known(text: str) -> None:
    assert read(text).is_unmistakable


@given(st.text(alphabet='[]<>{}"=a.报警\n :', max_size=60))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_body_is_read_within_the_text(body: str) -> None:
    text = f"[IP=1][response_length=5][response_content={body}]{TAIL}"
    found = read(text)
    assert 0 < found.end <= len(text)
    assert (found.sample.response_content or "") in text


def test_keys_are_those_of_the_contract() -> None:
    assert " ".join(SAMPLE_KEYS) == (
        "openid stamp outer_ip callback_url ip host msg_type msg event http_code curl_error decrypt_fail"
        " response_length response_content platform transaction_id resp"
    )
    assert Sample().known() == {}


# -- brackets that the platform may add

ALERT = (
    "Appid: wx5a0d7c3e9b1f6842\n昵称: 城南物业\n时间: 2024-08-08 08:08:08\n"
    "内容: 微信服务器向公众号推送消息或事件后，得到的回应不合法\n次数: 5分钟 39次\n错误样例: {}" + TAIL
)
PUSHED = (
    "[OpenID=olKCn2wtQYi4Bc6DNK_1C3tHaEvW]",
    "[Stamp=1723075688]",
    "[3rdUrl=https://estate-q.example.com/cb?t=7]",
    "[IP=203.0.113.88]",
)
RUNS = {
    "a reply in quotes": (*PUSHED, "[Msg=Text]", "[response_length=9]", '[response_content="success"]'),
    "a reply in XML": (
        *PUSHED,
        "[response_length=62]",
        "[response_content=<xml><MsgType><![CDATA[event]]></MsgType><A>[Event=A]</A></xml>]",
    ),
    "a provider's reply": (
        *PUSHED,
        "[response_length=10]",
        "[response_content=Error 500:]",
        "[第三方平台:甲]",
    ),
    "an HTTP status": (*PUSHED, "[MsgType=20000]", "[Event=Click Menu Url]", "[http code=404]"),
    "a network error": (*PUSHED, "[Event=Scan QRCode]", "[cURL Error=52]"),
    "a flag": (*PUSHED, "[Msg=Text]", "[decrypt fail]"),
    "a payment": ("[transaction_id=4200001167202108127730916284]", '[resp={"code":"SUCCESS","a":[1]}]'),
    "no reply to a payment": ("[transaction_id=4200001167202108127730916284]", "[resp=]"),
    "one bracket of 2014": ("[IP=203.0.113.88]",),
}
UNKNOWN = (
    "[3rdUrl10=http://x.example/a]",
    "[url=http://x.example/a?b[0]=1]",
    "[timeout]",
    "[timeout=5][retry]",
    "[x] [y]",
    "[domain:x.example]",
    "[IP2=203.0.113.9]",
    "[IP:203.0.113.9]",
    "[retry count=]",
    "[重试:3]",
    "[重试=3次]",
    "[时间:2024-01-01 00:00:00]",
    "[次数:3]",
    "[a b c]",
    "[0]",
    "[]",
)
LAYOUTS: dict[str, Callable[[str], str]] = {
    "on lines": lambda text: text,
    "on one line": lambda text: text.replace("\n", " "),
    "quoted": lambda text: "> " + text.replace("\n", "\n> "),
    "twice": lambda text: text + "\n" + text,
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("unknown", UNKNOWN)
def test_an_unknown_bracket_splits_no_alert(unknown: str, run: str, layout: str) -> None:
    brackets, lay = RUNS[run], LAYOUTS[layout]
    for separator in ("", "\n", " "):
        plain = parse(lay(ALERT.format(separator.join(brackets)))).alerts
        for place in range(len(brackets) + 1):
            written = separator.join([*brackets[:place], unknown, *brackets[place:]])
            reading = parse(lay(ALERT.format(written)))
            assert [replace(alert, text="", span=(0, 0)) for alert in reading.alerts] == [
                replace(alert, text="", span=(0, 0)) for alert in plain
            ], written
            unread = "".join(reading.text[start:end] for start, end in reading.unread)
            assert unread.count(unknown.replace(" ", "")) or unknown in unread, written


@pytest.mark.parametrize("separator", ["", "\n"], ids=["glued", "on lines"])
def test_an_unknown_bracket_that_lost_its_end_ends_before_the_next_key(separator: str) -> None:
    for place in range(1, len(PUSHED)):
        written = separator.join([*PUSHED[:place], "[a=b", *PUSHED[place:]])
        assert parse(ALERT.format(written)).alerts[0].sample == read("".join(PUSHED)).sample


def test_unknown_brackets_between_two_alerts_leave_each_its_own_sample() -> None:
    first, second = (ALERT.format(f"[OpenID={openid}][IP=203.0.113.88][a]\n[b]") for openid in "xy")
    assert [alert.sample.openid for alert in parse(f"{first}\n{second}").alerts] == ["x", "y"]


def test_an_unknown_bracket_at_the_end_belongs_to_the_alert() -> None:
    reading = parse(ALERT.format("".join(PUSHED) + "[timeout]"))
    assert [reading.text[slice(*span)] for span in reading.unread] == ["[timeout]"]


@pytest.mark.parametrize("word", ["[图片]", "[微笑]"])
def test_what_a_chat_puts_behind_an_alert_is_no_bracket_of_it(word: str) -> None:
    sample = "[IP=203.0.113.88][Event=Scan]"
    (alert,) = parse(ALERT.format(f"{sample} {word} 帮忙看看")).alerts
    assert alert.sample == parse(ALERT.format(sample)).alerts[0].sample


def test_words_are_no_address_of_a_callback() -> None:
    assert read("[3rdUrl= Send Job][IP=1.1.1.1]").sample == Sample(ip="1.1.1.1")
