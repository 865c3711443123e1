"""JSON over HTTP with a platform's API: within a time limit, and without a secret in any error or log."""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError, ReadTimeoutError

from triage.errors import ApiError
from triage.wording import Wording

_CONNECT_TIMEOUT = 3.0
MAX_ANSWER_BYTES = 64 * 1024
_PIECE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `body` is None where that is no JSON object."""

    status: int
    body: dict[str, Any] | None
    content: bytes = field(default=b"", repr=False)
    """The body as it came, cut above the most that was asked for: then it is longer by one piece at most."""
    location: str | None = None
    """Where it sends us instead; nobody has gone there."""


def within(seconds: float) -> tuple[float, float]:
    """The timeout of an exchange that may take so long in all."""
    return min(_CONNECT_TIMEOUT, seconds), seconds


def exchange(
    session: requests.Session,
    url: str,
    what: str,
    body: Mapping[str, object] | None,
    timeout: tuple[float, float],
    params: Mapping[str, str] | None = None,
    most: int = MAX_ANSWER_BYTES,
) -> Answer:
    """POST a JSON body, or GET where that is None; `what` names the call in errors in place of the URL.

    `timeout` is seconds to connect, and to have the whole answer, of which at most `most` bytes count. Raises ApiError
    where there is none; it says whether the platform may have got the request all the same.
    """
    # at DEBUG it logs every URL, and the platforms want tokens and keys in the URL
    logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)
    trouble: ApiError | None = None
    try:
        with session.request(
            "GET" if body is None else "POST",
            url,
            params=params,
            # escaped characters would stand escaped in what people read
            data=None if body is None else json.dumps(body, ensure_ascii=False).encode(),
            headers={} if body is None else {"Content-Type": "application/json; charset=utf-8"},
            timeout=timeout,
            allow_redirects=False,  # a secret goes where it was meant to go
            stream=True,
        ) as response:
            content = _read(response, timeout[1], most)
            body = _parsed(content) if len(content) <= min(most, MAX_ANSWER_BYTES) else None
            return Answer(response.status_code, body, content, response.headers.get("Location"))
    except (requests.RequestException, HTTPError) as exc:
        trouble = ApiError(what, _hint(exc), maybe_sent=_may_have_arrived(exc))
    raise trouble  # out here: foreign exceptions hold the URL and the body, and must not be chained


def _read(response: requests.Response, seconds: float, most: int) -> bytes:
    """The body. Raises ReadTimeout after `seconds` in all: the timeout of requests is for each piece of it."""
    end = time.monotonic() + seconds
    content = bytearray()
    # what has come, without waiting for more, as `iter_content` would
    while len(content) <= most and (piece := response.raw.read1(_PIECE_BYTES, decode_content=True)):
        content += piece
        if time.monotonic() > end:
            raise requests.ReadTimeout
    return bytes(content)


def _parsed(content: bytes) -> dict[str, Any] | None:
    with contextlib.suppress(ValueError, RecursionError):
        answer = json.loads(content)
        return answer if isinstance(answer, dict) else None
    return None


def _hint(exc: requests.RequestException | HTTPError) -> str:
    """What happened, without the foreign text: it holds the URL."""
    if isinstance(exc, (requests.Timeout, ReadTimeoutError)):
        return Wording("超时：看本机到平台接口的网络")
    if isinstance(exc, requests.exceptions.SSLError):
        return Wording("TLS 失败：看本机时钟、根证书和代理")
    if isinstance(exc, requests.exceptions.ProxyError):
        return Wording("代理连不上：看 HTTPS_PROXY")
    return Wording("连不上或中途断开（{name}）：看 DNS、防火墙和出口网络", name=type(exc).__name__)


def _may_have_arrived(exc: requests.RequestException | HTTPError) -> bool:
    """Whether the request may have been written; a connection that was never made says that it was not."""
    unwritten = (
        requests.ConnectTimeout,
        requests.exceptions.SSLError,
        requests.exceptions.ProxyError,
        requests.exceptions.InvalidURL,
    )
    if isinstance(exc, unwritten):
        return False
    cause = exc.args[0] if exc.args else None
    return not (isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError))
