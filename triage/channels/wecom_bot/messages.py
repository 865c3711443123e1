"""Decodes what WeCom pushes to a bot: https://developer.work.weixin.qq.com/document/path/100719 and /101027.

In a group it is what somebody writes to the bot with an @, and with it what they quote. What is missing or of another
shape than promised is nothing; only sender, bot and kind are required.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from triage.channels.pictures import usable_url
from triage.channels.sealed import Opened
from triage.channels.wecom_bot.account import BotAccount
from triage.errors import UnreadableMessageError
from triage.message import Message, MessageKind, Picture

CHANNEL = "wecom_bot"
CARD_CLICK = "template_card_event"
ENTERED = "enter_chat"

_ID = re.compile(r"[!-~]{1,128}")
_LONGEST_KEY = 1024
_MOST_PICTURES = 3
"""Of one message; nobody waits for more to be read."""
_KINDS = {
    "text": MessageKind.TEXT,
    "mixed": MessageKind.TEXT,
    "image": MessageKind.IMAGE,
    "voice": MessageKind.VOICE,
    "video": MessageKind.VIDEO,
    "file": MessageKind.UNSUPPORTED,
    "event": MessageKind.EVENT,
}
_ANY_MENTION = re.compile(r"\s*@\S+\s*")

Fields = Mapping[str, object]


def decode_message(opened: Opened, account: BotAccount) -> Message:
    """The message that this JSON makes. Raises UnreadableMessageError."""
    push = _read(opened.text)
    type_, bot, sender = _id(push, "msgtype"), _id(push, "aibotid"), _sender(push)
    if type_ is None or bot is None or sender is None:
        raise UnreadableMessageError("msgtype, aibotid or from.userid is missing or too long")
    chat = _id(push, "chatid") if push.get("chattype") == "group" else None
    if push.get("chattype") == "group" and chat is None:
        raise UnreadableMessageError("a message in a group without a chatid")
    event, created = _part(push, "event"), push.get("create_time")
    name, click = _id(event, "eventtype"), _part(event, CARD_CLICK)
    key = click.get("event_key")
    text, quote = _text(push), _text(_part(push, "quote"))
    if _KINDS.get(type_) is MessageKind.TEXT:
        text = _without_mention(text or "", account.name)
    kind = _kind_of(push, text or "", quote)
    return Message(
        CHANNEL,
        bot,
        sender,
        bot,
        kind,
        created if type(created) is int and 0 < created < 1 << 40 else opened.at,
        id=_id(push, "msgid"),
        text=text if kind in (MessageKind.TEXT, MessageKind.VOICE) else None,
        event=name if kind is MessageKind.EVENT else None,
        event_key=key[:_LONGEST_KEY] if isinstance(key, str) and key else None,
        chat=chat,
        quote=quote,
        task_id=_id(click, "task_id"),
        pictures=_pictures(push) or _pictures(_part(push, "quote")),
        answer_url=usable_url(push.get("response_url")),
        push=name if name and kind is MessageKind.EVENT else type_,
        signature=opened.signature,
        encrypted=True,
    )


def _read(text: str) -> Fields:
    try:
        push = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise UnreadableMessageError("the message is no JSON") from exc
    if not isinstance(push, dict):
        raise UnreadableMessageError("the message is no JSON object")
    return push


def _part(fields: Fields, name: str) -> Fields:
    part = fields.get(name)
    return part if isinstance(part, dict) else {}


def _id(fields: Fields, name: str) -> str | None:
    text = fields.get(name)
    return text if isinstance(text, str) and _ID.fullmatch(text) else None


def _sender(push: Fields) -> str | None:
    """The userid; of somebody from another corporation, where it may be the same as one of ours, that one before it."""
    person = _part(push, "from")
    userid, corpid = _id(person, "userid"), _id(person, "corpid")
    return f"{corpid}/{userid}" if userid and corpid else userid


def _text(fields: Fields) -> str | None:
    """The words of a message or of a quote, those between pictures joined; None where it has none."""
    match fields.get("msgtype"):
        case "text" | "voice" as type_:
            content = _part(fields, type_).get("content")
            return content if isinstance(content, str) else None
        case "mixed":
            return "\n".join(text for item in _items(fields, "text") if (text := _text(item))) or None
        case _:
            return None


def _pictures(fields: Fields) -> tuple[Picture, ...]:
    """The pictures of a message or of a quote."""
    match fields.get("msgtype"):
        case "image":
            url = usable_url(_part(fields, "image").get("url"))
            return (Picture(url),) if url else ()
        case "mixed":
            found = (picture for item in _items(fields, "image") for picture in _pictures(item))
            return tuple(found)[:_MOST_PICTURES]
        case _:
            return ()


def _items(fields: Fields, type_: str) -> Iterator[Fields]:
    items = _part(fields, "mixed").get("msg_item")
    if isinstance(items, list):
        yield from (item for item in items if isinstance(item, dict) and item.get("msgtype") == type_)


def _kind_of(push: Fields, text: str, quote: str | None) -> MessageKind:
    """What a message is; a picture too where one was quoted or sent among texts, and nothing else."""
    type_ = push.get("msgtype")
    kind = _KINDS.get(type_, MessageKind.UNKNOWN) if isinstance(type_, str) else MessageKind.UNKNOWN
    if kind is MessageKind.EVENT and _id(_part(push, "event"), "eventtype") is None:
        return MessageKind.UNKNOWN
    if kind is MessageKind.IMAGE and push.get("chattype") == "group":
        return MessageKind.UNKNOWN  # a picture alone is for the others: it cannot call the bot
    is_picture = type_ == "mixed" or (_part(push, "quote") and not quote)
    if kind is MessageKind.TEXT and is_picture and not text.strip() and not quote:
        return MessageKind.IMAGE
    return kind


def _without_mention(text: str, name: str | None) -> str:
    """What was said to the bot, without its name: the configured one, which may have blanks, else any word at first."""
    if name and f"@{name}" in text:
        before, _, after = text.partition(f"@{name}")
        return f"{before.rstrip()} {after.lstrip()}".strip()
    mention = _ANY_MENTION.match(text)
    return text[mention.end() :] if mention else text
