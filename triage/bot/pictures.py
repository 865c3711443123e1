"""What a picture is answered with: that it is being read, and once it was, what the text in it leads to.

A picture is never fetched or read while its push waits. The push leaves a row in the outbox; `reading` works on it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from triage.advice.adviser import Adviser
from triage.bot.commands import read_command
from triage.bot.context import Outcome
from triage.bot.late import LATE_EXPIRES, ON_REQUEST
from triage.bot.quoting import says_something
from triage.masking import mask
from triage.message import Message, MessageKind, PageSize, Picture
from triage.store import Outgoing, OutgoingKind, Queued
from triage.store.columns import conversation_key, index_key

MOST_WAITING = 5
"""Messages with pictures that somebody, alone or in one group, may have waiting, so that nobody waits for hundreds."""
_SHOWN = 300
"""Characters of a picture without an alert that are shown, so that its sender sees what was read."""


class Promise(enum.StrEnum):
    """What becomes of a picture that somebody sends."""

    SENT = "sent"
    """It is read, and the answer goes out by itself."""
    WAITS = "waits"
    """It is read, and the answer waits for its sender's next word."""
    NOT_INSTALLED = "not_installed"
    """It is not read, as what reads pictures is not installed."""
    NONE = "none"
    """It is not read."""


def never_read(message: Message) -> Promise:
    """The promise where there is nothing that fetches and reads pictures."""
    return Promise.NONE


@dataclass(frozen=True, slots=True)
class ReadPicture:
    """What was read in the pictures of a message, or why nothing was."""

    text: str | None = None
    problem: str | None = None
    """In words for whoever sent it."""
    unread: int = 0
    """How many further pictures of the message were not read."""


def say(
    adviser: Adviser,
    how: str,
    *,
    is_sent: bool = False,
    in_group: bool = False,
    note: str = "",
    unread: int = 0,
) -> str:
    """The template of what is said about pictures."""
    return adviser.say("picture", how=how, is_sent=is_sent, in_group=in_group, note=note, unread=unread)


def speaks_by_picture(adviser: Adviser, message: Message, promise: Callable[[Message], Promise]) -> bool:
    """Whether a message is answered by its pictures: those alone, or with words that say nothing else."""
    if not message.pictures or message.kind not in (MessageKind.IMAGE, MessageKind.TEXT):
        return False
    words = (message.text or "").strip()
    if message.quote and says_something(adviser, message.quote):
        return False
    if words and (read_command(words) or says_something(adviser, words) or adviser.ask(words).topic):
        return False
    return message.kind is MessageKind.IMAGE or promise(message) is not Promise.NONE


def acknowledged(adviser: Adviser, message: Message, promise: Promise, now: datetime) -> Outcome:
    """The reply to the push, and the row of the outbox for the pictures where they are read."""
    if promise in (Promise.NOT_INSTALLED, Promise.NONE):
        is_missing = promise is Promise.NOT_INSTALLED
        return Outcome(adviser.say("unreadable", what="图片", is_reader_missing=is_missing))
    is_sent, in_group = promise is Promise.SENT, message.chat is not None
    text = say(adviser, "reading", is_sent=is_sent, in_group=in_group)
    row = Outgoing(
        key=index_key(f"picture/{message.key}"),
        kind=OutgoingKind.PICTURE,
        destination=destination_of(message),
        due_at=now,
        expires_at=now + LATE_EXPIRES,
        payload={"message": _as_json(message), "promise": promise.value},
    )
    return Outcome(text, told=(row,))


def destination_of(message: Message) -> str:
    """Where in the outbox the pictures of its sender lie, so that they are read in their order."""
    return index_key(f"picture/{conversation_key(message.person, message.chat)}")


def message_of(row: Queued) -> Message:
    """The message that a row of the outbox is for. Raises KeyError, TypeError or ValueError for a broken row."""
    fields = dict(row.payload["message"])
    pictures = tuple(Picture(**picture) for picture in fields.pop("pictures"))
    return Message(**{**fields, "kind": MessageKind(fields["kind"]), "pictures": pictures})


def _as_json(message: Message) -> dict[str, Any]:
    return {name: value for name, value in asdict(message).items() if name not in ("signature", "secrets")}


def as_read(message: Message, read: ReadPicture) -> Message:
    """The message that the read text makes, of a key of its own beside that of the push."""
    key = index_key(f"picture/{message.key}")
    return replace(
        message, id=key, kind=MessageKind.IMAGE, text=read.text, quote=None, signature="", encrypted=True
    )


def answer_row(row: Queued, message: Message, now: datetime) -> Outgoing:
    """The row of the outbox that takes the answer to its sender, without the answer."""
    is_sent = row.payload["promise"] == Promise.SENT
    return Outgoing(
        key=index_key(f"late/{row.key}"),
        kind=OutgoingKind.LATE,
        destination=conversation_key(message.person, message.chat),
        due_at=now if is_sent else now + ON_REQUEST,
        expires_at=now + LATE_EXPIRES,
        payload={
            "to": str(message.person),
            "chat": message.chat,
            "answer_url": message.answer_url,
            "on_request": True,
        },
    )


def room_for(head: str, size: PageSize) -> PageSize:
    """The page that is left below a head."""
    return replace(size, limit=size.limit - size.measure(f"{head}\n"))


def excerpt(text: str) -> str:
    """The beginning of what was read, without secrets."""
    masked = mask(text[: 4 * _SHOWN]).strip()
    return masked if len(masked) <= _SHOWN else f"{masked[:_SHOWN]}…"
