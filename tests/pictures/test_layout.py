"""Lines to text: what a bubble's edge has wrapped is joined, what stood on a line of its own stays there."""

from __future__ import annotations

import pytest

from triage.pictures.layout import text_of
from triage.pictures.values import Line, Panel

WIDTH = 800
PAGE = Panel(0, (0, 0, WIDTH, 1000), is_bubble=False)
BUBBLE = Panel(1, (100, 100, 700, 900), is_bubble=True)
OTHER = Panel(2, (100, 910, 300, 960), is_bubble=True)


def line(text: str, row: float, right: int, *, left: int = 120, panel: int = 1) -> Line:
    top = round(120 + 45 * row)
    return Line(text, (left, top, right, top + 30), 0.99, panel)


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ([line("推送消息或事", 0, 670), line("件后", 1, 180)], "推送消息或事件后"),
        ([line("[Stamp=16889", 0, 678), line("14110]", 1, 250)], "[Stamp=1688914110]"),
        ([line("Event=Template", 0, 600), line("SendJobFinish]", 1, 678)], "Event=Template SendJobFinish]"),
        ([line("暂时不推送消", 0, 640), line("息，一分钟后", 1, 300)], "暂时不推送消息，一分钟后"),
        ([line("又来了", 0, 220), line("先别发版", 1, 678)], "又来了\n先别发版"),
        ([line("得到的回应不合法", 0, 678), line("次数: 5分钟 3次", 1, 400)], "得到的回应不合法\n次数: 5分钟 3次"),
        ([line("第一段", 0, 678), line("第二段", 1, 678), line("第三段", 3, 678)], "第一段第二段\n\n第三段"),
    ],
    ids=[
        "a sentence", "within a word", "between two words", "a comma takes the sign before it along",
        "a short line", "a label begins a line",
        "a blank line begins a paragraph",
    ],
)  # fmt: skip
def test_lines_of_a_bubble(lines: list[Line], text: str) -> None:
    assert text_of(lines, [PAGE, BUBBLE], WIDTH) == text


def test_bubbles_are_kept_apart_and_the_page_behind_them_is_left_out() -> None:
    lines = [
        line("09:02", -2, 430, left=370, panel=0),
        line("报警", 0, 678),
        line("谁看一下？", 17.7, 250, panel=2),
    ]
    assert text_of(lines, [PAGE, BUBBLE, OTHER], WIDTH) == "报警\n\n谁看一下？"


def test_a_terminal_is_read_line_by_line() -> None:
    lines = [line("$ ss -s", 0, 300, panel=0), line("Total: 4012 (kernel 0)", 1, 600, panel=0)]
    assert text_of(lines, [PAGE], WIDTH) == "$ ss -s\nTotal: 4012 (kernel 0)"


def test_columns_stay_as_far_apart_as_they_stand() -> None:
    lines = [line("Mem:", 0, 180, panel=0), line("7821", 0, 346, left=280, panel=0)]
    assert text_of(lines, [PAGE], WIDTH) == "Mem:      7821"


def test_a_picture_without_text_has_none() -> None:
    assert text_of([], [PAGE], WIDTH) == ""
