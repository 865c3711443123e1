"""The callback: where a channel's platform pushes its messages, and always gets a legal answer in time.

A stranger is refused with a 4xx. Whoever has signed gets a 200, come what may: a 5xx or a silence would make the
platform push again, and in the end raise the very alert this service explains. So the callback is an ASGI application
that stands before the web framework: no hook or error handler comes between the platform and the last guard.

A push is answered on the event loop. Where the database is a file, all of it is computed there: a thread would cost a
third of the throughput (docs/benchmarks.md). Where it is a server, whoever asks it runs on a thread of the bulkhead.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from triage.bot.bot import Bot
from triage.channels.channel import Channel, Echo
from triage.channels.registry import CHANNELS, DEFAULT_CHANNEL, HOOKS
from triage.errors import (
    BadMessageError,
    IncompleteBodyError,
    RefusedError,
    StoreBusyError,
    StoreError,
    TooLargeBodyError,
    UnreadableMessageError,
)
from triage.message import Message, Reply, Request, Response
from triage.web.http import Receive, Scope, Send, read_body, send_response
from triage.web.logs import log_failure
from triage.web.service import Service

AccountT = TypeVar("AccountT")

_LOG = logging.getLogger(__name__)
_PATH = re.compile(r"/callback/([^/]+)(?:/([^/]+))?")
_HOOK_PATH = re.compile(r"/hooks/([^/]+)")
_ENDPOINT, _ACCOUNT_ENDPOINT = "/callback/<channel>", "/callback/<channel>/<account>"
_HOOK_ENDPOINT = "/hooks/<name>"
PUSH_SECONDS = 2.5
"""For everything between a push and its answer. The platform gives up after 5 s, nginx of deploy/ after 3 s."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.064
"""Seconds until a locked file is tried again: the end of a log is moved in a few milliseconds, a backup takes many."""
_PAUSE_GROWTH = 1.5
"""So a push waits for a lock half as long again as it lasts at most, or a pause."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, with what the log may say of it: the kind of message, or why there was none."""

    response: Response
    kind: str | None = None
    reason: str | None = None
    has_failed: bool = False
    is_body_unread: bool = False


@dataclass(frozen=True, slots=True)
class _Door:
    """What a request came in by: a channel, and an account of ours that is of the channel's own type."""

    channel: Channel[Any]
    account: object


@dataclass(frozen=True, slots=True)
class _Way:
    """What a path says: the channel, the account if it names one, and the endpoint that is counted."""

    channel: str
    account: str | None
    endpoint: str


@lru_cache(100)
def _way_of(path: str) -> _Way | None:
    if callback := _PATH.fullmatch(path):
        channel, account = callback.groups()
        # hooks have a path of their own, which need not be shown to the world
        channel = "" if channel == HOOKS else channel
        return _Way(channel, account, _ACCOUNT_ENDPOINT if account else _ENDPOINT)
    hook = _HOOK_PATH.fullmatch(path)
    return _Way(HOOKS, hook[1], _HOOK_ENDPOINT) if hook else None


async def _not_found() -> Answer:
    return Answer(Response(404, b"no such channel or account"), is_body_unread=True)


class Callback:
    """Answers `/callback/<channel>` and `/hooks/<name>`, as an ASGI application.

    Of several accounts one is chosen by `?account=<id>` or a further part of the path.
    """

    def __init__(self, service: Service, seconds: float = PUSH_SECONDS) -> None:
        self._service = service
        self._seconds = seconds

    def is_meant(self, path: str) -> bool:
        """Whether a path is the callback's."""
        return _way_of(path) is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request. Never raises."""
        way = _way_of(scope["path"]) or _Way("", None, _ENDPOINT)
        channel = CHANNELS.get(way.channel)
        answering = _not_found() if channel is None else self._answer(scope, receive, channel, way.account)
        silence = (channel or DEFAULT_CHANNEL).silence
        answer = await self._guarded(answering, silence, scope["method"], way.endpoint)
        await send_response(answer.response, send, receive if answer.is_body_unread else None)

    async def answer(self, request: Request, channel: Channel[AccountT], account: AccountT) -> Response:
        """The answer to a request that has come in whole; the demo asks for it in this way. Never raises."""
        until = asyncio.get_running_loop().time() + self._seconds
        answering = self._judge(request, _Door(channel, account), until)
        return (await self._guarded(answering, channel.silence, request.method, _ENDPOINT)).response

    async def _guarded(
        self, answering: Awaitable[Answer], silence: Response, method: str, endpoint: str
    ) -> Answer:
        """The answer, or a legal one where that fails; counted and logged."""
        started = time.perf_counter()
        try:
            answer = await answering
        except Exception as exc:  # the last guard: the platform gets a legal answer
            log_failure(_LOG, "callback_failed", exc)
            answer = Answer(silence, has_failed=True)
        try:
            self._note(answer, endpoint, method, time.perf_counter() - started)
        except Exception as exc:  # an answer that cannot be counted is an answer all the same
            log_failure(_LOG, "callback_not_counted", exc)
        return answer

    def _note(self, answer: Answer, endpoint: str, method: str, seconds: float) -> None:
        if answer.has_failed:
            self._service.metrics.callback_errors.inc()
        status = answer.response.status
        self._service.note(endpoint, method, status, seconds, kind=answer.kind, reason=answer.reason)

    async def _answer(
        self, scope: Scope, receive: Receive, channel: Channel[Any], account_id: str | None
    ) -> Answer:
        until = asyncio.get_running_loop().time() + self._seconds
        if scope["method"] not in ("GET", "POST"):
            return Answer(Response(405, b"GET or POST"), is_body_unread=True)
        query = read_query(scope["query_string"].decode("latin-1"))
        account = self._service.account(channel.name, account_id or query.get("account"))
        if account is None:
            return await _not_found()
        try:
            body = await read_body(scope, receive, channel.max_body_bytes)
        except TooLargeBodyError:
            self._service.metrics.bad_message("too_large")
            return Answer(Response(413, b"too large"), is_body_unread=True)
        except IncompleteBodyError:
            self._service.metrics.bad_message("incomplete")
            return Answer(Response(400, b"incomplete"))
        return await self._judge(Request(scope["method"], query, body), _Door(channel, account), until)

    async def _judge(self, request: Request, door: _Door, until: float) -> Answer:
        """Refuse what nobody has signed, answer the rest."""
        try:
            return await self._receive(request, door, until)
        except RefusedError as exc:
            self._service.metrics.refused.labels(exc.reason).inc()
            return Answer(Response(403, b"refused"), reason=str(exc))
        except UnreadableMessageError as exc:
            self._service.metrics.bad_message("unreadable")
            return Answer(door.channel.silence, reason=str(exc))
        except BadMessageError as exc:
            self._service.metrics.bad_message("stranger")
            return Answer(Response(400, b"no message"), reason=str(exc))

    async def _receive(self, request: Request, door: _Door, until: float) -> Answer:
        now = self._service.clock()
        message = door.channel.receive(request, door.account, now)
        if isinstance(message, Echo):
            return Answer(Response(200, message.text.encode()))
        reply = await self._reply(message, now, until)
        nonce, random16 = request.query.get("nonce", ""), secrets.token_bytes(16)
        response = door.channel.respond(reply, message, door.account, now, nonce, random16)
        return Answer(response, kind=message.kind)

    async def _reply(self, message: Message, now: datetime, until: float) -> Reply:
        """The reply by the memory, or without it where that fails or takes too long."""
        bot, metrics = self._service.bot(), self._service.metrics
        if bot.store is not None:
            try:
                return await self._remembered(bot, message, now, until)
            except StoreError as exc:
                metrics.store_failed("message", exc)
        metrics.not_recorded(message.kind)
        self._service.unrecorded.keep(message, now)
        return bot.without_memory().handle(message, now)

    async def _remembered(self, bot: Bot, message: Message, now: datetime, until: float) -> Reply:
        loop = asyncio.get_running_loop()
        if bot.store is not None and not bot.store.is_local:
            return await self._service.bulkhead.run(partial(bot.handle, message, now), until - loop.time())
        pause = _FIRST_PAUSE
        while True:
            try:
                return bot.handle(message, now)
            except StoreBusyError:
                if loop.time() + pause > until:
                    raise
                await asyncio.sleep(pause)
                pause = min(_PAUSE_GROWTH * pause, _LONGEST_PAUSE)


def read_query(text: str) -> Mapping[str, str]:
    """The first value of each parameter, blank ones too."""
    if "%" in text or "+" in text:
        return dict(reversed(parse_qsl(text, keep_blank_values=True)))
    query = {}  # what the platform sends is never encoded
    for pair in reversed(text.split("&")):
        if pair:
            name, _, value = pair.partition("=")
            query[name] = value
    return query
