"""WeChat Official Account: what the callback receives and answers.

It rests on https://developers.weixin.qq.com/doc/service/guide/product/message/Passive_user_reply_message.html and
https://developers.weixin.qq.com/doc/oplatform/Third-party_Platforms/2.0/api/Before_Develop/Technical_Plan.html
Nothing is parsed before its signature holds, except in plain mode, where the signature leaves out the body.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from triage.channels.channel import Echo
from triage.channels.envelope import decrypt, encrypt, is_signed, sign
from triage.channels.freshness import require_fresh
from triage.channels.wechat.account import Account
from triage.channels.wechat.messages import Signed, decode_message, find_push_of
from triage.channels.wechat.tappable import with_taps, without_links
from triage.channels.xml import find_encrypted, is_xml, read_fields, strip_controls, write_fields
from triage.errors import BadMessageError, RefusedError, UnreadableMessageError
from triage.message import Message, PageSize, Reply, Request, Response, Unit
from triage.platform.limits import MAX_CONTENT_BYTES
from triage.platform.pushes import ReplyForm

MAX_BODY_BYTES = 128 * 1024
PAGE_SIZE = PageSize(MAX_CONTENT_BYTES, Unit.BYTES)

_ECHO = re.compile(r"[!-~]{1,512}")


def receive(request: Request, account: Account, now: datetime) -> Message | Echo:
    """Verify and decode, by the present or the old secrets. With an AES key only what is encrypted counts.

    Raises RefusedError (403) for a wrong signature, timestamp or AppID, or a plain POST where AES is due;
    BadMessageError (400) for what is no message; UnreadableMessageError (bare `success`) for a signed one that cannot
    be read.
    """
    if request.method not in ("GET", "POST"):
        raise BadMessageError("the platform sends GET and POST only")
    if len(request.body) > MAX_BODY_BYTES:
        raise BadMessageError(f"the body has {len(request.body):,} bytes; {MAX_BODY_BYTES:,} are read")
    timestamp, nonce = require_fresh(request.query, account.window, now)
    if request.method == "POST" and account.aes_key is not None:
        return _receive_encrypted(request, account, timestamp, nonce)
    signature = request.query.get("signature", "")
    if not any(is_signed(signature, secrets.token, timestamp, nonce) for secrets in account.secrets):
        raise RefusedError("the signature is wrong; is the Token that of the console?", "signature")
    if request.method == "GET":
        return _echo(request.query)
    return _receive_plain(request.body, account, Signed(account.appid, int(timestamp), signature))


def _echo(query: Mapping[str, str]) -> Echo:
    echostr = query.get("echostr", "")
    if not _ECHO.fullmatch(echostr):
        raise BadMessageError("echostr is missing or no visible ASCII")
    return Echo(echostr)


def _receive_plain(body: bytes, account: Account, signed: Signed) -> Message:
    try:
        fields = read_fields(body.decode())
    except UnicodeDecodeError as exc:
        raise UnreadableMessageError("the message is not UTF-8") from exc
    if "Encrypt" in fields and "MsgType" not in fields:
        raise UnreadableMessageError(f"{account.appid} is in safe mode; give its EncodingAESKey")
    return decode_message(fields, signed)


def _receive_encrypted(request: Request, account: Account, timestamp: str, nonce: str) -> Message:
    body, signature = request.body.decode("utf-8", "replace"), request.query.get("msg_signature", "")
    if not is_xml(body):
        raise BadMessageError("the body is no XML with the root <xml>")
    envelopes = list(find_encrypted(body))
    if not envelopes:
        raise RefusedError(f"a plain message for {account.appid}, which has an EncodingAESKey", "plain")
    problem: RefusedError | UnreadableMessageError | None = None
    for encrypted in envelopes:
        for number, secrets in enumerate(account.secrets):
            if not is_signed(signature, secrets.token, timestamp, nonce, encrypted):
                continue
            try:
                text = decrypt(encrypted, secrets.aes_key or "", account.appid)
            except UnreadableMessageError as exc:  # the other key may fit
                problem = problem or exc
                continue
            except RefusedError as exc:  # this one did
                problem = exc
                continue
            signed = Signed(account.appid, int(timestamp), signature, encrypted=True, secrets=number)
            return decode_message(read_fields(text), signed)
    raise problem or RefusedError("msg_signature is wrong; is the Token that of the console?", "signature")


SUCCESS = Response(200, b"success")
"""Legal for every push: understood, and nothing to say."""
_XML = "application/xml; charset=utf-8"


def respond(
    reply: Reply, message: Message, account: Account, now: datetime, nonce: str, random16: bytes
) -> Response:
    """Answer legally, whatever the reply holds: bare `success`, or a text, encrypted if the message was.

    Commands in the text can be tapped; no other link gets into it.

    `nonce` is that of the request, `random16` 16 random bytes. Never raises.
    """
    content, push = written(reply.text or ""), find_push_of(message.kind, message.push)
    may_speak = push is not None and ReplyForm.XML in push.replies and message.sender and message.recipient
    if content in ("", "success") or not may_speak:
        return SUCCESS
    timestamp, nonce = str(int(now.timestamp())), strip_controls(nonce)
    to, from_ = strip_controls(message.sender), strip_controls(message.recipient)
    head = {"ToUserName": to, "FromUserName": from_, "CreateTime": timestamp, "MsgType": "text"}
    xml = write_fields({**head, "Content": content})
    if not message.encrypted:
        return Response(200, xml.encode(), _XML)
    secrets = account.secrets[message.secrets]
    if secrets.aes_key is None:
        return SUCCESS
    encrypted = encrypt(xml, secrets.aes_key, account.appid, random16)
    signature = sign(secrets.token, timestamp, nonce, encrypted)
    envelope = {"Encrypt": encrypted, "MsgSignature": signature, "TimeStamp": timestamp, "Nonce": nonce}
    return Response(200, write_fields(envelope).encode(), _XML)


def written(text: str) -> str:
    """The text of a reply as it is sent: at most one page, its commands as links that a tap sends, no other link."""
    return with_taps(_fit(without_links(text)), PAGE_SIZE)


def _fit(text: str) -> str:
    """What WeChat shows: line feeds, no character XML cannot carry, at most one page."""
    clean = strip_controls(text)
    if "\r" in clean:
        clean = clean.replace("\r\n", "\n").replace("\r", "\n")
    clean = clean.strip()
    return clean if PAGE_SIZE.measure(clean) <= PAGE_SIZE.limit else PAGE_SIZE.cut(clean).strip()
