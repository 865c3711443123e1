"""What copying did to a text is undone; what the platform or a server wrote stays."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.alerts.cleaning import clean, fold, half_width, unindent

STAYS = {
    "an address keeps its parameters that look like entities": "[3rdUrl=http://a.example.com/?a=1&times=2&copy=3&lt=4]",
    "a greater-than sign inside a line is no quoting": "内容: a > b\n次数: 5分钟 3次",
    "a reply that is HTML keeps its tags": "错误样例: [response_content=<html><p>时间: 1</p><br></html>]",
    "code behind quotes without an alert keeps its tags": 'echo "<br>";',
    "joined emoji stay joined": "昵称: 👨‍👩‍👧",
}
UNDONE = {
    "line ends of other systems": ("a\r\nb\rc\u2028d\x0be", "a\nb\nc\nd\ne"),
    "no-break spaces": ("时间:\xa02024-01-01\xa010:00:00", "时间: 2024-01-01 10:00:00"),
    "byte order marks and zero-width characters": ("\ufeff时\u200b间\u200c: 1\u200d", "时间: 1"),
    "half a surrogate pair": ("a\ud800b", "a\ufffdb"),
    "escapes, once": ("[a=&lt;&amp;lt;&quot;&#91;&#93;]", '[a=<&lt;"[]]'),
    "line breaks that are tags": ("Appid: wx1<br>昵称: x<br/>\n时间: 1", "Appid: wx1\n昵称: x\n时间: 1"),
    "paragraphs": ("<p>Appid: wx1</p><p>昵称: x</p>", "Appid: wx1\n昵称: x\n"),
    "a paragraph behind a reply that is XML": (
        "错误样例: [response_content=<xml></xml>]</p><p>报警排查指引",
        "错误样例: [response_content=<xml></xml>]\n报警排查指引",
    ),
    "quoting": ("> Appid: wx1\n>   x\n>\n> y", "Appid: wx1\n  x\n\ny"),
    "quoting without a space": (">Appid: wx1\n>  x", "Appid: wx1\n  x"),
    "nested quoting": ("> > Appid: wx1\n> > 昵称: x", "Appid: wx1\n昵称: x"),
}


@pytest.mark.parametrize("text", STAYS.values(), ids=STAYS)
def test_what_no_copy_did_stays(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(("text", "cleaned"), UNDONE.values(), ids=UNDONE)
def test_traces_of_copying_are_undone(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@given(st.text())
@settings(max_examples=100, deadline=None, derandomize=True)
def test_folding_keeps_every_place(text: str) -> None:
    folded = fold(text)
    assert len(folded) == len(text)
    assert fold(folded) == folded


def test_folding_makes_brackets_colons_and_letters_one_kind() -> None:
    assert fold("【ＩＰ＝１】；ＡPPID：“x”") == '[ip=1];appid:"x"'


def test_text_of_the_platform_is_folded_like_any_other() -> None:
    written = "".join(map(chr, [9, 10, *range(32, 127), *range(0x4E00, 0xA000)])) + "、。…，："
    assert fold(written) == fold(written + "①")[:-1], "one odd character takes the long way"
    for char in written:
        assert fold(char) == fold(char + "①")[:-1]


def test_half_width_keeps_letter_case() -> None:
    assert half_width("ｈｔｔｐ：／／Ａ") == "http://A"


INDENTED = {
    "every line is indented as the first": ("a\n    b\n\n  c", "  ", "a\n  b\n\nc"),
    "one line is not": ("a\n  b\nc", "  ", "a\n  b\nc"),
    "the first line has no indentation": ("a\n  b", "[ip=1]", "a\n  b"),
    "a tab is one too": ("a\n\tb", "\t- ", "a\nb"),
}


@pytest.mark.parametrize(("text", "opening", "expected"), INDENTED.values(), ids=INDENTED)
def test_the_indentation_of_a_copy_is_taken_off_where_all_lines_have_it(
    text: str, opening: str, expected: str
) -> None:
    assert unindent(text, opening) == expected
