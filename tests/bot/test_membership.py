"""Leads invite, list, grant and remove; members and strangers do not, and nobody takes another's name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.talk import CONNECT, LIN, NOW, STRANGER, ZHAO, Say, message_of, person
from triage.advice.adviser import Adviser
from triage.bot.bot import Bot
from triage.message import Person
from triage.store import Member, Role, Store

APPID, OTHER = "wx014d339f79c92781", "wx014d339f79c92782"
THEIRS = CONNECT.replace(APPID, OTHER)


@pytest.fixture
def li(store: Store) -> str:
    """A member who is no lead, of every account."""
    store.add_member(Member(person("oLi"), "小李", None, (), NOW))
    return "oLi"


@pytest.mark.parametrize("typed", ["邀请", "邀请 阿珍", "成员", "成员 小林 全部", "移除 小李"])
@pytest.mark.parametrize("who", ["a member", "a stranger"])
def test_only_leads_manage_members(typed: str, who: str, say: Say, store: Store, li: str) -> None:
    before = store.members()
    told = say(typed, li if who == "a member" else STRANGER)
    assert ("只有负责人能用" if who == "a member" else "只有成员能用") in told
    assert store.members() == before
    assert list(store.export("invitations")) == []


def test_a_removed_member_is_a_stranger_again(say: Say, store: Store, li: str) -> None:
    say(CONNECT, li)
    say("认领", li)
    assert "小李 不再是成员" in say("移除 小李")
    assert "只有成员能用" in say("状态", li)
    incident = store.incident(1)
    assert incident
    assert incident.owner is None
    assert "归你了" in say("认领 1", LIN)
    before = store.recent_incidents(NOW)
    say(CONNECT.replace("86次", "99次"), li)
    assert store.recent_incidents(NOW) == before


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("移除", "还差名字"),
        ("移除 没有的人", "没有叫「没有的人」的成员"),
        ("移除 小林", "写在配置 TRIAGE_MEMBERS 里"),
        ("成员 没有的人 全部", "没有叫「没有的人」的成员"),
        ("成员 小李 管理员", "没看懂"),
        ("成员 小李", "没看懂"),
        ("成员 小李 wx1", "没看懂"),
        (f"成员 小李 全部 {APPID}", "没看懂"),
    ],
)
def test_what_is_not_understood_is_said_and_changes_nothing(
    typed: str, told: str, say: Say, store: Store, li: str
) -> None:
    before = store.members()
    assert told in say(typed)
    assert store.members() == before


@pytest.mark.parametrize(
    ("typed", "role", "appids"),
    [
        (f"成员 小李 {APPID}", Role.MEMBER, (APPID,)),
        (f"成员 小李 {APPID} {OTHER}", Role.MEMBER, (APPID, OTHER)),
        ("成员 小李 负责人", Role.LEAD, ()),
        (f"成员 小李 负责人 {OTHER}", Role.LEAD, (OTHER,)),
        ("成员 小李 成员 全部", Role.MEMBER, ()),
    ],
)
def test_a_lead_says_what_somebody_sees_and_is(
    typed: str, role: Role, appids: tuple[str, ...], say: Say, store: Store, li: str
) -> None:
    assert "改好了：小李" in say(typed)
    member = store.member(person(li))
    assert member
    assert (member.role, member.appids) == (role, appids)
    assert "小李" in say("成员")


def test_members_of_two_accounts_see_and_close_nothing_of_each_other(say: Say, store: Store, li: str) -> None:
    say(THEIRS)
    say(f"成员 小李 {APPID}")
    assert "0 件" in say("状态", li)
    for typed in ("状态 1", "认领 1", "关闭 #1 好了", "备注 #1 看过"):
        assert "没有 #1 这件事" in say(typed, li)
    say(f"成员 小李 {APPID} {OTHER}")
    assert "1 件" in say("状态", li)
    assert "已关闭" in say("关闭 #1 好了", li)


def test_a_lead_of_one_account_gives_and_takes_no_other(say: Say, store: Store, li: str) -> None:
    say(f"成员 小李 负责人 {APPID}")
    store.add_member(Member(person("oZhen"), "阿珍", None, (APPID,), NOW))
    store.add_member(Member(person("oQiang"), "阿强", None, (), NOW))
    assert "你改不了" in say("移除 阿强", li)
    assert "没有改" in say("成员 阿珍 全部", li)
    assert "没有改" in say(f"成员 阿珍 {OTHER}", li)
    assert "阿强" not in say("成员", li)
    say("邀请", li)
    say("加入 gulu 阿伟", "oWei")
    invited = store.member(person("oWei"))
    assert invited
    assert (invited.role, invited.appids) == (Role.MEMBER, (APPID,))
    assert "阿珍 不再是成员" in say("移除 阿珍", li)


@pytest.mark.parametrize("name", ["小李", "小 李", "小赵", "\u200b小李"], ids=ascii)
def test_a_name_that_somebody_has_is_refused_and_the_word_stays_good(
    name: str, say: Say, store: Store, li: str
) -> None:
    say("邀请")
    assert "已经有人叫" in say(f"加入 gulu {name}", STRANGER)
    assert store.member(person(STRANGER)) is None
    assert "阿珍，欢迎" in say("加入 gulu 阿珍", STRANGER)


@pytest.mark.parametrize("name", ["\u200b\u3164", "\x00", "\u2800"], ids=ascii)
def test_a_name_that_nobody_can_see_is_none(name: str, say: Say, store: Store) -> None:
    say("邀请")
    say(f"加入 gulu {name}", STRANGER)
    assert store.member(person(STRANGER)) is None


def test_an_invitation_with_a_name_needs_none(say: Say) -> None:
    assert "让阿珍发「加入 gulu」" in say("邀请 阿珍")
    assert "阿珍，欢迎" in say("加入 gulu", STRANGER)
    assert "已经有人叫阿珍" in say("邀请 阿珍")


def test_of_two_who_take_one_name_at_once_the_second_is_told(
    adviser: Adviser, store: Store, say: Say
) -> None:
    say("邀请")
    taken = Member(person("oFirst"), "阿珍", None, (), NOW)

    class Faster:
        """A store where somebody takes the name just before the first entry is recorded."""

        def __getattr__(self, name: str) -> object:
            if name == "record" and store.member(taken.person) is None:
                store.add_member(taken)
            return getattr(store, name)

    bot = Bot(adviser, Faster(), lambda: "", {person(ZHAO): "小赵"})  # type: ignore[arg-type]  # a fake store
    told = bot.handle(message_of("加入 gulu 阿珍", STRANGER), NOW).text or ""
    assert "已经有人叫阿珍" in told
    assert store.members() == (taken,)


def test_who_is_a_member_on_several_channels_is_listed_once(bot: Bot) -> None:
    on_wecom = {Person("wecom", "*", "zhao"): "小赵", Person("wecom_bot", "*", "zhao"): "小赵"}
    team = replace(bot, admins={**bot.admins, **on_wecom})
    shown = team.handle(message_of("成员"), NOW).text or ""
    assert shown.startswith("成员 2 人\n小赵 · 负责人 · 全部号（配置里）\n小林 · ")


def test_who_sees_an_account_no_more_lets_its_incidents_go(say: Say, store: Store) -> None:
    say("邀请")
    say("加入 gulu 阿珍", STRANGER)
    say(CONNECT, STRANGER)
    say("认领", STRANGER)
    assert "放开" not in say("成员 阿珍 wx014d339f79c92781")
    assert "；认领的 #1 放开了" in say("成员 阿珍 wx1111111111111111")
    incident = store.incident(1)
    assert incident
    assert incident.owner is None
    assert [event.what for event in store.timeline(1)] == ["open", "claim", "release"]
