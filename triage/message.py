"""What comes in and what goes out, whatever the channel: plain HTTP values, the message, the reply."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote

_MAX_KEY_LENGTH = 190


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request: the first value of each query parameter, and the body as it came."""

    method: str
    query: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP answer."""

    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"


class MessageKind(enum.StrEnum):
    """What a message is to us; a channel's own names stand in `Message.push` and `Message.event`."""

    TEXT = "text"
    IMAGE = "image"
    VOICE = "voice"
    VIDEO = "video"
    LOCATION = "location"
    LINK = "link"
    EVENT = "event"
    COMPONENT = "component"
    WARNING = "warning"
    """The platform warns whoever looks after our account; `Message.text` says of what, in Chinese."""
    ALERT = "alert"
    """Handed in by a program: alerts are read in it, and no word is a command."""
    UNSUPPORTED = "unsupported"
    UNKNOWN = "unknown"


ANY_ACCOUNT = "*"
"""The account of a `Person` in a setting that holds for every account of the channel."""


@dataclass(frozen=True, slots=True)
class Person:
    """A person on a chat channel; the same id on another channel or account is another person."""

    channel: str
    account: str
    """Our account that they write to, within which their id holds: an AppID, a corp id."""
    id: str
    """What the platform calls them: an OpenID, a userid."""

    def __str__(self) -> str:
        """`wechat/wx0123/oAbc`, which `parse` reads."""
        return f"{self.channel}/{_quoted(self.account)}/{self.id}"

    def is_same(self, other: Person | None) -> bool:
        """Whether both name one person, where either may be of `ANY_ACCOUNT`."""
        if other is None or (self.channel, self.id) != (other.channel, other.id):
            return False
        return self.account == other.account or ANY_ACCOUNT in (self.account, other.account)

    @classmethod
    def parse(cls, text: str) -> Person:
        """The person that `str` wrote. Raises ValueError for any other text."""
        channel, account, id_ = text.split("/", 2)
        return cls(channel, unquote(account), id_)


@lru_cache(100)
def _quoted(account: str) -> str:
    """An account of ours without a slash; there are few, and each message names its own several times."""
    return quote(account, safe=ANY_ACCOUNT)


@dataclass(frozen=True, slots=True)
class Picture:
    """Where a platform keeps a picture that somebody sent; one of the two at least."""

    url: str | None = None
    media_id: str | None = None
    """By which the platform's API gives it out."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was verified and decoded."""

    channel: str
    account: str
    """Our account it came to: an AppID."""
    sender: str
    """The id of who wrote it, as the channel knows them; `person` says who that is."""
    recipient: str
    """Who it was addressed to, as the reply must name it as its sender."""
    kind: MessageKind
    created: int
    """When it was written, in unix seconds."""
    id: str | None = None
    text: str | None = None
    """What was typed or heard, without what was quoted."""
    event: str | None = None
    event_key: str | None = None
    chat: str | None = None
    """The group it was written in, as the channel calls it; None where nobody else reads it."""
    quote: str | None = None
    """What the sender quoted: somebody's earlier words, so no order to us."""
    task_id: str | None = None
    """The card that was clicked."""
    response_code: str | None = None
    """By which the card that was clicked can be changed once."""
    pictures: tuple[Picture, ...] = ()
    """What it shows, or where it says nothing itself what is quoted shows; nothing of it has been fetched."""
    answer_url: str | None = None
    """Where the platform takes one answer that comes later."""
    push: str = "text"
    """The wire name of what was pushed."""
    signature: str = ""
    encrypted: bool = False
    secrets: int = 0
    """Which of the account's secrets it came by, as its channel numbers them: the answer goes out by the same."""

    @property
    def person(self) -> Person:
        """Who wrote it."""
        return Person(self.channel, self.account, self.sender)

    @property
    def key(self) -> str:
        """The same for every retry: account and MsgId, else account, sender, CreateTime, event, EventKey and card.

        WeChat gives events no MsgId; two clicks within a second differ by their EventKey alone, or by the card:
        https://developers.weixin.qq.com/doc/service/guide/product/message/Receiving_event_pushes.html
        """
        own = self.id or "|".join(
            filter(None, (self.sender, f"{self.created}|{self.event or ''}", self.event_key, self.task_id))
        )
        key = f"{self.channel}|{self.account}|{own}"
        return key if len(key) <= _MAX_KEY_LENGTH else hashlib.sha256(key.encode()).hexdigest()


class Unit(enum.Enum):
    """What a channel counts the length of a message in."""

    BYTES = "UTF-8 bytes"
    CHARACTERS = "characters"


@dataclass(frozen=True, slots=True)
class PageSize:
    """How much text one message of a channel holds."""

    limit: int
    unit: Unit

    def measure(self, text: str) -> int:
        """The length of a text in the channel's unit."""
        return len(text.encode()) if self.unit is Unit.BYTES else len(text)

    def holds(self, text: str) -> bool:
        """Whether one message holds a text."""
        return self.measure(text) <= self.limit

    def cut(self, text: str) -> str:
        """The longest beginning of a text that one message holds, without half a character."""
        if self.unit is Unit.BYTES:
            return text.encode()[: self.limit].decode(errors="ignore")
        return text[: self.limit]


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes out; None is an answer without words."""

    text: str | None
