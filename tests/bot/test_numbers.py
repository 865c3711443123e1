"""The number that a command begins with: what is one, whatever stands behind it, and what is none."""

from __future__ import annotations

import pytest

from tests.support.talk import CONNECT, NOW, Say
from triage.bot.commands import read_command
from triage.bot.numbers import first_number, first_range, several_numbers
from triage.incidents.correlation import State
from triage.store import Store

SHOP = CONNECT.replace("wx014d339f79c92781", "wx1111111111111111").replace("时令果蔬", "满仓商城")


@pytest.mark.parametrize(
    "argument",
    ["", "好了", "02:30 重启好了", "02：30 好了", "1.5 倍", "3秒", "1台机器挂了", "1-2", "#1-3", "#1～#3 好了",
     "1到2", "2026-04-21 好了", "1,2", "1234567890", "#", "#1234567890"],
)  # fmt: skip
def test_what_is_no_number_of_an_incident_is_all_words(argument: str) -> None:
    assert first_number(argument) == (None, argument)


@pytest.mark.parametrize(
    ("argument", "rest"),
    [
        ("12", ""), ("#12", ""), ("12。", ""), ("#12！", ""), ("#12...", ""), ("12 好了", "好了"),
        ("#12，好了", "好了"), ("12，好了", "好了"), ("#12：好了", "好了"), ("#12好了", "好了"),
        ("12号 好了", "好了"),
        ("事件 #12 好了", "好了"), ("事件12", ""), ("编号 12 好了", "好了"),
        ("＃１２ 好了", "好了"), ("12 02:30 好了", "02:30 好了"),
        ("#12 500 少了", "500 少了"),
    ],
)  # fmt: skip
def test_a_number_ends_where_people_end_it(argument: str, rest: str) -> None:
    assert first_number(argument) == (12, rest)


@pytest.mark.parametrize(
    ("argument", "found"),
    [
        ("1", None), ("#1 好了", None), ("1 2 台机器", None), ("1 2", ((1, 2), "")), ("1,2", ((1, 2), "")),
        ("#1、#2 好了", ((1, 2), "好了")), ("#1 和 #2 好了", ((1, 2), "好了")), ("1和2", ((1, 2), "")),
        ("1 2。", ((1, 2), "")),
    ],
)  # fmt: skip
def test_several_numbers_are_read_with_what_joins_them(argument: str, found: object) -> None:
    assert several_numbers(argument) == found


@pytest.mark.parametrize(
    ("argument", "found"),
    [
        ("1-3", "1-3"),
        ("#1～#3 好了", "#1～#3"),
        ("1到3，好了", "1到3"),
        ("02-30", None),
        ("1-", None),
        ("1", None),
    ],
)
def test_a_range_names_incidents_that_nobody_wrote(argument: str, found: str | None) -> None:
    assert first_range(argument) == found


@pytest.mark.parametrize(
    "typed",
    ["关闭 1。", "关闭 #1，好了", "关闭 #1好了", "关闭#1好了", "关闭 #1：好了", "关闭 事件 #1 好了", "关闭 编号1",
     "关闭 「#1」", "关闭 No.1 好了",
     "关闭 时令果蔬，好了", "关闭 时令果蔬：好了"],
)  # fmt: skip
def test_closing_closes_the_incident_that_is_named(typed: str, say: Say, store: Store) -> None:
    say(CONNECT)
    say(SHOP)
    assert say(typed).startswith("事件 #1 已关闭")
    assert {found.id: found.state for found in store.incidents_with((1, 2))} == {
        1: State.CLOSED,
        2: State.OPEN,
    }


@pytest.mark.parametrize(
    "typed",
    [
        "关闭 1-2 好了",
        "关闭 #1～#2",
        "关闭 1到2",
        "关闭 1，好了",
        "关闭 1 2 好了",
        "关闭 #1 2 好了",
        "关闭 1号 好了",
        "关闭 果蔬 好了",
        "关闭 #1\n关闭 #2",
        "关闭 好了\n认领 1",
        "关闭 wx2222222222222222 好了",
    ],
)
def test_what_may_name_another_incident_closes_none(typed: str, say: Say, store: Store) -> None:
    say(CONNECT)
    say(SHOP)
    assert "没有记下任何东西" in (answer := say(typed)) or "什么也没动" in answer
    assert [found.state for found in store.incidents_with((1, 2))] == [State.OPEN, State.OPEN]


@pytest.mark.parametrize("typed", ["关闭 02:30 重启好了", "关闭 3秒超时改成5秒", "关闭 重启 好了"])
def test_a_reason_that_begins_with_digits_is_one(typed: str, say: Say, store: Store) -> None:
    say(CONNECT)
    say(typed)
    closed = store.incident(1)
    assert closed
    assert closed.closed_note == typed.partition(" ")[2]


@pytest.mark.parametrize(
    "typed", ["状态 #1。", "认领 #1！", "认领 时令果蔬，", "转给 #1，小林。", "静音 #1，1小时", "确认 #1。"]
)
def test_other_commands_read_numbers_alike(typed: str, say: Say) -> None:
    say(CONNECT)
    assert "#1" in say(typed, now=NOW)


@pytest.mark.parametrize("typed", ["关闭499的连接", "关闭1台机器", "状态502", "备注3次"])
def test_digits_glued_to_a_command_with_words_are_no_number(typed: str) -> None:
    assert read_command(typed) is None
