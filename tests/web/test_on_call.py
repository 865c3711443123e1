"""A served node with a team's file: what a program hands in calls who is on call, by the platforms' APIs."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from tests.support.loopback import Asked, Clock
from tests.support.robots import Robots
from tests.support.service import serving
from tests.support.talk import CONNECT
from tests.support.upgraded import new_file
from tests.support.wecom_api import AGENTID, CORPID, SECRET, Wecom
from triage.message import Request

CONSOLE = "https://triage.example.cn"
HOOK_KEY = "0123456789abcdef"
TEAM = """\
people:
  li: {name: 李雷, wecom: lilei}
rotations:
  main: {people: [li], every: week, at: Mon 10:00, from: 2026-01-05}
escalation:
  low: [{after: 0m, to: main, group: ops}]
groups:
  ops: {wecom_webhook: env:OPS_ROBOT}
"""


def test_a_node_calls_who_is_on_call_and_tells_the_group(tmp_path: Path) -> None:
    clock, both = Clock(datetime.now(UTC)), threading.Semaphore(0)
    wecom, robots = _Wecom(clock), _Robots(clock)
    wecom.shown_one = robots.posted_one = both
    url = new_file(tmp_path / "triage.db")
    (tmp_path / "team.yml").write_text(TEAM, encoding="utf-8")
    with wecom.serving(), robots.serving():
        environment = {
            "TRIAGE_DATABASE_URL": url,
            "TRIAGE_PUBLIC_URL": CONSOLE,
            "TRIAGE_TEAM": str(tmp_path / "team.yml"),
            "TRIAGE_HOOKS": f"monitor={HOOK_KEY}",
            "TRIAGE_WECOM_CORPID": CORPID,
            "TRIAGE_WECOM_AGENTID": str(AGENTID),
            "TRIAGE_WECOM_TOKEN": "QDG6eK",
            "TRIAGE_WECOM_AES_KEY": "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C",
            "TRIAGE_WECOM_SECRET": SECRET,
            "TRIAGE_WECOM_API_URL": wecom.url,
            "OPS_ROBOT": robots.address("wecom_webhook"),
        }
        with serving(tmp_path, environment) as node:
            answer = node.send(Request("POST", {"key": HOOK_KEY}, CONNECT.encode()), "/hooks/monitor")
            assert answer.status == 200
            assert all(both.acquire(timeout=20) for _ in range(2))
            ready = json.loads(node.get("/readyz"))
            assert (ready["status"], ready["outgoing"]["failed"]) == ("ok", 0)
            followed = node.get(wecom.shown[0][1]["horizontal_content_list"][-1]["url"].removeprefix(CONSOLE))
            _, errors = node.stop()
    [(who, shown)] = wecom.shown
    assert who == "lilei"
    assert str(shown["main_title"]["title"]).startswith("#1 ")
    [posted] = robots.posted
    assert "正在叫：李雷" in posted
    assert posted.endswith(f"\n详情 {CONSOLE}/incidents/1")
    assert "/incidents/1" in followed, "the link on the card leads to the page"
    assert robots.called == [["lilei"]]
    assert SECRET not in errors
    with sqlite3.connect(tmp_path / "triage.db") as database:
        assert database.execute("SELECT count(*) FROM outbox WHERE state = 'failed'").fetchone() == (0,)


class _Wecom(Wecom):
    shown_one: threading.Semaphore

    def answer(self, asked: Asked) -> tuple[int, Mapping[str, object]]:
        before, answered = len(self.shown), super().answer(asked)
        if len(self.shown) > before:
            self.shown_one.release()
        return answered


class _Robots(Robots):
    posted_one: threading.Semaphore

    def answer(self, asked: Asked) -> tuple[int, Mapping[str, object]]:
        before, answered = len(self.posted), super().answer(asked)
        if len(self.posted) > before:
            self.posted_one.release()
        return answered
