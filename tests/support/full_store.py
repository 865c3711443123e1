"""A store as it is after half a year: 20,000 incidents of 100,000 alerts, written in portions past the message path."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, insert

from triage.message import Person
from triage.store.database import Database
from triage.store.schema import ALERTS, GAPS, INCIDENTS, MEMBERS, MESSAGES, OUTBOX, TICKS, TIMELINE

Row = dict[str, Any]
_ROWS_AT_ONCE = 5_000
_ACCOUNTS = 60
_TICKED = 0.6
"""Of the claimed incidents those whose steps are ticked."""
_STORY_MINUTES = 110
"""In which all alerts of an incident come."""
_KINDS = (
    ("mark_fail", "MarkFail 自动屏蔽", 0),
    ("connect_timeout", "连接超时", 1),
    ("dns_failure", "DNS 失败", 1),
    ("request_timeout", "请求超时", 2),
    ("bad_response", "回应失败", 2),
)
_SENTENCES = {
    "mark_fail": "微信服务器向公众号推送消息或事件发生多次失败后，暂时不推送消息，一分钟后解除屏蔽",
    "connect_timeout": "微信服务器连接公众号开发者服务器时发生超时，超时时间为5秒",
    "dns_failure": "微信服务器向公众号推送消息或事件时，解析DNS失败",
    "request_timeout": "微信服务器向公众号推送消息或事件后，开发者5秒内没有返回",
    "bad_response": "微信服务器向公众号推送消息或事件后，得到的回应不合法",
}
_STEPS = {
    "mark_fail": ("previous_alert", "stop_bleeding", "answer_fast"),
    "connect_timeout": ("right_ip", "port_open", "backlog"),
    "dns_failure": ("spelling", "resolve", "wechat_dns"),
    "request_timeout": ("right_ip", "slow_module", "slow_backend"),
    "bad_response": ("right_ip", "probe"),
}
_EVENTS = ("Click", "Text", "Template Send Job Finish", "UnSubscribe", "Scan QRCode")
_NOTES = ("扩了两台机器", "重启了 php-fpm", "换了 DNS 服务器", "回滚了昨晚的发布", "加了连接池", None)
_GAPS = ("小程序码生成失败怎么办", "40164 是什么", "晚上老是慢", "报警为什么重复", "素材上传报错")


@dataclass(frozen=True, slots=True)
class Size:
    """How much is in a store, and over how many days it came."""

    incidents: int = 20_000
    alerts: int = 100_000
    days: int = 180
    one_open_in: int = 50
    """Of how many incidents one is open."""


FULL = Size()


def fill(url: str, now: datetime, size: Size = FULL, seed: int = 15) -> None:
    """Fill a database that has our tables and nothing in them; the newest alert is minutes old."""
    rows = _Rows(now, size, random.Random(seed))  # noqa: S311 - the same rows in every run
    with closing(Database(url)) as database:
        for table, made in rows.tables():
            for at in range(0, len(made), _ROWS_AT_ONCE):
                _write(database, table, made[at : at + _ROWS_AT_ONCE])


def _write(database: Database, table: Table, rows: Sequence[Row]) -> None:
    database.write(lambda session: session.connection.execute(insert(table), rows))


class _Rows:
    """The rows of each table, in the order in which they would have been written."""

    def __init__(self, now: datetime, size: Size, rng: random.Random) -> None:
        self._now, self._size, self._rng = now, size, rng
        self._people = [Person("wechat", "gh_1", f"oMember{number:022}") for number in range(40)]
        self._appids = [f"wx{rng.randrange(16**16):016x}" for _ in range(_ACCOUNTS)]
        self._incidents: list[Row] = []
        self._alerts: list[Row] = []
        self._timeline: list[Row] = []
        self._ticks: list[Row] = []

    def tables(self) -> Iterator[tuple[Table, Sequence[Row]]]:
        started = self._now - timedelta(days=self._size.days)
        span = self._now - timedelta(minutes=_STORY_MINUTES) - started
        opened = sorted(started + span * self._rng.random() for _ in range(self._size.incidents))
        for number, moment in enumerate(opened, start=1):
            self._add(number, moment, self._size.alerts // self._size.incidents)
        self._alerts.sort(key=lambda alert: alert["seen_at"])
        self._timeline.sort(key=lambda event: event["at"])
        yield MEMBERS, [self._member(number) for number in range(len(self._people))]
        yield INCIDENTS, self._incidents
        yield MESSAGES, [self._message(alert) for alert in self._alerts]
        yield ALERTS, self._alerts
        yield TIMELINE, self._timeline
        yield TICKS, self._ticks
        yield GAPS, [self._gap(number) for number in range(self._size.incidents // 10)]
        yield OUTBOX, [self._outgoing(incident) for incident in self._incidents]

    def _add(self, number: int, opened: datetime, alerts: int) -> None:
        """One incident with all that hangs on it."""
        rng = self._rng
        appid, (kind, title, rank) = rng.choice(self._appids), rng.choice(_KINDS)
        callback = f"https://{appid[2:8]}.example.cn/{rng.choice(('wx', 'callback', 'api/push'))}"
        alert = {
            "incident_id": number, "kind": kind, "title": title, "rank": rank, "appid": appid,
            "nickname": f"号{appid[2:5]}", "callback": callback, "ip": f"203.0.113.{rng.randrange(1, 40)}",
            "event": rng.choice(_EVENTS), "causes": ("curl_receive",) if rng.random() < 0.3 else (),
            "sender": rng.choice(self._people),
        }  # fmt: skip
        moments = sorted(
            opened + timedelta(minutes=rng.uniform(0, _STORY_MINUTES)) for _ in range(alerts - 1)
        )
        for place, seen in enumerate([opened, *moments], start=1):
            self._alerts.append(
                {
                    **alert, "message_key": f"full/{number}/{place}", "number": place, "seen_at": seen,
                    "reason": "opened" if place == 1 else "joined", "digest": f"d{number}-{place}",
                    "first_seen": seen - timedelta(minutes=1), "count": rng.randrange(5, 900),
                }
            )  # fmt: skip
        is_open = number % self._size.one_open_in == 0
        closed = None if is_open else opened + timedelta(minutes=rng.uniform(20, 600))
        closed_at = min(closed, self._now) if closed else None
        note = rng.choice(_NOTES) if closed else None
        owner = self._add_events(number, opened, closed_at, note)
        if owner and rng.random() < _TICKED:
            self._add_ticks(number, kind, owner, opened)
        self._incidents.append(
            {
                "id": number, "key": f"{appid}|{callback}", "closed_as": 0 if is_open else number,
                "lookup": f"open/{number}" if is_open else f"{appid}|{callback}", "appid": appid,
                "callback": callback, "state": "open" if is_open else "closed", "opened_at": opened,
                "last_seen": self._alerts[-1]["seen_at"], "owner": owner, "step": rng.randrange(6),
                "closed_at": closed_at, "closed_note": note, "alerts": alerts, "guest": "",
                "muted_until": None,
            }
        )  # fmt: skip

    def _add_events(
        self, number: int, opened: datetime, closed: datetime | None, note: str | None
    ) -> Person | None:
        """Who claimed it; a few are closed, and half of the open ones left, without anybody having done so."""
        rng = self._rng
        if rng.random() < (0.05 if closed else 0.5):
            return None
        who, end = rng.choice(self._people), closed or self._now
        claimed = min(opened + timedelta(minutes=rng.uniform(1, 30)), end)
        events: list[tuple[datetime, str, str | None]] = [(claimed, "claim", None)]
        steps = range(1, rng.randrange(1, 5))
        events += [(min(claimed + timedelta(minutes=3 * step), end), "step", str(step)) for step in steps]
        if closed:
            events.append((closed, "close", note))
        self._timeline.extend(
            {"incident_id": number, "at": at, "who": who, "what": what, "detail": detail}
            for at, what, detail in events
        )
        return who

    def _add_ticks(self, number: int, kind: str, who: Person, opened: datetime) -> None:
        """The first steps of the checklist, up to some step."""
        steps = _STEPS[kind][: self._rng.randrange(1, len(_STEPS[kind]) + 1)]
        for minutes, step in enumerate(steps, start=12):
            at = opened + timedelta(minutes=minutes)
            self._ticks.append({"incident_id": number, "step": step, "who": who, "at": at})

    def _member(self, number: int) -> Row:
        since = self._now - timedelta(days=self._size.days)
        return {
            "person": self._people[number], "name": f"同事{number}", "team": None, "appids": (), "since": since,
            "role": "lead" if number < 3 else "member", "name_key": f"同事{number}",
        }  # fmt: skip

    def _message(self, alert: Row) -> Row:
        text = (
            f"Appid: {alert['appid']}\n昵称: {alert['nickname']}\n时间: {alert['first_seen']:%Y-%m-%d %H:%M:%S}\n"
            f"内容: {_SENTENCES[alert['kind']]}\n次数: 5分钟 {alert['count']}次\n"
            f"错误样例: [3rdUrl={alert['callback']}][IP={alert['ip']}][Event={alert['event']}]\n"
        )
        return {
            "key": alert["message_key"], "channel": "wechat", "account": "gh_1", "sender": alert["sender"].id,
            "recipient": "gh_1", "kind": "text", "created": int(alert["seen_at"].timestamp()), "text": text,
            "push": "text", "signature": alert["message_key"], "encrypted": True, "received_at": alert["seen_at"],
            "reply": "回复",
        }  # fmt: skip

    def _gap(self, number: int) -> Row:
        seen = self._now - timedelta(days=self._size.days) * self._rng.random()
        return {"message_key": f"gap/{number}", "text": self._rng.choice(_GAPS), "seen_at": seen}

    def _outgoing(self, incident: Row) -> Row:
        opened = incident["opened_at"]
        return {
            "key": f"group/{incident['id']}", "kind": "group", "incident_id": incident["id"],
            "destination": "wecom_webhook/main", "payload": {"what": "open"}, "created_at": opened,
            "due_at": opened, "lease_until": opened, "tries": 1, "state": "sent", "sent_at": opened,
        }  # fmt: skip
