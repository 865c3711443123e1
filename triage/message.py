"""What comes in and what goes out, whatever the channel: plain HTTP values, the message, the reply."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

_LONGEST_KEY = 190


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
    UNSUPPORTED = "unsupported"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was verified and decoded.

    `account` is the AppID it came to, `sender` the OpenID, `recipient` the gh_ id, `created` unix seconds; `text` is
    what was typed or heard; `push` is the wire name of what was pushed; `signature` is what signed it.
    """

    channel: str
    account: str
    sender: str
    recipient: str
    kind: MessageKind
    created: int
    id: str | None = None
    text: str | None = None
    event: str | None = None
    event_key: str | None = None
    push: str = "text"
    signature: str = ""
    encrypted: bool = False

    @property
    def key(self) -> str:
        """The same for every retry: account and MsgId, else account, sender, CreateTime and event."""
        own = self.id or f"{self.sender}|{self.created}|{self.event or ''}"
        key = f"{self.channel}|{self.account}|{own}"
        return key if len(key) <= _LONGEST_KEY else hashlib.sha256(key.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes out; None is an answer without words."""

    text: str | None
