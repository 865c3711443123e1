"""Who is who: a person is a channel, an account and an id, and nobody else with the same id."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from tests.support.talk import CONNECT
from tests.support.upgraded import new_store
from triage.advice.adviser import Adviser
from triage.alerts.parser import BEIJING
from triage.bot.bot import Bot
from triage.channels.registry import CHANNELS
from triage.channels.wechat.channel import WECHAT
from triage.message import ANY_ACCOUNT, Message, MessageKind, Person
from triage.store import Store

NOW = datetime(2026, 4, 21, 18, 40, tzinfo=BEIJING)
MEMBER = Person("wechat", "wx1", "zhao")
NAMESAKES = [Person("wecom", "wx1", "zhao"), Person("wechat", "wx2", "zhao")]
_ids = count(1)

Say = Callable[[Person, str], str]


@pytest.fixture(autouse=True)
def _second_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CHANNELS, "wecom", WECHAT)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = new_store(tmp_path / "triage.db")
    yield opened
    opened.close()


def _talk(bot: Bot) -> Say:
    def say(person: Person, text: str) -> str:
        message = Message(
            person.channel, person.account, person.id, "gh", MessageKind.TEXT, 0, str(next(_ids)), text,
            encrypted=True,
        )  # fmt: skip
        return bot.handle(message, NOW).text or ""

    return say


@pytest.fixture
def say(adviser: Adviser, store: Store) -> Say:
    return _talk(Bot(adviser, store, lambda: "gulu", {MEMBER: "小赵"}))


@pytest.mark.parametrize("namesake", NAMESAKES, ids=["of another channel", "of another account"])
class TestNamesake:
    def test_a_member_by_setting_makes_no_member_of_a_namesake(self, namesake: Person, say: Say) -> None:
        say(MEMBER, CONNECT)
        assert "只有成员能用" in say(namesake, "状态")
        shown = say(namesake, CONNECT)
        assert "小赵" not in shown
        assert "转来过" not in shown

    def test_a_member_by_invitation_makes_no_member_of_a_namesake(
        self, namesake: Person, say: Say, store: Store
    ) -> None:
        say(MEMBER, "邀请")
        joined = replace(MEMBER, id="zhen")
        assert "阿珍，欢迎" in say(joined, "加入 gulu 阿珍")
        assert "只有成员能用" in say(replace(namesake, id="zhen"), "状态")
        assert store.member(replace(namesake, id="zhen")) is None

    def test_a_conversation_is_not_gone_on_with_by_a_namesake(self, namesake: Person, say: Say) -> None:
        say(MEMBER, CONNECT)
        assert "把报警再发一次" in say(namesake, "更多")

    def test_an_incident_is_not_owned_by_a_namesake(
        self, namesake: Person, adviser: Adviser, store: Store
    ) -> None:
        say = _talk(Bot(adviser, store, lambda: "", {MEMBER: "小赵", namesake: "小钱"}))
        say(MEMBER, CONNECT)
        say(MEMBER, "认领")
        assert say(namesake, "我的") == "你没有认领事件"
        assert "已经是小赵在处理" in say(namesake, "认领 1")
        assert "同一条报警 18:40（刚刚）小赵已经转来过" in say(namesake, CONNECT)
        (incident,) = store.recent_incidents(NOW - timedelta(hours=1))
        assert incident.owner == MEMBER


def test_a_member_of_any_account_is_one_on_every_account_of_the_channel_alone(
    adviser: Adviser, store: Store
) -> None:
    say = _talk(Bot(adviser, store, lambda: "", {replace(MEMBER, account=ANY_ACCOUNT): "小赵"}))
    for account in ("", "wx1", "wx2"):
        assert "现在的事件" in say(replace(MEMBER, account=account), "状态")
    assert "只有成员能用" in say(Person("wecom", "wx1", "zhao"), "状态")
    say(MEMBER, CONNECT)
    assert "归你了" in say(MEMBER, "认领")
    assert "小赵处理中" in say(MEMBER, "状态")


@pytest.mark.parametrize(
    "person",
    [
        Person("wechat", "wx1", "oAbc"),
        Person("wechat", "", "oAbc"),
        Person("wechat", ANY_ACCOUNT, "oAbc"),
        Person("wecom", "a/b%", "a/b/c|d"),
    ],
)
def test_a_person_is_the_same_after_being_written_down(person: Person) -> None:
    assert Person.parse(str(person)) == person
