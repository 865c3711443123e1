"""客服消息 as the platform takes them: who may, for how long after the follower's last message, and how many.

https://developers.weixin.qq.com/doc/service/api/customer/message/api_sendcustommessage.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from tests.support.loopback import Asked, Clock, Loopback
from tests.support.wechat_api import APPID, SECRET

PATH = "/cgi-bin/message/custom/send"
MEDIA = "/cgi-bin/media/get"
TOKEN = "/cgi-bin/stable_token"  # noqa: S105 - a path
WINDOW = timedelta(hours=48)


class CustomerMessages(Loopback):
    """One account; `shown` is what its followers read."""

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__(clock)
        self.is_verified = True
        self.is_listed = True
        self.shown: list[tuple[str, str]] = []
        self.media: dict[str, bytes] = {}
        """What followers have sent, by its media id."""
        self.media_error: int | None = None
        self._spoke: dict[str, tuple[datetime, int]] = {}
        self._token = ""
        self._given = 0

    def hears(self, openid: str) -> None:
        """A follower writes to the account."""
        self._spoke[openid] = (self.clock(), 0)

    def revoke(self) -> None:
        self._token = ""

    def count(self, path: str) -> int:
        return sum(asked.path == path for asked in self.asked)

    def answer(self, asked: Asked) -> tuple[int, Mapping[str, object] | bytes]:
        if not self.is_listed:
            return _refused(
                40164, "invalid ip 203.0.113.9 ipv6 ::ffff:203.0.113.9, not in whitelist rid: 1-2"
            )
        if asked.path == TOKEN:
            if (asked.json.get("appid"), asked.json.get("secret")) != (APPID, SECRET):
                return _refused(40125, "invalid appsecret rid: 1-2")
            self._given += 1
            self._token = f"token_{self._given}"
            return 200, {"access_token": self._token, "expires_in": 7200}
        if asked.query.get("access_token") != self._token:
            return _refused(40001, "invalid credential, access_token is invalid or not latest rid: 1-2")
        if asked.path == MEDIA:
            return self._give_media(asked.query.get("media_id", ""))
        if not self.is_verified:
            return _refused(48001, "api unauthorized rid: 1-2")
        return self._send(asked.json["touser"], asked.json["text"]["content"])

    def _give_media(self, id_: str) -> tuple[int, Mapping[str, object] | bytes]:
        if self.media_error is not None:
            return _refused(self.media_error, "said the platform rid: 1-2")
        return (200, self.media[id_]) if id_ in self.media else _refused(40007, "invalid media_id rid: 1-2")

    def _send(self, openid: str, text: str) -> tuple[int, Mapping[str, object]]:
        spoke, sent = self._spoke.get(openid, (None, 0))
        if spoke is None or self.clock() > spoke + WINDOW:
            return _refused(45015, "response out of time limit or subscription is canceled rid: 1-2")
        if sent >= 5:
            return _refused(45047, "out of response count limit rid: 1-2")
        if len(text.encode()) > 2048:
            return _refused(45002, "content size out of limit rid: 1-2")
        self._spoke[openid] = (spoke, sent + 1)
        self.shown.append((openid, text))
        return 200, {"errcode": 0, "errmsg": "ok"}


def _refused(code: int, said: str) -> tuple[int, Mapping[str, object]]:
    return 200, {"errcode": code, "errmsg": said}
