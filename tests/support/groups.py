"""A bot in a group of WeCom for tests: who is there, and what they say, quote and click."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from tests.support.wecom import NOW
from triage.bot.bot import Bot
from triage.message import Message, MessageKind, Person

LI, HAN, GUEST = "lilei", "han", "guest"
CHAT = "C1"


def member(id_: str) -> Person:
    return Person("wecom_bot", "B", id_)


MEMBERS = {member(LI): "李雷", member(HAN): "韩梅梅"}


@dataclass
class Chats:
    """The bot's chats: the group `CHAT`, and one with each person."""

    bot: Bot
    _ids: Iterator[int] = field(default_factory=lambda: count(1), repr=False)

    def say(self, text: str, who: str = LI, chat: str | None = CHAT, quote: str | None = None) -> str | None:
        """What the bot answers to words with an @, without it, and to what is quoted beside them."""
        return self.bot.handle(self.message(text, who, chat, quote), NOW).text

    def message(self, text: str, who: str = LI, chat: str | None = CHAT, quote: str | None = None) -> Message:
        return Message(
            "wecom_bot", "B", who, "B", MessageKind.TEXT, int(NOW.timestamp()), f"M{next(self._ids)}==", text,
            chat=chat, quote=quote, encrypted=True,
        )  # fmt: skip

    def click(
        self,
        key: str,
        who: str = LI,
        chat: str | None = CHAT,
        id_: str | None = None,
        channel: str = "wecom_bot",
    ) -> str | None:
        """What the bot answers to a click on a card; with an id given twice it is a retry."""
        message = Message(
            channel, "B", who, "B", MessageKind.EVENT, int(NOW.timestamp()), id_ or f"E{next(self._ids)}==",
            event="template_card_event", event_key=key, task_id="inc-1-1", chat=chat, encrypted=True,
        )  # fmt: skip
        return self.bot.handle(message, NOW).text
