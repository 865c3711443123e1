"""Printing: nothing foreign is obeyed by a terminal or a spreadsheet, and what people read is left alone."""

from __future__ import annotations

import json
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.printing import csv_cell, dump_json, one_line, visible

OBEYED = [
    chr(code) for code in range(0xA0) if unicodedata.category(chr(code)) == "Cc" and code not in (9, 10)
]
TURNED = ["\u061c", "\u200e", "\u200f", *map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("🔴 连接超时\n\t1　查进程", id="lines, a tab, a wide blank"),
        pytest.param("👨‍👩‍👧 ❤️ 🏴󠁧󠁢󠁥󠁮󠁧󠁿", id="emoji that are joined"),
    ],
)
def test_what_people_read_is_left_alone(text: str) -> None:
    assert visible(text) == text
    assert dump_json(text) == json.dumps(text, ensure_ascii=False)
    assert csv_cell(text) == text


@pytest.mark.parametrize("char", [*OBEYED, *TURNED, "\u2028", "\u2029"], ids=ascii)
def test_a_character_that_is_obeyed_is_made_visible(char: str) -> None:
    assert visible(f"昵称{char}[2J") == "昵称\ufffd[2J"
    assert one_line(f"昵称{char}[2J") == "昵称 [2J"
    assert char not in csv_cell(f"昵称{char}x")
    escaped = dump_json({"昵称": char})
    assert char not in escaped
    assert json.loads(escaped) == {"昵称": char}


def test_line_ends_of_windows_are_line_ends() -> None:
    assert visible("a\r\nb\rc") == "a\nb\ufffdc"


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", " \n \n"])
def test_one_line_is_one_line(end: str) -> None:
    assert one_line(f"看过{end}04-21 18:31 小林 关闭") == "看过 04-21 18:31 小林 关闭"


@given(st.text())
def test_one_line_never_breaks_and_json_is_the_same_value(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1
    assert json.loads(dump_json(text)) == text


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"], ids=ascii)
def test_a_formula_reaches_no_spreadsheet(first: str) -> None:
    assert csv_cell(f"{first}HYPERLINK(A1)").startswith("'")
    assert csv_cell(f"a{first}1")[0] == "a"


def test_the_table_of_what_is_obeyed_is_whole() -> None:
    controls = {chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) == "Cc"}
    assert {*OBEYED, "\t", "\n"} == controls
    turning = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
    assert {
        char for char in map(chr, range(sys.maxunicode + 1)) if unicodedata.bidirectional(char) in turning
    } < {*TURNED}
