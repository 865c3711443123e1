"""Calls to a platform's API by an access token, which is renewed in time and once more where it is refused.

No secret is ever shown.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Final, Self

import requests

from triage.channels.answers import error_code
from triage.channels.json_http import MAX_ANSWER_BYTES, Answer, exchange
from triage.channels.tokens import Token, TokenCache, is_token
from triage.errors import ApiError
from triage.masking import mask
from triage.wording import Wording

_RENEW_BEFORE = timedelta(seconds=60)
"""A token this near its end is renewed; no platform gives less than 300 s."""
_FETCH_AGAIN = timedelta(seconds=5)
"""After a failed fetch every thread that wants a token gets the same error for this long."""
_BUSY: Final = -1
_BUSY_PAUSES = (0.5, 1.5)
"""Seconds before asking a busy platform (-1) again."""
_LONGEST_MESSAGE = 200
_LEAST_SECONDS = 0.001


@dataclass(frozen=True, slots=True)
class CallRequest:
    """A request: a POST of the body, or a GET where that is None."""

    path: str
    body: Mapping[str, object] | None = field(default=None, repr=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between platforms."""

    url: str
    """Where the platform is, unless a setting says otherwise."""
    token_request: Callable[[str, str], CallRequest]
    """The request for a token, of an id and a secret."""
    refused: tuple[int, ...]
    """The error codes of a token that is no longer good."""
    hint: Callable[[int, str], str]
    """What to do about an error code, and the platform's words."""


class TokenApi:
    """The API for one account; safe to use from many threads. `timeout` is seconds to connect and to be answered."""

    def __init__(
        self,
        dialect: Dialect,
        key: str,
        credentials: tuple[str, str],
        cache: TokenCache,
        session: requests.Session | None = None,
        base_url: str | None = None,
        timeout: tuple[float, float] = (3, 5),
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._dialect = dialect
        self._key = key
        self._credentials = credentials
        self._cache = cache
        self._session = session or requests.Session()
        self._base_url = (base_url or dialect.url).rstrip("/")
        self._timeout = timeout
        self._clock = clock
        self._sleep = sleep
        self._failed: tuple[datetime, ApiError] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._session.close()

    def call(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        """What the platform says to a call; a busy one is given time. Raises ApiError for everything but success."""
        request = CallRequest(path, body)
        answer, token = self._twice(lambda token: self._patiently(request, token), None)
        return self._checked(path, answer, token)

    def send(self, path: str, body: Mapping[str, object], timeout: float) -> Answer:
        """The answer to a message within `timeout` seconds, whatever it is. Raises ApiError where there is none."""
        request, end = CallRequest(path, body), time.monotonic() + timeout
        return self._twice(lambda token: self._exchange(request, token, end), end)[0]

    def fetch(self, path: str, params: Mapping[str, str], timeout: float, most: int) -> Answer:
        """The answer to a request for a file of at most `most` bytes. Raises ApiError where there is none."""
        request, end = CallRequest(path, params=params), time.monotonic() + timeout
        return self._twice(lambda token: self._exchange(request, token, end, most), end)[0]

    # -- calls

    def _twice(self, ask: Callable[[Token], Answer], end: float | None) -> tuple[Answer, Token]:
        """An answer and its token; one that is refused is fetched anew and tried once more, never twice."""
        token = self._token(end)
        answer = ask(token)
        if self._is_refused(answer):
            self._expire(token, end)
            token = self._token(end)
            answer = ask(token)
            if self._is_refused(answer):
                self._expire(token, end)
        return answer, token

    def _is_refused(self, answer: Answer) -> bool:
        return error_code(answer.body) in self._dialect.refused

    def _patiently(self, request: CallRequest, token: Token | None) -> Answer:
        for pause in _BUSY_PAUSES:
            answer = self._exchange(request, token, None)
            if error_code(answer.body) != _BUSY:
                return answer
            self._sleep(pause)
        return self._exchange(request, token, None)

    def _exchange(
        self, request: CallRequest, token: Token | None, end: float | None, most: int = MAX_ANSWER_BYTES
    ) -> Answer:
        params = {**request.params, "access_token": token.value} if token else request.params
        left = _left(end)
        times = self._timeout if left is None else (min(self._timeout[0], left), left)
        url = f"{self._base_url}/{request.path}"
        return exchange(self._session, url, request.path, request.body, times, params, most)

    def _checked(self, path: str, answer: Answer, token: Token | None = None) -> dict[str, Any]:
        if answer.status != 200:
            raise ApiError(f"{path}: HTTP {answer.status}", Wording("答话的不是平台接口，看代理和出口网络"))
        body = answer.body
        if body is None or type(body.get("errcode", 0)) is not int:
            raise ApiError(path, Wording("返回的不是接口的 JSON，可能是代理或登录页回的"))
        code = error_code(body) or 0
        if code == 0:
            return body
        said = str(body.get("errmsg", ""))
        for hidden in (self._credentials[1], token.value if token else ""):
            said = said.replace(hidden, "…") if hidden else said
        said = re.sub(r"\s+", " ", mask(said))[:_LONGEST_MESSAGE]
        raise ApiError(f"{path}: errcode {code} ({said})", self._dialect.hint(code, said), code)

    # -- the token

    def _token(self, end: float | None) -> Token:
        """The shared token; the first thread that finds none fetches it while the others wait."""
        token = self._usable()
        if token is not None:
            return token
        with self._cache.refreshing(self._key, _left(end)):
            token = self._usable()
            if token is None:
                token = self._fetch(end)
                self._cache.save(self._key, token)
            return token

    def _usable(self) -> Token | None:
        token = self._cache.load(self._key)
        return token if token and self._clock() < token.expires_at - _RENEW_BEFORE else None

    def _expire(self, token: Token, end: float | None) -> None:
        with self._cache.refreshing(self._key, _left(end)):
            self._cache.expire(self._key, token)

    def _fetch(self, end: float | None) -> Token:
        now = self._clock()
        if self._failed and timedelta() <= now - self._failed[0] < _FETCH_AGAIN:
            raise self._failed[1].again()
        try:
            return self._new_token(now, end)
        except ApiError as exc:
            # whatever was to be sent by the token has not been
            failure = ApiError(exc.what, exc.hint, exc.errcode)
        self._failed = (self._clock(), failure)
        raise failure

    def _new_token(self, now: datetime, end: float | None) -> Token:
        request = self._dialect.token_request(*self._credentials)
        answer = self._patiently(request, None) if end is None else self._exchange(request, None, end)
        body = self._checked(request.path, answer)
        value, seconds = body.get("access_token"), body.get("expires_in")
        if not is_token(value) or type(seconds) is not int or not 0 < seconds <= 86_400:
            raise ApiError(request.path, Wording("返回里没有可用的 access_token 和 expires_in"))
        return Token(value, now, now + timedelta(seconds=seconds))


def _left(end: float | None) -> float | None:
    """Seconds until a moment of the monotonic clock."""
    return None if end is None else max(end - time.monotonic(), _LEAST_SECONDS)
