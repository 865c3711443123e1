"""The seam between channels and the rest: what a second channel gets without a line of its own elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest

from tests.support.other_channel import OtherChannel
from tests.support.talk import CONNECT
from tests.support.upgraded import new_store
from triage.advice.adviser import Adviser
from triage.alerts.parser import BEIJING
from triage.bot.bot import Bot
from triage.channels.registry import CHANNELS
from triage.message import Message, MessageKind, PageSize, Person, Unit

NOW = datetime(2026, 4, 21, 18, 40, tzinfo=BEIJING)
MEMBER = Person("other", "team", "zhao")
_ids = count(1)

Say = Callable[..., str]


@pytest.fixture
def bot(adviser: Adviser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bot]:
    monkeypatch.setitem(CHANNELS, "other", OtherChannel())
    store = new_store(tmp_path / "triage.db")
    yield Bot(adviser, store, lambda: "gulu", {MEMBER: "小赵"})
    store.close()


@pytest.fixture
def say(bot: Bot) -> Say:
    def talk(text: str, person: Person = MEMBER, chat: str | None = None) -> str:
        message = Message(
            person.channel, person.account, person.id, "bot", MessageKind.TEXT, 0, str(next(_ids)), text,
            encrypted=True, chat=chat,
        )  # fmt: skip
        return bot.handle(message, NOW).text or ""

    return talk


def test_a_group_is_told_nothing_that_a_stranger_may_not_know(say: Say) -> None:
    say(CONNECT)
    say("认领")
    colleague = replace(MEMBER, id="lin")
    for shown in (say(CONNECT, MEMBER, "group"), say(CONNECT, colleague, "group")):
        assert "先做" in shown
        assert "小赵" not in shown
        assert "在处理" not in shown
    assert "时令果蔬" not in say("状态", MEMBER, "group")
    assert "时令果蔬" in say("状态")


def test_a_talk_belongs_to_one_person_in_one_chat(say: Say) -> None:
    lin = replace(MEMBER, id="lin")
    say(CONNECT, MEMBER, "ops")
    for person, chat in ((MEMBER, None), (MEMBER, "dev"), (lin, "ops")):
        assert "过了半小时就不记得了" in say("更多", person, chat)
    assert "过了半小时就不记得了" not in say("更多", MEMBER, "ops")


def test_pages_fit_the_channel_of_the_message(say: Say) -> None:
    shown = [say(CONNECT)]
    while (page := say("更多")) and "没有下一页了" not in page:
        shown.append(page)
    assert all(len(page) <= 300 for page in shown)
    assert any(len(page.encode()) > 300 for page in shown), "it is counted in characters"
    steps = {line.split(" ")[0] for page in shown for line in page.splitlines() if line[:1].isdigit()}
    wide = [say(CONNECT, replace(MEMBER, channel="wechat"))]
    while (page := say("更多", replace(MEMBER, channel="wechat"))) and "没有下一页了" not in page:
        wide.append(page)
    assert len(wide) < len(shown)
    assert steps == {line.split(" ")[0] for page in wide for line in page.splitlines() if line[:1].isdigit()}


def test_secrets_are_masked_on_every_channel(say: Say) -> None:
    assert "secret1" not in say(CONNECT) + say("为什么") + say("状态 1")


def test_an_adviser_for_other_pages_shares_rules_and_indexes(adviser: Adviser) -> None:
    other = adviser.for_pages(PageSize(300, Unit.CHARACTERS))
    assert other is not adviser
    assert other.rules is adviser.rules
    assert other.for_pages(PageSize(2048, Unit.BYTES)).answer(CONNECT) == adviser.answer(CONNECT)
    assert adviser.for_pages(PageSize(2048, Unit.BYTES)) is adviser


@pytest.mark.parametrize(
    ("size", "text", "length", "cut"),
    [
        pytest.param(PageSize(5, Unit.BYTES), "好好", 6, "好", id="no half character in bytes"),
        pytest.param(PageSize(6, Unit.BYTES), "好好", 6, "好好", id="just fits in bytes"),
        pytest.param(PageSize(1, Unit.CHARACTERS), "好好", 2, "好", id="characters"),
        pytest.param(PageSize(2, Unit.CHARACTERS), "好好", 2, "好好", id="just fits in characters"),
        pytest.param(PageSize(1, Unit.BYTES), "", 0, "", id="nothing"),
    ],
)
def test_a_page_is_measured_and_cut_in_its_unit(size: PageSize, text: str, length: int, cut: str) -> None:
    assert (size.measure(text), size.cut(text)) == (length, cut)


@pytest.mark.parametrize("channel", CHANNELS.values(), ids=list(CHANNELS))
def test_a_channel_is_registered_by_its_name(channel: OtherChannel) -> None:
    assert CHANNELS[channel.name] is channel
    assert channel.silence.status == 200
