"""The way of a message over a real SQLite store: retries, failures, what is recorded, what cannot be read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from tests.support.talk import (
    BLOCKED,
    CONNECT,
    LIN,
    NOW,
    STRANGER,
    Down,
    Notes,
    Overtaken,
    Say,
    Unwritable,
    message_of,
    person,
)
from triage.advice.adviser import Adviser
from triage.bot.bot import Bot
from triage.errors import RefusedError, StoreDownError
from triage.message import Message, MessageKind, Reply
from triage.store import TABLES, Store


def test_a_retry_gets_the_same_reply_and_is_not_counted_twice(bot: Bot, store: Store) -> None:
    message = message_of(CONNECT)
    first = bot.handle(message, NOW)
    assert bot.handle(message, NOW + timedelta(seconds=5)) == first
    (incident,) = store.recent_incidents(NOW - timedelta(hours=1))
    assert len(incident.sightings) == 1


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
    assert part in (bot.handle(message_of(None, kind=kind), NOW).text or "")


def test_events_are_greeted_typed_or_passed_over(bot: Bot) -> None:
    def event(name: str, key: str | None = None) -> str | None:
        message = replace(message_of(None, kind=MessageKind.EVENT), event=name, event_key=key)
        return bot.handle(message, NOW).text

    assert "复制给我" in (event("subscribe") or "")
    assert "连接超时" in (event("CLICK", "3") or "")
    assert event("unsubscribe") is None
    assert event("TEMPLATESENDJOBFINISH") is None
    assert bot.handle(message_of(None, kind=MessageKind.COMPONENT), NOW).text is None


def test_two_clicks_within_a_second_get_an_answer_each(bot: Bot) -> None:
    def click(key: str) -> Message:
        message = message_of(None, kind=MessageKind.EVENT)
        return replace(message, id=None, event="CLICK", event_key=key)

    first, second = click("3"), click("5")
    answers = [bot.handle(message, NOW).text for message in (first, second, first, second)]
    assert answers[:2] == answers[2:], "a retry of each gets the same"
    assert answers[0] != answers[1]


def test_a_plain_signature_signs_only_one_message(bot: Bot) -> None:
    first = replace(message_of("3"), encrypted=False, signature="abc")
    assert bot.handle(first, NOW).text
    with pytest.raises(RefusedError):
        bot.handle(replace(message_of("4"), encrypted=False, signature="abc"), NOW)
    assert bot.handle(first, NOW).text


def test_nothing_is_recorded_where_the_database_fails(bot: Bot, store: Store) -> None:
    failing = replace(bot, store=cast(Store, Unwritable(store)))
    for text in (CONNECT, "3", "邀请", "加入 gulu 阿珍"):
        with pytest.raises(StoreDownError):
            failing.handle(message_of(text), NOW)
        with pytest.raises(StoreDownError):
            replace(bot, store=cast(Store, Down())).handle(message_of(text), NOW)
    for table in TABLES:
        assert list(store.export(table)) == [], table


def test_two_senders_of_one_plain_message_id_get_no_reply_of_each_other_even_at_once(
    bot: Bot, store: Store
) -> None:
    first = replace(message_of(CONNECT), encrypted=False, signature="s1")
    second = replace(first, sender=STRANGER, signature="s2")
    late = replace(bot, store=cast(Store, Overtaken(store, lambda: bot.handle(first, NOW))))
    with pytest.raises(RefusedError, match="somebody else"):
        late.handle(second, NOW)
    assert bot.handle(first, NOW).text


def test_a_message_that_failed_is_answered_later_as_if_it_were_new(bot: Bot, store: Store, say: Say) -> None:
    say(CONNECT)
    failing = replace(bot, store=cast(Store, Unwritable(store)))
    for text, part in (("认领", "归你了"), ("邀请", "gulu"), ("关闭 好了", "已关闭")):
        message = message_of(text)
        with pytest.raises(StoreDownError):
            failing.handle(message, NOW)
        assert part in (bot.handle(message, NOW).text or "")


def test_what_was_answered_meanwhile_is_not_recorded(bot: Bot, store: Store) -> None:
    with pytest.raises(StoreDownError, match="too late"):
        bot.handle(message_of(CONNECT), NOW, expired=lambda: True)
    assert list(store.export("messages")) == []


def test_without_memory_the_checklist_goes_out_and_says_what_is_missing(bot: Bot) -> None:
    bare = bot.without_memory()
    assert "先做" in (bare.handle(message_of(CONNECT), NOW).text or "")
    assert "连接超时" in (bare.handle(message_of("3"), NOW).text or "")
    assert "数据库没有回应" in (bare.handle(message_of("状态"), NOW).text or "")
    assert "把报警再发一次" in (bare.handle(message_of("更多"), NOW).text or "")


def test_an_alert_answered_without_memory_is_recorded_when_it_is_pushed_again(bot: Bot, store: Store) -> None:
    message = message_of(CONNECT)
    bot.without_memory().handle(message, NOW)
    assert store.reply_to(message.key) is None
    bot.handle(message, NOW + timedelta(seconds=5))
    (incident,) = store.recent_incidents(NOW - timedelta(hours=1))
    assert len(incident.sightings) == 1


def test_of_two_who_claim_at_once_one_is_told_that_it_is_the_others(bot: Bot, store: Store, say: Say) -> None:
    say(CONNECT)
    racing = replace(bot, store=cast(Store, Overtaken(store, lambda: say("认领 1", LIN))))
    assert "已经是小林在处理" in (racing.handle(message_of("认领 1"), NOW).text or "")
    assert [event.who for event in store.timeline(1) if event.what == "claim"] == [person(LIN)]


def test_of_two_who_use_one_invitation_at_once_one_is_refused(bot: Bot, store: Store, say: Say) -> None:
    say("邀请")
    racing = replace(bot, store=cast(Store, Overtaken(store, lambda: say("加入 gulu 阿珍", STRANGER))))
    assert "邀请词不对" in (racing.handle(message_of("加入 gulu 别人", "oOther"), NOW).text or "")
    assert [member.name for member in store.members()] == ["阿珍"]


def test_of_a_push_that_two_nodes_answer_at_once_the_first_reply_stands(
    bot: Bot, store: Store, say: Say
) -> None:
    say(CONNECT)
    notes, message = Notes(), message_of(CONNECT)
    first: list[Reply] = []
    racing = replace(
        bot,
        observer=notes,
        store=cast(Store, Overtaken(store, lambda: first.append(bot.handle(message, NOW)))),
    )
    assert [racing.handle(message, NOW)] == first
    assert notes.told == [("retry", "text")]


def test_each_message_is_counted_once_after_it_was_answered(bot: Bot, store: Store) -> None:
    notes = Notes()
    counted, message = replace(bot, observer=notes), message_of(CONNECT)
    with pytest.raises(StoreDownError):
        replace(counted, store=cast(Store, Unwritable(store))).handle(message, NOW)
    assert notes.told == []
    for told in (message, message, message_of("3"), message_of("qwertz"), message_of("帮助")):
        counted.handle(told, NOW)
    counted.without_memory().handle(message_of(CONNECT + BLOCKED), NOW)
    assert notes.told == [
        ("alert", "connect_timeout"),
        ("retry", "text"),
        ("topic", "connect_timeout"),
        ("topic", None),
        ("alert", "connect_timeout"),
        ("alert", "mark_fail"),
    ]


def test_without_a_store_the_bot_is_an_adviser(adviser: Adviser) -> None:
    bot = Bot(adviser, None, lambda: "")
    assert "先做" in (bot.handle(message_of(CONNECT), NOW).text or "")
    assert bot.handle(message_of("状态"), NOW).text
