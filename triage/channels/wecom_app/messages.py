"""Decodes what WeCom pushes to an app: https://developer.work.weixin.qq.com/document/path/90239 and /90240.

An app is in no group, and a voice comes without its words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from triage.alerts.parser import BEIJING
from triage.channels.pictures import pictures_of
from triage.channels.sealed import Opened
from triage.channels.wecom_app.account import Account
from triage.errors import UnreadableMessageError
from triage.message import Message, MessageKind

CHANNEL = "wecom"
CARD_CLICK = "template_card_event"

_ID = re.compile(r"[!-~]{1,128}")
_SECONDS = re.compile(r"[0-9]{10}")
_LONGEST_KEY = 1024
_KINDS = {
    "text": MessageKind.TEXT,
    "image": MessageKind.IMAGE,
    "voice": MessageKind.VOICE,
    "video": MessageKind.VIDEO,
    "location": MessageKind.LOCATION,
    "link": MessageKind.LINK,
    "event": MessageKind.EVENT,
}
# WeCom switches off apps that nobody uses, as a bot for alerts is while nothing breaks.
_WARNINGS = {
    "inactive_alert": "这个应用很久没人用，企业微信{at}停用它。让几个人打开应用发句话；停用以后收不到消息，也叫不到人",
    "close_inactive_agent": "这个应用很久没人用，企业微信{at}停用了它。到管理后台重新启用；之前收不到消息，也叫不到人",
    "reopen_inactive_agent": "这个应用{at}重新启用了",
    "low_active_alert": "用这个应用的人太少，企业微信{at}把它算作低活跃，限制它的接口。让更多人打开应用发句话",
    "low_active": "用这个应用的人太少，企业微信{at}把它算作低活跃，限制了它的接口。让更多人打开应用发句话",
    "active_restored": "这个应用{at}不再算低活跃",
}


def decode_message(fields: Mapping[str, str], opened: Opened, account: Account) -> Message:
    """The message that these fields of the XML make. Raises UnreadableMessageError."""
    type_, sender = _id(fields, "MsgType"), _id(fields, "FromUserName")
    if type_ is None or sender is None:
        raise UnreadableMessageError("MsgType or FromUserName is missing, repeated or too long")
    agentid = fields.get("AgentID", "").strip()
    if agentid and agentid != str(account.agentid):
        raise UnreadableMessageError(
            f"the message is for another app than {account.agentid}; check the AgentId"
        )
    kind, event = _KINDS.get(type_.lower(), MessageKind.UNKNOWN), _id(fields, "Event")
    if kind is MessageKind.EVENT:
        kind = _kind_of(event)
    return Message(
        CHANNEL,
        account.corpid,
        sender,
        account.corpid,
        kind,
        _created(fields, opened),
        id=_id(fields, "MsgId"),
        text=_warning(event, fields) if kind is MessageKind.WARNING else _text(kind, fields),
        event=event,
        event_key=fields.get("EventKey", "")[:_LONGEST_KEY] or None,
        task_id=_id(fields, "TaskId"),
        response_code=_id(fields, "ResponseCode"),
        pictures=pictures_of(fields) if kind is MessageKind.IMAGE else (),
        push=event if event and kind is not MessageKind.UNKNOWN else type_.lower(),
        signature=opened.signature,
        encrypted=True,
    )


def _kind_of(event: str | None) -> MessageKind:
    if event is None:
        return MessageKind.UNKNOWN
    return MessageKind.WARNING if event in _WARNINGS else MessageKind.EVENT


def _id(fields: Mapping[str, str], name: str) -> str | None:
    text = fields.get(name, "").strip()
    return text if _ID.fullmatch(text) else None


def _created(fields: Mapping[str, str], opened: Opened) -> int:
    """CreateTime in unix seconds; without a valid one, the timestamp of the signature."""
    created = fields.get("CreateTime", "").strip()
    return int(created) if _SECONDS.fullmatch(created) else opened.at


def _text(kind: MessageKind, fields: Mapping[str, str]) -> str | None:
    if kind is MessageKind.LINK:
        return "\n".join(filter(None, (fields.get("Title"), fields.get("Url")))) or None
    return fields.get("Content") if kind is MessageKind.TEXT else None


def _warning(event: str | None, fields: Mapping[str, str]) -> str:
    effect = fields.get("EffectTime", "").strip()
    moment = (
        datetime.fromtimestamp(int(effect), UTC).astimezone(BEIJING) if _SECONDS.fullmatch(effect) else None
    )
    return _WARNINGS[event or ""].format(at=f"从 {moment:%Y-%m-%d %H:%M} 起" if moment else "")
