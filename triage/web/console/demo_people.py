"""The people of the demo: two members and a guest, on one account."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping

from triage.channels.wechat.channel import WECHAT
from triage.message import Person

CHANNEL = WECHAT.name
APPID = "wxdemo00000000demo"
PEOPLE: Mapping[str, str] = {
    "wang": "oDemoWang0000000000000000001",
    "li": "oDemoLi000000000000000000002",
    "guest": "oDemoGuest000000000000000003",
}
MEMBERS: Mapping[Person, str] = {
    Person(CHANNEL, APPID, PEOPLE["wang"]): "小王",
    Person(CHANNEL, APPID, PEOPLE["li"]): "小李",
}
NAMES = (("wang", "小王"), ("li", "小李"), ("guest", "访客"))
"""Whom one may be on the pages."""
COOKIE = "triage_demo_who"


def chosen(cookies: Mapping[str, str]) -> Person:
    """Who looks at the demo's console: whom the browser has chosen, else the first."""
    return Person(CHANNEL, APPID, PEOPLE[chosen_id(cookies)])


def chosen_id(cookies: Mapping[str, str]) -> str:
    """The same, by what the pages call them: a key of `PEOPLE`."""
    who = cookies.get(COOKIE, "")
    return who if who in PEOPLE else "wang"


def random_key() -> str:
    """43 characters that are 32 bytes, as an EncodingAESKey is."""
    return base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
