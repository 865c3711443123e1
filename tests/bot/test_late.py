"""Alerts that were answered without the memory: recorded when it is back, and told to their sender once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.talk import CONNECT, LIN, NOW, STRANGER, ZHAO, Down, Overtaken, message_of, person
from triage.bot.bot import Bot
from triage.bot.late import LATE_EXPIRES, MOST_GIVEN, put_before
from triage.errors import StoreDownError
from triage.message import Message, PageSize, Unit
from triage.store import OutgoingKind, OutgoingState, Queued, Store

LATER = NOW + timedelta(minutes=3)
OTHER = CONNECT.replace("wx014d339f79c92781", "wx114d339f79c92781")


@pytest.fixture
def waiting_bot(bot: Bot) -> Bot:
    """One that has been told that late answers wait."""
    return replace(bot, has_late_answers=lambda: True)


def late_rows(bot: Bot) -> list[Queued]:
    assert bot.store
    return [
        row for row in bot.store.outbox.rows(list(OutgoingState), 99)[::-1] if row.kind is OutgoingKind.LATE
    ]


def miss(bot: Bot, text: str = CONNECT, sender: str = ZHAO) -> Message:
    """A message that is answered without the memory and recorded three minutes later."""
    message = message_of(text, sender)
    bot.without_memory().handle(message, NOW)
    bot.catch_up(message, NOW, LATER)
    return message


@pytest.mark.parametrize("text", ["认领", "状态", "499", "free -m", "1"])
def test_what_is_no_alert_is_neither_recorded_nor_told(bot: Bot, text: str) -> None:
    assert bot.catch_up(message_of(text), NOW, LATER) is False
    assert late_rows(bot) == []


def test_while_the_memory_is_away_it_is_tried_again(bot: Bot) -> None:
    for gone in (bot.without_memory(), replace(bot, store=Down())):  # type: ignore[arg-type]
        with pytest.raises(StoreDownError):
            gone.catch_up(message_of(CONNECT), NOW, LATER)


def test_a_message_that_is_recorded_already_tells_nothing(bot: Bot) -> None:
    message = message_of(CONNECT)
    bot.handle(message, NOW)
    assert bot.catch_up(message, NOW, LATER) is False
    assert late_rows(bot) == []


def test_a_group_hears_nothing_out_of_the_blue(bot: Bot) -> None:
    assert bot.catch_up(replace(message_of(CONNECT), chat="chat-1"), NOW, LATER) is True
    assert late_rows(bot) == []


def test_the_sender_is_told_when_it_was_and_what_the_memory_adds(bot: Bot) -> None:
    bot.handle(message_of(CONNECT, LIN), NOW - timedelta(minutes=5))
    bot.handle(message_of("认领", LIN), NOW - timedelta(minutes=4))
    miss(bot, CONNECT.replace("86", "90"))
    (row,) = late_rows(bot)
    assert row.payload["text"].splitlines()[0] == "18:40 转来的报警刚才没能记下，现在记下了"
    assert "小林在处理" in row.payload["text"].replace(" ", "")
    assert row.payload["to"] == row.destination == str(person(ZHAO))
    assert (row.due_at, row.expires_at) == (LATER, NOW + LATE_EXPIRES)
    assert timedelta(hours=48) == LATE_EXPIRES, "as long as an Official Account may write"


@pytest.mark.parametrize(
    ("sender", "is_member"), [(ZHAO, True), (STRANGER, False)], ids=["a member", "a stranger"]
)
def test_only_members_are_told_of_claiming(bot: Bot, sender: str, is_member: bool) -> None:
    miss(bot, sender=sender)
    (row,) = late_rows(bot)
    assert ("认领" in row.payload["text"]) == is_member


def test_the_next_word_is_answered_with_it_once(waiting_bot: Bot) -> None:
    miss(waiting_bot)
    text = late_rows(waiting_bot)[0].payload["text"]
    reply = waiting_bot.handle(message_of("认领"), LATER).text or ""
    assert reply.startswith(f"{text}\n\n")
    assert "#1 归你了" in reply
    assert text not in (waiting_bot.handle(message_of("状态"), LATER).text or "")


def test_a_retry_of_that_word_gets_it_again(waiting_bot: Bot) -> None:
    miss(waiting_bot)
    word = message_of("状态")
    assert waiting_bot.handle(word, LATER) == waiting_bot.handle(word, LATER)


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(message_of("状态", LIN), id="somebody else's word"),
        pytest.param(replace(message_of("状态"), chat="chat-1"), id="a word in a group"),
        pytest.param(message_of(None), id="what is answered without words"),
    ],
)
def test_it_waits_for_a_word_of_its_receiver_alone(waiting_bot: Bot, message: Message) -> None:
    miss(waiting_bot)
    assert "没能记下" not in (waiting_bot.handle(message, LATER).text or "")
    assert [row.state for row in late_rows(waiting_bot)] == [OutgoingState.DUE]


@pytest.mark.parametrize(
    ("limit", "whole", "given"),
    [
        pytest.param(4, "reply", 0, id="a reply that is too long itself"),
        pytest.param(8, "reply", 0, id="one byte too little"),
        pytest.param(9, "aa\n\nreply", 1, id="just room for one"),
        pytest.param(13, "aa\n\naa\n\nreply", 2, id="room for both"),
    ],
)
def test_it_waits_while_the_reply_fills_its_page(bot: Bot, limit: int, whole: str, given: int) -> None:
    for text in (CONNECT, OTHER):
        miss(bot, text)
    rows = [replace(row, payload={"text": "aa"}) for row in late_rows(bot)]
    ids = tuple(row.id for row in rows)[:given]
    assert put_before("reply", rows, PageSize(limit, Unit.BYTES)) == (whole, ids)


def test_nobody_is_looked_up_where_none_waits(bot: Bot) -> None:
    miss(bot)
    assert "没能记下" not in (bot.handle(message_of("状态"), LATER).text or "")


def test_three_stand_before_one_reply_and_the_others_before_the_next(waiting_bot: Bot) -> None:
    for number in range(4):
        miss(waiting_bot, CONNECT.replace("wx014d339f79c92781", f"wx{number}14d339f79c92781"))
    counts = [(waiting_bot.handle(message_of("我的"), LATER).text or "").count("没能记下") for _ in range(3)]
    assert (counts, MOST_GIVEN) == ([3, 1, 0], 3)


def test_one_that_goes_out_at_that_moment_is_not_given_as_well(waiting_bot: Bot, store: Store) -> None:
    miss(waiting_bot)

    def elsewhere() -> None:
        waiting_bot.handle(message_of("状态"), LATER)

    overtaken = replace(waiting_bot, store=Overtaken(store, elsewhere))  # type: ignore[arg-type]
    assert "没能记下" not in (overtaken.handle(message_of("我的"), LATER).text or "")
