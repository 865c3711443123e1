"""The callback: where a channel's platform pushes its messages, and always gets a legal answer.

A stranger is refused with a 4xx. Whoever has signed gets a 200, come what may: a 5xx or a silence would make the
platform push again, and in the end raise the very alert this service explains. So the callback stands before the web
framework, as a WSGI application of its own: no hook or error handler comes between the platform and the last guard,
and a push does not pay for routing, contexts and sessions it has no use for.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from triage.channels.wechat import callback as wechat
from triage.channels.wechat.callback import MAX_BODY_BYTES, Account, Echo
from triage.cohort import pause
from triage.errors import BadMessageError, RefusedError, StoreError, UnreadableMessageError
from triage.message import Message, Reply, Request, Response
from triage.web.logs import log_failure
from triage.web.service import Service

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_LOG = logging.getLogger(__name__)
_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
_PATH = re.compile(r"/callback/([^/]+)(?:/([^/]+))?")
_WECHAT = "wechat"
_STORE_SECONDS = 2.0
"""For the memory, of the five seconds after which the platform gives up."""
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


class _TooLargeError(Exception):
    """The body has more than MAX_BODY_BYTES."""


class _IncompleteError(Exception):
    """The client stopped in the middle of the body."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """A response, with what the log may say of it: the kind of message, or why there was none."""

    response: Response
    kind: str | None = None
    reason: str | None = None
    has_failed: bool = False


class Callback:
    """Answers `/callback/<channel>`; every other path is for the application behind it.

    Of several accounts one is chosen by `?account=<appid>` or a further part of the path.
    """

    def __init__(self, service: Service, behind: WSGIApplication) -> None:
        self._service = service
        self._behind = behind

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = _PATH.fullmatch(environ.get("PATH_INFO", ""))
        if path is None:
            return self._behind(environ, start_response)
        started = time.perf_counter()
        channel, appid = path.groups()
        try:
            answer = self._answer(environ, channel, appid)
        except Exception as exc:  # the last guard: the platform gets a legal answer
            log_failure(_LOG, "callback_failed", exc)
            answer = _Answer(_SUCCESS, has_failed=True)
        response = answer.response
        method = environ["REQUEST_METHOD"]
        endpoint = "/callback/<channel>/<appid>" if appid else "/callback/<channel>"
        try:
            self._note(answer, endpoint, method, time.perf_counter() - started)
        except Exception as exc:  # an answer that cannot be counted is an answer all the same
            log_failure(_LOG, "callback_not_counted", exc)
        headers = [
            ("Content-Type", response.content_type),
            ("Content-Length", str(len(response.body))),
            ("X-Content-Type-Options", "nosniff"),
        ]
        if response.status == 405:
            headers.append(("Allow", "GET, POST"))
        pause()
        start_response(_STATUS_LINES[response.status], headers)
        return [response.body] if method != "HEAD" else []

    def _note(self, answer: _Answer, endpoint: str, method: str, seconds: float) -> None:
        if answer.has_failed:
            self._service.metrics.callback_errors.inc()
        status = answer.response.status
        self._service.note(endpoint, method, status, seconds, kind=answer.kind, reason=answer.reason)

    def _answer(self, environ: WSGIEnvironment, channel: str, appid: str | None) -> _Answer:
        method = environ["REQUEST_METHOD"]
        if method not in ("GET", "POST"):
            return _Answer(Response(405, b"GET or POST"))
        query = _read_query(environ.get("QUERY_STRING", ""))
        account = self._service.account(appid or query.get("account")) if channel == _WECHAT else None
        if account is None:
            return _Answer(Response(404, b"no such channel or account"))
        bad = self._service.metrics.bad_messages
        try:
            received = Request(method, query, _read_body(environ))
            return self._receive(account, received, datetime.now(UTC))
        except _TooLargeError:
            bad.labels("too_large").inc()
            return _Answer(Response(413, b"too large"))
        except _IncompleteError:
            bad.labels("incomplete").inc()
            return _Answer(Response(400, b"incomplete"))
        except RefusedError as exc:
            self._service.metrics.refused.labels(_reason(exc)).inc()
            return _Answer(Response(403, b"refused"), reason=str(exc))
        except UnreadableMessageError as exc:
            bad.labels("unreadable").inc()
            return _Answer(_SUCCESS, reason=str(exc))
        except BadMessageError as exc:
            bad.labels("stranger").inc()
            return _Answer(Response(400, b"no message"), reason=str(exc))

    def _receive(self, account: Account, received: Request, now: datetime) -> _Answer:
        pause()
        message = wechat.receive(received, account, now)
        pause()
        if isinstance(message, Echo):
            return _Answer(Response(200, message.text.encode()))
        reply = self._reply(message, now)
        pause()
        nonce = received.query.get("nonce", "")
        response = wechat.respond(reply, message, account, now, nonce, secrets.token_bytes(16))
        return _Answer(response, kind=message.kind)

    def _reply(self, message: Message, now: datetime) -> Reply:
        """With the memory where the store answers, without it where not."""
        bot, metrics = self._service.bot(), self._service.metrics
        if bot.store is not None:
            try:
                with bot.store.within(_STORE_SECONDS):
                    return bot.handle(message, now)
            except StoreError as exc:
                metrics.store_failed("message", exc)
        metrics.not_recorded(message.kind)
        return bot.without_memory().handle(message, now)


def _read_query(text: str) -> Mapping[str, str]:
    """The first value of each parameter, blank ones too."""
    if "%" in text or "+" in text:
        return dict(reversed(parse_qsl(text, keep_blank_values=True)))
    query = {}  # what the platform sends is never encoded
    for pair in reversed(text.split("&")):
        if pair:
            name, _, value = pair.partition("=")
            query[name] = value
    return query


def _read_body(environ: WSGIEnvironment) -> bytes:
    """Raises _TooLargeError, before anything is read if the length is known, and _IncompleteError."""
    given = environ.get("CONTENT_LENGTH", "")
    length = int(given) if given.isdecimal() else None
    if length is None and not environ.get("wsgi.input_terminated"):
        return b""
    if length is not None and length > MAX_BODY_BYTES:
        raise _TooLargeError
    try:
        body: bytes = environ["wsgi.input"].read(MAX_BODY_BYTES + 1 if length is None else length)
    except (OSError, ValueError) as exc:
        raise _IncompleteError from exc
    if len(body) > MAX_BODY_BYTES:
        raise _TooLargeError
    if length is not None and len(body) < length:
        raise _IncompleteError
    return body


def _reason(exc: RefusedError) -> str:
    """One of a few words for the counter, where the message has figures in it."""
    return next((reason for words, reason in _REASONS if words in str(exc)), "other")
