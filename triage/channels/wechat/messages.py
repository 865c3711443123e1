"""What a WeChat push says, read from its fields: a message, an event, or the Open Platform's own word.

Every field may be missing, empty, huge or of another shape than promised; only who speaks to whom, and of what kind it
is, must be there. The official page is
https://developers.weixin.qq.com/doc/service/guide/product/message/Passive_user_reply_message.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from triage.errors import UnreadableMessageError
from triage.message import Message, MessageKind
from triage.platform.pushes import PUSHES, Family, Push

CHANNEL = "wechat"

_ADDRESS = re.compile(r"[!-~]{1,128}")
_CREATED = re.compile(r"[0-9]{10}")
_MESSAGE_ID = re.compile(r"0*[1-9][0-9]{0,19}")
_LONGEST_NAME = 128
_KINDS = {
    "text": MessageKind.TEXT,
    "image": MessageKind.IMAGE,
    "voice": MessageKind.VOICE,
    "video": MessageKind.VIDEO,
    "shortvideo": MessageKind.VIDEO,
    "location": MessageKind.LOCATION,
    "link": MessageKind.LINK,
    "event": MessageKind.EVENT,
}
# What arrives as text in place of a forwarded chat record, a sticker or a card.
_PLACEHOLDER = re.compile(
    r"\s*[【\[]\s*(?:收到不支持的消息类型[，,]?\s*暂?无法显示|收到不支援的訊息類型[，,]?\s*暫?無法顯示|"
    r"unsupported message)[。.]?\s*[】\]]\s*",
    re.IGNORECASE,
)
_TEXTS = {MessageKind.TEXT: "Content", MessageKind.VOICE: "Recognition", MessageKind.LOCATION: "Label"}
_FAMILIES = {MessageKind.EVENT: Family.EVENT, MessageKind.COMPONENT: Family.COMPONENT}
_PUSHES = {(push.family, push.name.casefold()): push for push in PUSHES}


@dataclass(frozen=True, slots=True)
class Signed:
    """What is known of a message before its own words: to whom, when and by what it was signed."""

    account: str
    at: int
    signature: str
    encrypted: bool = False


def decode_message(fields: Mapping[str, str], signed: Signed) -> Message:
    if info_type := _name(fields, "InfoType"):
        return _component(fields, info_type, signed)
    msg_type = _name(fields, "MsgType")
    sender, recipient = fields.get("FromUserName", "").strip(), fields.get("ToUserName", "").strip()
    if msg_type is None or not _ADDRESS.fullmatch(sender) or not _ADDRESS.fullmatch(recipient):
        raise UnreadableMessageError("MsgType, FromUserName or ToUserName is missing, repeated or too long")
    kind, event = _KINDS.get(msg_type.lower(), MessageKind.UNKNOWN), _name(fields, "Event")
    if kind is MessageKind.EVENT and event is None:
        kind = MessageKind.UNKNOWN
    if kind is MessageKind.TEXT and _PLACEHOLDER.fullmatch(fields.get("Content", "")):
        kind = MessageKind.UNSUPPORTED
    name = event if kind is MessageKind.EVENT and event else msg_type.lower()
    push = find_push_of(kind, name)
    return Message(
        CHANNEL,
        signed.account,
        sender,
        recipient,
        kind,
        _created(fields, signed),
        id=_message_id(fields),
        text=_text(kind, fields),
        event=push.name if push and kind is MessageKind.EVENT else event,
        event_key=fields.get("EventKey"),
        push=push.name if push else name,
        signature=signed.signature,
        encrypted=signed.encrypted,
    )


def _component(fields: Mapping[str, str], info_type: str, signed: Signed) -> Message:
    """A push of the Open Platform; it has no fan, so its sender is the account that it tells of."""
    ours, theirs = (fields.get(name, "").strip()[:_LONGEST_NAME] for name in ("AppId", "AuthorizerAppid"))
    return Message(
        CHANNEL,
        signed.account,
        theirs or ours,
        ours,
        MessageKind.COMPONENT,
        _created(fields, signed),
        event=info_type,
        push=info_type,
        signature=signed.signature,
        encrypted=signed.encrypted,
    )


def _name(fields: Mapping[str, str], field_name: str) -> str | None:
    name = fields.get(field_name, "").strip()
    return name if 0 < len(name) <= _LONGEST_NAME else None


def _created(fields: Mapping[str, str], signed: Signed) -> int:
    """CreateTime in seconds; where it is none, when the message was signed."""
    created = fields.get("CreateTime", "").strip()
    return int(created) if _CREATED.fullmatch(created) else signed.at


def _message_id(fields: Mapping[str, str]) -> str | None:
    id_ = fields.get("MsgId", "").strip()
    return id_ if _MESSAGE_ID.fullmatch(id_) else None


def _text(kind: MessageKind, fields: Mapping[str, str]) -> str | None:
    if kind is MessageKind.LINK:
        return "\n".join(filter(None, (fields.get("Title"), fields.get("Url")))) or None
    return fields.get(_TEXTS[kind]) if kind in _TEXTS else None


def find_push_of(kind: MessageKind, name: str) -> Push | None:
    return _PUSHES.get((_FAMILIES.get(kind, Family.MESSAGE), name.casefold()))
