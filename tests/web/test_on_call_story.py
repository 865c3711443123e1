"""The team on call over real HTTP: quoted in the group, called, claimed on a card, closed; also with the database away.

The service is a process whose clock the test puts forward; WeCom and the group's robot are servers on loopback.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from tests.support.node import PROGRAM, ClockAhead
from tests.support.road import Road
from tests.support.robots import Robots
from tests.support.service import Served, serving
from tests.support.stores import SERVERS, fresh_database
from tests.support.talk import CONNECT
from tests.support.wecom import APP, BOT, ENVIRONMENT, RANDOM
from tests.support.wecom_api import AGENTID, SEND, Wecom
from tests.support.wecom_api import SECRET as API_SECRET
from triage.channels.wecom_app import platform_side as app_side
from triage.channels.wecom_bot import platform_side as bot_side
from triage.store import OutgoingState, Store

MINUTE = timedelta(minutes=1)
GROUP = "C1"
OURS = replace(APP, agentid=AGENTID)
TEAM = """\
people:
  li: {name: 李雷, wecom: lilei}
  han: {name: 韩梅, wecom: han}
rotations:
  first: {people: [li], every: week, at: Mon 10:00, from: 2026-01-05}
  second: {people: [han], every: week, at: Mon 10:00, from: 2026-01-05}
escalation:
  low: [{after: 0m, to: first, group: ops}, {after: 10m, to: second, group: ops}]
  repeat: 2
claim: {remind: 60m, release: 30m}
groups:
  ops: {wecom_webhook: env:OPS_ROBOT, keyword: 报警}
"""
_TRIES = 240
_PAUSE = 0.25
"""Seconds: a minute in all, for a machine that has much else to do."""


@dataclass
class Team:
    """The people in their chats, the platforms they read, and the store behind the service."""

    node: Served
    clock: ClockAhead
    wecom: Wecom
    robots: Robots
    store: Store
    numbers: Iterator[int]

    def quote(self, text: str, who: str, words: str = "") -> str:
        """Somebody quotes a message in the group and calls the bot; what everybody reads there."""
        fields = {
            "text": {"content": f"@报警助手 {words}"},
            "quote": {"msgtype": "text", "text": {"content": text}},
        }
        return self._ask_bot(who, fields)

    def say(self, words: str, who: str, chat: str | None = None) -> str:
        """Somebody writes to the bot, alone or in a group, again where it cannot remember; what is read there."""
        answer = ""

        def is_remembered() -> bool:
            nonlocal answer
            answer = self._ask_bot(who, {"text": {"content": f"@报警助手 {words}" if chat else words}}, chat)
            return "记不了事" not in answer

        _until(is_remembered, "nothing is remembered")
        return answer

    def _ask_bot(self, who: str, fields: dict[str, object], chat: str | None = GROUP) -> str:
        number = next(self.numbers)
        push = bot_side.compose(
            "text", BOT, self.clock(), sender=who, nonce=f"n{number}", random16=RANDOM, chat=chat,
            fields={**fields, "from": {"userid": who}}, message_id=f"M{number}==",
        )  # fmt: skip
        accepted = bot_side.accepts(
            self.node.send(push, "/callback/wecom_bot"), "text", BOT, nonce=f"n{number}"
        )
        assert accepted.problem is None
        return accepted.text or ""

    def click(self, key: str, who: str) -> app_side.Accepted:
        """Somebody clicks on the card that the app has sent them; what the button says from then on."""
        return self.event("template_card_event", who, EventKey=key, TaskId="inc-1-1")

    def claim(self, who: str) -> app_side.Accepted:
        """Somebody clicks until the button says that somebody has it."""
        answer = app_side.Accepted()

        def is_said() -> bool:
            nonlocal answer
            answer = self.click("claim:1", who)
            return answer.label is not None

        _until(is_said, "nobody can claim")
        return answer

    def event(self, name: str, who: str, **fields: str) -> app_side.Accepted:
        """WeCom pushes an event of the app."""
        number = next(self.numbers)
        push = app_side.compose(
            name, OURS, self.clock(), sender=who, nonce=f"n{number}", random16=RANDOM, fields=fields
        )
        return app_side.accepts(self.node.send(push, "/callback/wecom"), name, OURS, sender=who)

    def settle(self) -> None:
        """Wait until everything that is due by the clock has gone out."""
        _until(lambda: not self._due(), "something is due that does not go out")

    def wait(self, time: timedelta) -> None:
        """Time passes, a few minutes at once; whatever falls due goes out."""
        self.settle()
        end = self.clock() + time
        while self.clock() < end:
            self.clock.put_forward(min(5 * MINUTE, end - self.clock()))
            self.settle()

    def _due(self) -> list[str]:
        """What is to go out by now, of the messages and the decisions."""
        rows = self.store.outbox.rows([OutgoingState.DUE], 100)
        return [row.key for row in rows if row.due_at <= self.clock()]

    @property
    def called(self) -> list[str]:
        """Who was shown a card with buttons, in order."""
        return [who for who, shown in self.wecom.shown if "button_list" in shown]

    @property
    def labels(self) -> list[str]:
        """What stands on the cards instead of their buttons."""
        return [label for _, label in self.wecom.updated]


def _until(condition: Callable[[], bool], otherwise: str) -> None:
    pause = threading.Event()
    for _ in range(_TRIES):
        if condition():
            return
        pause.wait(_PAUSE)
    pytest.fail(otherwise)


@contextlib.contextmanager
def _team(folder: Path, url: str, given: str) -> Iterator[Team]:
    """A node that asks the database at `given`; the test itself looks at it by `url`."""
    Store.open(url, upgrade=True).close()
    clock = ClockAhead(folder / "clock")
    clock.put_forward(timedelta())
    wecom, robots = Wecom(clock), Robots(clock)
    (folder / "team.yml").write_text(TEAM, encoding="utf-8")
    with wecom.serving(), robots.serving(), closing(Store.open(url)) as store:
        environment = {
            **ENVIRONMENT,
            "TRIAGE_DATABASE_URL": given,
            "TRIAGE_TEAM": str(folder / "team.yml"),
            "TRIAGE_WECOM_AGENTID": str(AGENTID),
            "TRIAGE_WECOM_SECRET": API_SECRET,
            "TRIAGE_WECOM_API_URL": wecom.url,
            "OPS_ROBOT": robots.address("wecom_webhook"),
            "NODE_CLOCK": str(folder / "clock"),
        }
        with serving(folder, environment, program=PROGRAM) as node:
            yield Team(node, clock, wecom, robots, store, count(1))


@pytest.fixture(params=["sqlite", *SERVERS])
def team(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Team]:
    with fresh_database(request.param, tmp_path) as url, _team(tmp_path, url, url) as made:
        yield made


def test_from_the_alert_quoted_in_the_group_to_the_all_clear(team: Team) -> None:
    assert "由李雷值班" in team.say("替班 2小时", "lilei", GROUP)
    assert "先做" in team.quote(CONNECT, "lilei")
    _until(lambda: team.called == ["lilei"], "nobody is called")
    team.wait(9 * MINUTE)
    assert team.called == ["lilei"]
    assert "正在叫：李雷" in team.robots.posted[0]
    assert team.robots.called[0] == ["lilei"]
    team.wait(2 * MINUTE)
    assert team.called == ["lilei", "han"], "nobody has claimed"
    assert "正在叫：韩梅" in team.robots.posted[1]
    assert team.claim("han") == app_side.Accepted(label="韩梅已认领")
    team.wait(25 * MINUTE)
    assert "韩梅" in team.say("状态 1", "lilei"), "seen in the other chat"
    assert team.labels == ["已由韩梅认领"] * 2
    assert "韩梅认领了" in team.robots.posted[2]
    assert team.claim("lilei") == app_side.Accepted(label="韩梅已认领")
    assert "关闭" in team.say("关闭 1 换了证书", "han", GROUP)
    team.wait(2 * timedelta(hours=1))
    assert "关闭了：换了证书" in team.robots.posted[3]
    assert team.called == ["lilei", "han"], "nobody is called after the claim"
    assert len(team.robots.posted) == 4
    told = [shown["content"] for who, shown in team.wecom.shown if who == "lilei" and "content" in shown]
    assert ["韩梅认领了" in text for text in told] == [True, False]
    assert "关闭了" in told[1]
    assert [who for who, _ in team.wecom.shown if who == "han"] == ["han"], "who closes it is not told so"
    assert team.store.outbox.rows([OutgoingState.FAILED, OutgoingState.EXPIRED], 10) == ()


@pytest.mark.parametrize("kind", SERVERS)
def test_the_same_while_the_database_is_cut_off_again_and_again(kind: str, tmp_path: Path) -> None:
    """What falls due meanwhile goes out when the database is back, and once."""
    with fresh_database(kind, tmp_path) as url:
        road = Road(url)
        try:
            with _team(tmp_path, url, road.url) as team:
                _play_with_gaps(team, road)
        finally:
            road.block()


def _play_with_gaps(team: Team, road: Road) -> None:
    road.block()
    checklist = team.quote(CONNECT, "lilei")
    assert "先做" in checklist
    assert "#1" not in checklist
    team.clock.put_forward(3 * MINUTE)
    road.unblock()
    _until(lambda: team.called == ["lilei"], "the alert that came meanwhile calls nobody")
    team.settle()
    road.block()
    team.clock.put_forward(11 * MINUTE)
    refused = team.click("claim:1", "han")
    assert refused.label is None, "nothing is said to be claimed that is not"
    assert team.called == ["lilei"]
    road.unblock()
    _until(lambda: team.called == ["lilei", "han"], "the second level is not called")
    team.settle()
    assert team.claim("han") == app_side.Accepted(label="韩梅已认领")
    road.block()
    team.clock.put_forward(30 * MINUTE)
    road.unblock()
    team.settle()
    assert team.labels == ["已由韩梅认领"] * 2
    assert "韩梅" in team.say("状态 1", "lilei")
    assert "关闭" in team.say("关闭 1 换了证书", "han", GROUP)
    road.block()
    team.clock.put_forward(MINUTE)
    road.unblock()
    team.wait(3 * timedelta(hours=1))
    assert team.called == ["lilei", "han"]
    said = [text.partition("\n")[2] for text in team.robots.posted]
    assert [next(word for word in ("正在叫", "认领了", "关闭了") if word in text) for text in said] == [
        "正在叫", "正在叫", "认领了", "关闭了",
    ]  # fmt: skip
    assert team.wecom.count(SEND) == 4, "two cards, then 李雷 hears of the claim and of the end"


def test_what_wecom_warns_of_reaches_the_leads(team: Team) -> None:
    assert team.event("inactive_alert", "sys", EffectTime="1767196800") == app_side.Accepted()
    _until(lambda: len(team.wecom.shown) == 2, "nobody hears of the warning")
    assert sorted(who for who, _ in team.wecom.shown) == ["han", "lilei"]
    assert all("应用" in str(shown["content"]) for _, shown in team.wecom.shown)
