"""The machine ticks the checklist: what was pasted is shown at its steps, and decides which comes next."""

from __future__ import annotations

import pytest

from tests.support.talk import REQUEST, Say

LOAD = "nproc\n4\n 18:40:01 up 30 days,  2:11,  1 user,  load average: {}, 0.48, 0.40\n"
HEAD = (
    "procs -----------memory---------- ---swap-- -----io---- -system-- ------cpu-----\n"
    " r  b   swpd   free   buff  cache   si   so    bi    bo   in   cs us sy id wa st\n"
)
CALM = HEAD + " 1  0      0 912320   2100 803320    0    0    21    34  900 1200  5  2 92  1  0\n" * 3
SWAPPING = HEAD + " 1  0 812340  91232   2100  80332  220  310    90    14  900 1200 20 10 69  1  0\n" * 3
HOST = "看负载、内存和磁盘"


@pytest.fixture(autouse=True)
def alert(say: Say) -> None:
    assert HOST not in say(REQUEST)


def _pages(say: Say) -> str:
    pages = [say("更多")]
    while "没有下一页" not in pages[-1]:
        pages.append(say("更多"))
    return "\n".join(pages)


def test_nothing_is_ticked_before_something_was_looked_at(say: Say) -> None:
    pages = _pages(say)
    assert f"8 {HOST}" in pages
    assert "?" not in {line[2:3] for line in pages.splitlines()}


def test_a_sick_output_answers_its_step_and_comes_first(say: Say) -> None:
    reply = say(LOAD.format("0.52") + SWAPPING)
    assert "第 8 步 ✗；发「下一步」看第 1 步" in reply
    pages = _pages(say)
    assert f"8 ✗ {HOST}" in pages
    assert "查到：vmstat 内存换页（si+so 530、530" in pages


def test_what_a_finding_points_to_comes_before_the_steps_in_between(say: Say) -> None:
    assert "发「下一步」看第 8 步" in say(SWAPPING), "the load is still asked for"
    assert say("下一步").startswith("第 8 步")
    assert say("下一步").startswith("第 1 步")


def test_a_healthy_step_is_short_and_left_out(say: Say) -> None:
    assert "第 8 步 ✓" in say(LOAD.format("0.52") + CALM)
    walked = []
    while (reply := say("下一步")).startswith("第 "):
        walked.append(reply.split("步")[0])
    assert "第 8 " not in walked
    assert len(walked) == 10
    pages = _pages(say)
    assert f"8 ✓ {HOST}" in pages
    assert "查到：正常（uptime、vmstat）" in pages
    assert "nproc; uptime" not in pages


def test_the_state_of_an_incident_tells_what_is_sick_healthy_and_open(say: Say) -> None:
    say(SWAPPING)
    state = say("状态 1")
    assert "✗ 负载和 CPU：vmstat 内存换页（si+so 530、530" in state
    assert "? 接入层日志" in state or "接入层日志" in state.split("\n? ")[1]


def test_a_stranger_sees_no_ticks(say: Say) -> None:
    say(LOAD.format("0.52") + CALM)
    say(REQUEST, "oStranger")
    assert "✓" not in say("更多", "oStranger") + say("更多", "oStranger")


def test_an_alert_that_comes_again_is_ticked_at_once(say: Say) -> None:
    say(LOAD.format("0.52") + CALM)
    assert "\n1 ? " in say(REQUEST.replace("86次", "87次"))


def test_the_report_of_the_logs_answers_the_step_that_asks_for_it(say: Say) -> None:
    report = "判断 进来了，是我们慢了（backend_slow）\n依据 /cb 31 次，状态 499 ×31\n接着 先看它"
    assert "第 1 步 ✗" in say(report)
    assert "\n1 ✗ " in say(REQUEST.replace("86次", "87次"))
