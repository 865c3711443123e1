"""Several processes on one database, killed and cut off: the same reply to a retry, nothing lost, nothing broken."""

from __future__ import annotations

import contextlib
import http.client
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.support.platform import Platform
from tests.support.road import Road
from tests.support.service import ACCOUNT, ENVIRONMENT, Served, serving
from tests.support.stores import SERVERS, fresh_database
from triage.store import Store, Wanted
from triage.web.callback import PUSH_SECONDS

KINDS = ["sqlite", *SERVERS]
ALERT = """\
Appid: wx014d339f79c92781
昵称: 时令果蔬
时间: 2026-04-21 18:31:00
内容: 微信服务器连接公众号开发者服务器时发生超时，超时时间为5秒
次数: 5分钟 {count}次
错误样例: [3rdUrl=http://wx.example.org/cb][IP=192.0.2.126][Msg=Text]
"""


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database with our schema."""
    with fresh_database(request.param, tmp_path) as made:
        Store.open(made, upgrade=True).close()
        yield made


@contextlib.contextmanager
def _node(folder: Path, url: str, **more: str) -> Iterator[Served]:
    folder.mkdir(exist_ok=True)
    environment = {**ENVIRONMENT, "TRIAGE_DATABASE_URL": url, "TRIAGE_LOG_LEVEL": "error", **more}
    with serving(folder, environment) as served:
        yield served


def _platform(node: Served) -> Platform:
    return Platform(ACCOUNT, node.send, now=datetime.now(UTC))


def test_a_message_retried_on_another_node_gets_the_same_reply(url: str, tmp_path: Path) -> None:
    """The platform pushes every message to both nodes at the same moment, and then once more."""
    with _node(tmp_path / "a", url) as first, _node(tmp_path / "b", url) as second:
        nodes = [_platform(first), _platform(second)]

        def push(job: tuple[int, Platform]) -> tuple[int, str | None]:
            number, platform = job
            exchange = platform.push(
                "text", {"Content": ALERT.format(count=30 + number)}, str(10**9 + number)
            )
            assert exchange.accepted.findings == ()
            return number, exchange.accepted.text

        jobs = [(number, node) for number in range(12) for node in nodes]
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(push, [*jobs, *jobs]))
    for number in range(12):
        assert len({text for which, text in answers if which == number}) == 1
    store = Store.open(url)
    assert len(list(store.export("messages"))) == 12
    assert len(list(store.export("alerts"))) == 12
    (incident,) = store.recent_incidents(datetime(2020, 1, 1, tzinfo=UTC), 9, Wanted(is_confirmed=False))
    assert len(incident.sightings) == 12
    store.close()


def test_after_kill_9_every_message_that_got_a_reply_is_in_the_store(url: str, tmp_path: Path) -> None:
    answered: list[str] = []
    killed = threading.Event()
    with _node(tmp_path / "a", url) as node:
        platform = _platform(node)

        def push(number: int) -> None:
            if killed.is_set():
                return
            with contextlib.suppress(OSError, http.client.HTTPException):
                exchange = platform.push("text", {"Content": ALERT.format(count=number)}, str(number))
                if exchange.response.status == 200 and exchange.accepted.text:
                    answered.append(str(number))
            if len(answered) == 60:
                killed.set()
                node.process.kill()

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(push, range(1, 400)))
        node.process.wait(timeout=10)
    assert len(answered) >= 60
    store = Store.open(url)
    recorded = {row["message_id"] for row in store.export("messages")}
    store.close()
    assert set(answered) <= recorded


@contextlib.contextmanager
def _cut_off(url: str) -> Iterator[tuple[str, Road | sqlite3.Connection]]:
    """The URL to give the service, and what takes the database away behind it."""
    parts = make_url(url)
    if parts.get_backend_name() == "sqlite":
        with contextlib.closing(sqlite3.connect(str(parts.database), isolation_level=None)) as writer:
            yield url, writer
        return
    road = Road(url)
    try:
        yield road.url, road
    finally:
        road.release()
        road.block()


def _take_away(road: Road | sqlite3.Connection) -> None:
    if isinstance(road, sqlite3.Connection):
        road.execute("BEGIN IMMEDIATE")
    else:
        road.block()


def _give_back(road: Road | sqlite3.Connection) -> None:
    if isinstance(road, sqlite3.Connection):
        road.execute("ROLLBACK")
    else:
        road.unblock()


def _say_until_recorded(platform: Platform, url: str) -> None:
    """Alerts go on coming until more than the first one is in the store."""
    back = threading.Event()
    for attempt in range(40):
        platform.say(ALERT.format(count=100 + attempt))
        if _recorded(url) > 1:
            return
        back.wait(0.25)
    pytest.fail("nothing is recorded although the database is back")


def test_while_the_database_is_away_checklists_go_out_and_are_counted(url: str, tmp_path: Path) -> None:
    with _cut_off(url) as (given, road), _node(tmp_path / "a", given) as node:
        platform = _platform(node)
        assert "连接超时" in (platform.say(ALERT.format(count=31)).accepted.text or "")
        _take_away(road)
        for count in (32, 33):
            exchange = platform.say(ALERT.format(count=count))
            assert exchange.response.status == 200
            assert "先做" in (exchange.accepted.text or "")
        counted = node.get("/metrics")
        assert re.search(r"triage_unrecorded_total\S* [1-9]", counted), counted
        _give_back(road)
        _say_until_recorded(platform, url)


@pytest.mark.parametrize("url", SERVERS, indirect=True)
def test_a_server_that_freezes_delays_no_answer_beyond_its_deadline(url: str, tmp_path: Path) -> None:
    with _cut_off(url) as (given, road), _node(tmp_path / "a", given) as node:
        assert isinstance(road, Road)
        platform = _platform(node)
        assert "连接超时" in (platform.say(ALERT.format(count=31)).accepted.text or "")
        road.hold()

        def say(count: int) -> float:
            started = time.monotonic()
            exchange = _platform(node).push("text", {"Content": ALERT.format(count=count)}, str(count))
            assert "先做" in (exchange.accepted.text or "")
            return time.monotonic() - started

        with ThreadPoolExecutor(24) as crowd:  # three times as many as it has threads for the database
            assert max(crowd.map(say, range(40, 88))) < 2 * PUSH_SECONDS  # a queue takes three times as long
        assert "ok" in node.get("/healthz")
        assert "unavailable" in node.get("/readyz")
        road.release()
        _say_until_recorded(platform, url)


def test_an_alert_answered_without_the_database_is_recorded_when_it_is_pushed_again(
    url: str, tmp_path: Path
) -> None:
    with _cut_off(url) as (given, road), _node(tmp_path / "a", given) as node:
        platform = _platform(node)
        platform.say(ALERT.format(count=31))
        _take_away(road)
        for _ in range(2):
            exchange = platform.push("text", {"Content": ALERT.format(count=32)}, "777")
            assert "先做" in (exchange.accepted.text or "")
        _give_back(road)
        back = threading.Event()
        for _ in range(40):
            platform.push("text", {"Content": ALERT.format(count=32)}, "777")
            if _recorded(url) == 2:
                break
            back.wait(0.25)
        assert _recorded(url) == 2


def _recorded(url: str) -> int:
    store = Store.open(url)
    count = len(list(store.export("messages")))
    store.close()
    return count
