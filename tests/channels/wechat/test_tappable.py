"""Words that a tap sends: what becomes a link, what never does, and that a message still holds it."""

from __future__ import annotations

import re

import pytest

from tests.support.wechat import reply
from triage.bot.commands import read_command
from triage.channels.wechat.callback import PAGE_SIZE
from triage.channels.wechat.platform_side import MODES
from triage.channels.wechat.tappable import TAPPABLE, Piece, read_pieces, with_taps, without_links

MORE = '<a href="weixin://bizmsgmenu?msgmenucontent=更多&msgmenuid=1">更多</a>'


@pytest.mark.parametrize("word", TAPPABLE)
def test_a_tap_sends_a_command(word: str) -> None:
    assert read_command(word)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("更多内容见下", id="a word without its quotation marks"),
        pytest.param("发「关闭 原因」", id="a command that needs more than its word"),
        pytest.param("发「认领 编号」", id="a command with a place for a number"),
        pytest.param("「https://a.example.cn」", id="an address"),
    ],
)
def test_nothing_else_becomes_a_link(text: str) -> None:
    assert with_taps(text, PAGE_SIZE) == text


def test_the_last_mention_of_each_word_can_be_tapped() -> None:
    linked = with_taps("「更多」\n「更多」看其余，「为什么」看依据", PAGE_SIZE)
    assert linked.startswith(f"「更多」\n「{MORE}」看其余，「<a ")
    assert [piece.says for piece in read_pieces(linked)] == [None, "更多", None, "为什么", None]


@pytest.mark.parametrize(
    "quoted",
    [
        '<a href="https://evil.example">点我</a>',
        "<A\nHREF='weixin://bizmsgmenu?msgmenucontent=关闭 全部&msgmenuid=1'>更多</A>",
        "< a href=x>点我< / a >",
        "<a",
        '<a\thref="weixin://dl/business/?t=x">',
    ],
    ids=ascii,
)
@pytest.mark.parametrize("mode", MODES)
def test_what_an_alert_quotes_is_no_link(quoted: str, mode: str) -> None:
    shown = reply(f"没读懂 「{quoted}」\n回「更多」", mode).accepted
    assert [piece.says for piece in shown.pieces] == [None, "更多", None]
    assert not re.search(r"<\s*/?\s*a", shown.text or "", re.IGNORECASE)


def test_other_angle_brackets_stay_as_they_are() -> None:
    assert without_links("-d '<xml/>' <appid> a<b") == "-d '<xml/>' <appid> a<b"


@pytest.mark.parametrize(
    ("room", "taps"),
    [
        pytest.param(0, [], id="a full message has none"),
        pytest.param(len(MORE.encode()) - len("更多".encode()) - 1, [], id="a byte too few"),
        pytest.param(len(MORE.encode()) - len("更多".encode()), ["更多"], id="room for the first"),
        pytest.param(1000, ["更多", "为什么"], id="room for all"),
    ],
)
def test_the_markup_counts_and_the_first_words_come_first(room: int, taps: list[str]) -> None:
    end = "回「为什么」，回「更多」"
    text = "x" * (PAGE_SIZE.limit - room - PAGE_SIZE.measure(end)) + end
    linked = with_taps(text, PAGE_SIZE)
    assert PAGE_SIZE.measure(linked) <= PAGE_SIZE.limit
    assert sorted(piece.says for piece in read_pieces(linked) if piece.says) == sorted(taps)


def test_a_follower_reads_the_text_without_the_markup() -> None:
    accepted = reply("先做\n「更多」看其余 3 步").accepted
    assert accepted.text == "先做\n「更多」看其余 3 步"
    assert accepted.pieces == (Piece("先做\n「"), Piece("更多", "更多"), Piece("」看其余 3 步"))
    assert accepted.findings == ()


def test_a_link_of_another_kind_is_text_for_us() -> None:
    foreign = '<a href="https://mp.example.cn">看</a>'
    assert list(read_pieces(foreign)) == [Piece(foreign)]
