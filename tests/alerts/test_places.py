"""Where the values of alerts stand: in the text, in order, apart from each other, and each is its value."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.alerts import ALERT_TEXTS
from triage.alerts.cleaning import fold, half_width
from triage.alerts.parser import Alert, Reading, parse
from triage.alerts.places import UNREAD, Place, places_of
from triage.alerts.sample import SAMPLE_KEYS

ALERT = """\
Appid: wx352e1c916f58ea3b
昵称: 示例商城
时间: 2025-09-25 15:01:22
内容: 微信服务器向公众号推送消息或事件后，开发者5秒内没有返回
次数: 5分钟 30次
错误样例: [OpenID=oRxqg5UFBdN7PnrBiNK9o4mEn61s][Stamp=1758783682][3rdUrl=https://mp.example.cn/wx][IP=203.0.113.202]
报警排查指引，请见: https://mmbizurl.cn/s/MpkaZb8yg
"""
HOSTILE = {
    "nothing": "",
    "labels alone": "Appid: 昵称: 时间: 内容: 次数: 错误样例: 报警排查指引",
    "labels without values": "Appid:\n昵称:\n时间:\n内容:\n次数:\n错误样例:\n报警排查指引，请见:\n",
    "values that are none": ALERT.replace("2025-09-25", "9999-99-99").replace("30次", "很多次"),
    "an unknown bracket": ALERT.replace("[IP=", "[Brand New=1][IP="),
    "a key twice": ALERT.replace("[IP=", "[IP=1.2.3.4][IP="),
    "control characters and directions": ALERT.replace("示例", "\x00\u202e\x1b[2J"),
    "full width": ALERT.replace(":", "：").replace("[", "【").replace("]", "】").replace("=", "＝"),
    "a folded sentence": ALERT.replace("推送消息", "推送\n消息"),
    "several": ALERT * 3 + "今天中午吃什么" + ALERT,
    "other text around": f"老师\n帮我看看\n{ALERT}\n谢谢",
    "markup": f"<p>{ALERT}</p>".replace("\n", "<br>"),
    "only dots": "[OpenID=...][Stamp=...]" * 30,
    "a body without an end": ALERT.replace(
        "[IP=", "[response_length=9000][response_content=<xml>" + "长" * 9000
    ),
}


def check(reading: Reading) -> tuple[Place, ...]:
    places = places_of(reading)
    end = 0
    for place in places:
        assert end <= place.start < place.end <= len(reading.text)
        end = place.end
    for start, stop in reading.unread:
        assert start == stop or Place(start, stop, UNREAD) in places
    return places


def squashed(text: str) -> str:
    """Without what values lose on the way: white space, marks of copying; in one width."""
    return re.sub(r"[\W_]+", "", half_width(text)).lower()


def is_value(alert: Alert, text: str, what: str) -> bool:
    """Whether a place's text is the value that the alert has."""
    if what == "first_seen":
        assert alert.first_seen
        numbers = [*map(int, re.findall(r"\d+", half_width(text))), 0][:6]
        return datetime(*numbers, tzinfo=alert.first_seen.tzinfo) == alert.first_seen  # type: ignore[arg-type, misc]
    if what == "count":
        numbers = [int(number) for number in re.findall(r"\d+", half_width(text).replace(",", ""))]
        return numbers == [number for number in (alert.window_minutes, alert.count) if number is not None]
    value = getattr(alert.sample if what in SAMPLE_KEYS else alert, what)
    if value is True or value == "":
        return fold(text).startswith("[")
    return value is not None and squashed(str(value)) in squashed(text)


def of_its_alert(reading: Reading, place: Place) -> Alert:
    (alert,) = (
        alert for alert in reading.alerts if alert.span[0] <= place.start and place.end <= alert.span[1]
    )
    return alert


def values(reading: Reading) -> int:
    """How many values the alerts have; a count with its window is one."""
    return sum(
        len(alert.sample.known())
        + sum(
            value is not None
            for value in (alert.appid, alert.nickname, alert.description, alert.count, alert.guide_url)
        )
        for alert in reading.alerts
    )


@pytest.mark.parametrize("text", [*HOSTILE.values(), *ALERT_TEXTS.values()], ids=[*HOSTILE, *ALERT_TEXTS])
def test_every_place_lies_in_the_text_apart_from_others_and_is_its_value(text: str) -> None:
    reading = parse(text)
    places = check(reading)
    known = [place for place in places if place.what != UNREAD]
    for place in known:
        written = reading.text[place.start : place.end]
        assert is_value(of_its_alert(reading, place), written, place.what), (place.what, written)
    assert len([place for place in known if place.what != "first_seen"]) == values(reading)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                [*ALERT.splitlines(keepends=True), "[IP=", "]", "[", "次数:", "\n", "<xml>", "..."]
            ),
            st.text(max_size=12),
        ),
        max_size=30,
    )
)
def test_whatever_is_put_together_places_stay_apart(pieces: list[str]) -> None:
    check(parse("".join(pieces)))


def test_each_value_is_named_as_in_the_contract() -> None:
    reading = parse(ALERT)
    shown = {place.what: reading.text[place.start : place.end] for place in check(reading)}
    assert shown == {
        "appid": "wx352e1c916f58ea3b",
        "nickname": "示例商城",
        "first_seen": "2025-09-25 15:01:22",
        "description": "微信服务器向公众号推送消息或事件后，开发者5秒内没有返回",
        "count": "5分钟 30次",
        "openid": "oRxqg5UFBdN7PnrBiNK9o4mEn61s",
        "stamp": "1758783682",
        "callback_url": "https://mp.example.cn/wx",
        "ip": "203.0.113.202",
        "guide_url": "https://mmbizurl.cn/s/MpkaZb8yg",
    }


def test_what_was_not_understood_has_a_place() -> None:
    reading = parse(HOSTILE["values that are none"])
    unread = [reading.text[place.start : place.end] for place in check(reading) if place.what == UNREAD]
    assert unread == ["时间: 9999-99-99 15:01:22", "次数: 5分钟 很多次"]
    reading = parse(HOSTILE["an unknown bracket"])
    assert [reading.text[place.start : place.end] for place in check(reading) if place.what == UNREAD] == [
        "[Brand New=1]"
    ]


def test_a_bracket_without_a_value_is_shown_whole() -> None:
    reading = parse(
        ALERT.replace("[IP=203.0.113.202]", "[response_length=0][response_content=][decrypt fail]")
    )
    shown = {place.what: reading.text[place.start : place.end] for place in check(reading)}
    assert (shown["response_content"], shown["decrypt_fail"]) == ("[response_content=]", "[decrypt fail]")
