"""值班, 替班, 换班, 放手, 转给, 静音: what is said, and what it leads to."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.talk import CONNECT, LIN, NOW, STRANGER, ZHAO, Overtaken, Say, message_of, person
from tests.support.team import HAN, LI, MAIN, TEAM
from triage.bot.bot import Bot
from triage.bot.duty_commands import read_duration
from triage.incidents import rota
from triage.message import ANY_ACCOUNT, Person
from triage.store import Store

ON_DUTY = replace(
    TEAM,
    people=(replace(LI, addresses=(person(ZHAO),)), replace(HAN, addresses=(person(LIN),)), TEAM.people[2]),
)
"""ZHAO is 李雷, LIN is 韩梅; in the week of NOW 李雷 is on call."""


@pytest.fixture
def bot(bot: Bot) -> Bot:
    return replace(bot, team=ON_DUTY)


def _on_call(store: Store, at: datetime) -> str | None:
    return rota.on_call(MAIN, store.shifts(NOW), at).teammate


# -- what must not happen


@pytest.mark.parametrize("text", ["值班", "替班 2小时", "换班 10-01 韩梅", "放手", "转给 韩梅", "静音 1小时"])
def test_strangers_are_told_that_it_is_for_members(text: str, say: Say, store: Store) -> None:
    assert "成员" in say(text, STRANGER)
    assert store.shifts(NOW) == ()


def test_without_a_file_nobody_is_on_call_and_it_says_so(bot: Bot) -> None:
    answer = replace(bot, team=None).handle(message_of("值班"), NOW).text
    assert answer == "还没有值班表，管理员在 TRIAGE_TEAM 里配置。"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("替班", "替多久"),
        ("替班 一会儿", "替多久"),
        ("替班 169小时", "最长 7 天"),
        ("换班 韩梅", "换哪天"),
        ("换班 02-30 韩梅", "换哪天"),
        ("换班 10-01", "换给谁"),
        ("换班 10-01 韩磊", "不认识「韩磊」"),
    ],
)
def test_shift_that_is_not_clear_changes_nothing(text: str, part: str, say: Say, store: Store) -> None:
    assert part in say(text)
    assert store.shifts(NOW) == ()


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("放手", "没人认领"),
        ("转给", "转给谁"),
        ("转给 韩磊。", "不认识「韩磊。」"),
        ("静音", "静音多久"),
        ("静音 25小时", "最长 24 小时"),
        ("放手 99", "99"),
    ],
)
def test_incident_is_left_alone_where_it_is_not_clear_what_to_do(
    text: str, part: str, say: Say, store: Store
) -> None:
    say(CONNECT)
    before = store.incident(1)
    assert part in say(text)
    assert store.incident(1) == before


def test_what_somebody_else_has_claimed_cannot_be_let_go(say: Say, store: Store) -> None:
    say(CONNECT)
    say("认领 1", LIN)
    assert "是小林在处理" in say("放手 1")
    incident = store.incident(1)
    assert incident is not None
    assert incident.owner == person(LIN)


@pytest.mark.parametrize(
    ("addresses", "owner"),
    [
        ((("wecom", ANY_ACCOUNT, "han"),), None),
        ((("wecom", ANY_ACCOUNT, "han"), ("dingtalk", ANY_ACCOUNT, "1390")), None),
        ((("wecom", ANY_ACCOUNT, "han"), ("wecom_bot", "B", "han")), ("wecom_bot", "B", "han")),
        ((("wecom", "corp", "han"),), ("wecom", "corp", "han")),
        ((("wecom", "corp", "han"), ("wechat", ANY_ACCOUNT, LIN)), ("wechat", "wxbot", LIN)),
        ((("wechat", "wxother", LIN),), ("wechat", "wxother", LIN)),
    ],
    ids=[
        "nobody knows by which account of a channel",
        "nor of two channels",
        "there is another channel where that is known",
        "on a channel that the asker is not on",
        "the asker's own account first",
        "another account of the asker's channel",
    ],
)
def test_incident_is_given_to_an_address_that_is_known_or_to_nobody(
    addresses: tuple[tuple[str, str, str], ...], owner: tuple[str, str, str] | None, bot: Bot, store: Store
) -> None:
    mate = replace(HAN, addresses=tuple(Person(*each) for each in addresses))
    asking = replace(bot, team=replace(ON_DUTY, people=(mate,)), admins={person(ZHAO): "小赵"})
    asking.handle(message_of(CONNECT), NOW)
    answer = asking.handle(message_of("转给 韩梅"), NOW).text or ""
    incident = store.incident(1)
    assert incident is not None
    assert incident.owner == (Person(*owner) if owner else None)
    assert ("自己发「认领 1」" in answer) is (owner is None)


@pytest.mark.parametrize("typed", ["转给 1 小林", "静音 1 1小时", "放手 1"])
def test_what_somebody_closes_at_that_moment_is_not_said_to_be_done(
    typed: str, bot: Bot, say: Say, store: Store
) -> None:
    say(CONNECT)
    say("认领 1")
    late: Any = Overtaken(store, lambda: store.close_incident(1, person(LIN), NOW))
    assert replace(bot, store=late).handle(message_of(typed), NOW).text == "事件 #1 已经关闭。"


# -- shifts


def test_who_is_on_call_until_when_and_who_is_next(say: Say) -> None:
    assert say("值班").splitlines()[0] == "main：李雷，到 04-27 10:00；下一个韩梅，04-27 10:00 起"


def test_running_shift_is_taken_over_from_now_on(say: Say, store: Store) -> None:
    assert say("替班 2小时", LIN) == "main：04-21 18:40 到 04-21 20:40 由韩梅值班。"
    assert _on_call(store, NOW) == "han"
    assert _on_call(store, NOW + timedelta(hours=2)) == "li"
    assert "韩梅，到 04-21 20:40；下一个李雷" in say("值班")


def test_day_is_given_to_somebody_else(say: Say, store: Store) -> None:
    assert say("换班 04-23 韩梅") == "main：04-23 00:00 到 04-24 00:00 由韩梅值班。"
    assert [_on_call(store, NOW + timedelta(days=days)) for days in (1, 2, 3)] == ["li", "han", "li"]


def test_day_that_is_over_is_that_of_next_year(say: Say, store: Store) -> None:
    assert say("换班 4月20日 韩梅") == "main：2027-04-20 00:00 到 2027-04-21 00:00 由韩梅值班。"
    (shift,) = store.shifts(NOW)
    assert shift.start.astimezone(NOW.tzinfo).date().isoformat() == "2027-04-20"


def test_rotation_can_be_named(bot: Bot, store: Store) -> None:
    two = replace(ON_DUTY, rotations=(MAIN, replace(MAIN, id="second")))
    replace(bot, team=two).handle(message_of("替班 1小时 second", LIN), NOW)
    (shift,) = store.shifts(NOW)
    assert shift.rotation == "second"


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("2小时", 120),
        ("2 个小时", 120),
        ("半小时", 30),
        ("1小时30分钟", 90),
        ("90m", 90),
        ("2h", 120),
        ("0小时", None),
        ("小时", None),
        ("", None),
        ("两天", None),
    ],
)
def test_durations(text: str, minutes: int | None) -> None:
    assert read_duration(text) == (None if minutes is None else timedelta(minutes=minutes))


@pytest.mark.parametrize(("text", "taken"), [("替班 168小时", 1), ("替班 169小时", 0)])
def test_longest_cover(text: str, taken: int, say: Say, store: Store) -> None:
    say(text)
    assert len(store.shifts(NOW)) == taken


# -- incidents


def test_claimed_incident_is_let_go(say: Say, store: Store) -> None:
    say(CONNECT)
    say("认领")
    assert "你放手了" in say("放手")
    incident = store.incident(1)
    assert incident is not None
    assert incident.owner is None
    assert "收回认领" in say("状态 1")


@pytest.mark.parametrize("text", ["转给 韩梅", "转给 1 韩梅", "转给 #1 han", "转给 小林"])
def test_incident_is_given_to_somebody(text: str, say: Say, store: Store) -> None:
    say(CONNECT)
    assert "转给小林了" in say(text)
    incident = store.incident(1)
    assert incident is not None
    assert incident.owner == person(LIN)
    assert "#1" in say("我的", LIN)
    assert say("状态 1").endswith("小赵转给小林")


@pytest.mark.parametrize(("text", "hours"), [("静音 1小时", 1), ("静音 #1 24小时", 24)])
def test_incident_calls_nobody_for_a_while(text: str, hours: int, say: Say, store: Store) -> None:
    say(CONNECT)
    assert "不再叫人" in say(text)
    incident = store.incident(1)
    assert incident is not None
    assert incident.muted_until == NOW + timedelta(hours=hours)
    end = f"{incident.muted_until.astimezone(NOW.tzinfo):%H:%M}"
    assert say("状态 1").endswith(f"小赵静音到 {end}" if hours == 1 else f"小赵静音到 04-22 {end}")


def test_closed_incident_is_left_alone(say: Say) -> None:
    say(CONNECT)
    say("关闭 好了")
    assert say("静音 1 1小时") == "事件 #1 已经关闭。"


@pytest.mark.parametrize(
    ("typed", "part"),
    [
        ("替班2小时", "18:40 到 04-21 20:40"),
        ("替班2小时 main", "20:40"),
        ("换班04-23 韩梅", "由韩梅值班"),
        ("静音1小时", "不再叫人"),
    ],
)
def test_a_time_may_stand_right_behind_its_command(typed: str, part: str, say: Say) -> None:
    say(CONNECT)
    assert part in say(typed)
