"""Calls the platform's API for one Official Account.

Tokens come from `cgi-bin/stable_token`, the way the platform recommends, in its normal mode: the token that others use
stays valid. https://developers.weixin.qq.com/doc/service/api/base/api_getstableaccesstoken.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from time import sleep as system_sleep

import requests

from triage.channels.token_api import CallRequest, Dialect, TokenApi
from triage.channels.tokens import TokenCache
from triage.channels.wechat.codes import HINTS, TOKEN_REFUSED
from triage.errors import ApiError as ApiError
from triage.wording import Wording


def _token_request(appid: str, secret: str) -> CallRequest:
    body = {"grant_type": "client_credential", "appid": appid, "secret": secret}
    return CallRequest("cgi-bin/stable_token", body)


DIALECT = Dialect(
    url="https://api.weixin.qq.com",
    token_request=_token_request,
    refused=TOKEN_REFUSED,
    hint=lambda code, said: HINTS.get(code, Wording("见官方全局返回码")),
)


class WeChatApi(TokenApi):
    """The API of one account; safe to use from many threads. `timeout` is seconds to connect and to be answered."""

    def __init__(
        self,
        appid: str,
        secret: str,
        cache: TokenCache,
        session: requests.Session | None = None,
        base_url: str | None = None,
        timeout: tuple[float, float] = (3, 5),
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = system_sleep,
    ) -> None:
        super().__init__(
            DIALECT, appid, (appid, secret), cache, session, base_url, timeout, clock=clock, sleep=sleep
        )

    def create_menu(self, menu: Mapping[str, object]) -> None:
        """Replace the account's custom menu; 1,000 calls a day. Clients show it within five minutes."""
        self.call("cgi-bin/menu/create", menu)
