"""WeCom's half of an app's callback, for tests: what it pushes, and what it makes of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree

from triage.channels.envelope import decrypt, is_signed
from triage.channels.sealed import close_sealed
from triage.channels.wecom_app.account import Account
from triage.channels.xml import write_fields
from triage.errors import BadMessageError, RefusedError
from triage.message import Request, Response

MESSAGES: Mapping[str, Mapping[str, str]] = {
    "text": {"Content": "连接超时"},
    "image": {"PicUrl": "https://wework.qpic.cn/1", "MediaId": "m1"},
    "voice": {"MediaId": "m1", "Format": "amr"},
    "video": {"MediaId": "m1", "ThumbMediaId": "m2"},
    "location": {
        "Location_X": "23.1",
        "Location_Y": "113.3",
        "Scale": "16",
        "Label": "广州",
        "AppType": "wxwork",
    },
    "link": {"Title": "连接超时", "Description": "", "Url": "https://example.cn/", "PicUrl": ""},
}
"""An example of every kind of message: https://developer.work.weixin.qq.com/document/path/90239"""
EVENTS: Mapping[str, Mapping[str, str]] = {
    "subscribe": {},
    "unsubscribe": {},
    "enter_agent": {"EventKey": ""},
    "LOCATION": {"Latitude": "23.1", "Longitude": "113.3", "Precision": "119", "AppType": "wxwork"},
    "click": {"EventKey": "帮助"},
    "view": {"EventKey": "https://example.cn/"},
    "scancode_push": {"EventKey": "6"},
    "scancode_waitmsg": {"EventKey": "6"},
    "pic_sysphoto": {"EventKey": "6"},
    "location_select": {"EventKey": "6"},
    "change_contact": {"ChangeType": "create_user", "UserID": "han"},
    "batch_job_result": {},
    "template_card_event": {
        "EventKey": "claim:12",
        "TaskId": "inc-12-1",
        "CardType": "button_interaction",
        "ResponseCode": "RC",
    },
    "template_card_menu_event": {"EventKey": "mute:12", "TaskId": "inc-12-1", "ResponseCode": "RC"},
    "inactive_alert": {"EffectTime": "1767196800"},
    "close_inactive_agent": {"EffectTime": "1767196800"},
    "reopen_inactive_agent": {"EffectTime": "1767196800"},
    "low_active_alert": {"EffectTime": "1767196800"},
    "low_active": {"EffectTime": "1767196800"},
    "active_restored": {"EffectTime": "1767196800"},
}
"""An example of every event: https://developer.work.weixin.qq.com/document/path/90240"""
_MAY_BE_ANSWERED = frozenset(
    {"subscribe", "enter_agent", "LOCATION", "click", "view", "scancode_waitmsg", "template_card_event"}
)
_NO_FIELDS: Mapping[str, str] = {}
_LONGEST_TEXT = 2048


@dataclass(frozen=True, slots=True)
class Accepted:
    """What WeCom makes of an answer: a text, the words on a clicked button, or nothing; and what is wrong with it."""

    text: str | None = None
    label: str | None = None
    problem: str | None = None


def compose(
    name: str,
    account: Account,
    now: datetime,
    *,
    sender: str,
    nonce: str,
    random16: bytes,
    fields: Mapping[str, str] = _NO_FIELDS,
    message_id: str | None = None,
) -> Request:
    """What WeCom would POST: a message or an event by its wire name; `fields` come on top of the example's."""
    type_ = {"MsgType": "event", "Event": name} if name in EVENTS else {"MsgType": name}
    inside = {
        "ToUserName": account.corpid,
        "FromUserName": sender,
        "CreateTime": str(int(now.timestamp())),
        **type_,
        **(EVENTS.get(name) or MESSAGES.get(name) or {}),
        **({"MsgId": message_id} if message_id else {}),
        "AgentID": str(account.agentid),
        **fields,
    }
    sealed = close_sealed(write_fields(inside), account.seal, now, nonce, random16)
    query = {"msg_signature": sealed.signature, "timestamp": sealed.timestamp, "nonce": nonce}
    envelope = {"ToUserName": account.corpid, "AgentID": str(account.agentid), "Encrypt": sealed.encrypted}
    return Request("POST", query, write_fields(envelope).encode())


def compose_echo(account: Account, now: datetime, *, nonce: str, text: str, random16: bytes) -> Request:
    """What the console would GET when the address is saved."""
    sealed = close_sealed(text, account.seal, now, nonce, random16)
    query = {"msg_signature": sealed.signature, "timestamp": sealed.timestamp, "nonce": nonce}
    return Request("GET", {**query, "echostr": sealed.encrypted})


def accepts(response: Response, name: str, account: Account, *, sender: str) -> Accepted:
    """Read the answer to a push by its wire name as WeCom would. Never raises."""
    if response.status != 200:
        return Accepted(problem=f"HTTP {response.status}")
    if not response.body:
        return Accepted()
    try:
        answer = _open(response.body, account)
    except (BadMessageError, RefusedError, ElementTree.ParseError, KeyError) as exc:
        return Accepted(problem=f"the envelope: {exc!r}")
    if name in EVENTS and name not in _MAY_BE_ANSWERED:
        return Accepted(problem=f"{name} takes no answer")
    if (answer.get("ToUserName"), answer.get("FromUserName")) != (sender, account.corpid):
        return Accepted(problem="it is for somebody else")
    if answer.get("MsgType") == "update_button" and name == "template_card_event":
        return Accepted(label=answer.get("Button/ReplaceName"))
    text = answer.get("Content", "")
    if answer.get("MsgType") != "text" or not 0 < len(text.encode()) <= _LONGEST_TEXT:
        return Accepted(problem="no text of 1 to 2,048 bytes")
    return Accepted(text)


def _open(body: bytes, account: Account) -> Mapping[str, str]:
    envelope = _read(body.decode())
    encrypted = envelope["Encrypt"]
    if not is_signed(
        envelope["MsgSignature"], account.seal.token, envelope["TimeStamp"], envelope["Nonce"], encrypted
    ):
        raise RefusedError("MsgSignature is wrong", "signature")
    return _read(decrypt(encrypted, account.seal.aes_key, account.seal.receiveid))


def _read(text: str) -> Mapping[str, str]:
    """The fields of an answer, those one level below as `Button/ReplaceName`."""
    root = ElementTree.fromstring(text)  # noqa: S314 - our own answer
    inner = {f"{field.tag}/{part.tag}": part.text or "" for field in root for part in field}
    return {**{field.tag: field.text or "" for field in root}, **inner}
