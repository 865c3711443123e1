"""WeChat's callback for tests: accounts, the official vectors, and a client in every mode."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import settings

from tests.support.paths import DATA
from tests.support.platform import FAN, GH, NOW, Exchange, Platform, Send
from triage.channels.channel import Echo
from triage.channels.envelope import encrypt, sign
from triage.channels.wechat.account import Account
from triage.channels.wechat.callback import receive, respond
from triage.channels.xml import write_fields
from triage.errors import BadMessageError, RefusedError, UnreadableMessageError
from triage.message import Message, Reply, Request, Response
from triage.platform.pushes import Push

VECTORS: Mapping[str, Mapping[str, str]] = json.loads((DATA / "wechat/vectors.json").read_text("utf-8"))
OFFICIAL = Account(VECTORS["account"]["appid"], VECTORS["account"]["token"], VECTORS["account"]["aes_key"])
SAFE = Account("wx5a1b2c3d4e5f6071", "a-Token", "kZ3vQ8mB1nX6cL0pW5tR9yU2iO7sD4fG8hJ3kL6zXcV")
PLAIN = replace(SAFE, aes_key=None)
ACCOUNTS = {"plain": PLAIN, "compatible": SAFE, "safe": SAFE}
RANDOM = b"0123456789abcdef"
FUZZ = settings(deadline=None, max_examples=500)


def at(vector: Mapping[str, str]) -> datetime:
    return datetime.fromtimestamp(int(vector["timestamp"]), UTC)


def callback(account: Account, text: str | None = "核对清单", now: datetime = NOW) -> Send:
    """What web does around the channel: our errors become statuses, any other escapes into the test."""

    def handle(request: Request) -> Response:
        try:
            came = receive(request, account, now)
        except RefusedError:
            return Response(403, b"")
        except UnreadableMessageError:
            return Response(200, b"success")
        except BadMessageError:
            return Response(400, b"")
        if isinstance(came, Echo):
            return Response(200, came.text.encode())
        return respond(Reply(text), came, account, now, request.query["nonce"], RANDOM)

    return handle


def platform(mode: str = "safe", text: str | None = "核对清单") -> Platform:
    return Platform(ACCOUNTS[mode], callback(ACCOUNTS[mode], text), mode)


def received(
    mode: str, push: Push | str, fields: Mapping[str, str] | None = None, id_: str | None = None
) -> Message:
    message = receive(platform(mode).request(push, fields, id_), ACCOUNTS[mode], NOW)
    assert isinstance(message, Message)
    return message


def read(inner: str, account: Account = SAFE) -> Message:
    """What receive makes of this XML, signed and encrypted."""
    timestamp, nonce = str(int(NOW.timestamp())), "1"
    assert account.aes_key is not None
    encrypted = encrypt(inner, account.aes_key, account.appid, RANDOM)
    query = {
        "timestamp": timestamp,
        "nonce": nonce,
        "msg_signature": sign(account.token, timestamp, nonce, encrypted),
    }
    message = receive(Request("POST", query, write_fields({"Encrypt": encrypted}).encode()), account, NOW)
    assert isinstance(message, Message)
    return message


def xml(*fields: str) -> str:
    head = (
        f"<ToUserName>{GH}</ToUserName><FromUserName>{FAN}</FromUserName><CreateTime>1772188300</CreateTime>"
    )
    return f"<xml>{head}{''.join(fields)}</xml>"


TEXT = "<MsgType>text</MsgType>"


def reply(text: str | None, mode: str = "safe", push: str = "text") -> Exchange:
    return platform(mode, text).push(push, message_id="77")
