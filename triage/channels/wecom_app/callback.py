"""WeCom app: what its callback receives and answers. Nothing is parsed before its signature holds.

https://developer.work.weixin.qq.com/document/path/90238 and, for the answers, /90241.
"""

from __future__ import annotations

from datetime import datetime

from triage.channels.channel import Echo
from triage.channels.sealed import close_sealed, open_echo, open_sealed
from triage.channels.wecom_app.account import Account
from triage.channels.wecom_app.messages import CARD_CLICK, decode_message
from triage.channels.wecom_app.sending import TEXT_SIZE
from triage.channels.xml import find_encrypted, is_xml, read_fields, strip_controls, write_fields
from triage.errors import BadMessageError, RefusedError
from triage.message import Message, MessageKind, Reply, Request, Response

MAX_BODY_BYTES = 128 * 1024
SILENCE = Response(200, b"")
"""Understood, and nothing to say. WeCom sends again what got another status, or no answer in five seconds."""
LONGEST_LABEL = 20
"""Characters of an answer to a click that stand on the button in place of its words; a longer one is a message."""
_XML = "application/xml; charset=utf-8"
_ANSWERED_EVENTS = frozenset(
    {"subscribe", "enter_agent", "location", "click", "view", "scancode_waitmsg", CARD_CLICK}
)
_MUTE = frozenset({MessageKind.UNKNOWN, MessageKind.WARNING})


def receive(request: Request, account: Account, now: datetime) -> Message | Echo:
    """Verify and decode.

    Raises RefusedError (403) for a wrong signature, timestamp or corp id; BadMessageError (400) for what is no
    message; UnreadableMessageError (empty 200) for a signed one that cannot be read.
    """
    if request.method == "GET":
        return open_echo(request.query, account.seal, now)
    if request.method != "POST":
        raise BadMessageError("the platform sends GET and POST only")
    body = request.body[: MAX_BODY_BYTES + 1].decode("utf-8", "replace")
    if len(request.body) > MAX_BODY_BYTES or not is_xml(body):
        raise BadMessageError("the body is too long, or no XML with the root <xml>")
    encrypted = next(find_encrypted(body), None)
    if encrypted is None:
        raise RefusedError("a message that is not encrypted", "plain")
    opened = open_sealed(encrypted, request.query, account.seal, now)
    return decode_message(read_fields(opened.text), opened, account)


def respond(
    reply: Reply, message: Message, account: Account, now: datetime, nonce: str, random16: bytes
) -> Response:
    """Answer legally, whatever the reply holds: nothing, a text, or the words on a clicked button. Never raises."""
    content = TEXT_SIZE.cut(strip_controls(reply.text or "").replace("\r\n", "\n").strip())
    if not content or not _may_answer(message):
        return SILENCE
    head = {
        "ToUserName": strip_controls(message.sender),
        "FromUserName": account.corpid,
        "CreateTime": str(int(now.timestamp())),
    }
    if message.event == CARD_CLICK and len(content) <= LONGEST_LABEL and "\n" not in content:
        # only the card of the one who clicked changes; those of the others are changed by what was sent to them
        said = write_fields({**head, "MsgType": "update_button", "Button": {"ReplaceName": content}})
    else:
        said = write_fields({**head, "MsgType": "text", "Content": content})
    sealed = close_sealed(said, account.seal, now, strip_controls(nonce), random16)
    envelope = {
        "Encrypt": sealed.encrypted,
        "MsgSignature": sealed.signature,
        "TimeStamp": sealed.timestamp,
        "Nonce": sealed.nonce,
    }
    return Response(200, write_fields(envelope).encode(), _XML)


def _may_answer(message: Message) -> bool:
    if message.kind is MessageKind.EVENT:
        return (message.event or "").casefold() in _ANSWERED_EVENTS
    return message.kind not in _MUTE
