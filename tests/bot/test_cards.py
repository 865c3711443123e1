"""Clicks on cards: 认领, 看步骤 and 关闭, by members, once, and everybody reads who it was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.groups import CHAT, GUEST, HAN, LI, MEMBERS, Chats, member
from tests.support.talk import CONNECT, Overtaken
from triage.advice.adviser import Adviser
from triage.bot.bot import Bot
from triage.incidents.correlation import State
from triage.message import Person
from triage.store import Store


@pytest.fixture
def chats(adviser: Adviser, store: Store) -> Chats:
    in_app = {Person("wecom", "B", person.id): name for person, name in MEMBERS.items()}
    chats = Chats(Bot(adviser, store, lambda: "gulu", {**MEMBERS, **in_app}))
    chats.say(CONNECT, chat=None)
    return chats


@pytest.mark.parametrize(
    "key",
    [
        "",
        "claim",
        "claim:",
        "claim:x",
        "mute:1",
        "claim:1:2",
        "claim:1234567890",
        "认领 1",
        "CLAIM:1",
        "claim:1 ",
    ],
)
def test_a_button_that_is_not_ours_does_nothing(chats: Chats, store: Store, key: str) -> None:
    assert chats.click(key) is None
    assert len(store.timeline(1)) == 1


@pytest.mark.parametrize("key", ["claim:1", "steps:1", "close:1"])
def test_a_stranger_s_click_changes_nothing_and_not_the_group_s_card(
    chats: Chats, store: Store, key: str
) -> None:
    assert chats.click(key, GUEST) is None
    assert "只有成员能用" in (chats.click(key, GUEST, None) or "")
    assert len(store.timeline(1)) == 1


@pytest.mark.parametrize("key", ["claim:7", "steps:7", "close:7"])
def test_a_card_of_an_incident_that_is_gone_says_so(chats: Chats, key: str) -> None:
    assert "没有 #7 这件事" in (chats.click(key, chat=None) or "")


def test_the_same_click_twice_is_one_claim_and_one_answer(chats: Chats, store: Store) -> None:
    answers = [chats.click("claim:1", id_="E=") for _ in range(3)]
    assert answers == ["李雷已认领"] * 3
    assert [event.what for event in store.timeline(1)] == ["open", "claim"]


@pytest.mark.parametrize("chat", [CHAT, None])
def test_another_one_s_click_says_who_has_claimed(chats: Chats, store: Store, chat: str | None) -> None:
    chats.click("claim:1", LI, chat)
    assert chats.click("claim:1", HAN, chat) == "李雷已认领"
    incident = store.incident(1)
    assert incident
    assert incident.owner == member(LI)


@pytest.mark.parametrize("chat", [CHAT, None])
def test_who_has_claimed_by_a_card_closes_without_its_number(
    chats: Chats, store: Store, chat: str | None
) -> None:
    chats.click("claim:1", LI, chat)
    chats.say("关闭 切回旧版本", LI, chat)
    incident = store.incident(1)
    assert incident
    assert (incident.state, incident.closed_note) == (State.CLOSED, "切回旧版本")


def test_who_is_a_moment_too_late_reads_who_was_first(chats: Chats, store: Store) -> None:
    first = chats.bot
    late = replace(first, store=Overtaken(store, lambda: Chats(first).click("claim:1", LI, id_="first")))  # type: ignore[arg-type]
    assert Chats(late).click("claim:1", HAN, id_="late") == "李雷已认领"


@pytest.mark.parametrize("chat", [CHAT, None])
def test_a_click_closes(chats: Chats, store: Store, chat: str | None) -> None:
    assert chats.click("close:1", HAN, chat) == "韩梅梅已关闭"
    assert chats.click("claim:1", LI, chat) == "已关闭"
    assert chats.click("close:1", LI, chat) == "已关闭"
    incident = store.incident(1)
    assert incident
    assert incident.state is State.CLOSED
    assert [event.what for event in store.timeline(1)] == ["open", "close"]


def test_the_steps_are_those_of_the_alert_for_who_is_alone_and_of_its_kind_for_a_group(chats: Chats) -> None:
    alone, group = chats.click("steps:1", HAN, None) or "", chats.click("steps:1", HAN) or ""
    assert "时令果蔬" in alone
    assert "时令果蔬" not in group
    assert all("连接超时" in text for text in (alone, group))
    assert (chats.say("下一步", HAN, None) or "").startswith("第 1 步")


def test_a_click_in_the_app_is_the_same(chats: Chats, store: Store) -> None:
    assert chats.click("claim:1", LI, None, channel="wecom") == "李雷已认领"
    incident = store.incident(1)
    assert incident
    assert incident.owner == Person("wecom", "B", LI)


def test_without_a_memory_a_click_is_met_by_silence(adviser: Adviser) -> None:
    assert Chats(Bot(adviser, None, lambda: "gulu", MEMBERS)).click("claim:1") is None
