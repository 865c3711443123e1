"""Hooks as a channel: a key in the query as in a robot's URL, alerts in the body, a robot's answer."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

from triage.alerts.parser import parse
from triage.channels.channel import CallbackChannel, Echo
from triage.channels.hook.account import Hook
from triage.channels.hook.bodies import Dialect, not_taken, read_body, taken
from triage.errors import BadMessageError, RefusedError
from triage.message import Message, MessageKind, PageSize, Reply, Request, Response, Unit

CHANNEL = "hook"
_KEYS = ("key", "access_token")
"""The parameters of WeCom's and of DingTalk's robots."""
_SAME_SECONDS = 600
"""The same body again within this is a retry: alerts carry their time, scripts may not."""


def receive(request: Request, account: Hook, now: datetime) -> Message | Echo:
    """As `Channel.receive`; a body without an alert is no message, so that its sender hears of it."""
    if not _is_key(request, account):
        raise RefusedError("the key is missing or wrong", "signature")
    if request.method != "POST":
        raise BadMessageError("alerts are posted")
    posted = read_body(request.body)
    if not parse(posted.text).alerts:
        raise BadMessageError("there is no alert of WeChat in the body")
    created = int(now.timestamp())
    digest = hashlib.sha256(posted.text.encode()).hexdigest()
    return Message(
        CHANNEL,
        account.name,
        account.name,
        account.name,
        MessageKind.ALERT,
        created,
        id=f"{digest[:40]}-{created // _SAME_SECONDS}",
        text=posted.text,
        push=posted.dialect,
        encrypted=True,  # the key stands for all of the request, as TLS carries it
    )


def respond(
    reply: Reply, message: Message, account: Hook, now: datetime, nonce: str, random16: bytes
) -> Response:
    """As `Channel.respond`; no words mean that nothing was recorded."""
    dialect = Dialect(message.push)
    return not_taken(dialect) if reply.text is None else taken(dialect, reply.text)


def _is_key(request: Request, account: Hook) -> bool:
    given = next((request.query[name] for name in _KEYS if name in request.query), "")
    return hmac.compare_digest(given.encode("utf-8", "replace"), account.key.encode())


HOOK: CallbackChannel[Hook] = CallbackChannel(
    CHANNEL, PageSize(2048, Unit.BYTES), 64 * 1024, not_taken(), receive, respond
)
"""A program hands in alerts, and reads nothing but the answer."""
