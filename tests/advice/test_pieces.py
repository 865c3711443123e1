"""A text in pieces: together they are the text, and each says what was read in it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.alerts import ALERT_TEXTS
from triage.advice.adviser import Adviser
from triage.advice.pieces import MAX_CHARACTERS, Piece, pieces_of

ALERT = """\
Appid: wx352e1c916f58ea3b
时间: 2025-09-25 15:01:22
内容: 微信服务器向公众号推送消息或事件后，开发者5秒内没有返回
次数: 5分钟 很多次
错误样例: [3rdUrl=https://mp.example.cn/wx][IP=203.0.113.202]
"""
TEXTS = {
    "nothing": "",
    "a line end": "\n",
    "words": "你好",
    "control characters": "\x00\u202e",
    "three alerts": ALERT * 3,
}
TEXTS |= ALERT_TEXTS
UPTIME = " 16:02:37 up 83 days,  3:04,  1 user,  load average: 0.20, 0.30, 0.25"


def pieces(adviser: Adviser, text: str) -> tuple[Piece, ...]:
    return pieces_of(adviser.understand(text), text)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_pieces_of_alerts_are_the_cleaned_text(adviser: Adviser, text: str) -> None:
    read = adviser.understand(text)
    assert "".join(piece.text for piece in pieces_of(read, text)) == read.reading.text[:MAX_CHARACTERS]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(st.sampled_from([UPTIME, "nproc", "4", "", "今天"]), st.text(max_size=9)), max_size=12)
)
def test_pieces_of_tools_are_the_text_with_plain_line_ends(adviser: Adviser, lines: list[str]) -> None:
    text = "\r\n".join([UPTIME, *lines])
    read = adviser.understand(text)
    if read.parts and not read.diagnoses:
        plain = text.replace("\r\n", "\n").replace("\r", "\n")
        assert "".join(piece.text for piece in pieces_of(read, text)) == plain


def test_values_and_what_was_not_understood_are_named(adviser: Adviser) -> None:
    named = {piece.what: piece.text for piece in pieces(adviser, ALERT) if piece.what}
    assert named == {
        "appid": "wx352e1c916f58ea3b",
        "first_seen": "2025-09-25 15:01:22",
        "description": "微信服务器向公众号推送消息或事件后，开发者5秒内没有返回",
        "unread": "次数: 5分钟 很多次",
        "callback_url": "https://mp.example.cn/wx",
        "ip": "203.0.113.202",
    }


def test_alerts_are_numbered_where_there_are_several(adviser: Adviser) -> None:
    assert [piece.alert for piece in pieces(adviser, ALERT) if piece.alert] == []
    found = pieces(adviser, f"老师\n{ALERT}看看\n{ALERT}")
    assert [piece.alert for piece in found if piece.alert] == [1, 2]


def test_lines_of_a_tool_stand_together(adviser: Adviser) -> None:
    found = pieces(adviser, f"看看这台\n{UPTIME}\n谢谢")
    assert [(piece.what, piece.text.strip()) for piece in found] == [
        (None, "看看这台"),
        ("uptime", UPTIME.strip()),
        (None, "谢谢"),
    ]


def test_only_the_beginning_of_a_long_text_comes(adviser: Adviser) -> None:
    assert MAX_CHARACTERS == 20_000
    assert sum(len(piece.text) for piece in pieces(adviser, "长" * 20_001)) == 20_000
    long = pieces(adviser, ALERT * 200)
    assert sum(len(piece.text) for piece in long) == 20_000
