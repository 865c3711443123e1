"""The callback: where a channel's platform pushes its messages, and always gets a legal answer.

A stranger is refused with a 4xx. Whoever has signed gets a 200, come what may: a 5xx or a silence would make the
platform push again, and in the end raise the very alert this service explains.
"""

from __future__ import annotations

import logging
import secrets
from datetime import UTC, datetime

from flask import Blueprint, g, request
from flask import Response as FlaskResponse
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from triage.channels import UnreadableMessageError, wechat
from triage.channels.wechat import MAX_BODY_BYTES, Account, Echo
from triage.errors import BadMessageError, RefusedError
from triage.message import Reply, Request, Response
from triage.web.logs import log_failure
from triage.web.service import Service, the_service

_LOG = logging.getLogger(__name__)
_WECHAT = "wechat"
_SUCCESS = Response(200, b"success")
"""Legal for every push: understood, and nothing to say."""
_REASONS = (
    ("timestamp or nonce", "malformed"),
    ("the timestamp is", "stale"),
    ("a plain message", "plain"),
    ("another AppID", "appid"),
    ("replay", "replayed"),
    ("signature is wrong", "signature"),
)

blueprint = Blueprint("callback", __name__)


@blueprint.route("/callback/<channel>", methods=["GET", "POST"])
@blueprint.route("/callback/<channel>/<appid>", methods=["GET", "POST"])
def callback(channel: str, appid: str | None = None) -> FlaskResponse:
    """`/callback/wechat`; of several accounts one is chosen by `?account=<appid>` or a part of the path."""
    service = the_service()
    try:
        response = _answer(service, channel, appid)
    except Exception as exc:  # the last guard: the platform gets a legal answer
        service.metrics.callback_errors.inc()
        log_failure(_LOG, "callback_failed", exc)
        response = _SUCCESS
    return FlaskResponse(response.body, response.status, content_type=response.content_type)


def _answer(service: Service, channel: str, appid: str | None) -> Response:
    known = channel == _WECHAT
    account = service.account(appid or request.args.get("account")) if known else None
    if account is None:
        return Response(404, b"no such channel or account")
    try:
        body = _read_body()
    except RequestEntityTooLarge:
        service.metrics.bad_messages.labels("too_large").inc()
        return Response(413, b"too large")
    except ClientDisconnected:
        service.metrics.bad_messages.labels("incomplete").inc()
        return Response(400, b"incomplete")
    now = datetime.now(UTC)
    try:
        return _receive(service, account, Request(request.method, request.args.to_dict(), body), now)
    except RefusedError as exc:
        g.reason = str(exc)
        service.metrics.refused.labels(_reason(exc)).inc()
        return Response(403, b"refused")
    except UnreadableMessageError as exc:
        g.reason = str(exc)
        service.metrics.bad_messages.labels("unreadable").inc()
        return _SUCCESS
    except BadMessageError as exc:
        g.reason = str(exc)
        service.metrics.bad_messages.labels("stranger").inc()
        return Response(400, b"no message")


def _read_body() -> bytes:
    """Raises RequestEntityTooLarge before anything is read if the length is known, else while it is."""
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise RequestEntityTooLarge
    request.max_content_length = MAX_BODY_BYTES + 1  # a chunked body is cut there without a word
    body = request.get_data(cache=False)
    if len(body) > MAX_BODY_BYTES:
        raise RequestEntityTooLarge
    return body


def _receive(service: Service, account: Account, received: Request, now: datetime) -> Response:
    message = wechat.receive(received, account, now)
    if isinstance(message, Echo):
        return Response(200, message.text.encode())
    g.kind = message.kind.value
    bot = service.bot()
    if bot.store is None:
        service.metrics.observe("unrecorded", message.kind)
    reply: Reply = bot.handle(message, now)
    nonce = received.query.get("nonce", "")
    return wechat.respond(reply, message, account, now, nonce, secrets.token_bytes(16))


def _reason(exc: RefusedError) -> str:
    """One of a few words for the counter, where the message has figures in it."""
    return next((reason for words, reason in _REASONS if words in str(exc)), "other")
