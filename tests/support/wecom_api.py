"""WeCom's API as far as an app needs it, with its documented limits and error codes.

https://developer.work.weixin.qq.com/document/path/90236
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from tests.support.loopback import Asked, Clock, Loopback

CORPID = "wx5823bf96d3bd56c7"
AGENTID = 1000002
SECRET = "wecom-5ec4e7a1b2c3d4e5f6071829"  # noqa: S105 - the server of this file knows no other
SEND = "/cgi-bin/message/send"
UPDATE = "/cgi-bin/message/update_template_card"
TOKEN = "/cgi-bin/gettoken"  # noqa: S105 - a path
_TASK = re.compile(r"[0-9A-Za-z_@-]{1,128}")
_LIMITS = {"text": 2048, "markdown": 2048}


class Wecom(Loopback):
    """One corporation with one app; `shown` is what each member reads."""

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__(clock)
        self.members = {"lilei", "han"}
        self.licensed = {"lilei", "han"}
        self.trusted = True
        self.shown: list[tuple[str, Mapping[str, Any]]] = []
        self.updated: list[tuple[str, str]] = []
        self._sent: list[tuple[datetime, str, str]] = []
        self._tasks: set[str] = set()
        self._cards: dict[str, datetime] = {}
        self._numbers = count(1)
        self._token = ""
        self.expires_at = self.clock()

    def count(self, path: str) -> int:
        return sum(asked.path == path for asked in self.asked)

    def revoke(self) -> None:
        self._token = "another"  # noqa: S105 - made up

    def answer(self, asked: Asked) -> tuple[int, Mapping[str, object]]:
        if not self.trusted and asked.path != TOKEN:
            return _refused(
                60020, "not allow to access from your ip, hint: [1], from ip: 203.0.113.9, more info at …"
            )
        if asked.path == TOKEN:
            return self._give_token(asked.query)
        if asked.query.get("access_token") != self._token:
            return _refused(40014, "invalid access_token")
        if self.clock() >= self.expires_at:
            return _refused(42001, "access_token expired")
        if asked.json.get("agentid") != AGENTID:
            return _refused(40056, "invalid agentid")
        return self._send(asked.json) if asked.path == SEND else self._update(asked.json)

    def _give_token(self, query: Mapping[str, str]) -> tuple[int, Mapping[str, object]]:
        if query.get("corpid") != CORPID:
            return _refused(40013, "invalid corpid")
        if query.get("corpsecret") != SECRET:
            return _refused(40001, "invalid credential")
        self._token = f"token-{next(self._numbers)}"
        self.expires_at = self.clock() + timedelta(seconds=7200)
        return 200, {"errcode": 0, "errmsg": "ok", "access_token": self._token, "expires_in": 7200}

    def _send(self, body: Mapping[str, Any]) -> tuple[int, Mapping[str, object]]:
        people, kind = body["touser"].split("|"), body["msgtype"]
        invalid = [person for person in people if person not in self.members]
        if invalid == people:
            return _refused(81013, "user & party & tag all invalid")
        if kind == "template_card":
            mistake = self._card_mistake(body[kind])
            if mistake:
                return _refused(40058, mistake)
            self._tasks.add(body[kind]["task_id"])
        elif kind not in _LIMITS:
            return _refused(40008, "invalid message type")
        elif len(body[kind]["content"].encode()) > _LIMITS[kind]:
            return _refused(45002, "content size out of limit")
        unlicensed = [person for person in people if person not in self.licensed]
        for person in set(people) - set(invalid) - set(unlicensed):
            self._show(person, kind, body)
        answer: dict[str, object] = {"errcode": 0, "errmsg": "ok", "msgid": "m1"}
        answer |= {"invaliduser": "|".join(invalid), "unlicenseduser": "|".join(unlicensed)}
        if kind == "template_card":
            code = f"response-{next(self._numbers)}"
            self._cards[code] = self.clock()
            answer["response_code"] = code
        return 200, answer

    def _show(self, person: str, kind: str, body: Mapping[str, Any]) -> None:
        """Above 30 a minute and 1,000 an hour, and the same text again, are dropped without an error."""
        now, text = self.clock(), str(body[kind])
        mine = [(at, what) for at, who, what in self._sent if who == person]
        fast = sum(at > now - timedelta(minutes=1) for at, _ in mine) >= 30
        many = sum(at > now - timedelta(hours=1) for at, _ in mine) >= 1000
        window = timedelta(seconds=body.get("duplicate_check_interval", 1800))
        again = body.get("enable_duplicate_check") == 1 and any(
            what == text and at > now - window for at, what in mine
        )
        if not (fast or many or again):
            self._sent.append((now, person, text))
            self.shown.append((person, body[kind]))

    def _card_mistake(self, card: Mapping[str, Any]) -> str | None:
        lines, buttons = card.get("horizontal_content_list", []), card.get("button_list", [])
        if card["card_type"] != "button_interaction" or not card["main_title"]["title"]:
            return "missing main_title"
        if len(card["main_title"]["title"]) > 36 or len(lines) > 6 or not 1 <= len(buttons) <= 6:
            return "too long or too many"
        if any(len(line["keyname"]) > 5 or len(line["value"]) > 30 for line in lines):
            return "a line is too long"
        if any(line.get("type", 0) == 1 and not line.get("url") for line in lines):
            return "a line that opens nothing"
        if any(len(button["text"]) > 10 or len(button["key"].encode()) > 1024 for button in buttons):
            return "a button is too long"
        task = card.get("task_id", "")
        return None if _TASK.fullmatch(task) and task not in self._tasks else "invalid or repeated task_id"

    def _update(self, body: Mapping[str, Any]) -> tuple[int, Mapping[str, object]]:
        made = self._cards.pop(body.get("response_code", ""), None)
        if made is None or self.clock() > made + timedelta(hours=72):
            return _refused(40058, "invalid response_code")
        if body.get("atall") != 1:
            return _refused(40058, "nobody to update for")
        self.updated.append((body["response_code"], body["button"]["replace_name"]))
        return 200, {"errcode": 0, "errmsg": "ok", "invaliduser": []}


def _refused(code: int, said: str) -> tuple[int, Mapping[str, object]]:
    return 200, {"errcode": code, "errmsg": said}
