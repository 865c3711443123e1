"""What somebody who is no member can do to the members' desk: nothing, until a member confirms it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.talk import BLOCKED, CONNECT, LIN, NOW, REQUEST, STRANGER, ZHAO, Say, person
from triage.store import Store

LINK = "https://evil.example/x"


def _fakes(number: int, salt: str = "") -> str:
    return "".join(f"次数:5分钟1次[IP=192.0.2.126][3rdUrl=http://{at:x}{salt}.b]\n" for at in range(number))


def _desk(store: Store) -> object:
    """Everything of the members' desk that is stored."""
    incidents = store.recent_incidents(NOW - timedelta(days=1))
    return incidents, [store.timeline(incident.id) for incident in incidents]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(CONNECT, id="the same alert"),
        pytest.param(CONNECT.replace("86次", "99次"), id="with another count"),
        pytest.param(BLOCKED, id="the MarkFail after it"),
        pytest.param(_fakes(400), id="four hundred fakes"),
        pytest.param(CONNECT + REQUEST + BLOCKED, id="a whole story"),
    ],
)
@pytest.mark.parametrize("is_closed", [False, True], ids=["open", "closed"])
def test_no_stranger_changes_an_incident_of_the_members(
    text: str, is_closed: bool, say: Say, store: Store
) -> None:
    say(CONNECT)
    say("认领")
    if is_closed:
        say("关闭 换了证书")
    before = _desk(store)
    shown = say(text, STRANGER)
    assert _desk(store) == before
    for members_own in ("没人认领", "小赵", "转来过", "事件 #", "重新打开", "换了证书"):
        assert members_own not in shown


def test_newer_fakes_hide_no_incident(say: Say) -> None:
    say(CONNECT)
    say("认领")
    for number in range(12):
        say(_fakes(20, f"s{number}"), f"{STRANGER}{number}", NOW + timedelta(minutes=number))
    later = NOW + timedelta(minutes=20)
    assert "#1 连接超时" in say("状态", now=later)
    assert "#1 连接超时" in say("我的", now=later)


def test_fakes_blame_no_machine(say: Say) -> None:
    say(_fakes(400), STRANGER)
    assert "上已有" not in say(CONNECT)


def test_a_stranger_s_own_story_goes_on_beside_the_desk(say: Say) -> None:
    say(CONNECT, STRANGER)
    shown = say(BLOCKED, STRANGER)
    assert "根子多半是 18:31 的连接超时" in shown
    assert "18:40（刚刚）你已经转来过" in say(CONNECT, STRANGER)


def test_members_are_told_what_waits_and_confirm_it(say: Say, store: Store) -> None:
    assert "待确认" not in say("状态")
    say(CONNECT, STRANGER)
    say(CONNECT.replace("86次", "99次"), STRANGER)
    assert "待确认 1 条" in say("状态")
    waiting = say("待确认")
    assert "#1 连接超时 · 时令果蔬 wx01…2781 · 2 条 · 04-21 18:40" in waiting
    assert "#1 确认了" in say("确认 #1", LIN)
    assert "没有待确认的" in say("待确认")
    assert "#1 连接超时" in say("状态")
    assert "归你了" in say("认领 1")
    assert [(event.what, event.who) for event in store.timeline(1)] == [
        ("open", person(STRANGER)),
        ("confirm", person(LIN)),
        ("claim", person(ZHAO)),
    ]


def test_what_is_confirmed_goes_into_the_open_incident(say: Say) -> None:
    say(CONNECT)
    say(REQUEST, STRANGER)
    assert "#2 的报警并进事件 #1" in say("确认 2")
    shown = say("状态 1")
    assert "18:31 连接超时 → 18:36 请求超时" in shown
    assert "确认转来的报警 #2" in shown


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("确认", "确认哪一条"),
        ("确认 收到", "确认哪一条"),
        ("确认 #1", "已经是事件"),
        ("确认 #9", "没有待确认的 #9"),
        ("确认 9999999999", "确认哪一条"),
    ],
)
def test_confirming_nothing_says_so(typed: str, told: str, say: Say) -> None:
    say(CONNECT)
    assert told in say(typed)


@pytest.mark.parametrize("typed", ["待确认", "确认 #1"])
def test_a_stranger_confirms_nothing(typed: str, say: Say, store: Store) -> None:
    say(CONNECT, STRANGER)
    assert "只有成员能用" in say(typed, STRANGER)
    assert store.recent_incidents(NOW - timedelta(days=1)) == ()


def test_what_waits_for_another_team_is_not_shown_or_confirmed(say: Say, store: Store, teammate: str) -> None:
    say(CONNECT.replace("wx014d339f79c92781", "wx014d339f79c92789"), STRANGER)
    assert "没有待确认的" in say("待确认", teammate)
    assert "没有待确认的 #1" in say("确认 #1", teammate)
    assert "待确认 1 条" in say("待确认")


def test_a_member_s_alert_of_another_account_is_kept_apart(say: Say, store: Store, teammate: str) -> None:
    theirs = CONNECT.replace("wx014d339f79c92781", "wx014d339f79c92789")
    say(theirs)
    before = _desk(store)
    assert "先做" in say(theirs.replace("86次", "99次"), teammate)
    assert _desk(store) == before
    say(CONNECT, teammate)
    assert "时令果蔬" in say("状态", teammate)


@pytest.mark.parametrize(
    ("after", "is_shown"),
    [(timedelta(days=1), True), (timedelta(days=1, seconds=1), False)],
    ids=["in", "out"],
)
def test_what_nobody_confirms_is_shown_for_a_day(after: timedelta, is_shown: bool, say: Say) -> None:
    say(CONNECT, STRANGER)
    assert ("待确认 1 条" in say("状态", now=NOW + after)) == is_shown


@pytest.mark.parametrize("sender", [STRANGER, ZHAO])
def test_a_foreign_word_is_cut_and_without_a_link_wherever_members_read_it(sender: str, say: Say) -> None:
    hostile = f"点 {LINK} www.evil.example 领取" + "骗" * 700
    for alert in (CONNECT, CONNECT.replace("wx014d339f79c92781", "wx014d339f79c92782")):
        say(alert.replace("时令果蔬", hostile).replace("wx014d339f79c9278", hostile[:300] + "wx01"), sender)
    shown = [say(typed) for typed in ("状态", "待确认", "状态 1", "历史", "我的")]
    assert "连接超时" in shown[0] + shown[1]
    for text in shown:
        assert "evil" not in text
        assert all(len(line) < 150 for line in text.splitlines())


@pytest.mark.parametrize(
    ("alerts", "kept"), [(19, 19), (20, 20), (21, 20), (400, 20)], ids="{} alerts".format
)
@pytest.mark.parametrize("sender", [STRANGER, ZHAO], ids=["a stranger", "a member"])
def test_one_message_leaves_at_most_twenty_alerts(
    alerts: int, kept: int, sender: str, say: Say, store: Store
) -> None:
    say(_fakes(alerts), sender)
    assert len(list(store.export("alerts"))) == kept


def test_the_most_severe_alerts_of_a_message_are_remembered(say: Say, store: Store) -> None:
    say(_fakes(30) + BLOCKED)
    assert "mark_fail" in {row["kind"] for row in store.export("alerts")}


def test_one_alert_twice_in_a_message_is_one(say: Say, store: Store) -> None:
    say(CONNECT + CONNECT)
    assert len(list(store.export("alerts"))) == 1


@pytest.mark.parametrize(
    ("after", "kept"), [(timedelta(minutes=1), 20), (timedelta(minutes=1, seconds=1), 40)], ids=["in", "out"]
)
def test_a_stranger_leaves_twenty_alerts_a_minute(
    after: timedelta, kept: int, say: Say, store: Store
) -> None:
    say(_fakes(12), STRANGER)
    say(_fakes(12, "x"), STRANGER)
    assert len(list(store.export("alerts"))) == 20
    gaps = len(list(store.export("gaps")))
    assert "先做" in say(CONNECT, STRANGER), "the checklist comes all the same"
    say(CONNECT.replace("连接公众号开发者服务器时发生超时，超时时间为5秒", "推送时遇到新问题"), STRANGER)
    assert len(list(store.export("gaps"))) == gaps
    say(_fakes(20, "y"), STRANGER, NOW + after)
    assert len(list(store.export("alerts"))) == kept
    say(CONNECT, LIN)
    assert "#" in say("状态")
