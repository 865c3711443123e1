"""Calls WeCom's API for one app: https://developer.work.weixin.qq.com/document/path/91039"""

from __future__ import annotations

from triage.channels.answers import advice
from triage.channels.apis import Apis
from triage.channels.token_api import CallRequest, Dialect, TokenApi
from triage.channels.wecom_app.account import Account
from triage.channels.wecom_app.codes import CODES, TOKEN_REFUSED


def _token_request(corpid: str, secret: str) -> CallRequest:
    return CallRequest("cgi-bin/gettoken", params={"corpid": corpid, "corpsecret": secret})


DIALECT = Dialect(
    url="https://qyapi.weixin.qq.com",
    token_request=_token_request,
    refused=TOKEN_REFUSED,
    hint=lambda code, said: advice(CODES, code, said),
)


def connect(account: Account, secret: str, apis: Apis) -> TokenApi:
    """The API for an app; each app has a token of its own."""
    return TokenApi(
        DIALECT,
        f"wecom/{account.corpid}/{account.agentid}",
        (account.corpid, secret),
        apis.tokens,
        apis.session,
        apis.urls.get("wecom"),
        clock=apis.clock,
    )
