"""People, alerts and messages for tests of the bot, and stores that fail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import count

from triage.alerts.parser import BEIJING
from triage.errors import StoreDownError
from triage.message import Message, MessageKind, Person
from triage.store import Entry, Recorded, Store

NOW = datetime(2026, 4, 21, 18, 40, tzinfo=BEIJING)
ZHAO, LIN, STRANGER = "oZhao", "oLin", "oStranger"
Say = Callable[..., str]
"""What the bot answers to a typed text."""


def person(id_: str, account: str = "wxbot") -> Person:
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


def message_of(text: str | None, sender: str = ZHAO, kind: MessageKind = MessageKind.TEXT) -> Message:
    return Message(
        "wechat", "wxbot", sender, "gh_1", kind, int(NOW.timestamp()), str(next(_ids)), text, encrypted=True
    )


class Down:
    """A store whose database is away: every question fails."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        def fail(*_: object, **__: object) -> None:
            raise StoreDownError("away")

        return fail


class Unwritable:
    """A store that can be asked and takes nothing, as one whose disk is full."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(Down() if name == "record" else self._store, name)


class Notes:
    """An observer that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str | None]] = []

    def alert_read(self, kind: str) -> None:
        self.told.append(("alert", kind))

    def topic_asked(self, topic: str | None) -> None:
        self.told.append(("topic", topic))

    def retry_answered(self, kind: MessageKind) -> None:
        self.told.append(("retry", kind))


class Overtaken:
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
