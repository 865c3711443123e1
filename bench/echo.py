"""The floor of a service: bare Flask and wechatpy that answer a safe-mode message with its own words.

Settings come from the environment that `bench.service` sets: TRIAGE_WECHAT_TOKEN, _AES_KEY, _APPID.
"""

from __future__ import annotations

import os

from flask import Flask, request
from wechatpy import create_reply, parse_message
from wechatpy.crypto import WeChatCrypto
from wechatpy.utils import check_signature

app = Flask(__name__)
_token = os.environ.get("TRIAGE_WECHAT_TOKEN", "")
_crypto = WeChatCrypto(
    _token, os.environ.get("TRIAGE_WECHAT_AES_KEY", "A" * 43), os.environ.get("TRIAGE_WECHAT_APPID", "")
)


@app.post("/callback/wechat")
def callback() -> str:
    query = request.args
    check_signature(_token, query["signature"], query["timestamp"], query["nonce"])
    xml = _crypto.decrypt_message(request.data, query["msg_signature"], query["timestamp"], query["nonce"])
    message = parse_message(xml)
    reply: str = create_reply(message.content[:600], message).render()
    encrypted: str = _crypto.encrypt_message(reply, query["nonce"], query["timestamp"])
    return encrypted
