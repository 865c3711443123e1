"""Calls the platform's API for one account, and never shows a secret.

Tokens come from `cgi-bin/stable_token`, the way the platform recommends; official page:
https://developers.weixin.qq.com/doc/service/api/base/api_getstableaccesstoken.html
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Final, Self

import requests

from triage.channels.wechat.codes import HINTS, TOKEN_REFUSED
from triage.channels.wechat.tokens import Token, TokenCache, is_token
from triage.errors import ApiError as ApiError
from triage.masking import mask

_RENEW_BEFORE = timedelta(seconds=60)
"""A token this near its end is renewed; stable_token never gives less than 300 s."""
_FETCH_AGAIN = timedelta(seconds=5)
"""After a failed fetch every thread that wants a token gets the same error for this long."""
_BUSY: Final = -1
_BUSY_PAUSES = (0.5, 1.5)
"""Seconds before asking a busy platform (-1) again."""
_MAX_ANSWER_BYTES = 64 * 1024
_LONGEST_MESSAGE = 200


class WeChatApi:
    """The API of one account; safe to use from many threads. `timeout` is seconds to connect and to be answered."""

    def __init__(
        self,
        appid: str,
        secret: str,
        cache: TokenCache,
        session: requests.Session | None = None,
        base_url: str = "https://api.weixin.qq.com",
        timeout: tuple[float, float] = (3, 5),
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._appid = appid
        self._secret = secret
        self._cache = cache
        self._session = session or requests.Session()
        self._base_url = base_url.rstrip("/")
        self._timeout = timeout
        self._clock = clock
        self._sleep = sleep
        self._failed: tuple[datetime, ApiError] | None = None
        # at DEBUG it logs every URL, and the platform wants the token in the URL
        logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._session.close()

    def create_menu(self, menu: Mapping[str, object]) -> None:
        """Replace the account's custom menu; 1,000 calls a day. Clients show it within five minutes."""
        self._call("cgi-bin/menu/create", menu)

    # -- calls

    def _call(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        """The answer to a call; a token that is refused is fetched anew and tried once more, never twice."""
        token = self._token()
        answer = self._ask(path, body, token)
        if _errcode(answer) in TOKEN_REFUSED:
            self._expire(token)
            token = self._token()
            answer = self._ask(path, body, token)
            if _errcode(answer) in TOKEN_REFUSED:
                self._expire(token)
        return self._checked(path, answer, token)

    def _token(self) -> Token:
        """The shared token; the first thread that finds none fetches it while the others wait."""
        token = self._usable()
        if token is not None:
            return token
        with self._cache.refreshing(self._appid):
            token = self._usable()
            if token is None:
                token = self._fetch()
                self._cache.save(self._appid, token)
            return token

    def _usable(self) -> Token | None:
        token = self._cache.load(self._appid)
        return token if token and self._clock() < token.expires_at - _RENEW_BEFORE else None

    def _expire(self, token: Token) -> None:
        with self._cache.refreshing(self._appid):
            self._cache.expire(self._appid, token)

    def _fetch(self) -> Token:
        now = self._clock()
        if self._failed and timedelta() <= now - self._failed[0] < _FETCH_AGAIN:
            raise self._failed[1].again()
        try:
            return self._stable_token(now)
        except ApiError as exc:
            self._failed = (self._clock(), exc)
            raise

    def _stable_token(self, now: datetime) -> Token:
        """In its normal mode: the token others use stays valid."""
        path = "cgi-bin/stable_token"
        body = {"grant_type": "client_credential", "appid": self._appid, "secret": self._secret}
        answer = self._checked(path, self._ask(path, body))
        value, seconds = answer.get("access_token"), answer.get("expires_in")
        if not is_token(value) or type(seconds) is not int or not 0 < seconds <= 86_400:
            raise ApiError(path, "回答里没有可用的 access_token 和 expires_in")
        return Token(value, now, now + timedelta(seconds=seconds))

    def _ask(self, path: str, body: Mapping[str, object], token: Token | None = None) -> dict[str, Any]:
        """One answer as a JSON object; a busy platform is given time."""
        for pause in _BUSY_PAUSES:
            answer = self._exchange(path, body, token)
            if _errcode(answer) != _BUSY:
                return answer
            self._sleep(pause)
        return self._exchange(path, body, token)

    def _exchange(self, path: str, body: Mapping[str, object], token: Token | None) -> dict[str, Any]:
        # escaped characters would stand escaped in the menu
        data = json.dumps(body, ensure_ascii=False).encode()
        trouble = ""
        try:
            with self._session.request(
                "POST",
                f"{self._base_url}/{path}",
                params={"access_token": token.value} if token else None,
                data=data,
                headers={"Content-Type": "application/json; charset=utf-8"},
                timeout=self._timeout,
                allow_redirects=False,  # a secret goes where it was meant to go
                stream=True,
            ) as response:
                content = _read(response, self._timeout[1])
                status = response.status_code
        except requests.RequestException as exc:
            trouble = _network_hint(exc)
        if trouble:  # raised out here: foreign exceptions hold the URL and the body, and must not be chained
            raise ApiError(path, trouble)
        if status != 200:
            raise ApiError(f"{path}: HTTP {status}", "答话的不是微信接口，看代理和出口网络")
        return _parsed(path, content)

    def _checked(self, path: str, answer: dict[str, Any], token: Token | None = None) -> dict[str, Any]:
        code = _errcode(answer)
        if code == 0:
            return answer
        said = str(answer.get("errmsg", ""))
        for hidden in (self._secret, token.value if token else ""):
            said = said.replace(hidden, "…") if hidden else said
        said = re.sub(r"\s+", " ", mask(said))[:_LONGEST_MESSAGE]
        raise ApiError(f"{path}: errcode {code} ({said})", HINTS.get(code, "见官方全局返回码"), code)


def _errcode(answer: Mapping[str, Any]) -> int:
    return int(answer.get("errcode", 0))


def _read(response: requests.Response, seconds: float) -> bytes:
    """The body. Raises ReadTimeout after `seconds` in all: the timeout of requests is for each piece of it."""
    end = time.monotonic() + seconds
    content = bytearray()
    for piece in response.iter_content(1):  # more would wait for more; answers are small
        content += piece
        if time.monotonic() > end:
            raise requests.ReadTimeout
        if len(content) > _MAX_ANSWER_BYTES:
            return b""  # what is so large is no answer of this API
    return bytes(content)


def _parsed(path: str, content: bytes) -> dict[str, Any]:
    answer: object = None
    with contextlib.suppress(ValueError, RecursionError):
        answer = json.loads(content)
    if not isinstance(answer, dict) or type(answer.get("errcode", 0)) is not int:
        raise ApiError(path, "回答不是接口的 JSON，答话的可能是代理或登录页")
    return answer


def _network_hint(exc: requests.RequestException) -> str:
    """What happened, without the foreign text: it holds the URL."""
    if isinstance(exc, requests.Timeout):
        return "超时：看本机到 api.weixin.qq.com 的网络"
    if isinstance(exc, requests.exceptions.SSLError):
        return "TLS 失败：看本机时钟、根证书和代理"
    if isinstance(exc, requests.exceptions.ProxyError):
        return "代理连不上：看 HTTPS_PROXY"
    return f"连不上或中途断开（{type(exc).__name__}）：看 DNS、防火墙和出口网络"
