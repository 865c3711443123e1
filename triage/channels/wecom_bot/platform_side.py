"""WeCom's half of a bot's callback, for tests: what it pushes, and what it makes of an answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from triage.channels.envelope import decrypt, is_signed
from triage.channels.sealed import close_sealed
from triage.channels.wecom_bot.account import BotAccount
from triage.errors import BadMessageError, RefusedError
from triage.message import Request, Response

BOT = "aibOt-1"
_PICTURE = {"msgtype": "image", "image": {"url": "https://ww-aibot-img.example.cn/1"}}
MESSAGES: Mapping[str, Mapping[str, Any]] = {
    "text": {"text": {"content": "@报警助手 连接超时"}},
    "mixed": {
        "mixed": {"msg_item": [_PICTURE, {"msgtype": "text", "text": {"content": "@报警助手 连接超时"}}]}
    },
    "image": {"image": {"url": "https://ww-aibot-img.example.cn/1"}},
    "voice": {"voice": {"content": "连接超时"}},
    "file": {"file": {"url": "https://ww-aibot-img.example.cn/2"}},
    "video": {"video": {"url": "https://ww-aibot-img.example.cn/3"}},
    "stream": {"stream": {"id": "s1"}},
}
"""An example of every kind of message: https://developer.work.weixin.qq.com/document/path/100719"""
EVENTS: Mapping[str, Mapping[str, Any]] = {
    "enter_chat": {},
    "template_card_event": {
        "template_card_event": {
            "card_type": "button_interaction",
            "event_key": "claim:12",
            "task_id": "inc-12-1",
        }
    },
    "feedback_event": {"feedback_event": {"id": "f1", "type": 1}},
    "disconnected_event": {},
}
"""An example of every event: https://developer.work.weixin.qq.com/document/path/101027"""
IN_GROUPS = frozenset({"text", "mixed", "stream", "template_card_event", "feedback_event"})
_NO_FIELDS: Mapping[str, Any] = {}
_LONGEST = 20_480


@dataclass(frozen=True, slots=True)
class Accepted:
    """What WeCom makes of an answer: Markdown or a greeting, a card anew, or nothing; and what is wrong with it."""

    text: str | None = None
    card: Mapping[str, Any] | None = None
    problem: str | None = None


def compose(
    name: str,
    account: BotAccount,
    now: datetime,
    *,
    sender: str,
    nonce: str,
    random16: bytes,
    chat: str | None = None,
    fields: Mapping[str, Any] = _NO_FIELDS,
    message_id: str = "CAIQ+1/2==",
) -> Request:
    """What WeCom would POST: a message or an event by its wire name; `fields` come in place of the example's."""
    inside: dict[str, Any] = {
        "msgid": message_id,
        "aibotid": BOT,
        **({"chatid": chat, "chattype": "group"} if chat else {"chattype": "single"}),
        "from": {"userid": sender},
        "response_url": "https://qyapi.weixin.qq.com/cgi-bin/aibot/response?response_code=RC",
    }
    if name in EVENTS:
        inside |= {"msgtype": "event", "create_time": int(now.timestamp())}
        inside |= {"event": {"eventtype": name, **EVENTS[name], **fields}}
    else:
        inside |= {"msgtype": name, **MESSAGES.get(name, {}), **fields}
    sealed = close_sealed(json.dumps(inside), account.seal, now, nonce, random16)
    query = {"msg_signature": sealed.signature, "timestamp": sealed.timestamp, "nonce": nonce}
    return Request("POST", query, json.dumps({"encrypt": sealed.encrypted}).encode())


def accepts(response: Response, name: str, account: BotAccount, *, nonce: str) -> Accepted:
    """Read the answer to a push by its wire name as WeCom would. Never raises."""
    if response.status != 200:
        return Accepted(problem=f"HTTP {response.status}")
    if not response.body:
        return Accepted()
    try:
        answer = _open(response.body, account, nonce)
        return _judge(answer, name)
    except (BadMessageError, RefusedError, ValueError, KeyError, TypeError) as exc:
        return Accepted(problem=repr(exc))


def _judge(answer: Mapping[str, Any], name: str) -> Accepted:
    if name == "template_card_event":
        card = answer["template_card"]
        is_right = (
            answer["response_type"] == "update_template_card"
            and card["task_id"]
            and card["main_title"]["title"]
        )
        return Accepted(card=card) if is_right else Accepted(problem="no card anew")
    if name in EVENTS:
        is_greeting = name == "enter_chat" and answer["msgtype"] == "text"
        return (
            Accepted(answer["text"]["content"])
            if is_greeting
            else Accepted(problem=f"{name} takes no answer")
        )
    stream = answer["stream"]
    if answer["msgtype"] != "stream" or name == "stream" or stream["finish"] is not True or not stream["id"]:
        return Accepted(problem="no finished stream")
    if not 0 < len(stream["content"].encode()) <= _LONGEST:
        return Accepted(problem="no content of 1 to 20,480 bytes")
    return Accepted(stream["content"])


def _open(body: bytes, account: BotAccount, nonce: str) -> Mapping[str, Any]:
    envelope = json.loads(body)
    signed = (str(envelope["timestamp"]), envelope["nonce"], envelope["encrypt"])
    if type(envelope["timestamp"]) is not int or envelope["nonce"] != nonce:
        raise RefusedError("the timestamp is no number, or the nonce is not the request's", "malformed")
    if not is_signed(envelope["msgsignature"], account.seal.token, *signed):
        raise RefusedError("msgsignature is wrong", "signature")
    opened: Mapping[str, Any] = json.loads(decrypt(envelope["encrypt"], account.seal.aes_key, ""))
    return opened
