"""Many alerts at once: summed up by what they share, every one reachable, several claimed and closed together."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from tests.support.talk import BLOCKED, CONNECT, LIN, NOW, STRANGER, Say
from triage.store import Store

MALL = CONNECT.replace("wx014d339f79c92781", "wx7a1e5c3b9d2f4068").replace("时令果蔬", "满仓商城")


def _of_account(number: int, ip: str) -> str:
    return CONNECT.replace("wx014d339f79c92781", f"wx014d339f79c9{number:04}").replace("192.0.2.126", ip)


def _storm(say: Say, hosts: int = 23, others: int = 16) -> str:
    """The reply to the last of so many accounts on one machine, after so many alone on theirs."""
    shown = ""
    for number in range(others):
        shown = say(_of_account(1000 + number, f"198.51.100.{number}"))
    for number in range(hosts):
        shown = say(_of_account(number, "203.0.113.7"))
    return shown


def _numbers(text: str) -> list[int]:
    return [int(found) for found in re.findall(r"^#(\d+) ", text, re.MULTILINE)]


def test_a_storm_counts_past_twenty_five_and_keeps_the_sentence_of_the_machine(say: Say) -> None:
    shown = _storm(say)
    assert "一分钟里来了 39 条不同的报警，" in shown
    assert "203.0.113.7 上已有 23 个号在报警：先问这台机器" in shown
    assert "1 机器 203.0.113.7 · 22 个号 · 连接超时 · 22 件，没人认领 22 件" in shown
    assert "2 连接超时 · 16 件，没人认领 16 件" in shown
    assert len(shown.splitlines()) <= 14


def test_a_digit_opens_a_group_and_more_goes_through_it_to_its_end(say: Say) -> None:
    _storm(say)
    pages = [say("1"), say("更多"), say("更多")]
    assert "还有 14 件，回「更多」接着列" in pages[0]
    assert "还有 6 件" in pages[1]
    assert "还有" not in pages[2]
    listed = [number for page in pages for number in _numbers(page)]
    assert sorted(listed) == list(range(17, 39))
    assert "先做" in say("更多"), "then the checklist of the alert that was sent"


def test_a_group_is_claimed_and_closed_at_once(say: Say, store: Store) -> None:
    _storm(say)
    say("认领 #17", LIN)
    say("1")
    shown = say("认领 全部")
    assert "归你了 21 件" in shown
    assert "还有 13 件" in shown
    assert "没动 #17 小林在处理" in shown
    assert "已关闭 21 件" in say("关闭 全部 换了交换机")
    for number in range(1, 40):
        incident = store.incident(number)
        assert incident
        assert incident.state == ("closed" if 18 <= number <= 38 else "open")
        assert incident.closed_note == ("换了交换机" if 18 <= number <= 38 else None)


def test_a_list_is_gone_through_to_its_end_and_a_number_means_what_it_names(say: Say) -> None:
    for number in range(20):
        say(_of_account(number, f"198.51.100.{number}"), now=NOW + timedelta(minutes=number))
    later = NOW + timedelta(minutes=21)
    pages = [say("状态", now=later), say("更多", now=later), say("更多", now=later)]
    assert pages[0].startswith("现在的事件 20 件\n")
    assert pages[1].startswith("第 9–16 件，共 20 件\n")
    assert [number for page in pages for number in _numbers(page)] == list(range(20, 0, -1))
    assert say("3", now=later).startswith("#3 连接超时")
    assert "连接超时" in say("21", now=later).splitlines()[0] or "是不是" in say("21", now=later)


def test_a_number_of_three_digits_is_an_incident_only_after_a_list_that_names_it(say: Say) -> None:
    for number in range(101):
        say(_of_account(number, f"198.51.100.{number}"), now=NOW + timedelta(minutes=2 * number))
    later = NOW + timedelta(minutes=210)
    assert not say("101", now=later).startswith("#101")
    say("状态", now=later)
    assert say("101", now=later).startswith("#101 连接超时")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("认领 1 2", "归你了 2 件"),
        ("认领 #1、#2", "归你了 2 件"),
        ("认领 1 2 99", "没动 #99 没有这件事"),
        ("关闭 #1 #2 加了带宽", "已关闭 2 件"),
        ("关闭 1 2", "已关闭 2 件"),
    ],
)
def test_several_are_claimed_and_closed_by_their_numbers(words: str, told: str, say: Say) -> None:
    say(CONNECT)
    say(MALL)
    shown = say(words)
    assert told in shown
    assert "满仓商城 wx7a…4068" in shown
    assert "时令果蔬 wx01…2781" in shown


@pytest.mark.parametrize("words", ["认领 1 2 号机", "关闭 1 2 台机器重启了", "认领 1 1"])
def test_other_words_behind_a_number_are_not_several(words: str, say: Say, store: Store) -> None:
    say(MALL)
    say(CONNECT)
    say(words)
    incident = store.incident(2)
    assert incident
    assert (incident.owner, incident.state) == (None, "open")


def test_what_cannot_be_claimed_is_named_with_its_reason(say: Say) -> None:
    say(CONNECT)
    say(MALL)
    say("认领 1", LIN)
    say("关闭 #2 好了")
    shown = say("认领 1 2")
    assert "什么也没动" in shown
    assert "#1 小林在处理" in shown
    assert "#2 已经关闭" in shown


def test_everything_means_the_alerts_of_the_last_message(say: Say) -> None:
    say(_of_account(9, "198.51.100.1"), LIN)
    say(BLOCKED + MALL)
    assert "归你了 2 件：\n#3 满仓商城" in say("认领 全部")


def test_nothing_of_another_team_is_claimed_at_once(say: Say, store: Store, teammate: str) -> None:
    say(MALL)
    assert "没动 #1 没有这件事、#2 没有这件事" in say("认领 1 2", teammate)
    assert "只有成员能用" in say("认领 1 2", STRANGER)
    incident = store.incident(1)
    assert incident
    assert incident.owner is None


@pytest.mark.parametrize(("incidents", "later"), [(50, ""), (51, "还有 1 件")])
def test_fifty_are_claimed_at_once(incidents: int, later: str, say: Say) -> None:
    for number in range(incidents):
        say(_of_account(number, f"198.51.100.{number}"), now=NOW + timedelta(minutes=number))
    now = NOW + timedelta(minutes=60)
    say("状态", now=now)
    shown = say("认领 全部", now=now)
    assert "归你了 50 件" in shown
    assert ("一次最多 50 件" in shown) == bool(later)
    assert ("归你了 1 件" in say("认领 全部", now=now)) == bool(later)


@pytest.mark.parametrize(("before", "is_short"), [(1, False), (2, True)])
def test_the_third_of_a_kind_within_a_minute_is_answered_in_short(
    before: int, is_short: bool, say: Say
) -> None:
    for number in range(before):
        say(_of_account(number, f"198.51.100.{number}"))
    shown = say(MALL, now=NOW + timedelta(minutes=1))
    assert ("一样；发「更多」看这一条的" in shown) == is_short
    assert ("先做" in shown) != is_short
    assert "满仓商城 wx7a…4068" in shown
    if is_short:
        assert len(shown.splitlines()) <= 5
        assert "先做" in say("更多")
        assert "归你了：满仓商城" in say("认领")


@pytest.mark.parametrize(
    "sample",
    [
        pytest.param("[cURL Error=52]", id="what the sample proves is another thing"),
        pytest.param("[Event=UnSubscribe]", id="the event is another one"),
    ],
)
def test_an_alert_whose_steps_are_others_is_not_called_alike(sample: str, say: Say) -> None:
    bad = CONNECT.replace(
        "微信服务器连接公众号开发者服务器时发生超时，超时时间为5秒",
        "微信服务器向公众号推送消息或事件后，得到的回应不合法",
    )
    for number in range(3):
        say(bad.replace("86次", f"{40 + number}次"))
    assert "先做" in say(bad.replace("[Msg=Text]", sample))


def test_several_alerts_sent_in_a_storm_are_not_spoken_of_as_one(say: Say) -> None:
    _storm(say)
    shown = say("".join(_of_account(2000 + number, f"203.0.113.{number}") for number in range(3)))
    assert "一分钟里来了 42 条不同的报警，最近 39 件" in shown
    assert "你刚发的 3 条还没算进上面，最要紧的是连接超时" in shown
    assert say("更多").startswith("一共 3 条报警")


def test_others_and_other_kinds_and_earlier_ones_shorten_nothing(say: Say) -> None:
    for number in range(4):
        say(_of_account(number, f"198.51.100.{number}"), LIN)
    say(BLOCKED)
    say(_of_account(7, "198.51.100.7"))
    assert "先做" in say(MALL)
    assert "先做" in say(_of_account(8, "198.51.100.8"), now=NOW + timedelta(minutes=1, seconds=1))


def test_an_alert_in_short_of_a_closed_incident_offers_nothing_to_claim(say: Say) -> None:
    say(CONNECT)
    say(CONNECT.replace("18:31:00", "18:32:00"))
    assert "「认领」接手" in say(CONNECT.replace("18:31:00", "18:33:00"))
    say("关闭 #1 换了证书")
    shown = say(CONNECT.replace("18:31:00", "18:34:00"))
    assert "步骤和刚才那条连接超时一样" in shown
    assert "「认领」接手" not in shown


def test_a_reason_is_mentioned_when_the_next_alert_comes_long_after_the_last_one(say: Say) -> None:
    say(CONNECT)
    say("关闭 #1 加了带宽", now=NOW + timedelta(hours=3))
    shown = say(CONNECT.replace("18:31:00", "22:38:00"), LIN, NOW + timedelta(hours=4))
    assert "上次出事 2026-04-21（4 小时前），关闭时写：加了带宽" in shown
