"""What refers to the last answer: pages, reasons, steps, digits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.talk import BLOCKED, CONNECT, NOW, REQUEST, Say
from triage.advice.adviser import Adviser
from triage.store import Store


def test_more_goes_through_all_pages_and_ends(say: Say, adviser: Adviser) -> None:
    pages = adviser.answer(REQUEST).pages
    say(REQUEST)
    shown = [say("更多") for _ in pages[1:]]
    steps = "\n".join(shown)
    for line in "\n".join(pages[1:]).splitlines():
        if line[:1].isdigit():
            assert line in steps
    assert "没有下一页了" in say("更多")


def test_more_goes_through_several_alerts(say: Say) -> None:
    assert "一共 2 条报警" in say(CONNECT + REQUEST)
    assert "请求超时" in say("更多") + say("更多") + say("更多")


def test_the_reasons_of_the_worst_alert_come_first_and_more_turns_to_the_others(say: Say) -> None:
    other = BLOCKED.replace("wx014d339f79c92781", "wx014d339f79c92789")
    say(CONNECT + other)
    first = say("为什么")
    assert "为什么是「MarkFail" in first
    assert "为什么是「连接超时" in say("更多")
    assert "为什么是" not in say("更多"), "after the last reasons the checklists go on"
    assert say("为什么") == first


def test_another_word_after_the_reasons_ends_them(say: Say) -> None:
    say(CONNECT + BLOCKED.replace("wx014d339f79c92781", "wx014d339f79c92789"))
    say("为什么")
    say("下一步")
    assert "为什么是" not in say("更多")


def test_why_next_and_useless(say: Say, store: Store) -> None:
    say(REQUEST)
    assert "为什么是「请求超时" in say("为什么")
    assert say("下一步").startswith("第 1 步")
    assert say("没用").startswith("第 2 步")
    assert any(event.detail == "第 1 步没用" for event in store.timeline(1))


def test_what_leads_the_reply_leads_the_steps_and_the_reasons(say: Say) -> None:
    say(CONNECT)
    shown = say(BLOCKED).split("先做\n", 1)[1].splitlines()[0]
    assert shown in say("下一步")
    sources = say("为什么").split("步骤出处", 1)[1]
    say(CONNECT)
    own = say("为什么").split("步骤出处", 1)[1]
    assert sources.splitlines()[1] == own.splitlines()[1]


def test_an_item_that_is_looked_up_does_not_end_the_talk(say: Say) -> None:
    say(REQUEST)
    assert "〔R2〕" in say("为什么")
    assert say("R2").startswith("〔R2〕5 秒内回完\n")
    assert say("4").startswith("🔴 请求超时")
    say(REQUEST)
    assert say("〔4.b〕").startswith("〔4.b〕收到请求没有\n")
    assert say("下一步").startswith("第 1 步")


def test_a_question_between_keeps_the_incident(say: Say, store: Store) -> None:
    say(CONNECT)
    assert "499" in say("499")
    assert "为什么是" in say("为什么")
    say("下一步")
    assert "归你了" in say("认领")
    assert [event.what for event in store.timeline(1)] == ["open", "claim"]


def test_of_several_alerts_the_worst_is_meant(say: Say, store: Store) -> None:
    say(CONNECT + BLOCKED.replace("wx014d339f79c92781", "wx014d339f79c92789"))
    say("认领")
    (claimed,) = [item for item in store.recent_incidents(NOW - timedelta(hours=1)) if item.owner]
    assert claimed.sightings[0].kind == "mark_fail"


@pytest.mark.parametrize("asked", ["DNS", "超时", "timeout", "nginx 状态"])
def test_a_digit_is_the_choice_that_bears_it(asked: str, say: Say) -> None:
    offered = [line.split(" ", 1) for line in say(asked).splitlines()[1:]]
    assert len(offered) > 1
    for digit, title in offered:
        say(asked)
        assert say(digit).splitlines()[0].partition(" ")[2].startswith(title), (digit, title)


def test_of_several_topics_none_is_walked_unasked(say: Say) -> None:
    say("超时")
    assert "先发一条报警" in say("下一步")


def test_a_digit_without_a_choice_is_a_guide_number(say: Say) -> None:
    assert "连接超时" in say("3")


def test_state_expires(say: Say) -> None:
    say(REQUEST)
    assert "先发一条报警" in say("为什么", now=NOW + timedelta(hours=2))
    assert "把报警再发一次" in say("更多", now=NOW + timedelta(hours=2))


def test_a_zero_chooses_nothing(say: Say) -> None:
    alone = say("0")
    say("nginx 状态")
    assert say("0") == alone


def test_steps_are_shown_one_by_one_to_the_last(say: Say, adviser: Adviser) -> None:
    say(CONNECT)
    steps = adviser.steps(CONNECT)
    assert steps
    for number in range(1, steps.count + 1):
        assert say("下一步").startswith(f"第 {number} 步")
    assert not say("下一步").startswith("第 ")


def test_no_step_is_called_useless_before_one_was_shown(say: Say, store: Store) -> None:
    say(CONNECT)
    assert say("没用").startswith("第 1 步")
    say("认领")
    assert "note" not in [event.what for event in store.timeline(1)]


def test_the_pages_of_a_mark_fail_go_on_with_the_steps_that_led(say: Say, adviser: Adviser) -> None:
    say(CONNECT)
    pages = [say(BLOCKED)]
    while "没有下一页了" not in (page := say("更多")):
        pages.append(page)
    steps = adviser.steps(BLOCKED, "connect_timeout")
    assert steps
    shown = "\n".join(pages)
    for index in range(steps.count):
        assert shown.count(steps.line(index)) == 1, index
