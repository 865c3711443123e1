"""A bot with a store of its own, and two members by setting."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from tests.support.talk import LIN, NOW, ZHAO, Say, message_of, person
from tests.support.upgraded import new_store
from triage.advice.adviser import Adviser
from triage.bot.bot import Bot
from triage.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return new_store(tmp_path / "triage.db")


@pytest.fixture
def bot(adviser: Adviser, store: Store) -> Bot:
    return Bot(adviser, store, lambda: "gulu", {person(ZHAO): "小赵", person(LIN): "小林"})


@pytest.fixture
def say(bot: Bot) -> Say:
    """What the bot answers to a typed text."""

    def talk(text: str, sender: str = ZHAO, now: datetime = NOW) -> str:
        return bot.handle(message_of(text, sender), now).text or ""

    return talk


@pytest.fixture
def teammate(say: Say, store: Store) -> str:
    """A member who sees one account alone."""
    say("邀请")
    say("加入 gulu 阿珍", "oZhen")
    member = store.member(person("oZhen"))
    assert member
    store.add_member(replace(member, appids=("wx014d339f79c92781",)))
    return "oZhen"
