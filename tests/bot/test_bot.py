"""The whole way of a message over a real SQLite store: memory, commands, permissions, fallbacks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import cast

import pytest

from tests.support.paths import ROOT
from triage.advice.adviser import Adviser
from triage.advice.rendering import Renderer
from triage.alerts.parser import BEIJING
from triage.bot.bot import Bot
from triage.bot.commands import COMMANDS, read_command, usage
from triage.channels.registry import DEFAULT_CHANNEL
from triage.errors import RefusedError, StoreDownError
from triage.message import Message, MessageKind, Person, Reply
from triage.rules.loader import load_templates
from triage.rules.parser import RuleSet
from triage.settings.directories import data_directory
from triage.store import TABLES, Entry, Recorded, Store

NOW = datetime(2026, 4, 21, 18, 40, tzinfo=BEIJING)
ZHAO, LIN, STRANGER = "oZhao", "oLin", "oStranger"


def _person(id_: str, account: str = "wxbot") -> Person:
    return Person("wechat", account, id_)


CONNECT = """\
Appid: wx014d339f79c92781
昵称: 时令果蔬
时间: 2026-04-21 18:31:00
内容: 微信服务器连接公众号开发者服务器时发生超时，超时时间为5秒
次数: 5分钟 86次
错误样例: [3rdUrl=http://wx.example.org/cb?token=secret1][IP=192.0.2.126][Msg=Text]
"""
REQUEST = CONNECT.replace("18:31:00", "18:36:00").replace(
    "微信服务器连接公众号开发者服务器时发生超时，超时时间为5秒",
    "微信服务器向公众号推送消息或事件后，开发者5秒内没有返回",
)
BLOCKED = CONNECT.replace("18:31:00", "18:40:00").replace(
    "微信服务器连接公众号开发者服务器时发生超时，超时时间为5秒",
    "微信服务器向公众号推送消息或事件发生多次失败后，暂时不推送消息，一分钟后解除屏蔽",
)

_ids = count(1)


def _message(text: str | None, sender: str = ZHAO, kind: MessageKind = MessageKind.TEXT) -> Message:
    return Message(
        "wechat", "wxbot", sender, "gh_1", kind, int(NOW.timestamp()), str(next(_ids)), text, encrypted=True
    )


Say = Callable[..., str]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(f"sqlite:///{tmp_path / 'triage.db'}", upgrade=True)


@pytest.fixture
def bot(adviser: Adviser, store: Store) -> Bot:
    return Bot(adviser, store, lambda: "gulu", {_person(ZHAO): "小赵", _person(LIN): "小林"})


@pytest.fixture
def say(bot: Bot) -> Say:
    """What the bot answers to a typed text."""

    def talk(text: str, sender: str = ZHAO, now: datetime = NOW) -> str:
        return bot.handle(_message(text, sender), now).text or ""

    return talk


def test_a_retry_gets_the_same_reply_and_is_not_counted_twice(bot: Bot, store: Store) -> None:
    message = _message(CONNECT)
    first = bot.handle(message, NOW)
    assert bot.handle(message, NOW + timedelta(seconds=5)) == first
    (incident,) = store.recent_incidents(NOW - timedelta(hours=1))
    assert len(incident.sightings) == 1


def test_the_second_forwarder_is_told_who_was_first_who_owns_it_and_where_it_is(say: Say) -> None:
    say(CONNECT)
    assert "归你了" in say("认领")
    say("下一步")
    say("下一步")
    shown = say(CONNECT, LIN)
    assert "同一条报警 18:40 小赵 已经转来过" in shown
    assert "小赵 在处理，到第 2 步" in shown
    shown = say(CONNECT)
    assert "同一条报警 18:40 你 已经转来过" in shown
    assert "你 在处理，到第 2 步" in shown


def test_words_added_to_the_story_are_shown_where_nothing_is_known_too(rules: RuleSet, store: Store) -> None:
    templates = load_templates(data_directory("templates") / "reply")
    templates["story.txt"] = "值班电话 8000\n" + templates["story.txt"]
    bot = Bot(
        Adviser(rules, Renderer(templates, DEFAULT_CHANNEL.page_size)),
        store,
        lambda: "gulu",
        {_person(ZHAO): "小赵"},
    )
    assert "值班电话 8000\n\n先做" in (bot.handle(_message(CONNECT), NOW).text or "")
    assert "值班电话 8000\n事件 #1，还没人认领\n经过" in (bot.handle(_message(REQUEST), NOW).text or "")
    other = CONNECT.replace("wx", "wy")
    assert "值班电话 8000\n\n先做" in (bot.handle(_message(other), NOW).text or "")


def test_timeouts_that_led_to_a_mark_fail_are_one_story(say: Say, store: Store) -> None:
    say(CONNECT)
    assert "经过 18:31 连接超时 → 18:36 请求超时" in say(REQUEST)
    shown = say(BLOCKED)
    assert "经过 18:31 连接超时 → 18:36 请求超时 → 18:40 MarkFail" in shown
    assert "根子多半是 18:31 的连接超时，先按它查" in shown
    (incident,) = store.recent_incidents(NOW - timedelta(hours=1))
    assert [sighting.kind for sighting in incident.sightings] == [
        "connect_timeout",
        "request_timeout",
        "mark_fail",
    ]


def test_a_mark_fail_begins_with_the_checklist_of_its_root(say: Say, adviser: Adviser) -> None:
    say(CONNECT)
    rule = adviser.rules.get("connect_timeout")
    assert rule
    first = [step.do.source for step in rule.steps if step.when is None]
    shown = say(BLOCKED).split("先做\n", 1)[1]
    assert f"1 {first[0][:3]}" in shown
    rest = "\n".join(say("更多") for _ in range(3))
    own = adviser.rules.get("mark_fail")
    assert own
    assert own.steps[-1].do.source[:8] in rest


def test_a_mark_fail_without_a_root_says_so(say: Say) -> None:
    assert "没收到它之前的报警" in say(BLOCKED)


def test_a_lesser_alert_after_the_mark_fail_is_folded_in(say: Say) -> None:
    say(BLOCKED)
    assert "先按 MarkFail 处理" in say(REQUEST)


def test_a_closed_incident_is_recalled_with_what_closed_it(say: Say) -> None:
    say(CONNECT)
    assert "已关闭" in say("关闭 加了带宽")
    later = NOW + timedelta(days=9)
    shown = say(CONNECT.replace("04-21", "04-30"), now=later)
    assert "上次出事 2026-04-21，关闭时写：加了带宽" in shown


def test_one_address_with_many_accounts_asks_for_the_host_first(say: Say) -> None:
    for number in range(3):
        shown = say(CONNECT.replace("wx014d339f79c92781", f"wx014d339f79c9278{number}"))
    assert "192.0.2.126 上已有 3 个号在报警：先问这台机器" in shown


def test_a_storm_becomes_a_summary(say: Say) -> None:
    for number in range(25):
        shown = say(CONNECT.replace("192.0.2.126", f"192.0.2.{number}").replace("86次", f"{100 + number}次"))
    assert "一分钟里来了" in shown
    assert "先做" not in shown
    assert "先做" in say("更多")
    assert "归你了" in say("认领")


def test_no_stranger_makes_a_storm(say: Say) -> None:
    for number in range(25):
        say(CONNECT.replace("86次", f"{100 + number}次"), STRANGER)
    say("\n".join([CONNECT] * 25), STRANGER)
    assert "先做" in say(CONNECT)


def test_a_stranger_gets_the_checklist_but_nothing_about_others(say: Say) -> None:
    say(CONNECT)
    say("认领")
    shown = say(CONNECT, STRANGER)
    assert "先做" in shown
    for secret in ("小赵", "转来过", "事件 #"):
        assert secret not in shown
    for word in ("状态", "历史", "我的", "认领", "关闭 好了", "备注 x", "邀请"):
        assert "只有成员能用" in say(word, STRANGER), word


def test_a_stranger_joins_by_an_invitation_used_once(say: Say) -> None:
    assert "gulu" in say("邀请")
    assert "阿珍，欢迎" in say("加入 gulu 阿珍", STRANGER)
    assert "现在的事件" in say("状态", STRANGER)
    assert "邀请词不对" in say("加入 gulu 别人", "oOther")


def test_an_invitation_is_not_used_up_without_a_name(say: Say) -> None:
    say("邀请")
    assert "还差名字：发「加入 gulu 你的名字」" in say("加入 gulu", STRANGER)
    assert "邀请词向成员要" in say("加入", STRANGER)
    assert "阿珍，欢迎" in say("加入 gulu 阿珍", STRANGER)


def test_teams_see_only_their_own_accounts(say: Say, store: Store) -> None:
    say("邀请")
    say("加入 gulu 阿珍", STRANGER)
    member = store.member(_person(STRANGER))
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
    assert "小赵 处理中" in say("状态")
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
    assert "0 件" in say("我的", LIN)
    assert "没有 #99 这件事" in say("认领 99")


def test_a_reopened_incident_belongs_to_nobody(say: Say) -> None:
    say(CONNECT)
    say("认领")
    say("关闭 #1 好了", LIN)
    shown = say(CONNECT.replace("86次", "87次"), LIN)
    assert "已重新打开" in shown
    assert "还没人认领" in shown
    assert "在处理" not in shown
    assert "没人认领" in say("状态")


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


def test_a_list_says_how_many_there_are(say: Say) -> None:
    for number in range(10):
        say(CONNECT.replace("wx014d339f79c92781", f"wx014d339f79c927{number:02}"))
    shown = say("状态")
    assert "10 件" in shown
    assert "还有 2 件" in shown
    assert "04-21 18:31 起，1 条报警" in shown


@pytest.mark.parametrize(
    ("text", "word", "argument"),
    [
        ("「更多」", "more", ""),
        ("下一步？", "next", ""),
        ("@机器人 更多", "more", ""),
        ("认领1", "claim", "1"),
        ("状态#1", "status", "#1"),
        ("关闭1 好了", "close", "1 好了"),
        ("备注 #3 重启了", "note", "#3 重启了"),
        ("关闭 12.5% 的流量后恢复", "close", "12.5% 的流量后恢复"),
        ("？", "help", ""),
    ],
)
def test_a_command_in_an_odd_form(text: str, word: str, argument: str) -> None:
    command = read_command(text)
    assert command is not None
    assert (command.word, command.argument) == (word, argument)


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


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        (MessageKind.IMAGE, "图片我读不了"),
        (MessageKind.VOICE, "语音我读不了"),
        (MessageKind.VIDEO, "视频我读不了"),
        (MessageKind.LOCATION, "位置我读不了"),
        (MessageKind.UNSUPPORTED, "这种转发我读不了"),
    ],
)
def test_what_cannot_be_read_is_answered_with_what_to_do(kind: MessageKind, part: str, bot: Bot) -> None:
    assert part in (bot.handle(_message(None, kind=kind), NOW).text or "")


def test_events_are_greeted_typed_or_passed_over(bot: Bot) -> None:
    def event(name: str, key: str | None = None) -> str | None:
        message = replace(_message(None, kind=MessageKind.EVENT), event=name, event_key=key)
        return bot.handle(message, NOW).text

    assert "复制给我" in (event("subscribe") or "")
    assert "连接超时" in (event("CLICK", "3") or "")
    assert event("unsubscribe") is None
    assert event("TEMPLATESENDJOBFINISH") is None
    assert bot.handle(_message(None, kind=MessageKind.COMPONENT), NOW).text is None


def test_a_plain_signature_signs_only_one_message(bot: Bot) -> None:
    first = replace(_message("3"), encrypted=False, signature="abc")
    assert bot.handle(first, NOW).text
    with pytest.raises(RefusedError):
        bot.handle(replace(_message("4"), encrypted=False, signature="abc"), NOW)
    assert bot.handle(first, NOW).text


class _Down:
    """A store whose database is away: every question fails."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        def fail(*_: object, **__: object) -> None:
            raise StoreDownError("away")

        return fail


class _Unwritable:
    """A store that can be asked and takes nothing, as one whose disk is full."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(_Down() if name == "record" else self._store, name)


class _Notes:
    """An observer that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str | None]] = []

    def alert_read(self, kind: str) -> None:
        self.told.append(("alert", kind))

    def topic_asked(self, topic: str | None) -> None:
        self.told.append(("topic", topic))

    def retry_answered(self, kind: MessageKind) -> None:
        self.told.append(("retry", kind))


def test_nothing_is_recorded_where_the_database_fails(bot: Bot, store: Store) -> None:
    failing = replace(bot, store=cast(Store, _Unwritable(store)))
    for text in (CONNECT, "3", "邀请", "加入 gulu 阿珍"):
        with pytest.raises(StoreDownError):
            failing.handle(_message(text), NOW)
        with pytest.raises(StoreDownError):
            replace(bot, store=cast(Store, _Down())).handle(_message(text), NOW)
    for table in TABLES:
        assert list(store.export(table)) == [], table


def test_a_message_that_failed_is_answered_later_as_if_it_were_new(bot: Bot, store: Store, say: Say) -> None:
    say(CONNECT)
    failing = replace(bot, store=cast(Store, _Unwritable(store)))
    for text, part in (("认领", "归你了"), ("邀请", "gulu"), ("关闭 好了", "已关闭")):
        message = _message(text)
        with pytest.raises(StoreDownError):
            failing.handle(message, NOW)
        assert part in (bot.handle(message, NOW).text or "")


def test_what_was_answered_meanwhile_is_not_recorded(bot: Bot, store: Store) -> None:
    with pytest.raises(StoreDownError, match="too late"):
        bot.handle(_message(CONNECT), NOW, expired=lambda: True)
    assert list(store.export("messages")) == []


def test_without_memory_the_checklist_goes_out_and_says_what_is_missing(bot: Bot) -> None:
    bare = bot.without_memory()
    assert "先做" in (bare.handle(_message(CONNECT), NOW).text or "")
    assert "连接超时" in (bare.handle(_message("3"), NOW).text or "")
    assert "数据库没有应答" in (bare.handle(_message("状态"), NOW).text or "")
    assert "把报警再发一次" in (bare.handle(_message("更多"), NOW).text or "")


def test_an_alert_answered_without_memory_is_recorded_when_it_is_pushed_again(bot: Bot, store: Store) -> None:
    message = _message(CONNECT)
    bot.without_memory().handle(message, NOW)
    assert store.reply_to(message.key) is None
    bot.handle(message, NOW + timedelta(seconds=5))
    (incident,) = store.recent_incidents(NOW - timedelta(hours=1))
    assert len(incident.sightings) == 1


class _Overtaken:
    """A store where somebody else is a moment faster: just before the first entry is recorded, `other` is done."""

    def __init__(self, store: Store, other: Callable[[], object]) -> None:
        self._store = store
        self._others = [other]

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def record(self, entry: Entry) -> Recorded:
        while self._others:
            self._others.pop()()
        return self._store.record(entry)


def test_of_two_who_claim_at_once_one_is_told_that_it_is_the_others(bot: Bot, store: Store, say: Say) -> None:
    say(CONNECT)
    racing = replace(bot, store=cast(Store, _Overtaken(store, lambda: say("认领 1", LIN))))
    assert "已经是小林在处理" in (racing.handle(_message("认领 1"), NOW).text or "")
    assert [event.who for event in store.timeline(1) if event.what == "claim"] == [_person(LIN)]


def test_of_two_who_use_one_invitation_at_once_one_is_refused(bot: Bot, store: Store, say: Say) -> None:
    say("邀请")
    racing = replace(bot, store=cast(Store, _Overtaken(store, lambda: say("加入 gulu 阿珍", STRANGER))))
    assert "邀请词不对" in (racing.handle(_message("加入 gulu 别人", "oOther"), NOW).text or "")
    assert [member.name for member in store.members()] == ["阿珍"]


def test_of_a_push_that_two_nodes_answer_at_once_the_first_reply_stands(
    bot: Bot, store: Store, say: Say
) -> None:
    say(CONNECT)
    notes, message = _Notes(), _message(CONNECT)
    first: list[Reply] = []
    racing = replace(
        bot,
        observer=notes,
        store=cast(Store, _Overtaken(store, lambda: first.append(bot.handle(message, NOW)))),
    )
    assert [racing.handle(message, NOW)] == first
    assert notes.told == [("retry", "text")]


def test_each_message_is_counted_once_after_it_was_answered(bot: Bot, store: Store) -> None:
    notes = _Notes()
    counted, message = replace(bot, observer=notes), _message(CONNECT)
    with pytest.raises(StoreDownError):
        replace(counted, store=cast(Store, _Unwritable(store))).handle(message, NOW)
    assert notes.told == []
    for told in (message, message, _message("3"), _message("qwertz"), _message("帮助")):
        counted.handle(told, NOW)
    assert notes.told == [
        ("alert", "connect_timeout"),
        ("retry", "text"),
        ("topic", "connect_timeout"),
        ("topic", None),
    ]


def test_without_a_store_the_bot_is_an_adviser(adviser: Adviser) -> None:
    bot = Bot(adviser, None, lambda: "")
    assert "先做" in (bot.handle(_message(CONNECT), NOW).text or "")
    assert bot.handle(_message("状态"), NOW).text


def test_an_alert_nobody_knows_is_kept_as_a_gap(say: Say, store: Store) -> None:
    say(
        CONNECT.replace(
            "微信服务器连接公众号开发者服务器时发生超时，超时时间为5秒", "微信服务器向公众号推送时遇到新问题"
        )
    )
    (gap,) = store.export("gaps")
    assert "新问题" in gap["text"]


@pytest.mark.parametrize(
    "text",
    ["认领一下这个需求吧", "关闭窗口", "状态不错", "更多优惠", "为什么天是蓝的", "我的 天", "下一步 计划"],
)
def test_ordinary_words_are_no_commands(text: str) -> None:
    assert read_command(text) is None


def test_blanks_before_the_first_word_do_not_cut_it() -> None:
    assert read_command(" " * 549 + "hxy foo") is None
    command = read_command(" " * 5_000 + "备注 重启了")
    assert command is not None
    assert command.argument == "重启了"


def test_everything_a_person_can_type_is_in_the_help_and_in_both_readmes(say: Say) -> None:
    shown = say("帮助")
    readmes = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md")]
    assert len(shown.encode()) <= 2048
    assert len(usage()) == len(COMMANDS)
    for spec in COMMANDS.values():
        for name in spec.names:
            assert name in shown
        for readme in readmes:
            assert f"`{spec.names[0]}" in readme, spec


def test_every_command_is_answered(say: Say) -> None:
    for spec in COMMANDS.values():
        assert say(spec.names[0]), spec
