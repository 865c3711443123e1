"""JSON over HTTP with a platform's API: within a time limit, and without a secret in any error or log."""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError

from triage.errors import ApiError

_MAX_ANSWER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `body` is None where that is no JSON object."""

    status: int
    body: dict[str, Any] | None


def exchange(
    session: requests.Session,
    url: str,
    what: str,
    body: Mapping[str, object] | None,
    timeout: tuple[float, float],
    params: Mapping[str, str] | None = None,
) -> Answer:
    """POST a JSON body, or GET where that is None; `what` names the call in errors in place of the URL.

    `timeout` is seconds to connect, and to have the whole answer. Raises ApiError where there is none; it says
    whether the platform may have got the request all the same.
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
            return Answer(response.status_code, _parsed(_read(response, timeout[1])))
    except requests.RequestException as exc:
        trouble = ApiError(what, _hint(exc), maybe_sent=_may_have_arrived(exc))
    raise trouble  # out here: foreign exceptions hold the URL and the body, and must not be chained


def _read(response: requests.Response, seconds: float) -> bytes:
    """The body. Raises ReadTimeout after `seconds` in all: the timeout of requests is for each piece of it."""
    end = time.monotonic() + seconds
    content = bytearray()
    for piece in response.iter_content(1):  # more would wait for more; answers are small
        content += piece
        if time.monotonic() > end:
            raise requests.ReadTimeout
        if len(content) > _MAX_ANSWER_BYTES:
            return b""  # what is so large is no answer of an API
    return bytes(content)


def _parsed(content: bytes) -> dict[str, Any] | None:
    with contextlib.suppress(ValueError, RecursionError):
        answer = json.loads(content)
        return answer if isinstance(answer, dict) else None
    return None


def _hint(exc: requests.RequestException) -> str:
    """What happened, without the foreign text: it holds the URL."""
    if isinstance(exc, requests.Timeout):
        return "超时：看本机到平台接口的网络"
    if isinstance(exc, requests.exceptions.SSLError):
        return "TLS 失败：看本机时钟、根证书和代理"
    if isinstance(exc, requests.exceptions.ProxyError):
        return "代理连不上：看 HTTPS_PROXY"
    return f"连不上或中途断开（{type(exc).__name__}）：看 DNS、防火墙和出口网络"


def _may_have_arrived(exc: requests.RequestException) -> bool:
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
