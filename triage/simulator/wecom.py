"""WeCom as the demos play it: its API with tokens, limits and error codes, and what each chat shows of it."""

from __future__ import annotations

import secrets
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from triage.channels.wecom_app.account import Account

ORIGIN = "https://qyapi.weixin.qq.com"
GROUP = "group"
"""The chat of all of them."""
_MOST_KEPT = 400
_LONGEST = 2048
_MOST_A_MINUTE = 20

Answer = dict[str, object]


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as a chat shows it."""

    id: int
    version: int
    """Greater than that of everything that was shown or changed before."""
    chat: str
    """Whose chat with the app, or the group."""
    sender: str
    """Who of the members, `bot`, or `robot` for the group's robot."""
    text: str
    quote: str | None = None
    mentions: tuple[str, ...] = ()
    card: Mapping[str, Any] | None = None
    """As the API takes it."""
    label: str | None = None
    """What stands in the place of the card's buttons."""


class PlayedWecom:
    """One corporation with one app, one bot and a group with a robot; safe to use from many threads."""

    def __init__(
        self, app: Account, robot: str, people: Mapping[str, str], clock: Callable[[], datetime]
    ) -> None:
        """`robot` is the key of the group's robot, `people` are names by the ids of the members."""
        self._app = app
        self._robot = robot
        self._people = people
        self._clock = clock
        self._lock = threading.Lock()
        self._ids, self._versions = count(1), count(1)
        self._shown: deque[Shown] = deque(maxlen=_MOST_KEPT)
        self._token: str | None = None
        self._cards: dict[str, int] = {}
        self._responses: set[str] = set()
        self._posted: deque[datetime] = deque(maxlen=_MOST_A_MINUTE)

    def since(self, version: int) -> list[dict[str, Any]]:
        """What has been shown or changed after a version, the oldest first."""
        with self._lock:
            return [asdict(item) for item in self._shown if item.version > version]

    def show(
        self,
        chat: str,
        sender: str,
        text: str,
        *,
        quote: str | None = None,
        mentions: tuple[str, ...] = (),
        card: Mapping[str, Any] | None = None,
    ) -> int:
        """Show a message in a chat; its id. The rest is as in `Shown`."""
        with self._lock:
            id_ = next(self._ids)
            self._shown.append(Shown(id_, next(self._versions), chat, sender, text, quote, mentions, card))
            return id_

    def find(self, id_: int) -> Shown | None:
        """A message by its id; None where it is forgotten."""
        with self._lock:
            return next((item for item in self._shown if item.id == id_), None)

    def settle(self, id_: int, label: str) -> None:
        """Put words in the place of a card's buttons."""
        with self._lock:
            for place, item in enumerate(self._shown):
                if item.id == id_:
                    self._shown[place] = replace(item, label=label, version=next(self._versions))

    def response_url(self) -> str:
        """Where the bot may answer a message of the group once, later on."""
        code = secrets.token_urlsafe(16)
        self._responses.add(code)
        return f"{ORIGIN}/cgi-bin/aibot/response?response_code={code}"

    def answer(self, path: str, query: Mapping[str, str], body: Mapping[str, Any]) -> Answer:
        """What the API says to a call: https://developer.work.weixin.qq.com/document/path/90236."""
        match path:
            case "/cgi-bin/gettoken":
                return self._give_token(query)
            case "/cgi-bin/webhook/send":
                return self._post(query, body)
            case "/cgi-bin/aibot/response":
                return self._respond(query, body)
        if self._token is None or query.get("access_token") != self._token:
            return _refused(40014, "invalid access_token")
        if body.get("agentid") != self._app.agentid:
            return _refused(40056, "invalid agentid")
        match path:
            case "/cgi-bin/message/send":
                return self._send(body)
            case "/cgi-bin/message/update_template_card":
                return self._update(body)
        return _refused(40001, f"no such call: {path}")

    def _give_token(self, query: Mapping[str, str]) -> Answer:
        given = query.get("corpid"), query.get("corpsecret")
        if given != (self._app.corpid, self._app.secret):
            return _refused(40001, "invalid credential")
        self._token = self._token or secrets.token_urlsafe(24)
        return {"errcode": 0, "errmsg": "ok", "access_token": self._token, "expires_in": 7200}

    def _send(self, body: Mapping[str, Any]) -> Answer:
        to, kind = str(body["touser"]), str(body["msgtype"])
        if to not in self._people:
            return _refused(81013, "user & party & tag all invalid")
        content = body[kind]
        if kind == "template_card":
            code = secrets.token_urlsafe(16)
            self._cards[code] = self.show(to, "bot", "", card=content)
            return {"errcode": 0, "errmsg": "ok", "response_code": code}
        if len(str(content["content"]).encode()) > _LONGEST:
            return _refused(45002, "content size out of limit")
        self.show(to, "bot", str(content["content"]))
        return {"errcode": 0, "errmsg": "ok"}

    def _update(self, body: Mapping[str, Any]) -> Answer:
        id_ = self._cards.pop(str(body.get("response_code")), None)
        if id_ is None:
            return _refused(40058, "invalid response_code")
        self.settle(id_, str(body["button"]["replace_name"]))
        return {"errcode": 0, "errmsg": "ok"}

    def _post(self, query: Mapping[str, str], body: Mapping[str, Any]) -> Answer:
        if query.get("key") != self._robot:
            return _refused(93000, "invalid webhook url")
        now, kind = self._clock(), str(body["msgtype"])
        if len(self._posted) == _MOST_A_MINUTE and self._posted[0] > now - timedelta(minutes=1):
            return _refused(45009, "api freq out of limit")
        if len(str(body[kind]["content"]).encode()) > _LONGEST:
            return _refused(45002, "content size out of limit")
        self._posted.append(now)
        mentioned = body[kind].get("mentioned_list", ())
        called = tuple(self._people[id_] for id_ in mentioned if id_ in self._people)
        self.show(GROUP, "robot", str(body[kind]["content"]), mentions=called)
        return {"errcode": 0, "errmsg": "ok"}

    def _respond(self, query: Mapping[str, str], body: Mapping[str, Any]) -> Answer:
        code = query.get("response_code", "")
        if code not in self._responses:
            return _refused(60140, "response_code was used, or is too old")
        self._responses.discard(code)
        self.show(GROUP, "bot", str(body["markdown"]["content"]))
        return {"errcode": 0, "errmsg": "ok"}


def _refused(code: int, said: str) -> Answer:
    return {"errcode": code, "errmsg": said}
