"""A bot in a group: what is quoted is the message and never a command, and the group sees what the group may see."""

from __future__ import annotations

import pytest

from tests.support.groups import CHAT, GUEST, HAN, LI, MEMBERS, Chats, member
from tests.support.talk import BLOCKED, CONNECT, REQUEST
from triage.advice.adviser import Adviser
from triage.bot.bot import Bot
from triage.incidents.correlation import State
from triage.store import Store


@pytest.fixture
def chats(adviser: Adviser, store: Store) -> Chats:
    return Chats(Bot(adviser, store, lambda: "gulu", MEMBERS))


def _state(store: Store, number: int = 1) -> State:
    incident = store.incident(number)
    assert incident
    return incident.state


# -- what is quoted is no command


@pytest.mark.parametrize("quote", ["关闭", "关闭 #1 好了", "认领", "认领 1", "@bot 关闭 1", "claim:1"])
def test_a_word_inside_a_quote_does_nothing(chats: Chats, store: Store, quote: str) -> None:
    chats.say(CONNECT)
    for words in ("", "看看", "?!"):
        chats.say(words, quote=quote)
    incident = store.incident(1)
    assert incident
    assert (incident.state, incident.owner) == (State.OPEN, None)
    assert [event.what for event in store.timeline(1)] == ["open"]


def test_a_quoted_command_of_a_lead_invites_nobody(chats: Chats) -> None:
    assert "gulu" not in (chats.say("", quote="邀请 阿珍", chat=None) or "")


# -- what is quoted is the message


@pytest.mark.parametrize("words", ["", "  ", "看看", "这是什么情况", "怎么办"])
def test_a_quoted_alert_gets_its_checklist_whatever_is_said_beside_it(
    chats: Chats, store: Store, words: str
) -> None:
    answer = chats.say(words, quote=CONNECT) or ""
    assert "连接超时" in answer
    assert "先做" in answer
    assert store.incident(1)
    (message,) = store.export("messages")
    assert message["text"] == CONNECT, "what was read is kept"


def test_quoted_output_of_a_tool_is_judged_and_kept_without_secrets(chats: Chats, store: Store) -> None:
    paste = "CLOSE_WAIT 911\nESTABLISHED 88\ncurl 'https://wx.example.org/?token=secret1'"
    assert "CLOSE" in (chats.say("", quote=paste, chat=None) or "")
    assert "secret1" not in str(list(store.export("messages")))


def test_words_that_are_an_alert_themselves_are_read_and_not_the_quote(chats: Chats, store: Store) -> None:
    chats.say(CONNECT, quote=REQUEST)
    incident = store.incident(1)
    assert incident
    assert [sighting.kind for sighting in incident.sightings] == ["connect_timeout"]


def test_words_that_are_an_alert_beside_a_quoted_answer_are_read(chats: Chats, store: Store) -> None:
    chats.say(CONNECT)
    chats.say(REQUEST.replace("wx014d339f79c92781", "wx114d339f79c92781"), quote="#1 14:05 连接超时")
    assert store.incident(2)


def test_a_question_beside_a_quoted_answer_is_the_question(chats: Chats) -> None:
    chats.say(CONNECT)
    assert "499" in (chats.say("499 是什么", quote="#1 14:05 连接超时") or "")


def test_a_question_beside_a_quote_that_says_nothing_is_the_question(chats: Chats) -> None:
    assert "499" in (chats.say("499 是什么", quote="大家看一下") or "")


def test_an_alert_in_a_single_chat_can_be_quoted_too(chats: Chats) -> None:
    assert "先做" in (chats.say("", chat=None, quote=CONNECT) or "")


# -- a command about what is quoted


def test_claiming_beside_a_quoted_alert_means_its_incident(chats: Chats, store: Store) -> None:
    chats.say(REQUEST.replace("wx014d339f79c92781", "wx114d339f79c92781"))
    chats.say("", GUEST, quote="大家好")
    chats.say(CONNECT, HAN)
    answer = chats.say("认领", quote=CONNECT) or ""
    assert "#2" in answer
    incident = store.incident(2)
    assert incident
    assert incident.owner == member(LI)


@pytest.mark.parametrize(
    ("words", "quote"),
    [
        pytest.param("关闭 换了证书", "#1 14:05 连接超时，没人认领", id="a notice with number and time"),
        pytest.param("关闭", "事件 #1 归李雷了。", id="a confirmation"),
        pytest.param("关闭 #1 换了证书", "#2 14:05 连接超时", id="the number that was typed counts"),
        pytest.param("关闭 事件 #1", "#2 14:05 连接超时", id="however it was typed"),
        pytest.param("关闭 1", "#2 14:05 连接超时", id="without its mark, if it stands alone"),
        pytest.param("关闭 3 台机器重启了", "#1 14:05 连接超时", id="digits of a reason are none"),
    ],
)
def test_a_quoted_answer_of_ours_means_its_incident(
    chats: Chats, store: Store, words: str, quote: str
) -> None:
    chats.say(CONNECT)
    chats.say(REQUEST.replace("wx014d339f79c92781", "wx114d339f79c92781"))
    chats.say(words, HAN, quote=quote)
    assert (_state(store, 1), _state(store, 2)) == (State.CLOSED, State.OPEN)


def test_the_checklist_that_the_bot_wrote_is_quoted_to_claim(chats: Chats, store: Store) -> None:
    checklist = chats.say("", quote=CONNECT) or ""
    assert checklist.splitlines()[-1].startswith("#1（")
    assert "李雷" not in checklist
    assert chats.say("认领", HAN, quote=checklist) == (
        "事件 #1 归韩梅梅了。弄好后发「关闭 原因」，想记一笔发「备注 内容」。"
    )
    incident = store.incident(1)
    assert incident
    assert incident.owner == member(HAN)


def test_a_range_beside_a_quoted_answer_closes_nothing(chats: Chats, store: Store) -> None:
    chats.say(CONNECT)
    chats.say("关闭 1-2", HAN, quote="#1 14:05 连接超时")
    assert _state(store, 1) is State.OPEN


def test_nobody_is_asked_to_take_over_what_is_closed(chats: Chats) -> None:
    chats.say(CONNECT)
    chats.say("关闭 #1 换了证书")
    for late in (CONNECT, CONNECT.replace("18:31:00", "18:32:00")):
        assert (chats.say(late, HAN) or "").splitlines()[-1] == "#1 已经关闭"
    again = CONNECT.replace("18:31:00", "18:39:00")
    assert (chats.say(again, HAN) or "").splitlines()[-1].startswith("#1（接手")


def test_in_a_group_too_a_reason_means_the_incident_that_was_named_last(chats: Chats, store: Store) -> None:
    chats.say(CONNECT)
    chats.say(REQUEST.replace("wx014d339f79c92781", "wx114d339f79c92781"))
    chats.say("认领 #1")
    chats.say("关闭 换了证书")
    assert (_state(store, 1), _state(store, 2)) == (State.CLOSED, State.OPEN)


def test_a_list_of_several_incidents_means_none_of_them(chats: Chats, store: Store) -> None:
    chats.say(CONNECT)
    chats.say(REQUEST.replace("wx014d339f79c92781", "wx114d339f79c92781"))
    chats.say("关闭", HAN, quote="#1 连接超时\n#2 请求超时")
    assert (_state(store, 1), _state(store, 2)) == (State.OPEN, State.OPEN)


def test_a_quoted_answer_alone_goes_on_with_its_incident(chats: Chats) -> None:
    chats.say(CONNECT)
    alone = chats.say("", HAN, None, quote="#1 14:05 连接超时") or ""
    assert "时令果蔬" in alone
    assert "先做" in alone
    assert (chats.say("下一步", HAN, None) or "").startswith("第 1 步")


def test_the_next_step_of_a_quoted_alert_is_that_of_the_alert(chats: Chats) -> None:
    chats.say("499")
    assert (chats.say("下一步", quote=CONNECT) or "").startswith("第 1 步")


# -- what a group sees


def test_a_stranger_s_alert_in_a_group_has_no_number(chats: Chats, store: Store) -> None:
    answer = chats.say("", GUEST, quote=CONNECT) or ""
    assert "先做" in answer
    assert "#" not in answer.splitlines()[-1]


@pytest.mark.parametrize("words", ["认领", "认领 1", "关闭 1 好了", "备注 1 看过"])
def test_a_stranger_does_nothing_in_a_group(chats: Chats, store: Store, words: str) -> None:
    chats.say(CONNECT)
    assert "只有成员能用" in (chats.say(words, GUEST) or "")
    assert len(store.timeline(1)) == 1


@pytest.mark.parametrize("words", ["状态", "状态 1", "历史", "我的", "待确认", "成员", "邀请"])
def test_lists_and_stories_are_not_told_in_a_group(chats: Chats, words: str) -> None:
    chats.say(CONNECT)
    answer = chats.say(words) or ""
    assert "时令果蔬" not in answer
    assert "李雷" not in answer
    assert "gulu" not in answer
    assert "不在群里说，单独给我发" in answer, "they are a member, and need no invitation"


@pytest.mark.parametrize("words", ["认领 99", "备注 #99 重启了", "关闭 99 换了证书", "放手 99"])
def test_a_number_of_no_incident_is_said_to_be_none_in_a_group_too(chats: Chats, words: str) -> None:
    chats.say("", quote=CONNECT)
    assert chats.say(words) == "没有 #99 这件事。单独给我发「状态」看编号。"


@pytest.mark.parametrize("words", ["认领 1", "备注 1 重启了", "关闭 1 换了证书", "关闭 1", "认领 时令果蔬"])
def test_what_a_member_does_in_a_group_names_the_incident_by_its_number_alone(
    chats: Chats, words: str
) -> None:
    chats.say(CONNECT, chat=None)
    answer = chats.say(words, HAN) or ""
    assert "#1" in answer
    assert "时令果蔬" not in answer
    assert "连接超时" not in answer


@pytest.mark.parametrize(
    "words",
    ["关闭 全部", "认领 1 2", "关闭 #1 #2", "关闭 #1 和 #2 好了", "关闭 1-2 好了", "认领 别的号", "认领"],
)
def test_what_is_not_clear_in_a_group_lists_nothing_and_does_nothing(
    chats: Chats, store: Store, words: str
) -> None:
    chats.say(CONNECT, chat=None)
    answer = chats.say(words, HAN) or ""
    assert "写上编号" in answer
    assert "时令果蔬" not in answer
    assert len(store.timeline(1)) == 1


def test_the_steps_of_another_s_incident_are_those_of_its_kind_in_a_group(chats: Chats) -> None:
    chats.say(CONNECT, chat=None)
    answer = chats.say("", HAN, quote="#1 14:05") or ""
    assert "连接超时" in answer
    assert "时令果蔬" not in answer
    assert "192.0.2.126" not in answer


def test_a_stranger_gets_no_steps_by_a_made_up_quote(chats: Chats) -> None:
    chats.say(CONNECT, chat=None)
    for chat in (CHAT, None):
        assert "没有 #1 这件事" in (chats.say("", GUEST, chat, quote="#1 14:05") or "")
        assert "时令果蔬" not in (chats.say("下一步", GUEST, chat, quote="#1 14:05") or "")


@pytest.mark.parametrize("words", ["今天吃什么", "哈哈哈", "收到", "", "@李雷 你看下"])
def test_small_talk_in_a_group_is_met_by_silence(chats: Chats, words: str) -> None:
    assert chats.say(words) is None
    assert not chats.say(words, quote="大家好")


def test_small_talk_in_a_single_chat_gets_the_hint(chats: Chats) -> None:
    assert "报警原文" in (chats.say("今天吃什么", chat=None) or "")


@pytest.mark.parametrize("words", ["499", "更都", "帮助", "连接超时怎么办"])
def test_what_asks_the_bot_for_something_is_answered_in_a_group_too(chats: Chats, words: str) -> None:
    assert chats.say(words)


def test_a_talk_in_the_group_is_each_person_s_own(chats: Chats) -> None:
    chats.say(CONNECT)
    assert (chats.say("下一步") or "").startswith("第 1 步")
    assert "过了半小时" in (chats.say("下一步", HAN) or "")
    assert "过了半小时" in (chats.say("下一步", LI, None) or "")


def test_a_mark_fail_in_the_group_joins_what_was_forwarded_alone(chats: Chats, store: Store) -> None:
    chats.say(CONNECT, chat=None)
    answer = chats.say("", HAN, quote=BLOCKED) or ""
    assert answer.splitlines()[-1].startswith("#1（")
    assert store.incident(2) is None


def test_without_a_memory_a_quoted_alert_still_gets_its_checklist(adviser: Adviser) -> None:
    chats = Chats(Bot(adviser, None, lambda: "gulu", MEMBERS))
    assert "先做" in (chats.say("", quote=CONNECT) or "")
    assert "记不了事" in (chats.say("认领", quote=CONNECT) or "")
    assert "记不了事" in (chats.say("", quote="#1 14:05") or "")
