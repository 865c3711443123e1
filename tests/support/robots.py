"""The group robots of WeCom, DingTalk and Feishu as far as a sender meets them, with their documented limits."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.support.loopback import Asked, Clock, Loopback

KEY = "693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa"
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@dataclass
class Settings:
    """What the robot's page in the group has."""

    secret: str | None = None
    keyword: str | None = None
    is_removed: bool = False


class Robots(Loopback):
    """One robot of each platform; `posted` is what the group reads, `called` whom each message calls."""

    def __init__(self, clock: Clock | None = None, settings: Settings | None = None) -> None:
        super().__init__(clock)
        self.settings = settings or Settings()
        self.posted: list[str] = []
        self.called: list[list[str]] = []
        self._sent: list[datetime] = []
        self._blocked_until: datetime | None = None

    def address(self, channel: str) -> str:
        return (
            self.url
            + {
                "wecom_webhook": f"/cgi-bin/webhook/send?key={KEY}",
                "dingtalk_webhook": f"/robot/send?access_token={KEY}",
                "feishu_webhook": f"/open-apis/bot/v2/hook/{KEY}",
            }[channel]
        )

    def answer(self, asked: Asked) -> tuple[int, Mapping[str, object]]:
        plays = {
            "/cgi-bin/webhook/send": self._wecom,
            "/robot/send": self._dingtalk,
            f"/open-apis/bot/v2/hook/{KEY}": self._feishu,
        }
        if asked.path not in plays:
            return 200, {
                "code": 19001,
                "data": {},
                "msg": "param invalid: incoming webhook access token invalid",
            }
        return plays[asked.path](asked)

    def used(self, count: int) -> None:
        """Somebody else has just sent this many by the same robot."""
        self._sent += [self.clock()] * count

    def _fast(self, count: int, per: timedelta) -> bool:
        recent = [at for at in self._sent if at > self.clock() - per]
        return len(recent) >= count

    def _took(self, text: str, called: list[str]) -> None:
        self._sent.append(self.clock())
        self.posted.append(text)
        self.called.append(called)

    def _lacks_keyword(self, text: str) -> bool:
        return self.settings.keyword is not None and self.settings.keyword not in text

    # https://developer.work.weixin.qq.com/document/path/99110
    def _wecom(self, asked: Asked) -> tuple[int, Mapping[str, object]]:
        if asked.query.get("key") != KEY or self.settings.is_removed:
            return _refused(93000, "invalid webhook url, hint: [1700000000_1]")
        if self._fast(20, MINUTE):
            return _refused(45009, "api freq out of limit, hint: [1700000000_2]")
        kind = asked.json.get("msgtype")
        content = asked.json.get(kind, {}).get("content", "") if kind in ("text", "markdown") else ""
        if not content:
            return _refused(40008, "invalid message type")
        if len(content.encode()) > {"text": 2048, "markdown": 4096}[kind]:
            return _refused(
                40058, f"{kind}.content exceed max length {len(content.encode())}. invalid Request"
            )
        self._took(content, asked.json[kind].get("mentioned_list", []))
        return 200, {"errcode": 0, "errmsg": "ok"}

    # https://open.dingtalk.com/document/orgapp/custom-robot-access
    def _dingtalk(self, asked: Asked) -> tuple[int, Mapping[str, object]]:
        if asked.query.get("access_token") != KEY or self.settings.is_removed:
            return _refused(300001, "token is not exist")
        if self._blocked_until and self.clock() < self._blocked_until:
            return _refused(130101, "send too fast, exceed 20 times per minute")
        if self.settings.secret is not None:
            timestamp = asked.query.get("timestamp", "0")
            signed = _hmac(self.settings.secret, f"{timestamp}\n{self.settings.secret}")
            if abs(int(timestamp) / 1000 - self.clock().timestamp()) > HOUR.total_seconds():
                return _refused(310000, "invalid timestamp")
            if asked.query.get("sign") != signed:
                return _refused(310000, "sign not match, more: [https://ding-doc.dingtalk.com]")
        kind = asked.json.get("msgtype")
        told = {"text": "content", "markdown": "text"}
        content = asked.json.get(kind, {}).get(told[kind], "") if kind in told else ""
        if (
            not content
            or len(asked.body) > 20_000
            or (kind == "markdown" and not asked.json[kind].get("title"))
        ):
            return _refused(40035, "缺少参数 json")
        if self._lacks_keyword(content):
            return _refused(310000, "keywords not in content, more: [https://ding-doc.dingtalk.com]")
        if self._fast(20, MINUTE):
            self._blocked_until = self.clock() + 10 * MINUTE
            return _refused(130101, "send too fast, exceed 20 times per minute")
        at = asked.json.get("at", {})
        everybody = ["@all"] if at.get("isAtAll") else []
        self._took(content, [*at.get("atMobiles", []), *at.get("atUserIds", []), *everybody])
        return 200, {"errcode": 0, "errmsg": "ok"}

    # https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot
    def _feishu(self, asked: Asked) -> tuple[int, Mapping[str, object]]:
        if self.settings.is_removed:
            return 200, {
                "code": 19001,
                "data": {},
                "msg": "param invalid: incoming webhook access token invalid",
            }
        if self.settings.secret is not None:
            timestamp = asked.json.get("timestamp", "0")
            old = abs(int(timestamp) - self.clock().timestamp()) > HOUR.total_seconds()
            if old or asked.json.get("sign") != _hmac(f"{timestamp}\n{self.settings.secret}", ""):
                said = "sign match fail or timestamp is not within one hour from current time"
                return 200, {"code": 19021, "data": {}, "msg": said}
        if len(asked.body) > 20 * 1024:
            return 400, {"code": 9499, "data": {}, "msg": "Bad Request"}
        content = (
            asked.json["content"]["text"]
            if asked.json.get("msg_type") == "text"
            else asked.json["card"]["elements"][0]["content"]
        )
        if self._lacks_keyword(content):
            return 200, {"code": 19024, "data": {}, "msg": "Key Words Not Found"}
        if self._fast(5, timedelta(seconds=1)) or self._fast(100, MINUTE):
            return 200, {
                "code": 11232,
                "data": {},
                "msg": "frequency limited psm[lark.oapi.app_platform_runtime]",
            }
        self._took(content, [])
        return 200, {"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"}


def _refused(code: int, said: str) -> tuple[int, Mapping[str, object]]:
    return 200, {"errcode": code, "errmsg": said}


def _hmac(key: str, text: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()
