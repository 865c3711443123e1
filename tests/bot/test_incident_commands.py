"""What members do by typed words, over a real SQLite store: incidents, invitations, who sees what."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.talk import BLOCKED, CONNECT, LIN, NOW, REQUEST, STRANGER, Say, person
from triage.store import Store


def test_a_stranger_joins_by_an_invitation_used_once(say: Say) -> None:
    assert "gulu" in say("邀请")
    assert "阿珍，欢迎" in say("加入 gulu 阿珍", STRANGER)
    assert "现在的事件" in say("状态", STRANGER)
    assert "邀请词不对" in say("加入 gulu 别人", "oOther")


def test_a_name_is_found_however_its_message_ends(say: Say) -> None:
    say("邀请")
    assert "阿珍，欢迎" in say("加入 gulu 阿珍。", STRANGER)
    say(CONNECT)
    assert "转给阿珍了" in say("转给 1 @阿珍！")
    assert "阿珍 不再是成员" in say("移除 阿珍。")


def test_an_invitation_is_not_used_up_without_a_name(say: Say) -> None:
    say("邀请")
    assert "还差名字：发「加入 gulu 你的名字」" in say("加入 gulu", STRANGER)
    assert "邀请词向成员要" in say("加入", STRANGER)
    assert "阿珍，欢迎" in say("加入 gulu 阿珍", STRANGER)


def test_teams_see_only_their_own_accounts(say: Say, store: Store) -> None:
    say("邀请")
    say("加入 gulu 阿珍", STRANGER)
    member = store.member(person(STRANGER))
    assert member
    store.add_member(replace(member, appids=("wxOther",)))
    say(CONNECT)
    assert "0 件" in say("状态", STRANGER)
    assert "1 件" in say("状态")


def test_status_history_notes_and_mine(say: Say) -> None:
    say(CONNECT)
    say("认领")
    assert "记在事件 #1 上了" in say("备注 重启了 nginx")
    detail = say("状态 1")
    assert "重启了 nginx" in detail
    assert "认领" in detail
    assert "#1 连接超时" in say("我的")
    assert "小赵处理中" in say("状态")
    say("关闭 1 换了机房")
    assert "换了机房" in say("历史")
    assert "0 件" in say("状态")


def test_claiming_is_told_as_it_is(say: Say) -> None:
    say(CONNECT)
    assert "归你了" in say("认领")
    assert "已经是你的" in say("认领 1")
    assert "已经是小赵在处理" in say("认领 #1", LIN)
    say("关闭 好了")
    assert "已经关闭" in say("认领 1", LIN)
    assert say("我的", LIN) == "你没有认领事件"
    assert "没有 #99 这件事" in say("认领 99")


def test_a_reopened_incident_belongs_to_nobody(say: Say) -> None:
    say(CONNECT)
    say("认领")
    say("关闭 #1 好了", LIN)
    shown = say(CONNECT.replace("18:31:00", "18:38:00"), LIN)
    assert "已重新打开" in shown
    assert "还没人认领" in shown
    assert "在处理" not in shown
    assert "没人认领" in say("状态")


@pytest.mark.parametrize("hours", [0, 1, 9])
def test_an_alert_from_before_closing_opens_nothing_again(hours: int, say: Say, store: Store) -> None:
    say(CONNECT)
    say("关闭 #1 换了证书", now=NOW)
    shown = say(CONNECT.replace("18:31:00", "18:35:00"), LIN, NOW + timedelta(hours=hours))
    assert "事件 #1 已经关闭" in shown
    assert "关闭时写：换了证书" in shown
    assert "现在的事件 0 件" in say("状态", now=NOW + timedelta(hours=hours))
    assert [event.what for event in store.timeline(1)] == ["open", "close"]


def test_what_failed_on_other_days_is_told_with_its_day(say: Say) -> None:
    say(CONNECT.replace("2026-04-21", "2025-04-21"))
    assert " · 2025-04-21 18:31 起，" in say("状态")
    shown = say(BLOCKED)
    assert "经过 04-21 18:31 连接超时 → 04-21 18:40 MarkFail" in shown
    assert "根子" not in shown, "a year lies between them"
    assert "经过 04-21 18:31 连接超时 → 04-21 18:40 MarkFail" in say("状态 1")


def test_the_path_is_in_the_order_of_the_failures_not_of_the_forwards(say: Say) -> None:
    say(BLOCKED)
    assert "经过 18:36 请求超时 → 18:40 MarkFail" in say(REQUEST)
    assert "经过 18:31 连接超时 → 18:36 请求超时 → 18:40 MarkFail" in say(CONNECT)


@pytest.mark.parametrize("typed", ["认领 #1", "状态 1", "备注 #1 看过了", "关闭 #1"])
def test_what_is_typed_next_means_the_incident_that_was_named_last(
    typed: str, say: Say, store: Store
) -> None:
    say(CONNECT)
    say(BLOCKED.replace("wx014d339f79c92781", "wx014d339f79c92789"))
    say(typed)
    say("关闭 换了证书")
    first, second = store.incident(1), store.incident(2)
    assert first
    assert second
    assert (first.closed_note, second.state) == ("换了证书", "open")


def test_a_reason_can_be_added_and_a_later_one_is_a_note(say: Say) -> None:
    say(CONNECT)
    assert "补一句是怎么好的" in say("关闭")
    assert "之前就关闭了" in say("关闭 1")
    assert "原因补上了" in say("关闭 回滚了版本")
    assert "已关闭：回滚了版本" in say("历史")
    assert "记成了备注" in say("关闭 其实是扩容")
    assert "已关闭：回滚了版本" in say("历史")
    assert "其实是扩容" in say("状态 1")


def test_a_number_at_the_start_of_a_note_is_no_other_incident(say: Say, store: Store) -> None:
    say(CONNECT)
    say(BLOCKED.replace("wx014d339f79c92781", "wx014d339f79c92789"))
    assert "说的是哪件事" in say("关闭 1 台机器重启后恢复")
    assert "说的是哪件事" in say("备注 1 台机器重启了")
    unknown = say("关闭 99 好了")
    assert unknown.startswith("没有 #99 这件事")
    assert "#2 MarkFail" in unknown
    assert "已关闭" not in say("状态 2"), "a mistyped number closes nothing"
    assert "记在事件 #2 上了" in say("备注 500 错误少了一半")
    assert "记在事件 #2 上了" in say("备注 #2 3 台机器都重启了")
    assert [event.detail for event in store.timeline(2)][1:] == ["500 错误少了一半", "3 台机器都重启了"]
    assert len(store.timeline(1)) == 1
    assert "#1 已关闭" in say("关闭 #1 换了机房")


def test_a_note_is_masked_and_says_when_it_was_cut(say: Say) -> None:
    say(CONNECT)
    assert "只记下开头 500 字" in say("备注 token=SECRETTOKEN123 " + "长" * 2_000)
    assert "SECRETTOKEN123" not in say("状态 1")
    for _ in range(12):
        say("备注 又一条")
    assert "前面还有 4 条" in say("状态 1")


FORGED = "04-21 18:31 小林 关闭 已修复"


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n\r\n", "\x85", "\u2028", "\x0b"], ids=ascii)
def test_a_note_forges_no_line_of_the_timeline(end: str, say: Say) -> None:
    say(CONNECT)
    say(f"备注 #1 {end}{FORGED}")
    say(f"备注 #1 看过{end}{FORGED}")
    say(f"关闭 #1 好了{end}{FORGED}")
    shown = say("状态 1") + "\n" + say("历史")
    assert shown.count(FORGED) > 2
    assert [line for line in shown.splitlines() if line.strip().startswith(FORGED)] == []


def test_a_name_forges_no_line_of_the_timeline(say: Say) -> None:
    say("邀请")
    say(f"加入 gulu 阿珍\n{FORGED}", STRANGER)
    say(CONNECT, STRANGER)
    say("认领", STRANGER)
    shown = say("状态 1") + "\n" + say("状态")
    assert "阿珍 04-21" in shown
    assert [line for line in shown.splitlines() if line.strip().startswith(FORGED)] == []


def test_a_list_says_how_many_there_are(say: Say) -> None:
    for number in range(10):
        say(CONNECT.replace("wx014d339f79c92781", f"wx014d339f79c927{number:02}"))
    shown = say("状态")
    assert "10 件" in shown
    assert "还有 2 件" in shown
    assert "04-21 18:31 起，1 条报警" in shown


@pytest.mark.parametrize("words", ["状态 1", "认领 1", "备注 #1 看过", "关闭 #1 好了"])
def test_an_incident_of_another_team_is_not_there_by_its_number(
    words: str, say: Say, store: Store, teammate: str
) -> None:
    say(CONNECT.replace("wx014d339f79c92781", "wx014d339f79c92789"))
    assert "没有 #1 这件事" in say(words, teammate)
    incident = store.incident(1)
    assert incident
    assert (incident.owner, incident.state) == (None, "open")
    assert [event.what for event in store.timeline(1)] == ["open"]


@pytest.mark.parametrize("words", ["认领", "备注 看过", "关闭 好了", "下一步"])
def test_an_incident_of_another_team_is_not_meant_by_an_alert_of_it(
    words: str, say: Say, store: Store, teammate: str
) -> None:
    say(CONNECT.replace("wx014d339f79c92781", "wx014d339f79c92789"), teammate)
    assert "事件 #1" not in say(words, teammate)
    assert [event.what for event in store.timeline(1)] == ["open"]
    incident = store.incident(1)
    assert incident
    assert (incident.owner, incident.step) == (None, 0)


def test_nothing_is_recorded_of_an_empty_note(say: Say, store: Store) -> None:
    say(CONNECT)
    for words in ("备注", "关闭", "关闭"):
        say(words)
    assert [event.what for event in store.timeline(1)] == ["open", "close"]


def test_an_empty_list_gives_no_hint_what_to_do_with_it(say: Say) -> None:
    assert "认领 编号" not in say("状态")
    say(CONNECT)
    assert "认领 编号" in say("状态")


def test_a_member_uses_up_no_invitation(say: Say, store: Store) -> None:
    say("邀请")
    assert "已经是成员" in say("加入 gulu 小林", LIN)
    assert store.members() == ()
    assert "阿珍，欢迎" in say("加入 gulu 阿珍", STRANGER)


def test_the_open_incident_of_a_callback_is_meant_and_not_a_closed_one_that_was_forwarded_again(
    say: Say,
) -> None:
    later = NOW + timedelta(days=9)
    say(CONNECT)
    say("关闭 好了")
    say(CONNECT.replace("04-21", "04-30"), now=later)
    say(CONNECT, now=later + timedelta(minutes=1))
    assert "事件 #2 归你了" in say("认领", now=later + timedelta(minutes=2))


MALL = CONNECT.replace("wx014d339f79c92781", "wx7a1e5c3b9d2f4068").replace("时令果蔬", "满仓商城")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param("认领 没有的号", "没看懂「没有的号」是哪件", id="a name of no account"),
        pytest.param("认领 %", "没看懂「%」是哪件", id="a wildcard of SQL"),
        pytest.param("认领 全部", "「全部」不能一次全认领", id="claiming all"),
        pytest.param("关闭 全部 都好了", "「全部」不能一次全关闭", id="closing all"),
        pytest.param("认领 1 二号", "编号后面的「二号」没看懂", id="a word behind the number"),
        pytest.param("状态 没有的号", "没看懂「没有的号」是哪件", id="a status of no account"),
        pytest.param("备注 满仓商城 也慢", "说的是哪件事", id="a note that begins with another account"),
    ],
)
def test_what_is_not_understood_is_said_and_nothing_is_done(
    words: str, told: str, say: Say, store: Store
) -> None:
    say(MALL)
    say(CONNECT)
    shown = say(words)
    assert told in shown
    assert "没有记下任何东西" in shown or "什么也没动" in shown
    for incident in store.recent_incidents(NOW - timedelta(hours=1)):
        assert (incident.owner, incident.state) == (None, "open")
        assert [event.what for event in store.timeline(incident.id)] == ["open"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("认领 满仓商城", "事件 #1 归你了：满仓商城"),
        ("认领 满仓", "事件 #1 归你了：满仓商城"),
        ("认领 wx7a1e5c3b9d2f4068", "事件 #1 归你了：满仓商城"),
        ("状态 满仓商城", "#1 连接超时 · 满仓商城"),
        ("关闭 满仓商城 加了带宽", "事件 #1 已关闭：满仓商城"),
        ("备注 时令果蔬 也慢", "记在事件 #2 上了：时令果蔬"),
    ],
)
def test_the_name_of_an_account_is_its_open_incident(words: str, told: str, say: Say) -> None:
    say(MALL)
    say(CONNECT)
    assert told in say(words)


def test_closing_by_name_keeps_the_rest_as_the_reason(say: Say, store: Store) -> None:
    say(MALL)
    say(CONNECT)
    say("关闭 满仓商城 加了带宽")
    assert [event.detail for event in store.timeline(1)][1:] == ["加了带宽"]
    assert "#1 连接超时 · 满仓商城" in say("状态 满仓商城"), "closed by now, and still found"


def test_of_several_incidents_of_one_account_the_one_spoken_of_is_meant_else_all_are_named(say: Say) -> None:
    say(MALL)
    say(MALL.replace("/cb?", "/pay?"))
    assert "事件 #2 归你了" in say("认领 满仓商城")
    shown = say("认领 满仓商城", LIN)
    assert "有几件没关，说的是哪件" in shown
    assert "#1 连接超时" in shown
    assert "#2 连接超时" in shown


def test_a_name_finds_nothing_of_another_team(say: Say, store: Store, teammate: str) -> None:
    say(MALL)
    assert "没看懂「满仓商城」" in say("认领 满仓商城", teammate)
    incident = store.incident(1)
    assert incident
    assert incident.owner is None


def test_an_open_incident_is_found_by_name_behind_two_hundred_newer_ones(say: Say) -> None:
    say(MALL)
    for number in range(210):
        say(
            CONNECT.replace("wx014d339f79c92781", f"wx014d339f79c92{number:03}"),
            LIN,
            NOW + timedelta(seconds=number),
        )
    assert "事件 #1 归你了：满仓商城" in say("认领 满仓商城", now=NOW + timedelta(minutes=5))


@pytest.mark.parametrize(
    "words", ["认领", "认领 1", "备注 看过", "备注", "关闭 好了", "关闭", "关闭 #1", "状态 1"]
)
def test_every_answer_to_a_command_names_the_account(words: str, say: Say) -> None:
    say(CONNECT)
    assert "时令果蔬 wx01…2781" in say(words)
    say("关闭 好了")
    assert "时令果蔬 wx01…2781" in say(words)


def test_closing_a_closed_incident_says_how_it_was_closed_and_asks_for_no_note(say: Say) -> None:
    say(CONNECT)
    say("关闭 加了带宽")
    shown = say("关闭 #1")
    assert "#1 之前就关闭了（时令果蔬 wx01…2781，连接超时），关闭时写：加了带宽" in shown
    assert "备注" not in shown


def test_an_incident_that_is_open_again_says_how_it_was_closed(say: Say) -> None:
    say(CONNECT)
    say("关闭 加了带宽 token=SECRETTOKEN123", now=NOW + timedelta(minutes=5))
    shown = say(CONNECT.replace("18:31:00", "19:38:00"), LIN, NOW + timedelta(minutes=60))
    assert "已重新打开；18:45（55 分钟前）关闭时写：加了带宽" in shown
    assert "SECRETTOKEN123" not in shown
    say("关闭", LIN, NOW + timedelta(minutes=65))
    assert "已重新打开；19:45（5 分钟前）关闭时没写原因" in say(
        CONNECT.replace("18:31:00", "19:48:00"), LIN, NOW + timedelta(minutes=70)
    )


def test_the_timeline_begins_with_opening_and_claim_and_has_one_line_for_all_steps(say: Say) -> None:
    say(CONNECT)
    for number in range(12):
        say(f"备注 #1 第 {number} 笔")
    say("认领", now=NOW + timedelta(minutes=1))
    for _ in range(3):
        say("下一步", now=NOW + timedelta(minutes=2))
    lines = say("状态 1", now=NOW + timedelta(minutes=5)).splitlines()
    began = next(index for index, line in enumerate(lines) if "转来第一条报警" in line)
    assert lines[began] == "04-21 18:40（5 分钟前）小赵转来第一条报警：连接超时"
    assert lines[began + 1] == "04-21 18:41（4 分钟前）小赵认领"
    assert lines[began + 2] == "（前面还有 5 条）"
    assert [line for line in lines if "做到第" in line] == ["04-21 18:42（3 分钟前）小赵做到第 3 步"]
    assert len(lines[began:]) == 11


def test_a_claim_that_is_over_is_not_told_first(say: Say) -> None:
    say(CONNECT)
    say("认领")
    say("关闭 #1 好了", LIN)
    say(CONNECT.replace("86次", "87次"), LIN)
    lines = say("状态 1").splitlines()
    assert "认领" not in lines[2].removesuffix("没人认领")
    assert "刚刚）小赵认领" in "\n".join(lines)


def test_a_latin_name_has_a_blank_behind_it_and_a_chinese_one_none(say: Say) -> None:
    say("邀请")
    say("加入 gulu Bob", STRANGER)
    say(CONNECT)
    say("认领 1", STRANGER)
    assert "Bob 处理中" in say("状态")
    assert "已经是Bob 在处理" in say("认领 1")
