"""Every limit of the alert parser, one step on either side of it."""

from __future__ import annotations

import re
from datetime import datetime

import pytest

from triage.alerts.facts import facts_of
from triage.alerts.parser import BEIJING, Alert, parse
from triage.errors import TextTooLargeError

SENTENCE = "微信服务器向公众号推送消息或事件后，开发者5秒内没有返回"
COUNT = "次数: 5分钟 30次"
SHORT = f"内容: {SENTENCE}\n{COUNT}\n"
TAIL = "\n报警排查指引，请见: https://mmbizurl.cn/s/x"


def only(text: str) -> Alert:
    (alert,) = parse(text).alerts
    return alert


def test_a_text_of_two_million_characters_is_read_and_one_more_is_refused() -> None:
    assert parse("x" * 2_000_000).alerts == ()
    with pytest.raises(TextTooLargeError):
        parse("x" * 2_000_001)


@pytest.mark.parametrize(("written", "read"), [(499, 499), (500, 500), (501, 500)])
def test_five_hundred_alerts_of_a_text_are_read(written: int, read: int) -> None:
    reading = parse(SHORT * written)
    assert len(reading.alerts) == read
    assert len(reading.unread) == written - read


@pytest.mark.parametrize(("before", "alerts"), [(9_998, 1), (9_999, 0)])
def test_ten_thousand_labels_of_a_text_are_read(before: int, alerts: int) -> None:
    reading = parse("时间:\n" * before + SHORT)
    assert len(reading.alerts) == alerts
    assert alerts or reading.unread[-1][1] == len(reading.text), "the rest is reported"


@pytest.mark.parametrize(("length", "read"), [(2_000, 2_000), (2_001, 2_000)])
def test_two_thousand_characters_of_a_line_are_read(length: int, read: int) -> None:
    description = SENTENCE.ljust(length, "长")
    assert only(f"内容: {description}\n{COUNT}").description == description[:read]


@pytest.mark.parametrize(("lines", "read"), [(5, f"{SENTENCE}行行行行"), (6, SENTENCE)])
def test_a_sentence_may_be_folded_over_five_lines(lines: int, read: str) -> None:
    folded = "\n".join([SENTENCE, *["行"] * (lines - 1)])
    assert only(f"内容: {folded}\n{COUNT}").description == read


@pytest.mark.parametrize(("length", "appids"), [(500, 1), (501, 0)])
def test_a_label_may_be_glued_to_a_value_of_five_hundred_characters(length: int, appids: int) -> None:
    nickname = "长" * (length - 1)
    alert = only(f"昵称: {nickname}时间: 2025-09-25 15:01:22\n{SHORT}")
    assert (alert.first_seen is not None) == bool(appids)


@pytest.mark.parametrize(("year", "is_read"), [(1999, False), (2000, True), (2099, True), (2100, False)])
def test_times_of_this_century_are_read(year: int, is_read: bool) -> None:
    alert = only(f"时间: {year}-01-02 03:04:05\n{SHORT}")
    assert (alert.first_seen == datetime(year, 1, 2, 3, 4, 5, tzinfo=BEIJING)) == is_read


# -- the sample


@pytest.mark.parametrize(("length", "is_whole"), [(4_000, True), (4_001, False)])
def test_a_short_value_has_four_thousand_characters_at_most(length: int, is_whole: bool) -> None:
    sample = only(f"{SHORT}错误样例: [Event={'x' * length}][IP=192.0.2.1]").sample
    assert (sample.event == "x" * length) == is_whole


@pytest.mark.parametrize(("brackets", "is_read"), [(48, True), (49, False)])
def test_fifty_brackets_of_a_sample_are_read(brackets: int, is_read: bool) -> None:
    sample = only(f"{SHORT}错误样例: [Event=a]{'[New=b]' * brackets}[IP=192.0.2.1]").sample
    assert (sample.ip is not None) == is_read


@pytest.mark.parametrize(("digits", "is_read"), [(12, True), (13, False)])
def test_a_number_has_twelve_digits_at_most(digits: int, is_read: bool) -> None:
    sample = only(f"{SHORT}错误样例: [Event=a][MsgType={'1' * digits}]").sample
    assert (sample.msg_type is not None) == is_read


@pytest.mark.parametrize(("pairs", "is_whole"), [(999, True), (1_000, False)])
def test_a_thousand_brackets_are_looked_at_for_the_end_of_a_body(pairs: int, is_whole: bool) -> None:
    body = "[" * pairs + "a" + "]" * pairs
    text = f"{SHORT}错误样例: [Event=a][response_length={len(body)}][response_content={body}] 完 [x]"
    assert (only(text).sample.response_content == body) == is_whole


@pytest.mark.parametrize(("length", "is_whole"), [(16_000, True), (16_001, False)])
def test_a_body_has_sixteen_thousand_characters_at_most(length: int, is_whole: bool) -> None:
    sample = only(f"{SHORT}错误样例: [Event=a][response_content={'x' * length}]").sample
    assert (sample.response_content == "x" * length) == is_whole


# -- facts


@pytest.mark.parametrize(
    ("minutes", "last"),
    [(59, 64), (60, 65), (61, 65)],
    ids=["59 minutes", "60 minutes", "61 minutes are searched for an hour"],
)
def test_a_log_is_searched_for_an_hour_at_most(minutes: int, last: int) -> None:
    alert = only(f"时间: 2025-09-25 15:05:22\n内容: {SENTENCE}\n次数: {minutes}分钟 30次")
    pattern = str(facts_of(alert, "", ())["log_minutes"])
    stamps = {minute: f"25/Sep/2025:{15 + minute // 60}:{minute % 60:02}:00 +0800" for minute in range(120)}
    assert [minute for minute, stamp in stamps.items() if re.search(pattern, stamp)] == [*range(5, last + 1)]


def test_an_alert_that_does_not_say_how_long_has_the_usual_five_minutes() -> None:
    alert = only(f"时间: 2025-09-25 15:05:22\n内容: {SENTENCE}\n次数: 30次")
    assert facts_of(alert, "", ())["window_end"] == "2025-09-25 15:10:22"
