"""WeCom bot in URL mode: what its callback receives and answers, in JSON.

https://developer.work.weixin.qq.com/document/path/101033 and, for the answers, /101031. An answer is one stream that is
finished at once, so that WeCom does not come back for more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from triage.channels.channel import Echo
from triage.channels.delivery import Button
from triage.channels.markdown import as_markdown
from triage.channels.sealed import close_sealed, open_echo, open_sealed
from triage.channels.wecom_bot.account import BotAccount
from triage.channels.wecom_bot.messages import CARD_CLICK, ENTERED, decode_message
from triage.channels.xml import strip_controls
from triage.errors import BadMessageError, RefusedError
from triage.message import Message, MessageKind, PageSize, Reply, Request, Response, Unit

MAX_BODY_BYTES = 128 * 1024
STREAM_SIZE = PageSize(20_480, Unit.BYTES)
SILENCE = Response(200, b"")
_JSON = "application/json; charset=utf-8"
_TITLE, _SUBTITLE = 26, 112
"""Characters of a card's lines."""
_NEXT = {
    Button.CLAIM: (Button.STEPS, Button.CLOSE),
    Button.STEPS: (Button.CLAIM, Button.CLOSE),
    Button.CLOSE: (Button.STEPS,),
}
"""The buttons of a card after a click on one of them."""


def receive(request: Request, account: BotAccount, now: datetime) -> Message | Echo:
    """Verify and decode.

    Raises RefusedError (403) for a wrong signature or timestamp; BadMessageError (400) for what is no message;
    UnreadableMessageError (empty 200) for a signed one that cannot be read.
    """
    if request.method == "GET":
        return open_echo(request.query, account.seal, now)
    if request.method != "POST" or len(request.body) > MAX_BODY_BYTES:
        raise BadMessageError("the platform sends GET, and POST with a short body")
    return decode_message(open_sealed(_encrypted(request.body), request.query, account.seal, now), account)


def _encrypted(body: bytes) -> str:
    try:
        envelope = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise BadMessageError("the body is no JSON") from exc
    if not isinstance(envelope, dict):
        raise BadMessageError("the body is no JSON object")
    encrypted = envelope.get("encrypt")
    if not isinstance(encrypted, str):
        raise RefusedError("a message that is not encrypted", "plain")
    return encrypted


def respond(
    reply: Reply, message: Message, account: BotAccount, now: datetime, nonce: str, random16: bytes
) -> Response:
    """Answer legally, whatever the reply holds: Markdown, a greeting, a card anew, or nothing. Never raises."""
    content = strip_controls(reply.text or "").replace("\r\n", "\n").strip()
    said = _said(content, message, random16.hex()) if content else None
    if said is None:
        return SILENCE
    sealed = close_sealed(json.dumps(said), account.seal, now, nonce, random16)
    envelope = {
        "encrypt": sealed.encrypted,
        "msgsignature": sealed.signature,
        "timestamp": int(sealed.timestamp),
        "nonce": sealed.nonce,
    }
    return Response(200, json.dumps(envelope).encode(), _JSON)


def _said(content: str, message: Message, stream: str) -> Mapping[str, object] | None:
    if message.kind is MessageKind.UNKNOWN:
        return None
    if message.kind is not MessageKind.EVENT:
        return {
            "msgtype": "stream",
            "stream": {"id": stream, "finish": True, "content": fitting_markdown(content)},
        }
    if message.event == ENTERED:
        return {"msgtype": "text", "text": {"content": STREAM_SIZE.cut(content)}}
    if message.event == CARD_CLICK and message.task_id:
        # without userids it changes for everybody in the chat
        return {"response_type": "update_template_card", "template_card": _card(content, message)}
    return None


def fitting_markdown(content: str) -> str:
    """A text as Markdown, which is longer: as many lines as fit."""
    markdown = as_markdown(STREAM_SIZE.cut(content))
    while STREAM_SIZE.measure(markdown) > STREAM_SIZE.limit:
        content = content.rpartition("\n")[0] or content[: len(content) // 2]
        markdown = as_markdown(content)
    return markdown


def _card(content: str, message: Message) -> Mapping[str, object]:
    """The card anew: what the click has led to, and the buttons that still make sense."""
    title, _, rest = content.partition("\n")
    name, _, number = (message.event_key or "").partition(":")
    buttons = _NEXT.get(Button(name), ()) if name in tuple(Button) and number.isdecimal() else ()
    return {
        "card_type": "button_interaction",
        "main_title": {"title": title[:_TITLE]},
        **({"sub_title_text": rest[:_SUBTITLE]} if rest else {}),
        "button_list": [
            {"text": button.label, "style": 2, "key": button.key(int(number))} for button in buttons
        ],
        "task_id": message.task_id,
    }
