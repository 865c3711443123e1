"""Decodes the fields of a WeChat push: a message, an event, or a push of the Open Platform.

Every field may be missing, empty, huge or of another shape than promised; only sender, recipient and kind are
required. The official page is
https://developers.weixin.qq.com/doc/service/guide/product/message/Passive_user_reply_message.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from triage.channels.pictures import pictures_of
from triage.errors import UnreadableMessageError
from triage.message import Message, MessageKind
from triage.platform.pushes import PUSHES, Family, Push

CHANNEL = "wechat"

_ADDRESS = re.compile(r"[!-~]{1,128}")
_CREATED = re.compile(r"[0-9]{10}")
_MESSAGE_ID = re.compile(r"0*[1-9][0-9]{0,19}")
_MAX_NAME_LENGTH = 128
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
    """What the signed request says of a message."""

    account: str
    """The AppID."""
    at: int
    """The timestamp of the signature, in unix seconds."""
    signature: str
    encrypted: bool = False
    secrets: int = 0
    """The place in `Account.secrets` of what it was signed by."""


def decode_message(fields: Mapping[str, str], signed: Signed) -> Message:
    """The message that these fields of the XML make. Raises UnreadableMessageError."""
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
        pictures=pictures_of(fields) if kind is MessageKind.IMAGE else (),
        push=push.name if push else name,
        signature=signed.signature,
        encrypted=signed.encrypted,
        secrets=signed.secrets,
    )


def _component(fields: Mapping[str, str], info_type: str, signed: Signed) -> Message:
    """A push of the Open Platform; its sender is the account it is about, as it has no follower."""
    ours, theirs = (fields.get(name, "").strip()[:_MAX_NAME_LENGTH] for name in ("AppId", "AuthorizerAppid"))
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
        secrets=signed.secrets,
    )


def _name(fields: Mapping[str, str], field_name: str) -> str | None:
    name = fields.get(field_name, "").strip()
    return name if 0 < len(name) <= _MAX_NAME_LENGTH else None


def _created(fields: Mapping[str, str], signed: Signed) -> int:
    """CreateTime in unix seconds; without a valid one, the timestamp of the signature."""
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
    """The push of the catalogue with this wire name; None for one that the catalogue does not know."""
    return _PUSHES.get((_FAMILIES.get(kind, Family.MESSAGE), name.casefold()))
